package cache

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// keyed is how a route tells requests apart.
type keyed struct {
	raw     bool     // paths are compared as sent: the origin gets them so
	query   names    // parameters that count, unless all do
	all     bool     // all parameters count, but for except
	nothing bool     // no parameter counts
	except  names    // parameters that do not
	headers []header // fields that count
	cookies names    // cookies that count
	digest  uint64   // of what the policy says of storing
}

// names are names, or beginnings of names. Most of what is looked for begins like none of them.
type names struct {
	first [4]uint64 // a bit for each first byte
	list  []name
}

// name is a name, or the beginning of names.
type name struct {
	text   []byte
	prefix bool
}

// header is a field name, compared without case.
type header struct {
	id   exchange.NameID
	text []byte
}

func newNames(list []string) (n names) {
	for _, s := range list {
		text, prefix := bytes.CutSuffix([]byte(s), []byte("*"))
		n.first[text[0]>>6] |= 1 << (text[0] & 63) // the spec refuses empty ones
		n.list = append(n.list, name{text, prefix})
	}
	return n
}

func headers(list []string) []header {
	out := make([]header, len(list))
	for i, s := range list {
		out[i] = header{exchange.Intern([]byte(s)), []byte(s)}
	}
	return out
}

// has reports whether a name is one of them.
func (n *names) has(b []byte) bool {
	if len(b) == 0 || n.first[b[0]>>6]&(1<<(b[0]&63)) == 0 {
		return false
	}
	for i := range n.list {
		if one := &n.list[i]; one.prefix && bytes.HasPrefix(b, one.text) || bytes.Equal(b, one.text) {
			return true
		}
	}
	return false
}

// newKeyed compiles a policy. Every key has its route in it, since two routes may have the same URL and tell requests apart by other
// things; and what was stored under other rules than today's is not found any more.
func newKeyed(p *spec.Policy) keyed {
	c := p.Cache
	h := fnv.New64a()
	fmt.Fprintln(h, c.Mode, c.Key, c.Identity, c.Anonymous) // a hash takes everything
	return keyed{
		raw: p.Path != nil && *p.Path == spec.PathRaw, query: newNames(c.Key.Query), all: c.Key.Query == nil, except: newNames(c.Key.QueryExcept),
		headers: headers(slices.Concat(c.Key.Headers, c.Identity.Headers)), cookies: newNames(slices.Concat(c.Key.Cookies, c.Identity.Cookies)),
		digest: h.Sum64(),
	}
}

// The parts of a key are separated by a byte that stands in none of them: hosts, paths, queries and field values have no NUL.
const keySeparator = 0

// separators is how many a key has before its parts: four of the URL, one of a QUERY's body.
const separators = 5

// appendURL appends the part of a key that is the URL: scheme, host with a port that is not the scheme's, path and query.
func appendURL(to []byte, https bool, host []byte, port uint16, path, query []byte) []byte {
	if https {
		to = append(to, "https"...)
	} else {
		to = append(to, "http"...)
	}
	to = append(append(to, keySeparator), host...)
	if port != 0 && port != portOf(https) {
		to = strconv.AppendUint(append(to, ':'), uint64(port), 10)
	}
	to = append(append(to, keySeparator), path...)
	to = append(append(to, keySeparator), query...)
	return append(to, keySeparator)
}

func portOf(https bool) uint16 {
	if https {
		return 443
	}
	return 80
}

// parameter is one of a query, with its name and its place.
type parameter struct{ whole, name []byte }

// normalQuery returns the parameters of a query that count, sorted by name, those of one name in the order they came; into memory
// of the exchange, unless the query is that already. It reports false if there are too many.
func (k *keyed) normalQuery(x *exchange.Exchange, query []byte) (normal []byte, ok bool) {
	if len(query) == 0 || !k.all && len(k.query.list) == 0 {
		return nil, true
	}
	var room [parametersMax]parameter
	list, dropped, sorted := room[:0], false, true
	for rest := query; rest != nil; {
		var p parameter
		var more bool
		if p.whole, rest, more = bytes.Cut(rest, ampersand); !more {
			rest = nil
		}
		p.name, _, _ = bytes.Cut(p.whole, equals)
		if !k.counts(p.name) {
			dropped = true
			continue
		}
		if len(list) == parametersMax {
			return nil, false
		}
		i := len(list)
		list = append(list, p)
		for ; i > 0 && bytes.Compare(list[i-1].name, p.name) > 0; i-- {
			list[i], sorted = list[i-1], false
		}
		list[i] = p
	}
	switch {
	case len(list) == 0:
		return nil, true
	case sorted && !dropped:
		return query, true
	}
	normal = x.Scratch.Alloc(len(query))[:0]
	for i := range list {
		if i > 0 {
			normal = append(normal, '&')
		}
		normal = append(normal, list[i].whole...)
	}
	return normal, true
}

var ampersand, equals, semicolon = []byte("&"), []byte("="), []byte(";")

// counts reports whether a parameter is part of the key. One whose name is written with percent-codes is compared as it would be
// read; what cannot be read counts.
func (k *keyed) counts(name []byte) bool {
	if bytes.IndexByte(name, '%') >= 0 || bytes.IndexByte(name, '+') >= 0 {
		var room [64]byte
		decoded, ok := decode(room[:0], name)
		if !ok {
			return k.all
		}
		name = decoded
	}
	if k.all {
		return !k.except.has(name)
	}
	return k.query.has(name)
}

// decode appends a parameter's name without percent-codes.
func decode(to, b []byte) ([]byte, bool) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '+':
			to = append(to, ' ')
		case c != '%':
			to = append(to, c)
		case i+2 >= len(b):
			return nil, false
		default:
			n, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8)
			if err != nil {
				return nil, false
			}
			to = append(to, byte(n))
			i += 2
		}
	}
	return to, true
}

// make fills in the key of a request. rest is Stage.rest, turn is route.turn; body is the digest of a QUERY's body and the fields that say what it means; nil for GET.
func (k *keyed) make(x *exchange.Exchange, l *look, body, rest, turn []byte) (why string) {
	r := &x.Req
	path := r.Path
	if k.raw {
		path = r.RawPath
	}
	query, ok := k.normalQuery(x, r.Query)
	if !ok {
		return whyKey
	}
	size := len("https:65535QUERY") + len(r.Host) + len(path) + len(query) + len(body) + separators + k.partBytes(l) + len(rest) + len(turn)
	if size > keyBytesMax {
		return whyKey
	}
	room := x.Scratch.Alloc(size)
	b := appendURL(room[:0], x.Facts.Client.HTTPS, r.Host, r.Port, path, query)
	if body == nil {
		b = append(b, "GET"...)
	} else {
		b = append(append(append(b, "QUERY"...), keySeparator), body...)
	}
	b = append(append(k.appendParts(b, l), rest...), turn...)
	l.key, l.query = x.Scratch.Trim(room, len(b)), query
	return ""
}

// partBytes is what appendParts appends.
func (k *keyed) partBytes(l *look) (n int) {
	for i := range k.headers {
		n++
		for j := range l.fields {
			if k.headers[i].is(&l.fields[j]) {
				n += 1 + len(l.fields[j].Value)
			}
		}
	}
	for i := range l.fields {
		if l.fields[i].ID == exchange.NameCookie && len(k.cookies.list) > 0 {
			n += 2 + len(l.fields[i].Value)
		}
	}
	return n + 1
}

// appendParts appends the values of the fields and cookies that count. Each is preceded by a byte that no value has, which tells
// none from an empty one, and two from one with a separator in it.
func (k *keyed) appendParts(b []byte, l *look) []byte {
	for i := range k.headers {
		b = append(b, keySeparator)
		for j := range l.fields {
			if k.headers[i].is(&l.fields[j]) {
				b = append(append(b, 1), l.fields[j].Value...)
			}
		}
	}
	if len(k.cookies.list) == 0 {
		return b
	}
	b = append(b, keySeparator)
	for i := range l.fields {
		if l.fields[i].ID == exchange.NameCookie {
			b = k.appendCookies(append(b, 1), l.fields[i].Value)
		}
	}
	return b
}

// appendCookies appends the pairs of a Cookie field that count, each with a semicolon behind it, which none has in it.
func (k *keyed) appendCookies(b, value []byte) []byte {
	for rest := value; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, semicolon)
		pair = exchange.TrimOWS(pair)
		if key, _, _ := bytes.Cut(pair, equals); k.cookies.has(key) {
			b = append(append(b, pair...), ';')
		}
	}
	return b
}

// is reports whether a field has the name.
func (h *header) is(f *exchange.Field) bool {
	return f.ID == h.id && (h.id != exchange.NameOther || exchange.EqualFold(f.Name, h.text))
}
