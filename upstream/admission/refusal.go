package admission

import (
	"fmt"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Meters says where the series of one service go. Without a Set nothing is counted. All series have the label service, so that
// meter.Set.Drop forgets them together when the service is gone; gauges are read at scrape time and cost nothing between.
type Meters struct {
	Set     *meter.Set
	Service string // its name; it also stands in the text of errors
}

// gauge registers a gauge of the service.
func (m *Meters) gauge(name, help string, f func() float64) {
	if m.Set != nil {
		m.Set.Func(name, help, f, "service", m.Service)
	}
}

// outcome is how a request's way to a place ended.
type outcome uint8

const (
	granted   outcome = iota
	full              // no place, and none in the queue
	displaced         // a request of a better class took its place in the queue
	late              // it waited for queueTime
	whole             // its own deadline passed
	gone              // its client left
	outcomes
)

// refusals are the errors of a gate, made ahead of time, and the counters of what it sheds.
type refusals struct {
	errs [outcomes]*fault.Error
	shed [outcomes][spec.Classes]*meter.Counter // nil: not counted
}

// whys are the values of the label why of what is shed. A client that left was not shed.
var whys = [outcomes]string{
	full: exchange.ReasonQueue.String(), displaced: "displaced", late: exchange.ReasonWait.String(), whole: exchange.ReasonWhole.String(),
}

// classes are the values of the label class, by rank.
var classes = [spec.Classes]spec.Class{spec.ClassCritical, spec.ClassHigh, spec.ClassNormal, spec.ClassLow}

func newRefusals(c *spec.Concurrency, m *Meters) (r refusals) {
	bound := fmt.Sprintf("%d open requests (concurrency.max)", c.Max)
	if c.Adaptive {
		bound = fmt.Sprintf("as many open requests as its latency allows (concurrency.adaptive, %d to %d by concurrency.min and max)", c.Min, c.Max)
	}
	busy := "service " + m.Service + " has " + bound
	r.errs[full] = fault.New(fault.OriginBusy, fmt.Sprintf("%s, and the %d that may wait for a place are there (concurrency.queue)", busy, c.Queue))
	r.errs[displaced] = fault.New(fault.OriginBusy, fmt.Sprintf("%s, and of the %d that may wait (concurrency.queue) this one gave way to a request of a better class (priority)", busy, c.Queue))
	r.errs[late] = fault.New(fault.OriginBusy, fmt.Sprintf("%s, and no place came free in %v (concurrency.queueTime)", busy, c.QueueTime))
	r.errs[whole] = fault.New(fault.OriginTimeout, fmt.Sprintf("%s, and no place came free before the request's time was over (timeouts.whole)", busy))
	r.errs[gone] = fault.New(fault.ClientGone, "the client left while the request waited for a place at service "+m.Service)
	if m.Set == nil {
		return r
	}
	for o, why := range whys {
		if why == "" {
			continue
		}
		for rank, class := range classes {
			r.shed[o][rank] = m.Set.Counter("skerry_service_shed_total", "Requests refused because their service had no place for them, by class and by why.",
				"service", m.Service, "class", string(class), "why", why)
		}
	}
	return r
}

// refuse counts and returns the error of an outcome; nil for a request that has its place.
func (r *refusals) refuse(o outcome, rank int) error {
	if o == granted {
		return nil
	}
	if c := r.shed[o][rank]; c != nil {
		c.Inc()
	}
	return r.errs[o]
}

// reason is what facts say of an outcome.
func (r *refusals) reason(err error) exchange.Reason {
	e, _ := err.(*fault.Error)
	switch {
	case e == nil:
		return exchange.ReasonNone
	case e == r.errs[full], e == r.errs[displaced]:
		return exchange.ReasonQueue
	case e == r.errs[late]:
		return exchange.ReasonWait
	case e == r.errs[whole]:
		return exchange.ReasonWhole
	}
	return exchange.ReasonNone
}

// RetryAfter is the value of Retry-After (RFC 9110 section 10.2.3) for a refused request, in seconds: never less than
// least, nor than one, and spread over half as long again or retrySpread seconds, whichever is longer, so that those who were
// refused together do not come back together. random is any 64 random bits.
func RetryAfter(least time.Duration, random uint64) int64 {
	seconds := max(1, int64((max(0, least)+time.Second-1)/time.Second))
	spread := uint64(max(retrySpread, seconds/2))
	return seconds + int64(random%(spread+1))
}
