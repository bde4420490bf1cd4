package h1

import (
	"strconv"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// Interim forwards a 1xx response to a client that may understand it.
func (c *serverConn) Interim(x *exchange.Exchange, status int, fields exchange.Fields) error {
	if x.Req.Minor == 0 || status == 100 {
		return nil // 100 is sent by the request's body when somebody asks for it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := outs.Get().(*[]byte)
	b := append((*out)[:0], statusLines[status]...)
	b = append(appendFields(b, fields), "\r\n"...)
	_, err := c.conn.Write(b, nil, nil, c.server.Timeouts.Write)
	*out = b
	outs.Put(out)
	return err
}

// Interrupt makes a read of the request body fail.
func (c *serverConn) Interrupt() { c.conn.Interrupt(true) }

// Watch calls gone if the client closes its side, as it does when it leaves: a client that closes only its sending side
// and goes on reading is taken for gone too, as by other proxies.
func (c *serverConn) Watch(gone func()) (stop func()) {
	if w, ok := c.conn.(transport.Watcher); ok {
		return w.Watch(gone)
	}
	return func() {}
}

// sendContinue asks for the body, unless the answer has begun: then the body is no longer wanted.
func (c *serverConn) sendContinue() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.headOut {
		return errInterrupted
	}
	c.continued = true
	if c.in.r < c.in.w {
		return nil // the client did not wait
	}
	_, err := c.conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil, nil, c.server.Timeouts.Write)
	return err
}

// Send writes the answer.
func (c *serverConn) Send(x *exchange.Exchange) error {
	r := &x.Resp
	if x.Req.ExpectContinue {
		c.mu.Lock()
		c.headOut = true
		c.mu.Unlock()
	}
	r.Started = true
	if c.body.kind != bodyNone {
		c.streams.Store(true)
	}
	out := outs.Get().(*[]byte)
	defer outs.Put(out)
	if r.Tunnel != nil {
		return c.sendTunnel(x, (*out)[:0])
	}
	w := bodyWriter{conn: c.conn, timeout: c.server.Timeouts.Write}
	size := c.appendHead(x, (*out)[:0], &w)
	var err error
	if size == noBody {
		if w.flush() != nil {
			err = errWrite
		}
	} else {
		err = c.sendBody(x, &w, size)
	}
	if cap(w.out) <= 4*outBytes { // one that a huge head has grown is not kept
		*out = w.out[:0]
	}
	c.told = err != errWrite
	return err
}

// noBody is the size of an answer that has no body on the wire.
const noBody = -2

// appendHead writes the head to w.out and returns the size of the body that follows: -1 if unknown, or noBody.
func (c *serverConn) appendHead(x *exchange.Exchange, out []byte, w *bodyWriter) (size int64) {
	r := &x.Resp
	out = append(out, statusLines[r.Status]...)
	out = appendFields(out, r.Fields)
	if r.Fields.Get(exchange.NameDate) == nil {
		out = appendDate(out, x.Now)
	}
	size = noBody
	if r.Body != nil {
		size = r.Body.Size()
	}
	switch {
	case r.Status == 204 || r.Status == 304 || x.Req.Method == exchange.MethodHead:
		if r.Status != 204 && (size >= 0 || r.Length >= 0) {
			out = appendLength(out, max(size, r.Length))
		}
		size = noBody
	case r.Body == nil:
		out = appendLength(out, 0)
	case size >= 0:
		out = appendLength(out, size)
	case x.Req.Minor == 1:
		w.chunked = true
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	default:
		c.close = true
	}
	w.out = append(c.appendConnection(x, out), "\r\n"...)
	return size
}

// appendConnection says whether the connection goes on, where that is not the version's default.
func (c *serverConn) appendConnection(x *exchange.Exchange, out []byte) []byte {
	if !c.close && (c.server.draining.Load() || c.server.retiring.Load() || brokenBody(x.Fault) || c.wontDrain(x)) {
		c.close = true
	}
	switch {
	case c.close:
		return append(out, "Connection: close\r\n"...)
	case x.Req.Minor == 0:
		return append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

// brokenBody reports whether a fault is that of a request body of which nobody can tell where it ends.
func brokenBody(err error) bool {
	if err == nil {
		return false
	}
	switch fault.Of(err) {
	case fault.BadFraming, fault.SlowClient, fault.ClientGone:
		return true
	}
	return false
}

// wontDrain reports whether it is plain already that the rest of the request body is too much to drain. A pump, which
// may still read it, is only there if the origin has been asked.
func (c *serverConn) wontDrain(x *exchange.Exchange) bool {
	b := &c.body
	if b.kind == bodyNone {
		return false
	}
	if x.Req.ExpectContinue && !c.continued { // cannot change any more: headOut is set
		return true
	}
	if x.Facts.Origin.Tries > 0 {
		return false
	}
	return !b.ended() && (b.err != nil || b.kind == bodyLength && b.left > drainBytes)
}

func appendLength(out []byte, n int64) []byte {
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, n, 10)
	return append(out, "\r\n"...)
}

// noTrailers is sent to a client that did not say TE: trailers.
var noTrailers exchange.Fields

func (c *serverConn) sendBody(x *exchange.Exchange, w *bodyWriter, size int64) error {
	trailers := &noTrailers
	if x.Req.AllowTrailers {
		trailers = &x.Resp.Trailers
	}
	source, sink := w.pump(x.Resp.Body, trailers)
	x.Resp.Sent = w.sent
	switch {
	case sink != nil:
		return errWrite
	case source != nil:
		return source
	case size >= 0 && w.sent != size:
		return errShortBody
	}
	return nil
}

// sendTunnel answers 101 and hands the connection to the tunnel until it ends.
func (c *serverConn) sendTunnel(x *exchange.Exchange, out []byte) error {
	c.close = true
	out = append(out, statusLines[101]...)
	out = appendFields(out, x.Resp.Fields)
	out = append(append(append(out, "Upgrade: "...), x.Req.Upgrade...), "\r\nConnection: Upgrade\r\n\r\n"...)
	if _, err := c.conn.Write(out, nil, nil, c.server.Timeouts.Write); err != nil {
		return errWrite
	}
	own := newEnd(&c.in)
	defer own.release()
	fromClient, toClient, err := c.server.tunnels.Join(own, x.Resp.Tunnel, c.server.Timeouts.Tunnel, x.Resp.Age)
	x.Facts.Entry.BytesIn, x.Resp.Sent = fromClient, toClient
	return err
}
