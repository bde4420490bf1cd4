package upstream

import (
	"net/netip"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// Stage sends an exchange to a service and takes its answer. It is the last stage of a path.
type Stage struct {
	choices []choice
	total   uint64
	route   string // keeps clients' shares of different routes apart
	raw     bool
}

// choice is one service of a weighted split.
type choice struct {
	pool *Pool
	upTo uint64 // sum of the weights up to and with this one
}

// New returns the stage of a route that goes to services, nil if it goes to none. The lease holds their pools. label
// names the route.
func New(to []spec.Weighted, policy *spec.Policy, label string, lease *Lease) (s *Stage, problems []fault.Problem) {
	if len(to) == 0 {
		return nil, nil
	}
	s = &Stage{route: label, raw: policy.Path != nil && *policy.Path == spec.PathRaw}
	for _, w := range to {
		problems = append(problems, checkEndpoints(w.Service, lease.keeper.guard)...)
		if w.Weight > 0 {
			s.total += uint64(w.Weight)
			s.choices = append(s.choices, choice{lease.pool(w.Service), s.total})
		}
	}
	return s, problems
}

// checkEndpoints refuses literal addresses that the guard refuses; names are checked when they are dialled.
func checkEndpoints(s *spec.Service, g Guard) (problems []fault.Problem) {
	for _, e := range s.Endpoints {
		if !e.Addr.IsValid() {
			continue
		}
		if err := g.Check(netip.AddrPortFrom(e.Addr, e.Port)); err != nil {
			problems = append(problems, fault.Problem{File: e.At.File, Line: e.At.Line, Col: e.At.Col,
				Text: "service " + s.Meta.Name + ": " + err.(*fault.Error).Text, Fix: "name another address, or start with --origin-allow " + e.Addr.String()})
		}
	}
	return problems
}

// Name is the stage's name.
func (s *Stage) Name() string { return "upstream" }

// Request sends the request and waits for the response head.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	pool := s.choose(x)
	facts := &x.Facts.Origin
	facts.Service = pool.name
	var tried [connectTriesMax]*endpoint
	var unreached error // why the last of tried could not be reached
	retried := false
	for n := 0; ; {
		ep := pool.pick(tried[:n])
		switch {
		case ep == nil && unreached != nil:
			return x.Fail(unreached)
		case ep == nil:
			return x.Fail(fault.New(fault.OriginNoneHealthy, "no endpoint of service "+pool.name+" is healthy"))
		}
		facts.Endpoint = ep.label
		facts.Tries++
		reached, again, err := s.ask(x, ep)
		if err == nil {
			return exchange.Respond
		}
		if !reached {
			tried[n], unreached = ep, err
			if n++; n == connectTriesMax {
				return x.Fail(err)
			}
			continue
		}
		if retried || !again {
			return x.Fail(err)
		}
		retried = true
	}
}

// ask sends the request to one endpoint, over the first kept connection that is not stale or a new one, and waits for the
// response head. If the endpoint could not be reached, nothing has left and another one may be asked; otherwise again
// says what try says.
func (s *Stage) ask(x *exchange.Exchange, ep *endpoint) (reached, again bool, err error) {
	for {
		c, err := ep.open(x)
		if err != nil {
			return false, false, err
		}
		again, err := s.try(x, c)
		if err != transport.ErrStale || !x.Facts.Origin.Reused { // stale: nothing was sent, it does not count as a try
			return true, again, err
		}
	}
}

// open returns a connection to the endpoint: a kept one, or a new one.
func (ep *endpoint) open(x *exchange.Exchange) (*conn, error) {
	if c := ep.get(); c != nil {
		x.Facts.Origin.Reused = true
		return c, nil
	}
	x.Facts.Origin.Reused = false
	return ep.connect(ep.pool.keeper.ctx)
}

// try makes one try on a connection and reports, if it failed, whether another may be made: the connection was a kept
// one that died before the first byte of a response, and either nothing of the request had left, or the method is
// idempotent (RFC 9110 section 9.2.2) and the body can be had again. A POST or PATCH of which a byte left is never repeated.
func (s *Stage) try(x *exchange.Exchange, c *conn) (again bool, err error) {
	facts := &x.Facts.Origin
	q := request(c.ep, x)
	switch {
	case x.Req.ToPath != nil:
		q.Path = x.Req.ToPath
	case s.raw:
		q.Path = x.Req.RawPath
	}
	if facts.Tries > 1 {
		q.Now = time.Now()
	}
	sent, err := c.Send(x, &q)
	if err == nil {
		err = c.Receive(x)
	}
	if err == nil {
		facts.Held, facts.Status = c, x.Resp.Status
		if !x.Facts.Entry.LogOff {
			facts.FirstByte = time.Since(x.Now)
		}
		return false, nil
	}
	if err == transport.ErrStale && facts.Reused {
		c.Close()
		return false, err
	}
	pumped := c.Pumped()
	c.Client.End(x)
	c.Close()
	if fault.Of(err) == fault.Internal { // the system's own error, from a write
		err = fault.Wrap(fault.OriginClosed, "send the request to "+c.ep.label, err)
		again = true
	}
	again = (again || err == h1.ErrDied) && facts.Reused
	if again && sent > 0 {
		again = x.Req.Method.Idempotent() && !pumped && (x.Req.Body == nil || x.Req.Body.Replay())
	}
	return again, err
}

// request fills in what differs from the request as it came.
func request(ep *endpoint, x *exchange.Exchange) h1.Request {
	s := ep.pool.service
	q := h1.Request{Path: x.Req.Path, Patience: s.Timeouts.Idle, FirstByte: s.Timeouts.FirstByte, Now: x.Now}
	switch {
	case x.Req.ToHost != nil:
		q.Host = x.Req.ToHost
	case s.Host == spec.HostEndpoint:
		q.Host = ep.host
	case s.Host == spec.HostName:
		q.Host = ep.pool.hostName
	default:
		q.Host = x.Req.Authority
	}
	return q
}

// Done gives the connection back, or closes it.
func (s *Stage) Done(x *exchange.Exchange) {
	c, ok := x.Facts.Origin.Held.(*conn)
	if !ok {
		return
	}
	x.Facts.Origin.Held = nil
	if c.Client.End(x) {
		c.ep.put(c, x.Now)
	} else {
		c.Close()
	}
}

// choose returns the client's service: the same one for the same client address, on every node and after every reload.
func (s *Stage) choose(x *exchange.Exchange) *Pool {
	if len(s.choices) == 1 {
		return s.choices[0].pool
	}
	at := share(s.route, x) % s.total
	for _, c := range s.choices {
		if at < c.upTo {
			return c.pool
		}
	}
	return s.choices[len(s.choices)-1].pool
}

// share is the FNV-1a hash of route and client address, finished so that its low bits are even.
func share(route string, x *exchange.Exchange) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := range len(route) {
		h = (h ^ uint64(route[i])) * prime
	}
	client := x.Facts.Client.Addr
	if !client.IsValid() && x.Conn != nil {
		client = x.Conn.Client.Addr()
	}
	if client.IsValid() {
		addr := client.As16()
		for _, b := range addr {
			h = (h ^ uint64(b)) * prime
		}
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	return h ^ h>>33
}
