package spec

import "time"

// This file is the table of what a policy says of how a service is asked: retry, hedge and priority.

type retryDoc struct {
	tries          val[int]
	statuses       val[[]int]
	idempotencyKey val[Switch]
}

var retry = switchedTo(Retry{Tries: 1}, modelled(object[retryDoc]{
	name: "retry", doc: "When another endpoint is asked, as far as a request may be sent again at all (RFC 9110 section 9.2.2).",
	fields: []field[*retryDoc]{
		rowOr("tries", func(r *retryDoc) *val[int] { return &r.tries }, whole(2, triesMax), 3,
			"How many endpoints are asked at most, the first included; none is asked twice."),
		rowOr("statuses", func(r *retryDoc) *val[[]int] { return &r.statuses }, retriedStatuses, []int{502, 503},
			"The answers after which another endpoint is asked, for safe methods: of 429, 500, 502, 503 and 504. Empty: every answer is passed on."),
		rowOr("idempotencyKey", func(r *retryDoc) *val[Switch] { return &r.idempotencyKey }, onOff, false,
			"Whether a POST or PATCH with an Idempotency-Key may be sent again as a PUT may: only if every service of the route heeds the key."),
	},
}.shape(),
	func(d retryDoc) Retry { return Retry{d.tries.V, d.statuses.V, bool(d.idempotencyKey.V)} },
	func(r Retry) retryDoc {
		return retryDoc{said(r.Tries), said(r.Statuses), said(Switch(r.IdempotencyKey))}
	},
), func(r Retry) bool { return r.Tries < 2 }, false, true)

var retriedStatuses = sortedSet(bare(listOf(numberOf(429, 500, 502, 503, 504), conditionsMax)))

type hedgeDoc struct{ after val[time.Duration] }

var hedge = switched(modelled(object[hedgeDoc]{
	name: "hedge", doc: "A second endpoint is asked when the first is slow; the first answer to begin is passed on, the other one given up.",
	fields: []field[*hedgeDoc]{
		row("after", func(h *hedgeDoc) *val[time.Duration] { return &h.after }, duration(time.Millisecond, time.Minute),
			"How long the first endpoint has alone: about what 19 of 20 answers need, so that few requests are sent twice.").needed(),
	},
}.shape(),
	func(d hedgeDoc) Hedge { return Hedge{d.after.V} },
	func(h Hedge) hedgeDoc { return hedgeDoc{said(h.After)} },
), func(h Hedge) bool { return h.After == 0 }, false)

type priorityDoc struct{ class, crawlers val[Class] }

var class = oneOf(ClassCritical, ClassHigh, ClassNormal, ClassLow)

var priority = worded(modelled(object[priorityDoc]{
	name: "priority", doc: "Who is served first when a service is at its limit: critical before high, normal and low.",
	fields: []field[*priorityDoc]{
		rowOr("class", func(p *priorityDoc) *val[Class] { return &p.class }, class, ClassNormal, "The class of the requests."),
		rowOr("crawlers", func(p *priorityDoc) *val[Class] { return &p.crawlers }, class, ClassLow,
			"The class of those whose User-Agent says that they are a crawler's."),
	},
}.shape(),
	func(d priorityDoc) Priority { return Priority{d.class.V, d.crawlers.V} },
	func(p Priority) priorityDoc { return priorityDoc{said(p.Class), said(p.Crawlers)} },
), "class", class)
