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
	pumped bool       // the body was too large to be sent in one piece: some of it is gone
	began  time.Time

	raced   bool       // another attempt runs beside it, and may stop it
	mu      sync.Mutex // guards what follows, and conn while it is raced
	stopped bool
	cancel  context.CancelFunc
}

// run sends the request and waits for the response head. Kept connections that turn out to be dead before anything was sent
// do not count: the next one is taken.
func (a *attempt) run(s *Stage, x *exchange.Exchange, until time.Time) error {
	a.sent, a.pumped = 0, false
	for {
		if err := a.open(until); err != nil {
			return err
		}
		err := a.ask(s, x, until)
		if err != transport.ErrStale || !a.reused {
			return err
		}
		a.drop()
	}
}

// open takes a kept connection or makes one. A kept connection that comes when the attempt has been stopped is given back.
func (a *attempt) open(until time.Time) error {
	c := a.ep.peer.Get(a.began)
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
		return a.ep.peer.Dial(ctx)
	}
	defer cancel()
	if a.raced && !a.mayStop(cancel) {
		return nil, wire.ErrAbandoned
	}
	c, err := a.ep.peer.Dial(ctx)
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

// drop closes the connection under nobody.
func (a *attempt) drop() {
	a.mu.Lock()
	c := a.conn
	a.conn = nil
	a.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// fail ends the exchange on the connection after an error, and closes it.
func (a *attempt) fail(x *exchange.Exchange) {
	if a.conn != nil {
		a.conn.End(x)
		a.drop()
	}
}

// request fills in what differs from the request as it came.
func (s *Stage) request(ep *endpoint, x *exchange.Exchange) wire.Request {
	svc := ep.service.spec
	q := wire.Request{Path: x.Req.Path, Patience: svc.Timeouts.Idle, FirstByte: svc.Timeouts.FirstByte}
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
