package mirror

import (
	"fmt"
	"math/rand/v2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Stage copies requests of a route. New makes it.
type Stage struct {
	service string
	least   uint64 // a random number below it is chosen
	all     bool   // every request is
	bodyMax int64  // bytes
	tail    *exchange.Path
	keep    *Keeper

	answered, failed, busy, unfit *meter.Counter
}

// New returns the stage that copies a share of the requests to m.Service, nil if m is nil or the share 0. tail is the way of
// a copy: the stage that asks the service, which must neither try twice nor hedge. Nobody sees what tail renders of faults.
// It runs on exchanges without a connection, whose Facts.Entry says that there is no log event.
func New(m *spec.Mirror, tail *exchange.Path, keep *Keeper) (*Stage, []fault.Problem) {
	if m == nil {
		return nil, nil
	}
	switch {
	case !(m.Share >= 0 && m.Share <= 1):
		return nil, []fault.Problem{{Text: fmt.Sprintf("mirror.share: %v is no share", m.Share), Fix: "use a number from 0 to 1"}}
	case m.BodyMax < 0 || m.BodyMax > bodyMaxMost:
		return nil, []fault.Problem{{Text: fmt.Sprintf("mirror.bodyMax: %d bytes are not between 0 and %d: bodies are copied in memory", m.BodyMax, bodyMaxMost), Fix: "lower it; requests with a larger body are not mirrored"}}
	case m.Share == 0:
		return nil, nil
	}
	s := &Stage{service: m.Service.Meta.Name, all: m.Share == 1, bodyMax: int64(m.BodyMax), tail: tail, keep: keep}
	if !s.all {
		s.least = uint64(m.Share * (1 << 64))
	}
	count := func(outcome string) *meter.Counter {
		return keep.set.Counter("skerry_mirrored_total", "Requests chosen to be copied to a second service, by outcome.", "service", s.service, "outcome", outcome)
	}
	s.answered, s.failed, s.busy, s.unfit = count("answered"), count("failed"), count("dropped_busy"), count("dropped_body")
	return s, nil
}

// Name is "mirror".
func (s *Stage) Name() string { return "mirror" }

// Request sends a copy on its way, if it is the request's turn, and goes on. It waits only for a body that is to be copied.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	if !s.all && rand.Uint64() >= s.least {
		return exchange.Next
	}
	r := &x.Req
	switch {
	case r.Upgrade != nil: // what follows it is no answer that could be thrown away
		return exchange.Next
	case r.Body == nil:
		if s.place() {
			s.send(x, nil, false)
		}
		return exchange.Next
	case r.ExpectContinue || r.Body.Size() < 0 || r.Body.Size() > s.bodyMax:
		s.unfit.Inc()
		return exchange.Next
	}
	return s.withBody(x)
}

// place takes one of the process's places for copies, and counts if there is none.
func (s *Stage) place() bool {
	if s.keep.take() {
		return true
	}
	s.busy.Inc()
	return false
}

// Done puts the request's own body back: the stages before know that one only.
func (s *Stage) Done(x *exchange.Exchange) {
	x.Req.Body = exchange.Uncollected(x.Req.Body)
}
