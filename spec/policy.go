package spec

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// policyDoc is Policy as a document says it.
type policyDoc struct {
	log         val[Switch]
	trace       val[Trace]
	requestID   val[Switch]
	forwarded   val[Forwarded]
	tls         val[TLS]
	redirect    val[PlainHTTP]
	hsts        val[HSTS]
	cors        val[CORS]
	limit       val[Limit]
	headMax     val[Size]
	bodyMax     val[Size]
	compress    val[Compress]
	errors      val[Errors]
	errorPages  val[[]ErrorPage]
	maintenance val[Maintenance]
	path        val[PathForm]
	websocket   val[Switch]
	streamAge   val[time.Duration]
	retry       val[Retry]
	hedge       val[Hedge]
	priority    val[Priority]
	methods     val[[]string]
	waf         val[wafDoc]
	cache       val[cacheDoc]
	headers     val[headersDoc]
}

// policyPart is the policy inside another document. Most routes say nothing of it, and have none.
type policyPart struct{ said *policyDoc }

func (p *policyPart) doc() *policyDoc {
	if p.said == nil {
		p.said = &policyDoc{}
	}
	return p.said
}

type headersDoc struct{ request, response val[editsDoc] }

type editsDoc struct {
	set, defaults val[[]val[Pair]]
	remove        val[[]val[string]]
}

// A policyRow is a field of the policy, and how it gets into the model and back. Firewall, cache and headers are no such rows:
// they are merged field by field, and name by name.
type policyRow struct {
	field[*policyDoc]
	whole string                     // of an entrypoint as a whole, never of a route: why
	get   func(*Policy) any          // a pointer to the value; nil: there is none
	put   func(p *Policy, value any) // a copy of what the pointer points at
}

func say[V any](name string, at func(*policyDoc) *val[V], in func(*Policy) **V, is shape[V], doc string) policyRow {
	return policyRow{
		field: row(name, at, is, doc),
		get: func(p *Policy) any {
			if v := *in(p); v != nil {
				return v
			}
			return nil
		},
		put: func(p *Policy, value any) {
			v := *value.(*V)
			*in(p) = &v
		},
	}
}

// set says whether a document sets the value, and where.
func (r policyRow) set(d *policyDoc) (Pos, bool) {
	c := r.at(d)
	return c.At, c.Set
}

// same says whether it is one value in memory: settling copies no value that nobody said.
func (r policyRow) same(a, b *Policy) bool { return r.get(a) == r.get(b) }

func (r policyRow) take(from *policyDoc, into *Policy) { r.put(into, r.at(from).v) }

func (r policyRow) tell(from *Policy, into *policyDoc) {
	if v := r.get(from); v != nil {
		c := r.at(into)
		assign(c.v, v)
		*c.mark = mark{Set: true}
	}
}

// brief is the value on one line.
func (r policyRow) brief(d *policyDoc) string { return r.is.line(r.at(d).v) }

// notOnRoute marks a row that holds for every route of an entrypoint.
func (r policyRow) notOnRoute(why string) policyRow {
	r.whole = why
	return r
}

// policyRows is the table of the policy, in the order in which documents are formatted and explained.
var policyRows = []policyRow{
	say("log", func(d *policyDoc) *val[Switch] { return &d.log }, func(p *Policy) **Switch { return &p.Log }, onOff,
		"Whether each exchange is logged as one event."),
	say("trace", func(d *policyDoc) *val[Trace] { return &d.trace }, func(p *Policy) **Trace { return &p.Trace }, trace,
		"Whether the service gets a W3C trace context, begun at the edge, and which share of exchanges become spans."),
	say("requestID", func(d *policyDoc) *val[Switch] { return &d.requestID }, func(p *Policy) **Switch { return &p.RequestID }, onOff,
		"Whether X-Request-Id is set towards the service and on the response."),
	say("forwarded", func(d *policyDoc) *val[Forwarded] { return &d.forwarded }, func(p *Policy) **Forwarded { return &p.Forwarded },
		oneOf(ForwardedSet, ForwardedStandard, ForwardedBoth, ForwardedRemove, ForwardedKeep),
		"Which of its own the edge sends to the service: set X-Forwarded-*, standard Forwarded (RFC 7239), both, or remove all; keep sends what the client sent (only behind another trusted proxy)."),
	say("tls", func(d *policyDoc) *val[TLS] { return &d.tls }, func(p *Policy) **TLS { return &p.TLS }, tlsPolicy,
		"What a TLS handshake must have.").notOnRoute("it holds for connections, which know no routes"),
	say("redirect", func(d *policyDoc) *val[PlainHTTP] { return &d.redirect }, func(p *Policy) **PlainHTTP { return &p.Redirect },
		oneOf(PlainToHTTPS, PlainServed),
		"What plain HTTP gets where the edge also serves HTTPS: a redirect to https, or off, the same as over HTTPS.").notOnRoute("a route's redirect is where it goes"),
	say("hsts", func(d *policyDoc) *val[HSTS] { return &d.hsts }, func(p *Policy) **HSTS { return &p.HSTS }, hsts,
		"Whether browsers are told to come back by HTTPS only.").notOnRoute("it holds for whole hosts"),
	say("cors", func(d *policyDoc) *val[CORS] { return &d.cors }, func(p *Policy) **CORS { return &p.CORS }, cors,
		"Which pages of other origins may call; the edge answers their preflights."),
	say("limit", func(d *policyDoc) *val[Limit] { return &d.limit }, func(p *Policy) **Limit { return &p.Limit }, limit,
		"How many requests a client address may send; others get 429."),
	say("headMax", func(d *policyDoc) *val[Size] { return &d.headMax }, func(p *Policy) **Size { return &p.HeadMax }, size(headMaxLeast, headMaxMost),
		"The largest request head, in bytes, KB or MB; larger ones get 431."),
	say("bodyMax", func(d *policyDoc) *val[Size] { return &d.bodyMax }, func(p *Policy) **Size { return &p.BodyMax }, orOff(size(1, bodyMaxMost)),
		"The largest request body, in bytes, KB, MB or GB, larger ones get 413; of gRPC calls over HTTP/2, which may send messages all day, the largest message; off: no limit."),
	say("compress", func(d *policyDoc) *val[Compress] { return &d.compress }, func(p *Policy) **Compress { return &p.Compress }, compress,
		"Whether the edge compresses answers."),
	say("errors", func(d *policyDoc) *val[Errors] { return &d.errors }, func(p *Policy) **Errors { return &p.Errors },
		oneOf(ErrorsAuto, ErrorsHTML, ErrorsProblem),
		"The form of the edge's own error answers: html, problem (RFC 9457), or auto by what the client accepts. Calls of gRPC always get gRPC's own."),
	say("errorPages", func(d *policyDoc) *val[[]ErrorPage] { return &d.errorPages }, func(p *Policy) **[]ErrorPage { return &p.ErrorPages }, errorPages,
		"HTML of your own for the edge's error answers, by status."),
	say("maintenance", func(d *policyDoc) *val[Maintenance] { return &d.maintenance }, func(p *Policy) **Maintenance { return &p.Maintenance }, maintenance,
		"Whether everybody but a few gets 503."),
	say("path", func(d *policyDoc) *val[PathForm] { return &d.path }, func(p *Policy) **PathForm { return &p.Path },
		oneOf(PathNormal, PathRaw),
		"The path that the service gets: the normal form that was matched, or raw as the client sent it if both match the same route."),
	say("websocket", func(d *policyDoc) *val[Switch] { return &d.websocket }, func(p *Policy) **Switch { return &p.WebSocket }, onOff,
		"Whether a connection may be upgraded to a WebSocket."),
	say("streamAge", func(d *policyDoc) *val[time.Duration] { return &d.streamAge }, func(p *Policy) **time.Duration { return &p.StreamAge },
		orOff(duration(time.Second, streamAgeMax)),
		"How old a stream may get: an answer whose body still comes (events, gRPC, a long download) or a WebSocket is ended then; off: no limit."),
	say("retry", func(d *policyDoc) *val[Retry] { return &d.retry }, func(p *Policy) **Retry { return &p.Retry }, retry,
		"Whether another endpoint is asked when one fails, within the retryBudget of the Service."),
	say("hedge", func(d *policyDoc) *val[Hedge] { return &d.hedge }, func(p *Policy) **Hedge { return &p.Hedge }, hedge,
		"Whether a second endpoint is asked when the first is slow, for idempotent requests without a body."),
	say("priority", func(d *policyDoc) *val[Priority] { return &d.priority }, func(p *Policy) **Priority { return &p.Priority }, priority,
		"Who is served first when a service is at its limit: critical, high, normal or low."),
	say("methods", func(d *policyDoc) *val[[]string] { return &d.methods }, func(p *Policy) **[]string { return &p.Methods },
		methodList,
		"The allowed methods, others get 405; empty: all but TRACE and CONNECT."),
}

var methodList = sortedSet(bare(listOf(words(method, map[string]any{"pattern": "^[A-Z-]+$"}), conditionsMax)))

// sortedSet drops what stands twice and the order, which mean nothing.
func sortedSet[T cmp.Ordered](is shape[[]T]) shape[[]T] {
	return is.then(func(_ *log, _ *node, vs *[]T) bool {
		slices.Sort(*vs)
		*vs = slices.Compact(*vs)
		return true
	})
}

// policyFields are the rows of the policy, firewall, cache and headers among them; routeFields those that a route may have.
var (
	wafField = row("waf", func(d *policyDoc) *val[wafDoc] { return &d.waf }, waf,
		"The firewall (OWASP Core Rule Set): block, detect, off, or more of it; merged field by field, the nearest to the route wins.")
	wafRouteField = row("waf", func(d *policyDoc) *val[wafDoc] { return &d.waf }, wafOnRoute, wafField.doc)
	cacheField    = row("cache", func(d *policyDoc) *val[cacheDoc] { return &d.cache }, cache,
		"What is stored of answers: private, standard, off, or more of it; merged field by field, the nearest to the route wins.")
	headersField = row("headers", func(d *policyDoc) *val[headersDoc] { return &d.headers }, headers.shape(),
		"Header fields that are set, defaulted and removed, in both directions; merged name by name, the nearest to the route wins.")
	policyFields = append(fieldsOf(policyRows, false), wafField, cacheField, headersField)
	routeFields  = append(fieldsOf(policyRows, true), wafRouteField, cacheField, headersField)
)

func fieldsOf(rows []policyRow, ofRoute bool) (out []field[*policyDoc]) {
	for _, r := range rows {
		if !ofRoute || r.whole == "" {
			out = append(out, r.field)
		}
	}
	return out
}

// onEntrypoint is what to do with a portability that stands elsewhere.
const onEntrypoint = "write it in the Entrypoint, or write `allow` in the AWS document for all of them"

// notOnRoutes says for each field of a policy that a route cannot have where it belongs.
func notOnRoutes() map[string]string {
	out := map[string]string{"portability": onEntrypoint}
	for _, r := range policyRows {
		if r.whole != "" {
			out[r.name] = "write it in the Entrypoint: " + r.whole
		}
	}
	return out
}

var headers = object[headersDoc]{
	name: "headers", doc: "Edits of header fields.",
	fields: []field[*headersDoc]{
		row("request", func(h *headersDoc) *val[editsDoc] { return &h.request }, edits.shape(), "Edits of what the service gets."),
		row("response", func(h *headersDoc) *val[editsDoc] { return &h.response }, edits.shape(), "Edits of what the client gets."),
	},
}

var (
	nameInSchema = map[string]any{"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "maxLength": 256}
	editedName   = words(editName, nameInSchema)
	headerName   = words(fieldName, nameInSchema)
	headerValue  = words(fieldValue, map[string]any{"maxLength": textBytesMax})
)

var edits = object[editsDoc]{
	name: "edits", doc: "Edits in one direction; a name stands in one of them only.",
	fields: []field[*editsDoc]{
		row("set", func(e *editsDoc) *val[[]val[Pair]] { return &e.set },
			pairsOf("set", editedName, headerValue, true, editsMax),
			"Fields to set: name and value; each replaces every field of its name."),
		row("default", func(e *editsDoc) *val[[]val[Pair]] { return &e.defaults },
			pairsOf("default", editedName, headerValue, true, editsMax),
			"Fields to set where there is none of the name: name and value."),
		row("remove", func(e *editsDoc) *val[[]val[string]] { return &e.remove }, listOf(editedName, editsMax),
			"Names of fields to remove."),
	},
	check: checkEdits,
}

func checkEdits(l *log, _ Pos, e *editsDoc) {
	seen := map[string]string{}
	for _, p := range e.set.V {
		if p.Set {
			seen[strings.ToLower(p.V.Name)] = "set"
		}
	}
	for _, p := range e.defaults.V {
		if !p.Set {
			continue
		}
		if name := strings.ToLower(p.V.Name); seen[name] != "" {
			l.refuse(p.At, "remove it from one of them; set alone replaces every field of that name", "%q is both set and defaulted", p.V.Name)
		} else {
			seen[name] = "defaulted"
		}
	}
	for _, r := range e.remove.V {
		switch what := seen[strings.ToLower(r.V)]; {
		case !r.Set || what == "":
		case what == "set":
			l.refuse(r.At, "remove it from one of them; set alone replaces every field of that name", "%q is both set and removed", r.V)
		default:
			l.refuse(r.At, "remove it from one of them; set replaces every field of that name", "%q is both defaulted and removed", r.V)
		}
	}
}
