package h1

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// promise is what an origin says in Keep-Alive about its connection (RFC 2068 section 19.7.1.1); -1: it says nothing.
type promise struct {
	timeout  time.Duration
	requests int
}

// noPromise is that of a response without the field.
var noPromise = promise{-1, -1}

// KeepAlive returns what the last response said about this connection: how long the origin keeps it open unused, and for
// how many more requests; -1 for what it did not say. Parameters that are no plain number of at most nine digits count as not
// said, and of several the smallest counts. It holds from Receive to the next Send.
func (c *Client) KeepAlive() (timeout time.Duration, requests int) {
	return c.promise.timeout, c.promise.requests
}

// promised reads every Keep-Alive field of a head.
func promised(all exchange.Fields) promise {
	p := noPromise
	for i := range all {
		if all[i].ID == exchange.NameKeepAlive {
			p.take(all[i].Value)
		}
	}
	return p
}

// take reads one field: a list of NAME=VALUE. Unknown parameters say nothing to us.
func (p *promise) take(list []byte) {
	for len(list) > 0 {
		item := list
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			list = nil
		}
		name, value, _ := bytes.Cut(exchange.TrimOWS(item), []byte("="))
		n, ok := plainNumber(value)
		switch {
		case !ok:
		case exchange.EqualFold(name, []byte("timeout")):
			if d := time.Duration(n) * time.Second; p.timeout < 0 || d < p.timeout {
				p.timeout = d
			}
		case exchange.EqualFold(name, []byte("max")):
			if p.requests < 0 || n < p.requests {
				p.requests = n
			}
		}
	}
}

// plainNumber reads 1 to keepAliveDigitsMax digits and nothing else.
func plainNumber(v []byte) (n int, ok bool) {
	if len(v) == 0 || len(v) > keepAliveDigitsMax {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
