package upstream

import (
	"context"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// An attempt is one try: a request sent to one endpoint, and its response head.
type attempt struct {
	ep     *endpoint
	conn   *peer.Conn // nil: none could be had, or it is closed, or run has not been called
	reused bool       // conn had been kept
	sent   int64      // bytes of the request that left
	asked  time.Time  // when its last byte had; zero: it has not
	pumped bool       // the body was too large to be sent in one piece: some of it is gone
	began  time.Time
	client peer.Client // for whom a connection is made, where the service is told

	raced   bool       // another attempt runs beside it, and may stop it
	mu      sync.Mutex // guards what follows, and conn while it is raced
	stopped bool
	cancel  context.CancelFunc
}

// run sends the request and waits for the response head. Connections that turn out to be dead, or to take no request any more, before
// the origin took this one do not count: the next one is taken.
func (a *attempt) run(s *Stage, x *exchange.Exchange, until time.Time) error {
	a.sent, a.pumped, a.asked = 0, false, time.Time{}
	for refused := 0; ; {
		if err := a.open(until); err != nil {
			return err
		}
		err := a.ask(s, x, until)
		if err != transport.ErrStale {
			return err
		}
		a.sent, a.asked = 0, time.Time{}
		if a.conn.Shared() {
			if refused++; refused > refusedMax || a.pumped || x.Req.Body != nil && !x.Req.Body.Replay() {
				return errRefused
			}
		} else if !a.reused {
			return err
		}
		a.close(x)
	}
}

// errRefused says that an origin of HTTP/2 took a request on none of its connections.
var errRefused = fault.New(fault.OriginClosed, "the origin took the request on none of its connections: REFUSED_STREAM, or GOAWAY before it (protocol: http2)")

// open takes a kept connection or makes one. A kept connection that comes when the attempt has been stopped is given back.
func (a *attempt) open(until time.Time) error {
	c := a.ep.peer.GetFor(a.began, a.client)
	a.reused = c != nil
	if c == nil {
		var err error
		if c, err = a.dial(until); err != nil {
			return err
		}
	}
	if !a.raced {
		a.conn = c
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.stopped && a.reused:
		c.Keep(time.Now())
		return wire.ErrAbandoned
	case a.stopped: // it has carried nothing: nobody would look whether it is alive before a POST
		c.Close()
		return wire.ErrAbandoned
	}
	a.conn = c
	return nil
}

// dial makes a connection. It must be there by the time the try, or the whole exchange, must be over.
func (a *attempt) dial(until time.Time) (*peer.Conn, error) {
	by := until
	if try := a.ep.service.spec.Timeouts.Try; try > 0 && (by.IsZero() || a.began.Add(try).Before(by)) {
		by = a.began.Add(try)
	}
	ctx, cancel := context.Background(), context.CancelFunc(nil)
	switch {
	case !by.IsZero():
		ctx, cancel = context.WithDeadline(ctx, by)
	case a.raced:
		ctx, cancel = context.WithCancel(ctx)
	default:
		return a.ep.peer.DialFor(ctx, a.client)
	}
	defer cancel()
	if a.raced && !a.mayStop(cancel) {
		return nil, wire.ErrAbandoned
	}
	c, err := a.ep.peer.DialFor(ctx, a.client)
	if err != nil && !until.IsZero() && !time.Now().Before(until) {
		return nil, wholeOver(a.ep.service)
	}
	return c, err
}

// mayStop tells how to stop what is about to be done, and reports false if it is not to be done at all.
func (a *attempt) mayStop(cancel context.CancelFunc) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel = cancel
	return !a.stopped
}

// wholeOver is the fault of an exchange for which there is no time left.
func wholeOver(s *service) error {
	return fault.New(fault.OriginTimeout, "the exchange with service "+s.name+" was not over after "+s.spec.Timeouts.Whole.String()+" (timeouts.whole)")
}

// ask sends the request on the connection and waits for the response head.
func (a *attempt) ask(s *Stage, x *exchange.Exchange, until time.Time) error {
	q := s.request(a.ep, x)
	q.Now, q.Until = a.began, until
	if try := a.ep.service.spec.Timeouts.Try; try > 0 {
		q.Head = a.began.Add(try)
	}
	sent, err := a.conn.Send(x, &q)
	a.sent = sent
	if err == nil {
		err = a.conn.Receive(x)
		if at, ok := a.conn.Asked(); ok {
			a.asked = at
		}
	}
	a.pumped = a.conn.Pumped()
	if err != nil {
		err = a.conn.Explain(err)
	}
	return err
}

// stop ends an attempt that runs in another goroutine.
func (a *attempt) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	if a.cancel != nil {
		a.cancel()
	}
	if a.conn != nil {
		a.conn.Abandon()
	}
}

// close ends the exchange on the connection, if there is one, and closes it.
func (a *attempt) close(x *exchange.Exchange) {
	a.mu.Lock() // from now on nobody stops it
	c := a.conn
	a.conn = nil
	a.mu.Unlock()
	if c != nil {
		c.End(x)
		c.Close()
	}
}

// request fills in what differs from the request as it came.
func (s *Stage) request(ep *endpoint, x *exchange.Exchange) wire.Request {
	svc := ep.service.spec
	q := wire.Request{Path: x.Req.Path, Patience: svc.Timeouts.Idle, FirstByte: svc.Timeouts.FirstByte}
	if s.streamAge > 0 {
		q.Age = x.Now.Add(s.streamAge)
	}
	switch {
	case x.Req.ToPath != nil:
		q.Path = x.Req.ToPath
	case s.raw:
		q.Path = x.Req.RawPath
	}
	switch {
	case x.Req.ToHost != nil:
		q.Host = x.Req.ToHost
	case svc.Host == spec.HostEndpoint:
		q.Host = ep.host
	case svc.Host == spec.HostName:
		q.Host = ep.service.hostName
	default:
		q.Host = x.Req.Authority
	}
	return q
}
