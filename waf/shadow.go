package waf

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// shadow shows copies of some requests to both engines, off the path, and raises an alarm if they differ. It takes a hundredth
// of one processor at most; what comes meanwhile is not compared.
type shadow struct {
	queue    chan *sample
	done     chan struct{}
	end      sync.Once
	over     sync.WaitGroup
	compared *meter.Counter
	differed *meter.Counter
	failed   *meter.Counter
	dropped  *meter.Counter
	events   *meter.Events
	told     time.Time
	now      func() time.Time
}

// sample is a copy of a request.
type sample struct {
	policy *policy
	input  engine.Input
	name   string // of the route
	size   int
}

func newShadow(set *meter.Set) *shadow {
	const name, help = "skerry_firewall_shadow_total", "Requests that the reference engine was to judge too."
	s := &shadow{
		queue: make(chan *sample, shadowQueue), done: make(chan struct{}), events: set.Events(), now: time.Now,
		compared: set.Counter(name, help, "outcome", "same"), differed: set.Counter(name, help, "outcome", "different"),
		failed:  set.Counter(name, help, "outcome", "panic"),
		dropped: set.Counter(name, help, "outcome", "not_compared"),
	}
	s.over.Add(1)
	go s.run()
	return s
}

func (s *shadow) close() {
	s.end.Do(func() { close(s.done) })
	s.over.Wait()
}

func (s *shadow) run() {
	defer s.over.Done()
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-rest.C:
		}
		select {
		case <-s.done:
			return
		case one := <-s.queue:
			began := s.now()
			s.compare(one)
			rest.Reset(s.now().Sub(began) * shadowRest)
		}
	}
}

func (s *shadow) compare(one *sample) {
	defer func() {
		if v := recover(); v != nil { // an engine that fails here must not end the process
			s.failed.Inc()
			s.alarm("BUG: an engine of the firewall panics on a request to " + one.name + fmt.Sprintf(": %v\n%s", v, debug.Stack()))
		}
	}()
	slow := one.policy.slow()
	if slow == nil {
		s.dropped.Inc()
		return
	}
	a := one.policy.engine.Judge(&one.input)
	if a.Limit() == engine.LimitWork { // the reference has no such limit: it would reach it sooner
		a.End()
		s.dropped.Inc()
		return
	}
	b := slow.Judge(&one.input)
	difference := engine.Difference(a, b)
	a.End()
	b.End()
	if difference == "" {
		s.compared.Inc()
		return
	}
	s.differed.Inc()
	s.alarm("BUG: the compiled engine and the reference differ on a request to " + one.name + ": " + difference)
}

// alarm adds an event, but not one for every request.
func (s *shadow) alarm(text string) {
	if now := s.now(); s.told.IsZero() || now.Sub(s.told) >= shadowTellPause {
		s.told = now
		s.events.Add("firewall", text)
	}
}

// compare copies the request for the shadow, if it has room.
func (u *use) compare() {
	k := u.stage.keeper.shadow
	if k == nil {
		return
	}
	if len(k.queue) == cap(k.queue) || len(u.data) > shadowBytesMax {
		k.dropped.Inc()
		return
	}
	x := u.x
	one := &sample{policy: u.stage.policy, name: x.Route}
	in := &one.input
	if x.Conn != nil {
		in.Client = netip.AddrPortFrom(x.Facts.Client.Addr.Unmap(), x.Conn.Client.Port())
	}
	in.Method, in.Target, in.Proto = bytes.Clone(x.Req.MethodName), bytes.Clone(x.Req.Target), proto(x)
	in.Host, in.Path, in.Body = bytes.Clone(x.Req.Host), bytes.Clone(x.Req.Path), bytes.Clone(u.data)
	in.Media = u.media
	in.Media.Type, in.Media.Charset, in.Media.Boundary = bytes.Clone(u.media.Type), bytes.Clone(u.media.Charset), bytes.Clone(u.media.Boundary)
	u.fields(one)
	if u.data != nil {
		u.trailers(one)
	}
	if one.size > shadowBytesMax {
		k.dropped.Inc()
		return
	}
	select {
	case k.queue <- one:
	default:
		k.dropped.Inc()
	}
}

// Header adds a copy of a field.
func (one *sample) Header(name, value []byte) {
	if one.size += len(name) + len(value); one.size <= shadowBytesMax {
		one.input.Fields = append(one.input.Fields, body.Pair{Name: bytes.Clone(name), Value: bytes.Clone(value)})
	}
}

var (
	_ fieldSink = (*sample)(nil)
	_ fieldSink = (*engine.Transaction)(nil)
)
