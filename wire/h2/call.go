package h2

import (
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// Call is one exchange on a connection to an origin: Send, Receive, then the response's body is pulled from x.Resp, then End.
type Call struct {
	stream
	client *Client
	heads  heads // guarded by the connection's lock
	body   responseBody

	patience  time.Duration // between two reads or writes of a body
	firstByte time.Duration
	asked     time.Time // when the request's last byte was sent
	expecting bool      // the request body waits for 100
	connect   bool      // it is an extended CONNECT
	pumping   bool
	pumped    chan struct{} // closed when the pump has ended
	pumpErr   error         // of the request's body; read after x.Join
	waits     atomic.Bool   // the pump waits for the client
	took      time.Duration // that it has, over all; read when the pump has ended
	until     time.Time     // Request.Until
	age       time.Time     // Request.Age
	bound     time.Time     // the earlier one of Request.Head and Request.Until; zero: none

	resp      *exchange.Response // where the final head is, until End
	sink      exchange.Sink      // of the exchange; nil: it has no client
	unwatch   func()             // ends the watch for the client; nil: nobody watches
	gone      atomic.Bool        // the watch has seen it leave, and has interrupted the wait for the origin
	told      atomic.Bool        // the watch has seen it leave while there was a pump, which looks
	abandoned atomic.Bool
}

// Asked returns when the last byte of the request was sent, or nearly; ok is false while it is still being sent. It holds from
// Receive to End.
func (k *Call) Asked() (at time.Time, ok bool) {
	if k.pumping && !k.pumpEnded() {
		return time.Time{}, false
	}
	return k.asked, true
}

// Pumped reports whether the request's body was too large to be sent in one piece: some of it is gone.
func (k *Call) Pumped() bool { return k.pumping }

// Abandon ends the exchange from any goroutine: a Send, a Receive or a read of the body that is in progress, or comes later,
// fails soon with wire.ErrAbandoned. It may be called between Begin and the return of End.
func (k *Call) Abandon() {
	k.abandoned.Store(true)
	k.client.mu.Lock()
	k.interrupted = true
	k.readable.wake() // under the lock: open may be making the stream ready
	k.client.mu.Unlock()
}

// Adopt makes the exchange on this stream that of x: the response head that Receive put into another exchange becomes x.Resp, what
// comes of its trailers will be x.Resp.Trailers, and x's client is the one that is watched. The fields stay views that hold until
// End, which is then called with x. Nobody else may be receiving into x, nor watching its client.
func (k *Call) Adopt(x *exchange.Exchange) {
	k.stopWatch()
	from, to := k.resp, &x.Resp
	if from != to {
		started, sent := to.Started, to.Sent
		*from, *to = *to, *from
		from.Started, from.Sent, to.Started, to.Sent = to.Started, to.Sent, started, sent
		from.Status, from.Length, from.Body, from.Tunnel = 0, -1, nil, nil
		from.Fields, from.Trailers = from.Fields[:0], from.Trailers[:0]
	}
	k.resp, k.sink = to, x.Sink
}

// Send writes the request: head and body at once if the whole body is at hand; otherwise the head, and a pump goes on with the
// body beside Receive. It returns how many bytes left, also with an error: a request of which none left may be sent again. The
// error is transport.ErrStale if the origin takes no more requests on this connection. Errors of kind ClientGone or SlowClient
// come from the request's own body.
func (k *Call) Send(x *exchange.Exchange, q *wire.Request) (sent int64, err error) {
	k.patience, k.firstByte, k.asked = q.Patience, q.FirstByte, time.Now()
	k.until, k.age, k.bound = q.Until, q.Age, q.Until
	if !q.Head.IsZero() && (k.bound.IsZero() || q.Head.Before(k.bound)) {
		k.bound = q.Head
	}
	k.sink = x.Sink
	b := x.Req.Body
	var whole []byte
	if w, ok := b.(exchange.Whole); ok && !x.Req.ExpectContinue {
		began := k.asked
		if whole, err = w.Whole(); err != nil {
			return 0, err
		}
		k.asked = time.Now() // the client may have taken its time
		k.took = k.asked.Sub(began)
	}
	if c, ok := b.(exchange.Checked); ok {
		if err := c.Check(); err != nil {
			return 0, err
		}
	}
	if err := k.overdue(); err != nil {
		return 0, err
	}
	if x.Req.Upgrade != nil {
		if err := k.mayConnect(); err != nil {
			return 0, err
		}
	}
	sent, err = k.open(x, q, b == nil)
	switch {
	case err != nil:
		if whole != nil {
			b.Replay() // for the one who sends it again
		}
		return sent, err
	case whole != nil:
		return k.sendWhole(whole, sent)
	case b != nil && x.Req.ExpectContinue:
		k.expecting = true
	case b != nil:
		k.startPump(x)
	}
	k.client.flush()
	return sent, nil
}

// sendWhole sends a body that is at hand.
func (k *Call) sendWhole(whole []byte, sent int64) (int64, error) {
	c := k.client
	if len(whole) > 0 {
		if err := k.send(whole, k.writePatience()); err != nil {
			return sent, k.sendError(err)
		}
	}
	c.mu.Lock()
	if k.reset == nil && c.broken == nil {
		k.stream.end()
	}
	c.mu.Unlock()
	c.flush()
	return sent + int64(len(whole)), nil
}

// writePatience is how long a write by Send may take. A pump needs no bound: Receive ends it when the time is up.
func (k *Call) writePatience() time.Duration {
	if k.bound.IsZero() {
		return k.patience
	}
	return max(min(k.patience, time.Until(k.bound)), time.Millisecond)
}

// sendError says why a request could not be sent.
func (k *Call) sendError(err error) error {
	switch {
	case k.abandoned.Load():
		return wire.ErrAbandoned
	case err == errRefused:
		return transport.ErrStale
	case err == errWrite:
		if late := k.overdue(); late != nil {
			return late
		}
		return errOriginTakeSlow
	}
	return err
}

// mayConnect waits for the origin's settings, which say whether it takes WebSockets.
func (k *Call) mayConnect() error {
	wait := time.NewTimer(min(k.writePatience(), k.firstByte))
	defer wait.Stop()
	k.client.flush()
	select {
	case <-k.client.greeted:
	case <-wait.C:
	}
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	if !k.client.connects {
		return errOriginConnect
	}
	return nil
}

// open takes a stream and appends the request's head.
func (k *Call) open(x *exchange.Exchange, q *wire.Request, end bool) (sent int64, err error) {
	c := k.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.broken != nil || c.streams.used >= int(c.room) { // the origin's settings may have come since Begin
		return 0, transport.ErrStale
	}
	c.newest += 2
	if c.newest == 2 {
		c.newest = 1
	}
	k.begin(&c.conn, c.newest, k)
	if k.abandoned.Load() {
		k.interrupted = true
	}
	k.noBody, k.early = x.Req.Method == exchange.MethodHead, true
	k.connect = x.Req.Upgrade != nil
	c.streams.put(&k.stream)
	before := len(*c.pending())
	k.appendHead(end && !k.connect, func(out []byte) []byte { return k.appendRequest(out, x, q) })
	return int64(len(*c.pending()) - before), nil
}

// appendRequest appends the head of a request.
func (k *Call) appendRequest(out []byte, x *exchange.Exchange, q *wire.Request) []byte {
	r := &x.Req
	switch {
	case k.connect:
		out = appendLiteral(out, staticGet, "CONNECT")
		out = appendText(appendText(append(out, literal), ":protocol"), websocket)
	case r.Method == exchange.MethodGet:
		out = append(out, 0x80|staticGet)
	case r.Method == exchange.MethodPost:
		out = append(out, 0x80|staticPost)
	default:
		out = appendLiteral(out, staticGet, r.MethodName)
	}
	if k.client.secure {
		out = append(out, 0x80|staticSchemeTLS)
	} else {
		out = append(out, 0x80|staticSchemeHTTP)
	}
	out = appendLiteral(out, staticAuthority, q.Host)
	n := len(q.Path)
	if r.Query != nil {
		n += len("?") + len(r.Query)
	}
	out = append(appendInt(appendInt(out, literal, 4, staticPath), 0, 7, n), q.Path...)
	if r.Query != nil {
		out = append(append(out, '?'), r.Query...)
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.ID.HopByHop() || k.connect && f.ID == exchange.NameSecWebSocketKey {
			continue
		}
		out = appendField(out, f)
	}
	if b := r.Body; b != nil {
		// Said only where the client has: the length of a body that happened to be at hand is no part of the request.
		if size := b.Size(); size >= 0 && r.Sent.Get(exchange.NameContentLength) != nil {
			out = appendLength(out, size)
		}
		if r.ExpectContinue {
			out = appendLiteral(out, staticExpect, continue100)
		}
	}
	if r.AllowTrailers {
		out = appendText(appendText(append(out, literal), "te"), "trailers")
	}
	return out
}

// End closes the exchange on this stream, gives its place back and reports whether the connection may serve others. The Call must
// not be used after it. A pump that still runs is stopped.
func (k *Call) End(x *exchange.Exchange) (reusable bool) {
	if k.pumping {
		k.stopPump(x)
	}
	k.stopWatch()
	c := k.client
	reusable = c.end(k)
	k.heads.clear()
	heads, s := k.heads, k.stream
	*k = Call{heads: heads}
	k.readable, k.writable = s.readable, s.writable
	c.mu.Lock()
	c.free = append(c.free, k)
	c.mu.Unlock()
	return reusable
}
