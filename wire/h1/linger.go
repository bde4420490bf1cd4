package h1

import (
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// mayGoOn reports whether the client may send more than has been read, while an answer may still be on its way to it. A client
// that has said that this was its last request says nothing behind it (RFC 9112 section 9.6), unless it is there already.
func (c *serverConn) mayGoOn(x *exchange.Exchange) bool {
	if !c.told || x.Resp.Tunnel != nil {
		return false
	}
	last := c.frame.close || x.Req.Minor == 0 && !c.frame.keepAlive
	if x.Fault != nil || !last || c.in.r < c.in.w || c.body.kind != bodyNone && !c.body.ended() {
		return true
	}
	return !c.conn.Quiet()
}

// linger closes the sending side and throws away what still comes, until the client closes too. To close at once would have the
// kernel answer bytes that nobody reads with a reset, which destroys what the client has not taken yet: this answer, and those
// before it to a client that did not wait for them (RFC 9112 section 9.6). The connection must be done with: while it waits, it
// holds no memory.
func (c *serverConn) linger() {
	c.in.release()
	h, ok := c.conn.(transport.HalfCloser)
	if !ok || h.CloseWrite() != nil {
		return
	}
	give := time.Now().Add(c.server.Timeouts.Drain)
	for total := 0; total < lingerBytes; {
		err := c.in.await(give)
		total += c.in.w
		c.in.release()
		switch err {
		case nil:
		case transport.ErrInterrupted: // a Drain took us for idle
			c.conn.Interrupt(false)
		default:
			return
		}
	}
}
