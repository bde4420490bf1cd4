package rewrite

import (
	"bytes"
	"net/netip"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// walk reads the addresses of X-Forwarded-For or Forwarded from the right, where those stand that the nearest proxies
// wrote. Every field of the name counts, as if they were one list.
type walk struct {
	fields exchange.Fields // not read yet
	source exchange.NameID
	list   []byte // what is left of the field that is being read
	open   bool   // list has another element, perhaps an empty one
}

func walkFrom(fields exchange.Fields, source exchange.NameID) walk {
	return walk{fields: fields, source: source}
}

// next returns the next address to the left. It reports false at the end, and for anything that is no address: what
// stands to the left of that was not written by anybody who is believed.
func (w *walk) next() (netip.Addr, bool) {
	item, ok := w.element()
	if !ok {
		return netip.Addr{}, false
	}
	if w.source == exchange.NameForwarded {
		e, ok := parseElement(item)
		if !ok {
			return netip.Addr{}, false
		}
		item = e.node
	}
	return parseNode(item)
}

// element returns the next element of the list to the left.
func (w *walk) element() ([]byte, bool) {
	for !w.open {
		n := len(w.fields)
		if n == 0 {
			return nil, false
		}
		if w.fields[n-1].ID == w.source {
			w.list, w.open = w.fields[n-1].Value, true
		}
		w.fields = w.fields[:n-1]
	}
	var item []byte
	w.list, item, w.open = cutLast(w.list, w.source == exchange.NameForwarded)
	return exchange.TrimOWS(item), true
}

// cutLast cuts the last element off a list; more reports that there are others before it. With quotes, commas between
// two quotes do not count. Reading from the right, whatever a client wrote into the left end, an open quote for
// example, changes nothing of what a proxy appended.
func cutLast(list []byte, quotes bool) (rest, last []byte, more bool) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"':
			quoted = quotes && !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:], true
		}
	}
	return nil, list, false
}

// element is a forwarded-element (RFC 7239 section 4).
type element struct{ node, proto []byte }

// parseElement reads one. It refuses backslashes in quotes, because nothing that is looked at here needs them, and a
// second for or proto. Blanks around ';' are let pass, and so are ':' and brackets outside of quotes, as some proxies
// write them.
func parseElement(b []byte) (e element, ok bool) {
	for len(b) > 0 {
		var name, value []byte
		if name, value, b, ok = cutPair(b); !ok {
			return element{}, false
		}
		var to *[]byte
		switch {
		case exchange.EqualFold(name, nameFor):
			to = &e.node
		case exchange.EqualFold(name, nameProto):
			to = &e.proto
		default:
			continue
		}
		if *to != nil || len(value) == 0 {
			return element{}, false
		}
		*to = value
	}
	return e, true
}

var nameFor, nameProto = []byte("for"), []byte("proto")

// cutPair cuts the first forwarded-pair off an element; an empty pair, which the grammar allows, has no name.
func cutPair(b []byte) (name, value, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, " \t")
	if len(b) == 0 || b[0] == ';' {
		return nil, nil, b[min(1, len(b)):], true
	}
	i := 0
	for i < len(b) && tokenByte[b[i]] {
		i++
	}
	if i == 0 || i == len(b) || b[i] != '=' {
		return nil, nil, nil, false
	}
	name, b = b[:i], b[i+1:]
	if len(b) > 0 && b[0] == '"' {
		end := bytes.IndexByte(b[1:], '"') + 1
		if end == 0 || bytes.IndexByte(b[:end], '\\') >= 0 {
			return nil, nil, nil, false
		}
		value, b = b[1:end], bytes.TrimLeft(b[end+1:], " \t")
		if len(b) > 0 && b[0] != ';' {
			return nil, nil, nil, false
		}
		return name, value, b[min(1, len(b)):], true
	}
	value, rest, _ = bytes.Cut(b, semicolon)
	if value = exchange.TrimOWS(value); !bareValue(value) {
		return nil, nil, nil, false
	}
	return name, value, rest, true
}

// bareValue reports whether a value may stand outside of quotes.
func bareValue(b []byte) bool {
	for _, c := range b {
		if !tokenByte[c] && c != ':' && c != '[' && c != ']' {
			return false
		}
	}
	return true
}

// saysHTTPS reports whether the nearest proxy says that it was asked by HTTPS.
func saysHTTPS(fields exchange.Fields, source exchange.NameID) bool {
	if source == exchange.NameForwarded {
		w := walkFrom(fields, source)
		item, _ := w.element()
		e, _ := parseElement(item)
		return exchange.EqualFold(e.proto, schemeHTTPS)
	}
	w := walkFrom(fields, exchange.NameXForwardedProto)
	item, _ := w.element()
	return exchange.EqualFold(item, schemeHTTPS)
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// forwarding is a compiled spec.Forwarded.
type forwarding struct {
	keep     bool // what the client sent stays
	set      bool // X-Forwarded-* are set
	standard bool // Forwarded is set
	source   exchange.NameID
}

func newForwarding(mode *spec.Forwarded, env *Env) forwarding {
	f := forwarding{source: env.source()}
	if mode == nil {
		return f
	}
	f.keep = *mode == spec.ForwardedKeep
	f.set = *mode == spec.ForwardedSet || *mode == spec.ForwardedBoth
	f.standard = *mode == spec.ForwardedStandard || *mode == spec.ForwardedBoth
	return f
}

// apply removes what the client says about itself and sets what the edge knows; traces says whether trace context of the
// client goes too.
func (f *forwarding) apply(x *exchange.Exchange, traces bool) {
	if !f.set && !f.standard {
		clean(&x.Req.Fields, !f.keep, traces)
		return
	}
	if !x.Facts.Client.Trusted || x.Conn == nil {
		clean(&x.Req.Fields, true, traces)
		if x.Conn == nil {
			f.add(x, nil) // nobody's request
			return
		}
		f.add(x, []netip.Addr{peer(x)})
		return
	}
	var through [hopsMax + 1]netip.Addr
	n := readHops(through[:], x, f.source)
	clean(&x.Req.Fields, true, traces)
	f.add(x, through[:n])
}

// clean removes the fields that say who the client is, those of trace context, or both; and in any case those of RFC 9440.
func clean(fields *exchange.Fields, trust, traces bool) {
	list := *fields
	kept := 0
	for i := range list {
		id := list[i].ID
		if ofClientCert(id) || trust && (id.Trust() || id == exchange.NameOther && forwardedName(list[i].Name)) || traces && (id == exchange.NameTraceparent || id == exchange.NameTracestate) {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*fields = list[:kept]
}

// forwardedName reports whether a name begins with "X-Forwarded-", or to a program that takes '_' for '-' seems to. Services
// believe many of that family (Prefix, Scheme, Ssl, User, Client-Cert), and all that a client says in them is invented.
func forwardedName(name []byte) bool {
	const family = "x-forwarded-"
	if len(name) < len(family) {
		return false
	}
	for i := range len(family) {
		c := name[i]
		if c == '_' {
			c = '-'
		}
		if c|0x20 != family[i]|0x20 {
			return false
		}
	}
	return true
}

// readHops fills list with the peer and then with those it speaks for, up to the client as Facts has it.
func readHops(list []netip.Addr, x *exchange.Exchange, source exchange.NameID) (n int) {
	list[0] = peer(x)
	client := x.Facts.Client.Addr
	if client == list[0] {
		return 1
	}
	w := walkFrom(x.Req.Fields, source)
	for n = 1; n < len(list); {
		addr, ok := w.next()
		if !ok {
			break
		}
		list[n] = addr
		if n++; addr == client {
			break
		}
	}
	return n
}

// add tells the origin who asked, by which scheme and for which host; through has the peer first and the client last. The
// host comes with its port, if the client named one, so there is no X-Forwarded-Port.
func (f *forwarding) add(x *exchange.Exchange, through []netip.Addr) {
	fields, host := &x.Req.Fields, x.Req.Authority
	if len(host) == 0 {
		host = x.Req.Host
	}
	proto := schemeHTTP
	if x.Facts.Client.HTTPS {
		proto = schemeHTTPS
	}
	if f.set {
		if len(through) > 0 && through[0].IsValid() {
			fields.Add(exchange.NameXForwardedFor, forwardedFor(x, through))
		}
		if len(through) > 0 {
			fields.Add(exchange.NameXForwardedProto, proto)
		}
		if len(host) > 0 {
			fields.Add(exchange.NameXForwardedHost, host)
		}
	}
	if f.standard {
		if value := forwarded(x, through, host, proto); len(value) > 0 {
			fields.Add(exchange.NameForwarded, value)
		}
	}
}

// forwardedFor is the value of X-Forwarded-For.
func forwardedFor(x *exchange.Exchange, through []netip.Addr) []byte {
	piece := x.Scratch.Alloc(len(through) * (addressBytesMax + len(", ")))
	out := piece[:0]
	for i := len(through) - 1; i >= 0; i-- {
		out = through[i].AppendTo(out)
		if i > 0 {
			out = append(out, ", "...)
		}
	}
	return x.Scratch.Trim(piece, len(out))
}

// forwarded is the value of Forwarded (RFC 7239): an element for each hop, and in the last, which is the edge's own, what
// host and scheme it was asked for.
func forwarded(x *exchange.Exchange, through []netip.Addr, host, proto []byte) []byte {
	const around = len(`for="[]", `)
	piece := x.Scratch.Alloc(len(through)*(addressBytesMax+around) + len(`;host="";proto=https`) + len(host))
	out := piece[:0]
	for i := len(through) - 1; i >= 0; i-- {
		switch a := through[i]; {
		case !a.IsValid():
			out = append(out, "for=unknown"...)
		case a.Is4():
			out = a.AppendTo(append(out, "for="...))
		default:
			out = append(a.AppendTo(append(out, `for="[`...)), `]"`...)
		}
		if i > 0 {
			out = append(out, ", "...)
		}
	}
	if len(host) > 0 {
		if len(out) > 0 {
			out = append(out, ';')
		}
		out = appendHost(out, host)
	}
	if len(through) > 0 {
		out = append(append(out, ";proto="...), proto...)
	}
	return x.Scratch.Trim(piece, len(out))
}

// appendHost appends the host parameter, in quotes if it is no token: with a port, or an IPv6 address.
func appendHost(out, host []byte) []byte {
	out = append(out, "host="...)
	for _, c := range host {
		if !tokenByte[c] {
			return append(append(append(out, '"'), host...), '"')
		}
	}
	return append(out, host...)
}
