package upstream

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/h1"
)

// race is a try that a second endpoint joins when the first is slow. The exchange's goroutine runs the first attempt, a
// timer's the second; who has a response head first wins, and stops the other. Until the second is over, nothing of the
// exchange changes but what the first writes: its response.
type race struct {
	use    *use
	first  *exchange.Exchange
	second *exchange.Exchange // a copy of the request; nil: it has not begun
	hedge  attempt
	winner atomic.Uint32
	done   chan struct{} // closed when the second is over
	err    error         // of the second
	reason exchange.Reason
}

// The winners.
const (
	nobody uint32 = iota
	firstWon
	secondWon
)

// errNoHedge says that no second endpoint was asked.
var errNoHedge = fault.New(fault.Internal, "no second endpoint was asked")

// mayHedge reports whether the request may be sent to two endpoints at once: an idempotent one without a body, in its first try.
func (u *use) mayHedge(x *exchange.Exchange) bool {
	return x.Facts.Origin.Tries == 1 && x.Req.Body == nil && x.Req.Upgrade == nil && x.Req.Method.Idempotent()
}

// race is attempt.run with a hedge.
func (u *use) race(x *exchange.Exchange) error {
	r := &race{use: u, first: x, done: make(chan struct{})}
	u.raced = true
	timer := time.AfterFunc(u.stage.hedge, r.run)
	err := u.attempt.run(u.stage, x, u.until)
	if timer.Stop() {
		u.raced = false
		return err
	}
	if err == nil && r.winner.CompareAndSwap(nobody, firstWon) {
		r.hedge.stop()
	}
	<-r.done
	u.raced = false
	return r.settle(x, err)
}

// run asks a second endpoint.
func (r *race) run() {
	defer close(r.done)
	defer func() {
		if v := recover(); v != nil {
			r.err = fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack()))
		}
	}()
	r.err = errNoHedge
	u := r.use
	now := time.Now()
	if !u.service.budget.Retry(now) {
		u.service.metrics.notRetried(exchange.ReasonBudget)
		return
	}
	n, _ := u.service.balancer.Pick(&u.ask)
	if n == nil {
		return
	}
	h := &r.hedge
	h.ep, h.began, h.raced = n.Owner.(*endpoint), now, true
	h.ep.tries.Inc()
	r.second = copyRequest(r.first)
	if r.err = h.run(u.stage, r.second, u.until); r.err == nil && r.winner.CompareAndSwap(nobody, secondWon) {
		u.attempt.stop()
	}
}

// copyRequest returns an exchange with the same request, whose bytes stay those of the first.
func copyRequest(x *exchange.Exchange) *exchange.Exchange {
	c := exchange.Acquire()
	sent, fields, trailers := c.Req.Sent, c.Req.Fields, c.Req.Trailers
	c.Req = x.Req
	c.Req.Sent, c.Req.Fields, c.Req.Trailers = sent, append(fields, x.Req.Fields...), trailers
	c.Now, c.Conn = x.Now, x.Conn
	return c
}

// settle makes the exchange the winner's, when both attempts are over. err is the first's.
func (r *race) settle(x *exchange.Exchange, err error) error {
	u, h, f := r.use, &r.hedge, &x.Facts.Origin
	if h.ep == nil {
		return err
	}
	f.Tries++
	f.Reasons[0] = exchange.ReasonHedge
	f.Hedge = exchange.HedgeLost
	u.ask.Tried = append(u.ask.Tried, h.ep.node)
	won := r.winner.Load() == secondWon
	if won {
		f.Hedge = exchange.HedgeWon
		if err != nil && err != h1.ErrAbandoned {
			r.blame(u.ep, err)
		}
		x.Answer(0)
		if u.conn != nil {
			u.conn.End(x)
			u.drop()
		}
		u.ep.node.End()
		h.conn.Adopt(x)
		u.ep, u.conn, u.reused, u.sent, u.pumped, u.began = h.ep, h.conn, h.reused, h.sent, h.pumped, h.began
		f.Endpoint, f.Locality = h.ep.label, h.ep.locality
		err = nil
	} else {
		if r.err != nil && r.err != h1.ErrAbandoned {
			r.blame(h.ep, r.err)
		}
		h.fail(r.second)
		h.ep.node.End()
	}
	if r.second != nil {
		r.second.Release()
	}
	u.service.metrics.hedged(f.Hedge)
	return err
}

// blame tells whose fault a lost attempt was.
func (r *race) blame(ep *endpoint, err error) {
	if kind := fault.Of(err); kind.Side() == fault.SideOrigin {
		ep.failed(kind)
	}
}
