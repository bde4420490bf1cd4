package h1

import (
	"bytes"
	"strconv"

	"skerry.dev/skerry/exchange"
)

// parseRequest reads a complete request head, up to and with its empty line, into x.Req, and what it says about body
// and connection into f. Host and path come out in normal form.
func parseRequest(head []byte, x *exchange.Exchange, f *framing) error {
	*f = framing{length: -1}
	r := &x.Req
	at, err := parseRequestLine(head, r)
	if err != nil {
		return err
	}
	if r.Method == exchange.MethodTrace || r.Method == exchange.MethodConnect {
		return errMethod
	}
	if err := parseFields(head, at, &r.Sent, &r.Fields, f); err != nil {
		return err
	}
	if f.named {
		dropNamed(r.Sent, &r.Fields)
	}
	if err := f.checkRequest(r); err != nil {
		return err
	}
	return normalise(x, f)
}

// parseRequestLine reads METHOD SP target SP HTTP/1.x CRLF and returns where the fields start.
func parseRequestLine(b []byte, r *exchange.Request) (int, error) {
	i := 0
	for classes[b[i]]&tchar != 0 {
		i++
	}
	if i == 0 || b[i] != ' ' {
		return 0, errRequestLine
	}
	r.MethodName = b[:i:i]
	r.Method = exchange.MethodOf(r.MethodName)
	i++
	start := i
	for classes[b[i]]&target != 0 {
		i++
	}
	if b[i] != ' ' {
		return 0, errTarget
	}
	if i == start {
		return 0, errRequestLine
	}
	r.Target = b[start:i:i]
	if i > LineBytesMax {
		return 0, errTargetLong
	}
	return parseVersion(b, i+1, r)
}

func parseVersion(b []byte, i int, r *exchange.Request) (int, error) {
	line := b[i:]
	if len(line) < 10 || string(line[:5]) != "HTTP/" {
		return 0, errRequestLine
	}
	if classes[line[5]]&digit == 0 || line[6] != '.' || classes[line[7]]&digit == 0 || line[8] != '\r' || line[9] != '\n' {
		return 0, errRequestLine
	}
	if line[5] != '1' || line[7] > '1' {
		return 0, errVersion
	}
	r.Minor = int(line[7] - '0')
	return i + 10, nil
}

// websocket is the one protocol that may be upgraded to (RFC 6455).
var websocket = []byte("websocket")

// checkRequest applies the rules that need the whole head.
func (f *framing) checkRequest(r *exchange.Request) error {
	if f.codings > 0 {
		if f.length >= 0 {
			return errBothFramings
		}
		if r.Minor == 0 {
			return errCoding
		}
	}
	if f.hosts > 1 || f.hosts == 0 && r.Minor == 1 {
		return errHost
	}
	if f.expects > 0 && r.Minor == 1 {
		if !f.expect100 {
			return errExpect
		}
		r.ExpectContinue = f.chunked || f.length > 0
	}
	r.AllowTrailers = f.trailersOK && r.Minor == 1
	// What is no upgrade to us is an ordinary request (RFC 9110 section 7.8). An h2c tunnel would carry requests past every stage.
	if f.upgrade && r.Minor == 1 && exchange.EqualFold(f.upgradeTo, websocket) {
		if f.chunked || f.length > 0 {
			return errUpgradeBody
		}
		r.Upgrade = f.upgradeTo
	}
	return nil
}

// normalise splits the target and brings host and path into their normal form.
func normalise(x *exchange.Exchange, f *framing) error {
	r := &x.Req
	path := r.Target
	var authority []byte
	switch {
	case path[0] == '/':
	case r.Method == exchange.MethodOptions && len(path) == 1 && path[0] == '*':
	default:
		var err error
		if authority, path, err = splitAbsolute(path); err != nil {
			return err
		}
	}
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path, r.Query = path[:i:i], path[i+1:]
	}
	r.RawPath = path
	if err := normaliseHost(x, f, authority); err != nil {
		return err
	}
	if path[0] == '*' {
		r.Path = path
		return nil
	}
	var err error
	r.Path, err = exchange.NormalPath(path, &x.Scratch)
	return err
}

// splitAbsolute cuts an absolute-form target (RFC 9112 section 3.2.2) into authority and path.
func splitAbsolute(t []byte) (authority, path []byte, err error) {
	i := bytes.Index(t, []byte("://"))
	if i < 0 || !exchange.EqualFold(t[:i], []byte("http")) && !exchange.EqualFold(t[:i], []byte("https")) {
		return nil, nil, errTarget
	}
	rest := t[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		return rest, []byte("/"), nil
	}
	if rest[end] == '?' {
		return nil, nil, errTarget // an empty path with a query: no client sends it, and origins differ on it
	}
	return rest[:end:end], rest[end:], nil
}

func normaliseHost(x *exchange.Exchange, f *framing, authority []byte) error {
	r := &x.Req
	if f.hosts == 1 {
		host, port, err := exchange.NormalHost(f.host, &x.Scratch)
		if err != nil {
			return errHost
		}
		r.Host, r.Port = host, port
		r.Authority = joinPort(x, f.host, host, port)
	}
	if authority == nil {
		return nil
	}
	host, port, err := exchange.NormalHost(authority, &x.Scratch)
	if err != nil {
		return errTarget
	}
	if f.hosts == 1 && (!bytes.Equal(host, r.Host) || port != r.Port) {
		return errHostMismatch
	}
	r.Host, r.Port = host, port
	r.Authority = joinPort(x, authority, host, port)
	return nil
}

// joinPort is the normal form of host and port together: what was sent, if only the port had to be cut off.
func joinPort(x *exchange.Exchange, sent, host []byte, port uint16) []byte {
	if port == 0 {
		return host
	}
	if i := len(host) + 1; i < len(sent) && &sent[0] == &host[0] && sent[i-1] == ':' && sent[i] != '0' {
		return sent
	}
	b := x.Scratch.Alloc(len(host) + 6)
	b = append(append(b[:0], host...), ':')
	return strconv.AppendUint(b, uint64(port), 10)
}
