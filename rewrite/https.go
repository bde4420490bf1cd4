package rewrite

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// The ports that a URL leaves out.
const (
	portHTTP  = 80
	portHTTPS = 443
)

// url is an absolute URL of http or https in its pieces; only what stages know to be safe gets into one.
type url struct {
	https bool
	host  []byte // in normal form
	port  uint16 // 0: the scheme's
	path  []byte // begins with '/'
	query []byte // nil: none
}

// location is the URL as text in Scratch, nil if the request brought a byte into it that a URL must not have. Nothing in
// the path can name another host, because the host stands before it.
func (u *url) location(x *exchange.Exchange) []byte {
	if !visible(u.path) || !visible(u.query) {
		return nil
	}
	piece := x.Scratch.Alloc(len("https://:65535?") + len(u.host) + len(u.path) + len(u.query))
	scheme, usual := "http://", uint16(portHTTP)
	if u.https {
		scheme, usual = "https://", portHTTPS
	}
	out := append(append(piece[:0], scheme...), u.host...)
	if u.port != 0 && u.port != usual {
		out = strconv.AppendUint(append(out, ':'), uint64(u.port), 10)
	}
	out = append(out, u.path...)
	if u.query != nil {
		out = append(append(out, '?'), u.query...)
	}
	return x.Scratch.Trim(piece, len(out))
}

// visible reports whether every byte is one of 0x21 to 0x7e.
func visible(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// pathAsSent is the path of the request's target, "/" for the asterisk of OPTIONS.
func pathAsSent(r *exchange.Request) []byte {
	if len(r.RawPath) == 0 || r.RawPath[0] != '/' {
		return rootPath
	}
	return r.RawPath
}

var rootPath = []byte("/")

// redirectTo answers with a redirect.
func redirectTo(x *exchange.Exchange, status int, location []byte) exchange.Verdict {
	if location == nil {
		return x.Fail(errLocation)
	}
	x.Answer(status)
	x.Resp.Fields.Add(exchange.NameLocation, location)
	return exchange.Respond
}

// toHTTPS sends a client to the same URL with https: 308, so that a POST stays one. A call of gRPC is refused.
func toHTTPS(x *exchange.Exchange, port uint16) exchange.Verdict {
	r := &x.Req
	if isCall(x) {
		return refusePlainCall(x)
	}
	to := url{https: true, host: r.Host, port: port, path: pathAsSent(r), query: r.Query}
	return redirectTo(x, 308, to.location(x))
}

// newHSTS compiles Strict-Transport-Security (RFC 6797 section 6.1); nil: off.
func newHSTS(h *spec.HSTS) ([]byte, []fault.Problem) {
	if h == nil || h.MaxAge == 0 {
		return nil, nil
	}
	if h.MaxAge < time.Second {
		return nil, []fault.Problem{{Text: fmt.Sprintf("hsts.maxAge: %v is less than a second", h.MaxAge), Fix: "use whole seconds, a year for example, or hsts: off"}}
	}
	value := strconv.AppendInt([]byte("max-age="), int64(h.MaxAge/time.Second), 10)
	if h.IncludeSubDomains {
		value = append(value, "; includeSubDomains"...)
	}
	if h.Preload {
		value = append(value, "; preload"...)
	}
	return value, nil
}

// setHSTS sets the field where it may be, and removes a service's everywhere else: over plain HTTP nobody heeds it
// (section 7.2), and a browser that does not trust the local CA would lock its user out.
func setHSTS(x *exchange.Exchange, value []byte) {
	local := x.Conn != nil && x.Conn.TLS != nil && x.Conn.TLS.Local
	if x.Facts.Client.HTTPS && !local && !nameless(x.Req.Host) {
		x.Resp.Fields.Set(exchange.NameStrictTransportSecurity, value)
	} else {
		x.Resp.Fields.Del(exchange.NameStrictTransportSecurity)
	}
}

// nameless reports whether a host in normal form is localhost or below it, an address, or empty.
func nameless(host []byte) bool {
	return isAddress(host) || string(host[bytes.LastIndexByte(host, '.')+1:]) == "localhost"
}

// isAddress reports whether a host in normal form is an IP literal, or empty. A last label of digits makes a host an IPv4
// address to browsers, whatever stands before it (URL Standard, host parsing).
func isAddress(host []byte) bool {
	return len(host) == 0 || host[0] == '[' || len(bytes.Trim(host[bytes.LastIndexByte(host, '.')+1:], "0123456789")) == 0
}
