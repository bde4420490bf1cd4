package upstream

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
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
	done   chan struct{}   // closed when the second is over
	err    error           // of the second
	how    exchange.Picked // the second's endpoint was chosen
	reason exchange.Reason // why there is no second although it was time for one
}

// The winners.
const (
	nobody uint32 = iota
	firstWon
	secondWon
)

// errHedge is what the second comes to without an answer that may win: no endpoint was asked, or its status is one that another
// endpoint may be asked for.
var errHedge = fault.New(fault.Internal, "a second endpoint gave no answer")

// mayHedge reports whether the request may be sent to two endpoints at once: an idempotent one without a body, in its first try.
func (u *use) mayHedge(x *exchange.Exchange) bool {
	return x.Facts.Origin.Tries == 1 && x.Req.Body == nil && x.Req.Upgrade == nil && x.Req.Method.Idempotent()
}

// race is attempt.run with a hedge.
func (u *use) race(x *exchange.Exchange) error {
	r := &race{use: u, first: x, done: make(chan struct{})}
	u.raced = true
	timer := time.AfterFunc(u.stage.hedge, r.run)
	whole := false
	defer func() {
		if !whole && !timer.Stop() {
			r.abort()
		}
	}()
	err := u.attempt.run(u.stage, x, u.until)
	whole = true
	if timer.Stop() {
		u.raced = false
		return err
	}
	// The second goes on beside a failure, but for the client's own, and beside a status that it may better.
	over := err == nil && !u.stage.again.Has(x.Resp.Status) || err != nil && fault.Of(err).Side() == fault.SideClient
	if over && r.winner.CompareAndSwap(nobody, firstWon) {
		r.hedge.stop()
	}
	<-r.done
	u.raced = false
	return r.settle(x, err)
}

// abort ends the second when the first has panicked: the use that both belong to is about to be another exchange's.
func (r *race) abort() {
	h := &r.hedge
	r.winner.CompareAndSwap(nobody, firstWon)
	h.stop()
	<-r.done
	if r.second != nil {
		h.close(r.second)
		h.ep.member.End()
		r.second.Release()
	}
}

// run asks a second endpoint.
func (r *race) run() {
	defer close(r.done)
	defer func() {
		if v := recover(); v != nil {
			r.err = fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack()))
		}
	}()
	r.err = errHedge
	u := r.use
	now := time.Now()
	n, how := u.service.balancer.Pick(&u.ask)
	if n == nil {
		return
	}
	if !u.service.budget.Retry(now) {
		n.End()
		u.service.metrics.notRetried(exchange.ReasonBudget)
		r.reason = exchange.ReasonBudget
		return
	}
	u.service.metrics.picked(how)
	h := &r.hedge
	h.ep, h.began, h.raced, h.client, r.how = n.Owner.(*endpoint), now, true, u.client, how
	h.ep.tries.Inc()
	r.second = copyRequest(r.first)
	if r.err = h.run(u.stage, r.second, u.until); r.err != nil {
		return
	}
	if status := r.second.Resp.Status; u.stage.again.Has(status) { // the first may do better
		h.ep.answered(status)
		r.err = errHedge
		return
	}
	if r.winner.CompareAndSwap(nobody, secondWon) {
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
		f.Refused = r.reason
		return err
	}
	f.Tries++
	f.Reasons[0] = exchange.ReasonHedge
	f.Hedge = exchange.HedgeLost
	u.ask.Tried = append(u.ask.Tried, h.ep.member)
	won := r.winner.Load() == secondWon
	if won {
		f.Hedge = exchange.HedgeWon
		switch {
		case err == nil && u.stage.again.Has(x.Resp.Status):
			u.ep.answered(x.Resp.Status)
		case err != nil && err != wire.ErrAbandoned:
			r.blame(u.ep, err)
		}
		x.Answer(0)
		u.attempt.close(x)
		u.ep.member.End()
		h.conn.Adopt(x)
		u.ep, u.conn, u.reused, u.sent, u.asked, u.pumped, u.began = h.ep, h.conn, h.reused, h.sent, h.asked, h.pumped, h.began
		f.Endpoint, f.Locality, f.Picked = h.ep.label, h.ep.locality, r.how
		err = nil
	} else {
		if r.err != nil && r.err != wire.ErrAbandoned {
			r.blame(h.ep, r.err)
		}
		h.close(r.second)
		h.ep.member.End()
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
