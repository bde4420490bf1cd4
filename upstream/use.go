package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/upstream/admission"
	"skerry.dev/skerry/upstream/balance"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/proxyheader"
)

// use is one exchange's use of a service: what must be given back at its end.
type use struct {
	stage   *Stage
	service *service
	until   time.Time // when everything must be over; zero: never
	ticket  admission.Ticket
	gated   bool          // ticket is held
	late    bool          // the request was given up because no answer came in time
	allowed time.Time     // by the breaker, which has not heard yet how it went; zero: it has, or there is none
	took    time.Duration // from the last try's beginning to the response head, if something is to be learned from it
	ask     balance.Ask
	tried   [exchange.TriesMax + 1]*balance.Member
	waited  bool // for names, so that the first try begins later than the exchange
	died    bool // a kept connection died, and its endpoint was asked once more
	attempt      // the one that runs, or has answered; its endpoint's member has begun
}

var uses = sync.Pool{New: func() any { return new(use) }}

func (s *Stage) use(x *exchange.Exchange, svc *service) *use {
	u := uses.Get().(*use)
	u.stage, u.service = s, svc
	u.ask.Tried = u.tried[:0]
	if w := svc.spec.Timeouts.Whole; w > 0 {
		u.until = x.Now.Add(w)
	}
	if svc.proxy != proxyheader.None {
		u.client = announced(x)
	}
	svc.key.of(x, &u.ask)
	return u
}

// Close gives back what an exchange has used. The exchange on the connection is over.
func (u *use) Close() error {
	if u.ep != nil {
		u.ep.member.End()
	}
	if !u.allowed.IsZero() {
		u.service.breaker.Withdraw(u.allowed)
	}
	switch {
	case u.late:
		u.service.gate.GiveUp(u.ticket, u.took)
	case u.gated:
		u.service.gate.Leave(u.ticket, u.took)
	}
	*u = use{}
	uses.Put(u)
	return nil
}

// run asks one endpoint after the other until there is an answer, or none may be asked any more.
func (u *use) run(x *exchange.Exchange) exchange.Verdict {
	f := &x.Facts.Origin
	ep, err := u.first(x)
	if err != nil {
		return u.refuse(x, err)
	}
	for {
		failure, why := u.try(x, ep)
		if failure == nil && why == exchange.ReasonNone {
			u.answered(x)
			return exchange.Respond
		}
		next, refused := u.again(x, why)
		switch {
		case next != nil:
			f.Reasons[f.Tries-1], f.Refused = why, exchange.ReasonNone
			u.service.metrics.retried(why)
			u.leave(x, next)
			ep = next
			continue
		case refused != exchange.ReasonNone:
			f.Refused = refused
			u.service.metrics.notRetried(refused)
		}
		if failure == nil {
			u.answered(x)
			return exchange.Respond
		}
		return u.refuse(x, failure)
	}
}

// refuse ends the exchange without an answer of the service.
func (u *use) refuse(x *exchange.Exchange, err error) exchange.Verdict {
	kind := fault.Of(err)
	if kind.Side() == fault.SideOrigin {
		u.judge(true, time.Now())
	}
	if kind == fault.OriginTimeout && u.gated && u.ep != nil {
		u.late, u.took = true, time.Since(u.began)
	}
	x.Facts.Origin.Held = nil
	u.Close()
	v := x.Fail(err)
	if kind == fault.OriginBusy {
		retryAfter(x, 0)
	}
	return v
}

// judge tells the breaker how the request went.
func (u *use) judge(failed bool, now time.Time) {
	if !u.allowed.IsZero() {
		u.service.breaker.Note(failed, u.allowed, now)
		u.allowed = time.Time{}
	}
}

// answered notes who answered.
func (u *use) answered(x *exchange.Exchange) {
	f := &x.Facts.Origin
	f.Status = x.Resp.Status
	if x.Resp.Body == nil { // otherwise gRPC has it in the trailers
		f.GRPC = exchange.GRPCStatusOf(x.Resp.Fields)
	}
	now := time.Time{}
	if !x.Facts.Entry.LogOff || u.gated || u.service.breaker != nil {
		now = time.Now()
		f.FirstByte = now.Sub(x.Now)
	}
	bad := u.ep.answered(x.Resp.Status)
	if !bad && x.Resp.Tunnel != nil { // other answers are a success when they are whole
		u.service.balancer.Note(u.ep.member, false)
	}
	u.judge(bad, now)
	if u.service.key.sticky != nil && !bad { // nobody is kept on an endpoint that does not work
		u.service.key.stick(x, u.ep, u.ask.Sticky)
	}
	if x.Resp.Tunnel != nil && u.gated { // it may live for hours, and is not work in the sense of concurrency
		u.gated = false
		u.service.gate.Leave(u.ticket, 0)
	} else if u.gated && !bad {
		u.took = u.latency(now)
	}
}

// latency is how long the service took for its answer. What the client took to send a long body says nothing about it: 0 if it
// still does.
func (u *use) latency(now time.Time) time.Duration {
	if !u.pumped {
		return now.Sub(u.began)
	}
	if asked, ok := u.conn.Asked(); ok {
		return now.Sub(asked)
	}
	return 0
}

// over notes how an answer ended. A head alone is no success: an endpoint whose bodies all break off would stay for ever.
func (u *use) over(x *exchange.Exchange) {
	if len(x.Resp.Trailers) > 0 {
		x.Facts.Origin.GRPC = exchange.GRPCStatusOf(x.Resp.Trailers)
	}
	if x.Cause != nil {
		if kind := fault.Of(x.Cause); kind.Side() == fault.SideOrigin { // within the body
			u.blame(kind)
			u.service.breaker.Note(true, x.Now, time.Now())
			return
		}
	}
	if status := x.Facts.Origin.Status; status != 0 && !brokenStatus(status) {
		u.service.balancer.Note(u.ep.member, false)
	}
}

// brokenStatus reports whether a status says that the endpoint, or what stands behind it, does not work.
func brokenStatus(status int) bool {
	switch status {
	case 500, 502, 503, 504:
		return true
	}
	return false
}

// shed refuses an exchange before the service is asked, and says when to come again.
func (u *use) shed(x *exchange.Exchange, err error, why exchange.Reason, after time.Duration) exchange.Verdict {
	f := &x.Facts.Origin
	f.Refused, f.Held = why, nil
	u.Close()
	v := x.Fail(err)
	retryAfter(x, after)
	return v
}

// retryAfter tells a client that was refused when to come again: not all of them at once.
func retryAfter(x *exchange.Exchange, least time.Duration) {
	b := strconv.AppendInt(x.Scratch.Alloc(20)[:0], admission.RetryAfter(least, rand.Uint64()), 10)
	x.Resp.Fields.Set(exchange.NameRetryAfter, b)
}

// admit asks whether the service may be asked at all, and waits for a place among its open requests.
func (u *use) admit(x *exchange.Exchange) (v exchange.Verdict, ok bool) {
	s := u.service
	class := u.stage.classOf(x)
	f := &x.Facts.Origin
	f.Class = string(class)
	if ok, after := s.breaker.Allow(x.Now); !ok {
		s.metrics.broken(class)
		return u.shed(x, s.breaker.Err(), exchange.ReasonBreaker, after), false
	} else if s.breaker != nil {
		u.allowed = x.Now
	}
	if s.gate == nil {
		return 0, true
	}
	var err error
	u.ticket, f.Queued, err = s.gate.Enter(class.Rank(), x.Now, u.until, x.Sink)
	if err == nil {
		u.gated = true
		return 0, true
	}
	return u.shed(x, err, s.gate.Reason(err), 0), false
}

// first chooses the endpoint that is asked first. Names that have never been looked up are waited for.
func (u *use) first(x *exchange.Exchange) (*endpoint, error) {
	if ep := u.pick(x); ep != nil {
		return ep, nil
	}
	s := u.service
	select {
	case <-s.ready:
	default:
		if err := u.waitForNames(); err != nil {
			return nil, err
		}
	}
	if ep := u.pick(x); ep != nil {
		return ep, nil
	}
	if err := s.lookupError(); err != nil {
		return nil, err
	}
	if u.ask.Full {
		return nil, fault.New(fault.OriginBusy, fmt.Sprintf("every endpoint of service %s has %d open requests (concurrency.perEndpoint)", s.name, s.spec.Concurrency.PerEndpoint))
	}
	return nil, fault.New(fault.OriginNoneHealthy, "no endpoint of service "+s.name+" is healthy")
}

// waitForNames waits until there is a first endpoint, or the names of the service have been looked up in vain.
func (u *use) waitForNames() error {
	s := u.service
	wait, late := s.spec.Timeouts.Connect, error(nil)
	if left := time.Until(u.until); !u.until.IsZero() && left < wait {
		wait, late = left, wholeOver(s)
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	u.waited = true
	select {
	case <-s.ready:
		return nil
	case <-s.ctx.Done():
	case <-patience.C:
		if late != nil {
			return late
		}
	}
	return fault.New(fault.OriginDNS, "the names of service "+s.name+" were not looked up within "+s.spec.Timeouts.Connect.String()+" (timeouts.connect)")
}

// pick chooses an endpoint that has not been tried, and begins a request there; nil if there is none.
func (u *use) pick(x *exchange.Exchange) *endpoint {
	n, how := u.service.balancer.Pick(&u.ask)
	if n == nil {
		return nil
	}
	x.Facts.Origin.Picked = how
	if how != 0 {
		u.service.metrics.picked(how)
	}
	return n.Owner.(*endpoint)
}

// enter begins a try at an endpoint.
func (u *use) enter(x *exchange.Exchange, ep *endpoint) {
	f := &x.Facts.Origin
	f.Endpoint, f.Locality = ep.label, ep.locality
	if f.Tries++; f.Tries == 1 && f.Queued == 0 && !u.waited && x.Req.Body == nil && x.Facts.Entry.LogOff {
		u.began = x.Now // nearly; the log tells the edge's time from the origin's
	} else {
		u.began = time.Now()
	}
	ep.tries.Inc()
	u.ep = ep
	if !slices.Contains(u.ask.Tried, ep.member) {
		u.ask.Tried = append(u.ask.Tried, ep.member)
	}
}

// leave ends a try after which next is asked.
func (u *use) leave(x *exchange.Exchange, next *endpoint) {
	if u.conn != nil { // it has answered with a status
		u.ep.answered(x.Resp.Status)
		drain(x.Resp.Body)
		u.giveBack(x)
		x.Answer(0)
	}
	if u.ep != next {
		u.ep.member.End()
	}
	u.ep = nil
}

// giveBack ends the exchange on the connection, which is kept if request and response were whole.
func (u *use) giveBack(x *exchange.Exchange) {
	c := u.conn
	if c == nil {
		return
	}
	u.conn = nil
	if c.End(x) {
		c.Keep(x.Now.Add(x.Facts.Origin.FirstByte))
	} else {
		c.Close()
	}
}

// drain takes what is there already of an answer that nobody wants, so that its connection can be kept.
func drain(b exchange.Body) {
	ready, ok := b.(exchange.Ready)
	for n := 0; ok && n < drainBytesMax && ready.Ready(); {
		view, err := b.Next()
		if n += len(view); err != nil {
			return
		}
	}
}

// try asks one endpoint. Without a failure there is an answer; a reason then says that its status is one that another
// endpoint may be asked for. With a failure the reason says what kind it is, none if nobody else need be asked.
func (u *use) try(x *exchange.Exchange, ep *endpoint) (failure error, why exchange.Reason) {
	u.enter(x, ep)
	s := u.stage
	var err error
	if s.hedge > 0 && u.mayHedge(x) {
		err = u.race(x)
	} else {
		err = u.attempt.run(s, x, u.until)
	}
	f := &x.Facts.Origin
	if f.Reused, f.Asked = u.reused, 0; !u.asked.IsZero() {
		f.Asked = max(u.asked.Sub(x.Now), 1) // a kept connection is asked at once
	}
	if err == nil {
		if s.again.Has(x.Resp.Status) {
			return nil, exchange.ReasonStatus
		}
		return nil, exchange.ReasonNone
	}
	why = u.reason(err)
	u.attempt.close(x)
	if fault.Of(err) == fault.Internal { // the system's own error, from a write
		err = fault.Wrap(fault.OriginClosed, "send the request to "+ep.label, err)
	}
	if kind := fault.Of(err); kind.Side() == fault.SideOrigin {
		u.blame(kind)
	}
	return err, why
}

// blame holds a failure against the endpoint, unless the exchange's time was up and the endpoint had got less than half of it: a
// queue, or an endpoint before it, had the rest.
func (u *use) blame(kind fault.Kind) {
	if kind == fault.OriginTimeout && !u.until.IsZero() {
		// What comes after until is the edge's own lateness.
		if !time.Now().Before(u.until) && u.until.Sub(u.began) < u.service.spec.Timeouts.Whole/2 {
			u.ep.count(kind)
			return
		}
	}
	if kind == fault.OriginCancelled { // what a client's deadline does says nothing of the endpoint
		u.ep.count(kind)
		return
	}
	u.ep.failed(kind)
}

// reason says what kind of failure a try had.
func (u *use) reason(err error) exchange.Reason {
	if err == wire.ErrDied && u.reused {
		return exchange.ReasonDied
	}
	switch kind := fault.Of(err); {
	case u.conn == nil:
		return exchange.ReasonConnect
	case kind == fault.Internal && u.reused:
		return exchange.ReasonDied
	case kind == fault.OriginTimeout:
		return exchange.ReasonTimeout
	case kind == fault.Internal || err == wire.ErrDied || err == errRefused:
		return exchange.ReasonBroken
	case kind.Side() == fault.SideOrigin:
		return exchange.ReasonInvalid
	}
	return exchange.ReasonNone // the client's doing, or a bug
}

// again chooses who is asked next, or says why nobody is.
func (u *use) again(x *exchange.Exchange, why exchange.Reason) (next *endpoint, refused exchange.Reason) {
	most := u.stage.tries
	if why == exchange.ReasonDied { // that the connection had died says nothing about the endpoint
		most = max(most, 2)
	}
	now := time.Now()
	switch {
	case why == exchange.ReasonNone || most == 1 || u.stage.once:
		return nil, exchange.ReasonNone
	case !u.repeatable(x, why):
		return nil, exchange.ReasonUnsafe
	case x.Facts.Origin.Tries >= most:
		return nil, exchange.ReasonTries
	case !u.until.IsZero() && !now.Before(u.until):
		return nil, exchange.ReasonWhole
	}
	next = u.pick(x)
	if next == nil && why == exchange.ReasonDied && !u.died {
		next, u.died = u.ep, true
	}
	switch {
	case next == nil:
		return nil, exchange.ReasonEndpoint
	case !u.service.budget.Retry(now):
		if next != u.ep {
			next.member.End()
		}
		return nil, exchange.ReasonBudget
	}
	return next, exchange.ReasonNone
}

// repeatable reports whether the request may be sent to another endpoint. What of which nothing has left always may. After
// that its body must be there still, and the method must be idempotent (RFC 9110 section 9.2.2) if no byte of a response came,
// and safe if the endpoint has worked on it for all we know. A key that the route believes makes a POST or PATCH as good as safe.
func (u *use) repeatable(x *exchange.Exchange, why exchange.Reason) bool {
	if why == exchange.ReasonConnect {
		return true
	}
	if u.pumped || x.Req.Body != nil && !x.Req.Body.Replay() {
		return false
	}
	m := x.Req.Method
	switch {
	case u.sent == 0 && why != exchange.ReasonStatus:
		return true
	case u.stage.keyed && (m == exchange.MethodPost || m == exchange.MethodPatch) && len(x.Req.Fields.Get(exchange.NameIdempotencyKey)) > 0:
		return true
	case why == exchange.ReasonDied || why == exchange.ReasonBroken:
		return m.Idempotent()
	}
	return m.Safe()
}
