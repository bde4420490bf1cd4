package h1

import (
	"skerry.dev/skerry/exchange"
)

// Abandon ends the exchange that is under way on this connection, from any goroutine: a Send, a Receive or a read of the body
// that is in progress, or comes later, fails soon with ErrAbandoned. The connection is closed; it serves nothing any more.
// It may be called between NewClient, or Send, and the return of End, not later: the connection may serve somebody else then.
func (c *Client) Abandon() {
	c.abandoned.Store(true)
	c.conn.Close()
}

// Adopt makes the exchange on this connection that of x: the response head that Receive put into another exchange becomes
// x.Resp, what comes of its trailers will be x.Resp.Trailers, and x's client is the one that is watched. The fields stay views
// that hold until End, which is then called with x. It does nothing to x.Req, of which it assumes no more than the
// method of the request that was sent.
//
// Nobody else may be receiving into x, nor watching its client: whoever was must have returned, and called End. The exchange
// that the head was received into is left without a response, and may be released.
func (c *Client) Adopt(x *exchange.Exchange) {
	c.stopWatch()
	from, to := c.resp, &x.Resp
	if from != to {
		started, sent := to.Started, to.Sent
		*from, *to = *to, *from
		from.Started, from.Sent, to.Started, to.Sent = to.Started, to.Sent, started, sent
		from.Status, from.Length, from.Body, from.Tunnel = 0, -1, nil, nil
		from.Fields, from.Trailers = from.Fields[:0], from.Trailers[:0]
	}
	c.resp, c.sink, c.body.trailers = to, x.Sink, &to.Trailers
}
