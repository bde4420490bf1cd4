package exchangetest

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
)

// Client is the peer of every exchange that Request builds.
var Client = netip.MustParseAddrPort("192.0.2.7:4711")

// Now is the instant of every exchange that Request builds.
var Now = time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)

// Request builds an exchange from text: a request line, fields, and after an empty line the body, with "\n" as line
// end. Host and path are in normal form afterwards, hop-by-hop fields are gone from Fields, as a protocol does it; Sink
// is a new Recorder. It panics if the text is no request. Release gives the exchange back.
func Request(text string) *exchange.Exchange {
	head, body, hasBody := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	words := strings.Fields(lines[0])
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
		panic(fmt.Sprintf("no request line: %q", lines[0]))
	}
	x := exchange.Acquire()
	x.Conn = &exchange.Conn{Client: Client, Local: netip.MustParseAddrPort("192.0.2.1:443"), Protocol: "h1", TLS: &exchange.TLS{ServerName: "shop.example.com", Version: 0x0304, Covers: func([]byte) bool { return true }}}
	x.Sink, x.Now = &Recorder{}, Now
	r := &x.Req
	r.MethodName, r.Target = []byte(words[0]), []byte(words[1])
	r.Method, r.Minor = exchange.MethodOf(r.MethodName), int(words[2][len(words[2])-1]-'0')
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			panic(fmt.Sprintf("no field: %q", line))
		}
		r.Sent.AddNamed([]byte(name), exchange.TrimOWS([]byte(value)))
	}
	setTarget(x)
	setFields(r)
	if hasBody && body != "" {
		r.Body = exchange.NewBytes([]byte(body))
	}
	return x
}

func setTarget(x *exchange.Exchange) {
	r := &x.Req
	path, query, hasQuery := bytes.Cut(r.Target, []byte("?"))
	if hasQuery {
		r.Query = query
	}
	r.RawPath, r.Path = path, path
	var err error
	if len(path) > 0 && path[0] == '/' {
		if r.Path, err = exchange.NormalPath(path, &x.Scratch); err != nil {
			panic(err)
		}
	}
	if authority := r.Sent.Get(exchange.NameHost); authority != nil {
		if r.Host, r.Port, err = exchange.NormalHost(authority, &x.Scratch); err != nil {
			panic(err)
		}
		r.Authority = r.Host
		if r.Port != 0 {
			r.Authority = fmt.Appendf(nil, "%s:%d", r.Host, r.Port)
		}
	}
}

func setFields(r *exchange.Request) {
	for _, f := range r.Sent {
		switch {
		case f.ID == exchange.NameUpgrade && exchange.HasToken(r.Sent.Get(exchange.NameConnection), "upgrade"):
			r.Upgrade = f.Value
		case f.ID == exchange.NameExpect:
			r.ExpectContinue = true
		case f.ID == exchange.NameTE:
			r.AllowTrailers = exchange.HasToken(f.Value, "trailers")
		case !f.ID.HopByHop():
			r.Fields = append(r.Fields, f)
		}
	}
}
