package upstream

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// key is what a service's balancing hashes of a request.
type key struct {
	on     bool // something is hashed
	header []byte
	id     exchange.NameID // of header
	cookie []byte
	sticky []byte // name of the cookie that keeps a client on its endpoint; nil: none
	maxAge int    // seconds of it; 0: until the browser closes
}

func newKey(b *spec.Balance) (k key) {
	if b.By == spec.ByMaglev {
		k.on = true
		switch source, name := b.Key.Split(); source {
		case "header":
			k.header = []byte(name)
			k.id = exchange.Intern(k.header)
		case "cookie":
			k.cookie = []byte(name)
		}
	}
	if s := b.Sticky; s != nil {
		k.sticky, k.maxAge = []byte(s.Cookie), int(s.MaxAge.Seconds())
	}
	return k
}

// of fills in what the balancer is to heed of a request.
func (k *key) of(x *exchange.Exchange, a *balance.Ask) {
	if k.on {
		a.Key, a.Keyed = k.hash(x), true
	}
	if k.sticky != nil {
		a.Sticky = parseSticky(cookieOf(x, k.sticky))
	}
}

func (k *key) hash(x *exchange.Exchange) uint64 {
	var value []byte
	switch {
	case k.cookie != nil:
		value = cookieOf(x, k.cookie)
	case k.header != nil && k.id != exchange.NameOther:
		value = x.Req.Fields.Get(k.id)
	case k.header != nil:
		value = x.Req.Fields.Find(k.header)
	}
	if len(value) > 0 {
		return balance.Hash(value)
	}
	return balance.HashAddr(clientOf(x))
}

// cookieOf returns the value of the first cookie of that name (RFC 6265 section 5.4), nil if there is none.
func cookieOf(x *exchange.Exchange, name []byte) []byte {
	for i := range x.Req.Fields {
		if x.Req.Fields[i].ID != exchange.NameCookie {
			continue
		}
		for list := x.Req.Fields[i].Value; len(list) > 0; {
			pair, rest, _ := bytes.Cut(list, semicolon)
			list = rest
			n, v, ok := bytes.Cut(exchange.TrimOWS(pair), equals)
			if ok && bytes.Equal(n, name) {
				return v
			}
		}
	}
	return nil
}

var semicolon, equals = []byte(";"), []byte("=")

// parseSticky reads a sticky cookie's value, 0 if it is none. Who makes one up chooses an endpoint that anybody may get.
func parseSticky(v []byte) uint64 {
	var raw [8]byte
	if len(v) != hex.EncodedLen(len(raw)) {
		return 0
	}
	if _, err := hex.Decode(raw[:], v); err != nil {
		return 0
	}
	var id uint64
	for _, b := range raw {
		id = id<<8 | uint64(b)
	}
	return id
}

// stick tells the client which endpoint it is on, if it does not know.
func (k *key) stick(x *exchange.Exchange, ep *endpoint, knows uint64) {
	id := ep.member.ID()
	if id == knows {
		return
	}
	b := x.Scratch.Alloc(len(k.sticky) + stickyBytesMax)
	n := copy(b, k.sticky)
	out := append(b[:n], '=')
	for shift := 60; shift >= 0; shift -= 4 {
		out = append(out, "0123456789abcdef"[id>>shift&15])
	}
	out = append(out, "; Path=/; HttpOnly; SameSite=Lax"...)
	if x.Facts.Client.HTTPS {
		out = append(out, "; Secure"...)
	}
	if k.maxAge > 0 {
		out = strconv.AppendInt(append(out, "; Max-Age="...), int64(k.maxAge), 10)
	}
	x.Resp.Fields.Add(exchange.NameSetCookie, x.Scratch.Trim(b, len(out)))
}
