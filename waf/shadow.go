package waf

import (
	"bytes"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
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
	dropped  *meter.Counter
	events   *meter.Events
	told     time.Time
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
		queue: make(chan *sample, shadowQueue), done: make(chan struct{}), events: set.Events(),
		compared: set.Counter(name, help, "outcome", "same"), differed: set.Counter(name, help, "outcome", "different"),
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
			began := time.Now()
			s.compare(one)
			rest.Reset(time.Since(began) * shadowRest)
		}
	}
}

func (s *shadow) compare(one *sample) {
	a := one.policy.engine.Judge(&one.input)
	defer a.End()
	b := one.policy.reference.Judge(&one.input)
	defer b.End()
	difference := engine.Difference(a, b)
	if difference == "" {
		s.compared.Inc()
		return
	}
	s.differed.Inc()
	if now := time.Now(); now.Sub(s.told) >= shadowTellPause {
		s.told = now
		s.events.Add("firewall", "BUG: the compiled engine and the reference differ on a request to "+one.name+": "+difference)
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
	in.Client = x.Conn.Client
	in.Method, in.Target, in.Proto = bytes.Clone(x.Req.MethodName), bytes.Clone(x.Req.Target), proto(x)
	in.Host, in.Path, in.Body = bytes.Clone(x.Req.Host), bytes.Clone(x.Req.Path), bytes.Clone(u.data)
	in.Media = u.media
	in.Media.Type, in.Media.Charset, in.Media.Boundary = bytes.Clone(u.media.Type), bytes.Clone(u.media.Charset), bytes.Clone(u.media.Boundary)
	u.fields(one)
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

var _ fieldSink = (*sample)(nil)
var _ fieldSink = (*engine.Transaction)(nil)

// fieldSink takes the fields that the rules are shown.
type fieldSink interface{ Header(name, value []byte) }

// fields shows the request's fields, but for those that the edge consumes.
func (u *use) fields(to fieldSink) {
	x, host := u.x, false
	for i := range x.Req.Sent {
		f := &x.Req.Sent[i]
		switch f.ID {
		case exchange.NameExpect, exchange.NameUpgrade, exchange.NameKeepAlive, exchange.NameTE, exchange.NameTrailer, exchange.NameProxyConnection:
			continue
		case exchange.NameContentEncoding:
			if u.coded != nil {
				continue // the rules see the body without it
			}
		case exchange.NameHost:
			host = true
		}
		to.Header(f.Name, f.Value)
	}
	if !host && len(x.Req.Authority) > 0 && x.Conn != nil && x.Conn.Protocol == "h2" {
		to.Header(exchange.NameHost.Bytes(), x.Req.Authority)
	}
}
