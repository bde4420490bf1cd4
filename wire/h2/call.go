package h2

import (
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
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
	gone      atomic.Bool        // the watch has seen it leave
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
	sent, err = k.open(x, q, b == nil, int64(len(whole)))
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
func (k *Call) open(x *exchange.Exchange, q *wire.Request, end bool, body int64) (sent int64, err error) {
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

// head takes a header block of the response. The caller, who reads the connection, holds its lock.
func (k *Call) head(l *fieldList, end bool) error {
	c := k.client
	h := &k.heads
	trailers := h.final
	if trailers && !end {
		return c.provoked(&k.stream, codeProtocol, errOriginHead)
	}
	if err := h.add(l, trailers); err != nil {
		return c.provoked(&k.stream, codeProtocol, err)
	}
	r := &h.list[len(h.list)-1]
	switch {
	case trailers && k.size >= 0 && k.came != k.size:
		return k.refuseHead(errOriginFraming)
	case !trailers && r.status < 200:
		if end || len(h.list) > interimMax+1 {
			return k.refuseHead(errOriginInterim)
		}
	case !trailers:
		h.final, k.early = true, false
		k.noBody = k.noBody || r.status == 204 || r.status == 304
		if !k.noBody && !k.connect {
			k.size = r.length
		}
		if end && k.size > 0 {
			return k.refuseHead(errOriginFraming)
		}
	}
	if end {
		k.endRemote()
	}
	k.readable.wake()
	return nil
}

// refuseHead drops the head, or the trailers, that came last and resets the stream: what breaks a rule is not delivered. The caller
// holds the connection's lock.
func (k *Call) refuseHead(why error) error {
	k.heads.list = k.heads.list[:len(k.heads.list)-1]
	return k.client.provoked(&k.stream, codeProtocol, why)
}

// ended has nothing to do: whoever waits has been woken.
func (k *Call) ended(*conn, uint32) {}

// Receive waits for the final response head and puts it into x.Resp, with its body; interim responses go to x.Sink.
func (k *Call) Receive(x *exchange.Exchange) error {
	for interims := 0; ; interims++ {
		if interims > interimMax {
			return errOriginInterim
		}
		h, over, err := k.awaitHead(x, interims)
		if err != nil {
			return err
		}
		fields := k.fieldsOf(&h)
		if h.status >= 200 {
			x.Resp.Status = h.status
			x.Resp.Fields = append(x.Resp.Fields[:0], fields...)
			return k.frame(x, &h, over)
		}
		switch {
		case h.status == 100:
			if k.expecting {
				k.startPump(x)
			}
		case x.Sink != nil:
			if err := x.Sink.Interim(x, h.status, fields); err != nil {
				return errWrite
			}
		}
	}
}

// fieldsOf returns the fields of a head.
func (k *Call) fieldsOf(h *responseHead) exchange.Fields {
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	return k.heads.fields[h.from:h.to:h.to]
}

// awaitHead waits for a response head; over says that nothing follows it.
func (k *Call) awaitHead(x *exchange.Exchange, interims int) (h responseHead, over bool, err error) {
	c := k.client
	for {
		c.mu.Lock()
		switch {
		case k.abandoned.Load():
			err = wire.ErrAbandoned
		case k.heads.taken < len(k.heads.list):
			h = k.heads.list[k.heads.taken]
			k.heads.taken++
			over = k.remoteOver && k.in.unread == 0 && k.in.end == io.EOF && len(k.heads.list) == k.heads.taken
			c.mu.Unlock()
			return h, over, nil
		case k.reset != nil:
			err = k.failed(x, interims)
		case k.interrupted && k.gone.Load():
			err = errClientLeft
		case k.interrupted:
			c.mu.Unlock()
			x.Join()
			if k.pumpErr == nil {
				return h, false, errInterrupted
			}
			return h, false, k.pumpErr
		}
		c.mu.Unlock()
		if err != nil {
			return h, false, err
		}
		if !k.readable.wait(k.nextLook()) {
			if err := k.lookAround(x); err != nil {
				return h, false, err
			}
		}
	}
}

// failed says what it means that the stream has ended before its response. The caller holds the lock.
func (k *Call) failed(x *exchange.Exchange, interims int) error {
	switch {
	case interims > 0 && (k.reset == errRefused || k.reset == errOriginLost):
		return fault.New(fault.OriginClosed, "the origin ended the stream after an interim response")
	case k.reset == errRefused && !k.pumping:
		if b := x.Req.Body; b == nil || b.Replay() {
			return transport.ErrStale
		}
	case k.reset == errOriginLost:
		return wire.ErrDied
	}
	return k.reset
}

// overdue says which of the bounds has passed, and that it was the client's doing if it was; nil if none has, or there is none.
func (k *Call) overdue() error {
	if k.bound.IsZero() {
		return nil
	}
	now := time.Now()
	switch {
	case now.Before(k.bound):
		return nil
	case k.uploading(now):
		return wire.ErrUpload
	case !k.until.IsZero() && !now.Before(k.until):
		return wire.ErrWhole
	}
	return wire.ErrTry
}

// uploading reports whether the client is to blame for a bound that has passed.
func (k *Call) uploading(now time.Time) bool {
	if k.pumping && !k.pumpEnded() {
		return k.waits.Load()
	}
	return k.took > now.Sub(k.asked)
}

// lookAround does what is due while the origin is silent. The error says that the wait is over.
func (k *Call) lookAround(x *exchange.Exchange) error {
	if err := k.overdue(); err != nil {
		return err
	}
	if k.expecting {
		k.startPump(x)
	} else if k.watchClient(); !time.Now().Before(k.headDeadline()) {
		return fault.New(fault.OriginTimeout, "the origin's response head was not there after "+k.firstByte.String()+" (timeouts.firstByte)")
	}
	return nil
}

// headDeadline is when the response head must be there. While a pump is still sending, the origin has nothing to answer yet.
func (k *Call) headDeadline() time.Time {
	switch {
	case k.expecting:
		return time.Now().Add(min(continueWait, k.firstByte))
	case k.pumping && !k.pumpEnded():
		return time.Now().Add(k.firstByte)
	}
	return k.asked.Add(k.firstByte)
}

// nextLook is until when to wait for the response head before it is time to look after something else: the client, at
// first, then the head's deadline.
func (k *Call) nextLook() time.Time {
	by := k.headDeadline()
	if !k.bound.IsZero() && k.bound.Before(by) {
		by = k.bound
	}
	if !k.canWatch() || k.expecting {
		return by
	}
	since := time.Now()
	if !k.pumping { // the pump writes k.asked
		since = k.asked
	}
	if look := since.Add(goneAfter); look.Before(by) {
		return look
	}
	return by
}

// canWatch reports whether there is a client that nobody watches yet.
func (k *Call) canWatch() bool { return k.unwatch == nil && k.sink != nil }

// watchClient has somebody look whether the client is still there, once the origin has been silent for a while.
func (k *Call) watchClient() {
	if !k.canWatch() || k.pumping && !k.pumpEnded() {
		return
	}
	k.unwatch = k.sink.Watch(func() {
		k.gone.Store(true)
		k.interrupt()
	})
}

func (k *Call) stopWatch() {
	if k.unwatch != nil {
		k.unwatch()
		k.unwatch = nil
	}
}

func (k *Call) pumpEnded() bool {
	select {
	case <-k.pumped:
		return true
	default:
		return false
	}
}

// frame makes what follows the head a body, a tunnel or nothing.
func (k *Call) frame(x *exchange.Exchange, h *responseHead, over bool) error {
	r := &x.Resp
	k.resp, r.Length, r.Age = r, h.length, k.age
	if k.connect && h.status < 300 {
		if k.stopWatch(); k.gone.Load() {
			return errClientLeft
		}
		r.Status, r.Tunnel = 101, tunnelEnd{&k.stream}
		key := x.Req.Fields.Get(exchange.NameSecWebSocketKey)
		r.Fields.Add(exchange.NameSecWebSocketAccept, acceptOf(x.Scratch.Alloc(acceptBytes)[:0], key))
		return nil
	}
	if k.noBody || over {
		return nil
	}
	k.body = responseBody{call: k, size: h.length}
	r.Body = &k.body
	return nil
}

// startPump sends the body beside the exchange's goroutine, which waits for the response meanwhile.
func (k *Call) startPump(x *exchange.Exchange) {
	k.expecting, k.pumping, k.pumped = false, true, make(chan struct{})
	b, trailers := x.Req.Body, &x.Req.Trailers
	x.Go(func() {
		defer func() {
			// A stage that wraps a request body is called here, outside the path's fence.
			if v := recover(); v != nil {
				k.stopAsking(fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack())))
			}
			k.asked = time.Now()
			close(k.pumped)
		}()
		if err := k.pump(b, trailers); err != nil {
			k.stopAsking(err)
		}
	})
}

// pump sends the body. The error is the body's own.
func (k *Call) pump(b exchange.Body, trailers *exchange.Fields) error {
	c := k.client
	for sent := int64(0); ; {
		if r, ok := b.(exchange.Ready); !ok || !r.Ready() {
			c.flush()
		}
		began := time.Now()
		k.waits.Store(true)
		view, err := b.Next()
		k.waits.Store(false)
		k.took += time.Since(began)
		if len(view) > 0 {
			sent += int64(len(view))
			if k.send(view, k.patience) != nil {
				return nil // the origin may have answered and stopped: Receive will tell
			}
		}
		switch {
		case err == io.EOF && b.Size() >= 0 && sent != b.Size():
			return errShortBody
		case err == io.EOF:
			k.endRequest(*trailers)
			return nil
		case err != nil:
			return err
		}
	}
}

// endRequest ends our side, with trailers if there are any.
func (k *Call) endRequest(trailers exchange.Fields) {
	c := k.client
	c.mu.Lock()
	if k.reset == nil && c.broken == nil {
		if len(trailers) > 0 {
			k.appendHead(true, func(out []byte) []byte { return appendFields(out, trailers) })
		} else {
			k.stream.end()
		}
	}
	c.mu.Unlock()
	c.flush()
}

// stopAsking ends a request whose body broke: the origin must not take what it has got for a whole one.
func (k *Call) stopAsking(err error) {
	k.pumpErr = err
	k.interrupt()
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

func (k *Call) stopPump(x *exchange.Exchange) {
	grace := time.NewTimer(pumpGrace)
	defer grace.Stop()
	select {
	case <-k.pumped:
	case <-grace.C:
		if x.Sink != nil {
			x.Sink.Interrupt()
		}
		c := k.client
		c.mu.Lock()
		c.resetStream(&k.stream, codeCancel, errStopped)
		c.mu.Unlock()
	}
	x.Join()
}

// responseBody is the body of a response.
type responseBody struct {
	call *Call
	size int64
	err  error
}

// Size is the announced length, -1 if there is none.
func (b *responseBody) Size() int64 { return b.size }

// Close does nothing: End resets a stream that was not read to its end.
func (b *responseBody) Close() error { return nil }

// Ready reports whether Next would answer without waiting.
func (b *responseBody) Ready() bool { return b.err != nil || b.call.ready() }

// Replay starts again, if what was read is still in memory.
func (b *responseBody) Replay() bool {
	if b.err != nil && b.err != io.EOF || !b.call.replay() {
		return false
	}
	b.err = nil
	return true
}

// Next returns the next bytes.
func (b *responseBody) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	k := b.call
	began := time.Now()
	by := k.bodyBy(began.Add(k.patience))
	first := by
	if k.canWatch() && k.patience > goneAfter {
		first = k.bodyBy(began.Add(goneAfter))
	}
	view, err := k.pull(first)
	if err == transport.ErrTimeout && first.Before(by) {
		k.watchClient()
		view, err = k.pull(by)
	}
	if err != nil {
		b.err = k.bodyError(err, began)
		return nil, b.err
	}
	return view, nil
}

// bodyBy is by, but not later than until and age.
func (k *Call) bodyBy(by time.Time) time.Time {
	if !k.until.IsZero() && k.until.Before(by) {
		by = k.until
	}
	if !k.age.IsZero() && k.age.Before(by) {
		by = k.age
	}
	return by
}

// bodyError says what ended a body, or a wait for it that began then.
func (k *Call) bodyError(err error, began time.Time) error {
	now := time.Now()
	switch {
	case err == io.EOF:
		k.takeTrailers()
		return io.EOF
	case k.abandoned.Load():
		return wire.ErrAbandoned
	case err == transport.ErrInterrupted && k.gone.Load():
		return errClientLeft
	case err == transport.ErrInterrupted:
		return errInterrupted
	case err != transport.ErrTimeout:
		return fault.Wrap(fault.OriginIncomplete, "the origin's response broke off", err)
	case !k.until.IsZero() && !began.Before(k.until):
		return wire.ErrTaker // it was not the origin that was waited for when the time was up
	case !k.until.IsZero() && !now.Before(k.until):
		return wire.ErrWhole
	case !k.age.IsZero() && !now.Before(k.age):
		return wire.ErrAge
	}
	return fault.New(fault.OriginStalled, "the origin sent nothing of its response body for "+k.patience.String()+" (timeouts.idle)")
}

// takeTrailers puts the trailer section into the response.
func (k *Call) takeTrailers() {
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	if h := &k.heads; h.taken < len(h.list) {
		t := &h.list[h.taken]
		k.resp.Trailers = append(k.resp.Trailers[:0], h.fields[t.from:t.to]...)
	}
}
