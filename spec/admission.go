package spec

import "time"

// This file is the table of what bounds the requests to a service: retryBudget, concurrency and breaker.

type retryBudgetDoc struct {
	share     val[float64]
	perSecond val[int]
}

var defaultRetryBudget = RetryBudget{Share: 0.2, PerSecond: 10}

var retryBudget = modelled(object[retryBudgetDoc]{
	name: "retryBudget", doc: "How many tries beyond the first all requests to a service may have together, on each node.",
	fields: []field[*retryBudgetDoc]{
		rowOr("share", func(b *retryBudgetDoc) *val[float64] { return &b.share }, share, defaultRetryBudget.Share,
			"Their share of the requests, from 0 to 1."),
		rowOr("perSecond", func(b *retryBudgetDoc) *val[int] { return &b.perSecond }, whole(0, rateMax), defaultRetryBudget.PerSecond,
			"So many a second may always be made: where requests are few, a share of them would be none."),
	},
}.shape(),
	func(d retryBudgetDoc) RetryBudget { return RetryBudget{d.share.V, d.perSecond.V} },
	func(b RetryBudget) retryBudgetDoc { return retryBudgetDoc{said(b.Share), said(b.PerSecond)} },
)

type concurrencyDoc struct {
	max         val[int]
	adaptive    val[Switch]
	min         val[int]
	perEndpoint val[int]
	queue       val[int]
	queueTime   val[time.Duration]
}

// What an adaptive limit may be if nothing is said.
const (
	adaptiveMax = 1000
	adaptiveMin = 4
)

var concurrency = switched(modelled(object[concurrencyDoc]{
	name: "concurrency", doc: "How many requests may be open at a service on each node; others wait, the higher classes before the lower, or get 503.",
	fields: []field[*concurrencyDoc]{
		row("max", func(c *concurrencyDoc) *val[int] { return &c.max }, whole(1, openMax),
			"How many at most: 1000 with adaptive, if left out."),
		rowOr("adaptive", func(c *concurrencyDoc) *val[Switch] { return &c.adaptive }, onOff, false,
			"Whether the limit is found between min and max, from the service's latency."),
		row("min", func(c *concurrencyDoc) *val[int] { return &c.min }, whole(1, openMax),
			"How low an adaptive limit may go: 4, or max if that is less, if left out."),
		rowOr("perEndpoint", func(c *concurrencyDoc) *val[int] { return &c.perEndpoint }, orOff(whole(1, openMax)), 0,
			"How many may be open at one endpoint; another one takes what is beyond."),
		rowOr("queue", func(c *concurrencyDoc) *val[int] { return &c.queue }, whole(0, queueMax), 100,
			"How many requests may wait for a place; 0: none."),
		rowOr("queueTime", func(c *concurrencyDoc) *val[time.Duration] { return &c.queueTime }, duration(time.Millisecond, time.Minute), time.Second,
			"How long one may wait."),
	},
	check: checkConcurrency,
}.shape(), concurrencyModel, concurrencyDocOf), func(c Concurrency) bool { return !c.On() && c.PerEndpoint == 0 }, false)

func checkConcurrency(l *log, at Pos, c *concurrencyDoc) {
	adaptive := bool(c.adaptive.V) || c.adaptive.given() && !c.adaptive.Set // a broken one may be meant as on
	switch most := c.max.V; {
	case c.min.given() && !adaptive:
		l.refuse(c.min.At, "add `adaptive: on`, or remove it", "min is how low an adaptive limit may go, and this one is not adaptive")
	case !c.max.given() && c.min.V > adaptiveMax:
		l.refuse(c.min.At, "add a `max`", "min is %d, above max, which is %d if left out", c.min.V, adaptiveMax)
	case c.max.Set && c.min.V > most:
		l.refuse(c.min.At, "", "min is %d, above max, which is %d", c.min.V, most)
	}
	if c.max.given() || adaptive {
		return
	}
	const fix = "add `max: NUMBER` or `adaptive: on`"
	if c.perEndpoint.V == 0 && (c.perEndpoint.Set || !c.perEndpoint.given()) {
		l.refuse(at, fix+", or write `concurrency: off`", "the concurrency bounds nothing")
		return
	}
	for _, f := range []struct {
		name  string
		at    Pos
		given bool
	}{{"queue", c.queue.At, c.queue.given()}, {"queueTime", c.queueTime.At, c.queueTime.given()}} {
		if f.given {
			l.refuse(f.at, fix+", or remove it", "%s is for requests beyond the bound of a service, and this one has none", f.name)
		}
	}
}

// concurrencyModel leaves empty what has no meaning beside the rest, so that the same bound is the same value.
func concurrencyModel(d concurrencyDoc) Concurrency {
	c := Concurrency{Max: d.max.V, Adaptive: bool(d.adaptive.V), PerEndpoint: d.perEndpoint.V}
	if c.Adaptive {
		if !d.max.Set {
			c.Max = adaptiveMax
		}
		c.Min = min(adaptiveMin, c.Max)
		if d.min.Set {
			c.Min = d.min.V
		}
	}
	if c.On() {
		c.Queue, c.QueueTime = d.queue.V, d.queueTime.V
	}
	return c
}

func concurrencyDocOf(c Concurrency) concurrencyDoc {
	return concurrencyDoc{
		max: saidIf(c.Max, c.Max > 0), adaptive: said(Switch(c.Adaptive)), min: saidIf(c.Min, c.Adaptive),
		perEndpoint: said(c.PerEndpoint), queue: saidIf(c.Queue, c.On()), queueTime: saidIf(c.QueueTime, c.On()),
	}
}

type breakerDoc struct {
	share        val[float64]
	requests     val[int]
	window, open val[time.Duration]
}

var breaker = switched(modelled(object[breakerDoc]{
	name: "breaker", doc: "Requests get 503 at once while a service fails as a whole, but for a few that find out whether it is back.",
	fields: []field[*breakerDoc]{
		rowOr("share", func(b *breakerDoc) *val[float64] { return &b.share }, shareAbove0, 0.5, "The share of failures that opens it, above 0."),
		rowOr("requests", func(b *breakerDoc) *val[int] { return &b.requests }, whole(1, rateMax), 20,
			"How many requests there must have been in the window."),
		rowOr("window", func(b *breakerDoc) *val[time.Duration] { return &b.window }, duration(time.Second, 10*time.Minute), 10*time.Second,
			"The time over which failures are counted."),
		rowOr("open", func(b *breakerDoc) *val[time.Duration] { return &b.open }, duration(100*time.Millisecond, 10*time.Minute), 5*time.Second,
			"How long it stays open until a few requests are let through."),
	},
}.shape(),
	func(d breakerDoc) Breaker { return Breaker{d.share.V, d.requests.V, d.window.V, d.open.V} },
	func(b Breaker) breakerDoc {
		return breakerDoc{said(b.Share), said(b.Requests), said(b.Window), said(b.Open)}
	},
), func(b Breaker) bool { return b.Share == 0 }, false, true)
