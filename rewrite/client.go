package rewrite

import (
	"net/netip"

	"github.com/gaissmai/bart"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// Env is what the stages know of the edge around them. It is not changed after they were made.
type Env struct {
	HTTPSPort  uint16         // the public port of HTTPS; 0: there is no HTTPS listener, so nothing is redirected to it
	Trusted    []netip.Prefix // proxies whose forwarding fields are believed
	ClientFrom string         // where they say who the client is: "x-forwarded-for", also if empty, or "forwarded" (RFC 7239)
}

// The values of Env.ClientFrom.
const (
	FromXForwardedFor = "x-forwarded-for"
	FromForwarded     = "forwarded"
)

// source is the field of Env.ClientFrom.
func (e *Env) source() exchange.NameID {
	if e.ClientFrom == FromForwarded {
		return exchange.NameForwarded
	}
	return exchange.NameXForwardedFor
}

// Client is the stage that finds out who asks. NewClient makes it; it serves every path.
type Client struct {
	trusted *bart.Lite // nil: nobody is
	source  exchange.NameID
}

// NewClient returns the stage of these settings. It is the first of every path, also of what the parser refused: limits
// and log go by what it writes.
func NewClient(env *Env) *Client {
	return &Client{trusted: newSet(env.Trusted), source: env.source()}
}

// Name is "client".
func (c *Client) Name() string { return "client" }

// Request writes Facts.Client and, if a trusted peer names one, Facts.RequestID.
func (c *Client) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Conn == nil {
		return exchange.Next
	}
	f := &x.Facts.Client
	f.Addr, f.HTTPS = peer(x), x.Conn.TLS != nil
	if c.trusted != nil && c.trusted.Contains(f.Addr) && !unnamed(x.Conn) {
		f.Trusted = true
		c.believe(x)
	}
	return exchange.Next
}

// Done gives an answer in gRPC's form, which is 200 whatever has happened, the status of its fault: by it the log, the metrics and
// the spans, which come behind the last Done, tell a failure from a success.
func (c *Client) Done(x *exchange.Exchange) {
	if x.Fault != nil && x.Resp.Status == callStatus {
		x.Resp.Status = fault.Of(x.Fault).Status()
	}
}

// peer is the address at the other end of the connection, comparable with those in fields.
func peer(x *exchange.Exchange) netip.Addr { return x.Conn.Client.Addr().Unmap().WithZone("") }

// unnamed reports whether the connection is of a balancer that names the client of each by a PROXY header, and of this one none. Who
// speaks on it may be a client whom it could not name: what it says of itself is not the balancer's word.
func unnamed(c *exchange.Conn) bool {
	return c.Balancer.IsValid() && c.Balancer.Unmap().WithZone("") == c.Client.Addr().Unmap().WithZone("")
}

// believe reads what a trusted proxy says of the request.
func (c *Client) believe(x *exchange.Exchange) {
	if x.Req.Path == nil {
		return // refused before the head was read to its end: what the proxy itself said may be missing
	}
	f, fields := &x.Facts.Client, x.Req.Fields
	w := walkFrom(fields, c.source)
	for range hopsMax {
		addr, ok := w.next()
		if !ok {
			break
		}
		f.Addr = addr
		if !c.trusted.Contains(addr) {
			break
		}
	}
	f.HTTPS = f.HTTPS || saysHTTPS(fields, c.source)
	if fields.Count(exchange.NameXRequestID) == 1 {
		x.Facts.RequestID = parseID(fields.Get(exchange.NameXRequestID))
	}
}
