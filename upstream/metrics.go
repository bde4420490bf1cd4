package upstream

import (
	"sync/atomic"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// lazyCounter makes its series when it first counts: most services never need most of them. Two that race get the same
// counter from the set.
type lazyCounter struct{ made atomic.Pointer[meter.Counter] }

func (l *lazyCounter) inc(make func() *meter.Counter) {
	c := l.made.Load()
	if c == nil {
		c = make()
		l.made.Store(c)
	}
	c.Inc()
}

// counter makes a series of the service. A request that ends after its service makes one that nobody sees: it would stay for ever.
func (s *service) counter(name, help string, labels ...string) *meter.Counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.make(s.closed, name, help, labels)
}

// counter is the same for an endpoint, which may leave before its service.
func (ep *endpoint) counter(name, help string, labels ...string) *meter.Counter {
	s := ep.service
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.make(s.closed || ep.gone, name, help, labels)
}

func (s *service) make(gone bool, name, help string, labels []string) *meter.Counter {
	if gone {
		return new(meter.Counter)
	}
	return s.keeper.opt.Meters.Counter(name, help, labels...)
}

// metrics are those of a service as a whole.
type metrics struct {
	make    func(name, help string, labels ...string) *meter.Counter
	service string
	retries [reasonsMax]lazyCounter
	refused [reasonsMax]lazyCounter
	hedges  [hedgesMax]lazyCounter
	tripped [spec.Classes]lazyCounter
	picks   [picksMax]lazyCounter
}

const (
	reasonsMax = int(exchange.ReasonWhole) + 1
	hedgesMax  = int(exchange.HedgeWon) + 1
	picksMax   = 4 // bits of exchange.Picked
)

// retried counts a try beyond the first.
func (m *metrics) retried(why exchange.Reason) {
	m.retries[why].inc(func() *meter.Counter {
		return m.make("skerry_retries_total", "Tries beyond the first, by their reason.", "service", m.service, "reason", why.String())
	})
}

// notRetried counts a try that was wanted and not made.
func (m *metrics) notRetried(why exchange.Reason) {
	m.refused[why].inc(func() *meter.Counter {
		return m.make("skerry_retries_refused_total", "Tries that were wanted and not made, by the reason.", "service", m.service, "reason", why.String())
	})
}

// picked counts how an endpoint was chosen, where that is more than the algorithm.
func (m *metrics) picked(how exchange.Picked) {
	for i := range picksMax {
		bit := how & (1 << i)
		if bit == 0 {
			continue
		}
		m.picks[i].inc(func() *meter.Counter {
			return m.make("skerry_picks_total", "Choices of an endpoint by more than the algorithm: a sticky cookie, a failover from one, a panic, a spill into a farther locality.",
				"service", m.service, "how", string(bit.Append(nil)))
		})
	}
}

// broken counts a request that the breaker refused, beside those that admission's gate sheds.
func (m *metrics) broken(class spec.Class) {
	m.tripped[class.Rank()].inc(func() *meter.Counter {
		return m.make("skerry_service_shed_total", "Requests refused because their service had no place for them, by class and by why.",
			"service", m.service, "class", string(class), "why", exchange.ReasonBreaker.String())
	})
}

// hedged counts what became of a hedge.
func (m *metrics) hedged(outcome exchange.HedgeOutcome) {
	m.hedges[outcome].inc(func() *meter.Counter {
		return m.make("skerry_hedges_total", "Second requests sent because the first was slow, by whether they won.", "service", m.service, "outcome", outcome.String())
	})
}

// failures are the counters of an endpoint by kind of fault; the last is of statuses.
type failures []lazyCounter

// count counts a try that brought no valid response.
func (ep *endpoint) count(kind fault.Kind) { ep.countAs(int(kind), kind.Name()) }

func (ep *endpoint) countAs(slot int, name string) {
	byKind := ep.failures.Load()
	if byKind == nil {
		made := make(failures, len(fault.Kinds())+1)
		ep.failures.CompareAndSwap(nil, &made)
		byKind = ep.failures.Load()
	}
	(*byKind)[slot].inc(func() *meter.Counter {
		return ep.counter("skerry_endpoint_failures_total", "Tries that brought no valid response, or 500, 502, 503 or 504 (status), by what was wrong.",
			"service", ep.service.name, "endpoint", ep.label, "kind", name)
	})
}
