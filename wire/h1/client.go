package h1

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

// Client is one connection to an origin. It serves one exchange at a time: Send, Receive, then the response's body is
// pulled from x.Resp, then End. Between two exchanges it holds no buffer.
type Client struct {
	conn transport.Conn
	in   buffer
	body body
	all  exchange.Fields
	f    framing

	patience  time.Duration // between two reads or writes of a body
	firstByte time.Duration
	asked     time.Time // when the request's last byte was sent
	expecting bool      // the request body waits for 100
	pumping   bool
	pumped    chan struct{} // closed when the pump has ended
	pumpErr   error         // of the request's body; read after x.Join
	upload    upload        // what the client of a bounded request takes of the time
	sentAll   bool          // the request was written completely; with a pump: after x.Join
	keep      bool          // the response allows another request
	used      bool          // it has carried a request before
	askErr    error         // of the wait for the answer that Send began
	until     time.Time     // Request.Until
	age       time.Time     // Request.Age
	bound     time.Time     // the earlier one of Request.Head and Request.Until; zero: none
	promise   promise       // what the last response said in Keep-Alive

	tunnel    *end               // after 101; nil: there is none
	resp      *exchange.Response // where the final head is, until End
	sink      exchange.Sink      // of the exchange; nil: it has no client
	unwatch   func()             // ends the watch for the client; nil: nobody watches
	gone      atomic.Bool        // the watch has seen it leave
	abandoned atomic.Bool        // see Abandon
}

// continueWait is how long an origin gets to say 100 before the body is sent without it (RFC 9110 section 10.1.1).
const continueWait = time.Second

// NewClient returns a client on a connection that has carried nothing yet.
func NewClient(conn transport.Conn) *Client {
	c := &Client{conn: conn, promise: noPromise}
	c.in.conn = conn
	c.body.response, c.body.client = true, c
	return c
}

// Asked returns when the last byte of the request was sent, or nearly; ok is false while it is still being sent. It holds from
// Receive to End.
func (c *Client) Asked() (at time.Time, ok bool) {
	if c.pumping && !c.pumpEnded() {
		return time.Time{}, false
	}
	return c.asked, true
}

// Pumped reports whether the request's body was too large to be sent in one piece: some of it is gone.
func (c *Client) Pumped() bool { return c.pumping }

// Close closes the connection, also under a Receive.
func (c *Client) Close() error { return c.conn.Close() }

// Send writes the request: head and body in one piece if the whole body is at hand; otherwise the head, and a pump
// goes on with the body beside Receive. It returns how many bytes left, also with an error: a request of which none
// left may be sent again. The error is transport.ErrStale if this is a kept connection that the origin has closed, or on
// which it spoke unasked. Errors of kind ClientGone or SlowClient come from the request's own body.
func (c *Client) Send(x *exchange.Exchange, q *wire.Request) (sent int64, err error) {
	c.patience, c.firstByte, c.asked = q.Patience, q.FirstByte, q.Now
	c.expecting, c.pumping, c.sentAll, c.keep, c.pumpErr = false, false, false, false, nil
	c.askErr, c.sink, c.upload.took = nil, x.Sink, 0
	c.until, c.age, c.bound = q.Until, q.Age, q.Until
	if !q.Head.IsZero() && (c.bound.IsZero() || q.Head.Before(c.bound)) {
		c.bound = q.Head
	}
	c.gone.Store(false)
	if !c.used {
		c.asked = time.Now() // making the connection took its time
	}
	b := x.Req.Body
	var whole []byte
	if w, ok := b.(exchange.Whole); ok && !x.Req.ExpectContinue {
		if whole, err = w.Whole(); err != nil {
			return 0, err
		}
		now := time.Now() // the client may have taken its time
		c.upload.took, c.asked = now.Sub(c.asked), now
	}
	if c, ok := b.(exchange.Checked); ok {
		if err := c.Check(); err != nil {
			return 0, err
		}
	}
	out := outs.Get().(*[]byte)
	head := appendRequest((*out)[:0], x, q)
	now := b == nil || whole != nil
	sent, err = c.write(head, whole, now)
	*out = head
	outs.Put(out)
	switch {
	case err != nil:
		if sent == 0 && whole != nil {
			b.Replay() // for the one who sends it again
		}
		c.in.release()
		return sent, c.sendError(err)
	case now:
		c.sentAll = true
	case x.Req.ExpectContinue:
		c.expecting = true
	default:
		c.startPump(x)
	}
	return sent, nil
}

// write sends the head, and the body if it is at hand. If that is the whole request it waits for the answer as well,
// where the transport can do both in one step: what came is in c.in, what went wrong in c.askErr.
func (c *Client) write(head, whole []byte, all bool) (sent int64, err error) {
	if err := c.overdue(); err != nil {
		return 0, err // the client may have taken all the time
	}
	kept := c.used
	c.used = true
	size := int64(len(head) + len(whole))
	if asker, ok := c.conn.(transport.Asker); ok && all {
		c.in.open()
		sent, got, ok, err := asker.Ask(head, whole, c.in.data[c.in.w:], c.nextLook())
		c.in.w += got
		// The look may have been due before anything could be sent: the exchange was held up on its way here.
		ok = ok && !(sent == 0 && err == transport.ErrTimeout)
		if ok && sent == size {
			c.askErr = err
			return sent, nil
		}
		if ok {
			return c.writeRest(head, whole, sent, err)
		}
	}
	if kept && !c.conn.Quiet() {
		return 0, transport.ErrStale
	}
	return c.conn.Write(head, whole, nil, c.writePatience())
}

// writeRest goes on where the kernel did not take everything at once.
func (c *Client) writeRest(head, whole []byte, sent int64, err error) (int64, error) {
	if err != nil {
		return sent, err
	}
	if sent < int64(len(head)) {
		head = head[sent:]
	} else {
		head, whole = whole[sent-int64(len(head)):], nil
	}
	n, err := c.conn.Write(head, whole, nil, c.writePatience())
	return sent + n, err
}

// writePatience is how long a write by Send may take. A pump needs no bound: Receive ends it when the time is up.
func (c *Client) writePatience() time.Duration {
	if c.bound.IsZero() {
		return c.patience
	}
	return max(min(c.patience, time.Until(c.bound)), time.Millisecond)
}

// sendError says why a request could not be sent, if it was not the connection's fault.
func (c *Client) sendError(err error) error {
	if c.abandoned.Load() {
		return wire.ErrAbandoned
	}
	if err == transport.ErrTimeout {
		if late := c.overdue(); late != nil {
			return late
		}
	}
	return err
}

func appendRequest(out []byte, x *exchange.Exchange, q *wire.Request) []byte {
	r := &x.Req
	out = append(append(out, r.MethodName...), ' ')
	out = append(out, q.Path...)
	if r.Query != nil {
		out = append(append(out, '?'), r.Query...)
	}
	out = append(append(append(out, " HTTP/1.1\r\nHost: "...), q.Host...), "\r\n"...)
	out = appendFields(out, r.Fields)
	switch {
	case r.Body == nil:
		if r.Method == exchange.MethodPost || r.Method == exchange.MethodPut || r.Method == exchange.MethodPatch {
			out = appendLength(out, 0) // RFC 9110 section 8.6
		}
	case r.Body.Size() >= 0:
		out = appendLength(out, r.Body.Size())
	default:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	if r.Body != nil && r.ExpectContinue {
		out = append(out, "Expect: 100-continue\r\n"...)
	}
	switch {
	case r.Upgrade != nil:
		out = append(append(append(out, "Upgrade: "...), r.Upgrade...), "\r\nConnection: Upgrade\r\n"...)
	case r.AllowTrailers:
		out = append(out, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return append(out, "\r\n"...)
}

// startPump sends the body beside the exchange's goroutine, which reads the response meanwhile: an origin may answer
// before it has read everything.
func (c *Client) startPump(x *exchange.Exchange) {
	c.expecting, c.pumping, c.pumped = false, true, make(chan struct{})
	b, trailers := x.Req.Body, &x.Req.Trailers
	x.Go(func() {
		defer func() {
			// A stage that wraps a request body is called here, outside the path's fence.
			if v := recover(); v != nil {
				c.stopAsking(fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack())))
			}
			c.asked = time.Now()
			close(c.pumped)
		}()
		out := outs.Get().(*[]byte)
		w := bodyWriter{conn: c.conn, out: (*out)[:0], chunked: b.Size() < 0, timeout: c.patience}
		if !c.bound.IsZero() {
			w.upload = &c.upload
		}
		source, sink := w.pump(b, trailers)
		*out = w.out[:0]
		outs.Put(out)
		switch {
		case source != nil:
			c.stopAsking(source)
		case sink != nil:
			c.pumpErr = sink // the origin may have answered and closed: Receive will tell
		case b.Size() >= 0 && w.sent != b.Size():
			c.stopAsking(errShortBody)
		default:
			c.sentAll = true
		}
	})
}

// stopAsking ends a request whose body broke: the origin must not take what it has got for a whole one, and its answer
// is no longer wanted.
func (c *Client) stopAsking(err error) {
	c.pumpErr = err
	c.conn.Interrupt(true)
}

// overdue says which of the bounds has passed, and that it was the client's doing if it was; nil if none has, or there is none.
func (c *Client) overdue() error {
	if c.bound.IsZero() {
		return nil
	}
	now := time.Now()
	switch {
	case now.Before(c.bound):
		return nil
	case c.uploading(now):
		return wire.ErrUpload
	case !c.until.IsZero() && !now.Before(c.until):
		return wire.ErrWhole
	}
	return wire.ErrTry
}

// Receive reads the final response head into x.Resp and prepares its body; interim responses go to x.Sink.
func (c *Client) Receive(x *exchange.Exchange) error {
	for interims := 0; ; interims++ {
		if interims > interimMax {
			return errOriginInterim
		}
		head, err := c.awaitHead(x)
		if err == wire.ErrDied && interims > 0 {
			return errOriginInterimEnd // the response had begun: nobody may send the request again
		}
		if err != nil {
			return err
		}
		minor, err := parseResponse(head, &x.Resp, &c.all, &c.f)
		if err != nil {
			return err
		}
		if x.Resp.Status >= 200 || x.Resp.Status == 101 {
			return c.frameResponse(x, minor)
		}
		if err := c.interim(x); err != nil {
			return err
		}
	}
}

// awaitHead waits for a response head; an origin that is to say 100 first gets continueWait for it.
func (c *Client) awaitHead(x *exchange.Exchange) ([]byte, error) {
	for {
		head, err := []byte(nil), c.askErr
		if c.askErr = nil; err == nil {
			head, err = c.in.head(c.nextLook())
		}
		if err != nil && c.abandoned.Load() {
			return nil, wire.ErrAbandoned
		}
		switch err {
		case nil:
			return head, nil
		case transport.ErrTimeout:
			if err := c.lookAround(x); err != nil {
				return nil, err
			}
			continue
		case transport.ErrInterrupted: // the client has left, or the pump found its body broken
			if c.gone.Load() {
				return nil, errClientLeft
			}
			x.Join()
			if c.pumpErr == nil {
				return nil, errInterrupted
			}
			return nil, c.pumpErr
		case io.ErrUnexpectedEOF:
			return nil, fault.New(fault.OriginClosed, "the origin closed the connection within its response head")
		case errBareLine:
			return nil, originError(err)
		case errHeadLarge:
			return nil, errOriginLarge
		}
		if c.in.r < c.in.w {
			return nil, fault.Wrap(fault.OriginClosed, "the origin's connection broke within its response head", err)
		}
		return nil, wire.ErrDied
	}
}

// lookAround does what is due while the origin is silent: sends the body that waited for 100, has somebody watch the client.
// The error says that the wait is over.
func (c *Client) lookAround(x *exchange.Exchange) error {
	if err := c.overdue(); err != nil {
		return err
	}
	if c.expecting {
		c.startPump(x)
	} else if c.watchClient(); !time.Now().Before(c.headDeadline()) {
		return fault.New(fault.OriginTimeout, "the origin's response head was not there after "+c.firstByte.String()+" (timeouts.firstByte)")
	}
	return nil
}

// headDeadline is when the response head must be there. While a pump is still sending, the origin has nothing to answer
// yet: the pump has its own deadlines.
func (c *Client) headDeadline() time.Time {
	switch {
	case c.expecting:
		return time.Now().Add(min(continueWait, c.firstByte))
	case c.pumping && !c.pumpEnded():
		return time.Now().Add(c.firstByte)
	}
	return c.asked.Add(c.firstByte)
}

// nextLook is until when to wait for the response head before it is time to look after something else: the client, at
// first, then the head's deadline.
func (c *Client) nextLook() time.Time {
	by := c.headDeadline()
	if !c.bound.IsZero() && c.bound.Before(by) {
		by = c.bound
	}
	if !c.canWatch() || c.expecting {
		return by
	}
	var since time.Time
	if c.pumping { // the pump writes c.asked
		since = time.Now()
	} else {
		since = c.asked
	}
	if look := since.Add(goneAfter); look.Before(by) {
		return look
	}
	return by
}

// canWatch reports whether there is a client that nobody watches yet.
func (c *Client) canWatch() bool { return c.unwatch == nil && c.sink != nil }

// watchClient has somebody look whether the client is still there, once the origin has been silent for goneAfter: most
// exchanges are over before, and pay nothing. A pump that still reads from the client sees for itself.
func (c *Client) watchClient() {
	if !c.canWatch() || c.pumping && !c.pumpEnded() {
		return
	}
	c.unwatch = c.sink.Watch(func() {
		c.gone.Store(true)
		c.conn.Interrupt(true)
	})
}

// stopWatch ends the watch, if there is one: afterwards the client's side may be read again.
func (c *Client) stopWatch() {
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
}

func (c *Client) pumpEnded() bool {
	select {
	case <-c.pumped:
		return true
	default:
		return false
	}
}

// interim handles a 1xx response other than 101.
func (c *Client) interim(x *exchange.Exchange) error {
	if c.f.codings > 0 || c.f.length > 0 {
		return errOriginFraming
	}
	if x.Resp.Status == 100 {
		if c.expecting {
			c.startPump(x)
		}
	} else if x.Sink != nil {
		if err := x.Sink.Interim(x, x.Resp.Status, x.Resp.Fields); err != nil {
			return errWrite
		}
	}
	x.Resp.Fields = x.Resp.Fields[:0]
	c.in.recycle()
	return nil
}

// frameResponse decides where the body ends (RFC 9112 section 6.3) and whether the connection may be kept.
func (c *Client) frameResponse(x *exchange.Exchange, minor int) error {
	r, f := &x.Resp, &c.f
	c.resp, c.promise = r, noPromise
	if f.promises {
		c.promise = promised(c.all)
	}
	if r.Status == 101 {
		return c.switchProtocol(x)
	}
	if r.Status == 205 && f.length > 0 {
		return errOriginFraming
	}
	r.Length = f.length
	kind := bodyToEnd
	switch {
	case x.Req.Method == exchange.MethodHead || r.Status == 204 || r.Status == 304:
		kind = bodyNone
	case f.chunked:
		kind = bodyChunked
	case f.length >= 0:
		kind = bodyLength
	}
	// Rule for a response with both framings: the length is dropped, and the connection ends with the response.
	c.keep = minor == 1 && !f.close && kind != bodyToEnd && !(f.chunked && f.length >= 0)
	if r.Status == 204 && (f.chunked || f.length > 0) {
		c.keep = false // RFC 9110 section 15.3.5: what it announced may yet come, and look like the next response
	}
	if f.chunked {
		r.Length = -1
	}
	c.body.begin(&c.in, f, kind, c.patience, &r.Trailers)
	r.Age, c.body.until, c.body.age = c.age, c.until, c.age
	if kind != bodyNone {
		r.Body = &c.body
	}
	return nil
}

// switchProtocol accepts a 101 to the protocol that was asked for.
func (c *Client) switchProtocol(x *exchange.Exchange) error {
	if c.f.codings > 0 || c.f.length > 0 {
		return errOriginFraming
	}
	if x.Req.Upgrade == nil || !c.f.upgrade || !exchange.EqualFold(c.f.upgradeTo, x.Req.Upgrade) {
		return errOriginSwitch
	}
	if c.stopWatch(); c.gone.Load() { // the tunnel reads from the client itself, and two cannot
		return errClientLeft
	}
	c.tunnel = newEnd(&c.in)
	x.Resp.Tunnel, x.Resp.Age = c.tunnel, c.age
	return nil
}

// End closes the exchange on this connection and reports whether it may carry another: request written and response
// read to the last byte, nothing left over. If not, the caller closes it. A pump that still runs is stopped.
func (c *Client) End(x *exchange.Exchange) (reusable bool) {
	if c.pumping {
		c.stopPump(x)
	}
	c.stopWatch()
	reusable = c.keep && c.sentAll && c.body.ended() && c.in.r == c.in.w && !c.gone.Load() && !c.abandoned.Load()
	c.body.restore()
	if c.tunnel != nil {
		c.tunnel.release()
		c.tunnel = nil
	}
	c.in.release()
	c.resp = nil
	return reusable
}

// pumpGrace is how long a pump may go on after the response is complete: an origin that has read everything often
// answers before the pump has returned from its last write. On a machine with more to do than processors that takes some turns of
// the scheduler; an origin that answers early makes its client wait so long for the connection's end, not for the answer.
const pumpGrace = 20 * time.Millisecond

func (c *Client) stopPump(x *exchange.Exchange) {
	grace := time.NewTimer(pumpGrace)
	defer grace.Stop()
	select {
	case <-c.pumped:
	case <-grace.C:
		if x.Sink != nil {
			x.Sink.Interrupt()
		}
		c.keep = false // though the pump may prove to have sent all of it
		c.conn.Close()
	}
	x.Join()
}
