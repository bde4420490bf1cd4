package observe

import (
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// A Route counts the exchanges of one route:
//
//	skerry_requests_total{entrypoint,route,class}             by class of the status: "1xx" to "5xx"; "none": no answer
//	skerry_request_duration_seconds{entrypoint,route}         from the beginning to the last byte
//	skerry_request_bytes_total{entrypoint,route}              of request bodies
//	skerry_response_bytes_total{entrypoint,route}             of response bodies
//	skerry_faults_total{entrypoint,route,kind}                by the first thing that failed, also if a stage answered in its place
//
// A plan may have 500,000 routes, most of them idle, so a Route makes its series when they first count something. An
// idle Route costs 48 bytes. BenchmarkRouteMemory says what a used one costs.
type Route struct {
	set               *meter.Set
	entrypoint, route string
	used              atomic.Pointer[series]
}

// series are the metrics of a route that has been used; nil ones have counted nothing yet.
type series struct {
	duration *meter.Histogram
	classes  [6]atomic.Pointer[meter.Counter] // [0]: no answer
	in, out  atomic.Pointer[meter.Counter]
	faults   atomic.Pointer[faults]
}

// faults are by kind; apart from series because most routes never have any.
type faults []atomic.Pointer[meter.Counter]

// RouteMetrics returns the metrics of a route. Two plans that have the same route go on counting in the same series.
func RouteMetrics(set *meter.Set, entrypoint, route string) *Route {
	return &Route{set: set, entrypoint: entrypoint, route: route}
}

var classNames = [6]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Exchange counts x, which ended at end.
func (r *Route) Exchange(x *exchange.Exchange, end time.Time) {
	s := r.used.Load()
	if s == nil {
		s = r.use()
	}
	class := x.Resp.Status / 100
	if class < 0 || class >= len(classNames) {
		class = 0
	}
	requests := s.classes[class].Load()
	if requests == nil {
		requests = r.counter(&s.classes[class], "skerry_requests_total", "Exchanges by class of the status code.", "class", classNames[class])
	}
	requests.Inc()
	s.duration.Observe(max(end.Sub(x.Now), 0))
	if n := x.Facts.Entry.BytesIn; n > 0 {
		c := s.in.Load()
		if c == nil {
			c = r.counter(&s.in, "skerry_request_bytes_total", "Bytes of request bodies.")
		}
		c.Add(uint64(n))
	}
	if n := x.Facts.Entry.BytesOut; n > 0 {
		c := s.out.Load()
		if c == nil {
			c = r.counter(&s.out, "skerry_response_bytes_total", "Bytes of response bodies.")
		}
		c.Add(uint64(n))
	}
	if x.Cause != nil {
		r.fault(s, fault.Of(x.Cause))
	}
}

func (r *Route) fault(s *series, kind fault.Kind) {
	byKind := s.faults.Load()
	if byKind == nil {
		made := make(faults, len(fault.Kinds()))
		s.faults.CompareAndSwap(nil, &made)
		byKind = s.faults.Load()
	}
	c := (*byKind)[kind].Load()
	if c == nil {
		c = r.counter(&(*byKind)[kind], "skerry_faults_total", "Exchanges in which something failed, by kind.", "kind", kind.Name())
	}
	c.Inc()
}

// use makes what every used route needs. Two exchanges that race get the same series from the set.
func (r *Route) use() *series {
	made := &series{duration: r.set.Histogram("skerry_request_duration_seconds", "Duration of exchanges, from the beginning to the last byte.",
		"entrypoint", r.entrypoint, "route", r.route)}
	r.used.CompareAndSwap(nil, made)
	return r.used.Load()
}

// counter makes a counter of the route and keeps it in slot.
func (r *Route) counter(slot *atomic.Pointer[meter.Counter], name, help string, extra ...string) *meter.Counter {
	labels := append([]string{"entrypoint", r.entrypoint, "route", r.route}, extra...)
	c := r.set.Counter(name, help, labels...)
	slot.Store(c)
	return c
}
