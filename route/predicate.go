package route

import (
	"bytes"
	"cmp"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// A rule is a route at the place of its path in the tree. It fits into a cache line, so that most matches read one.
type rule struct {
	path   string     // in normal form, {name} written as {}
	when   *predicate // nil: nothing but the path decides
	target *Target    // nil: a free slot
	tag    uint32     // of the hash of its place
	shape  shape
	_      [8]byte // to 64 bytes: no rule lies in two cache lines
	more   span    // of the first rule of a place: the others, in their order
}

func (r *rule) holds(x *exchange.Exchange) bool { return r.when == nil || r.when.holds(&x.Req) }

// predicate is what a request must have beside its path.
type predicate struct {
	methods exchange.MethodSet // empty: any
	headers []field
	query   []field
}

// field is a header field or query parameter that must be there with a value; any stands for every value.
type field struct {
	id    exchange.NameID
	name  []byte
	value []byte
	any   bool
}

func newPredicate(m *spec.Match) *predicate {
	if len(m.Methods) == 0 && len(m.Headers) == 0 && len(m.Query) == 0 {
		return nil
	}
	p := &predicate{methods: exchange.NewMethodSet(m.Methods)}
	for _, h := range m.Headers {
		name := []byte(h.Name)
		p.headers = append(p.headers, field{exchange.Intern(name), name, []byte(h.Value), h.Value == "*"})
	}
	for _, q := range m.Query {
		p.query = append(p.query, field{name: []byte(q.Name), value: []byte(q.Value), any: q.Value == "*"})
	}
	return p
}

// compareRules puts the more demanding rule first: with methods, then more headers, then more query parameters.
func compareRules(a, b rule) int {
	am, ah, aq := a.when.demands()
	bm, bh, bq := b.when.demands()
	return cmp.Or(cmp.Compare(bm, am), cmp.Compare(bh, ah), cmp.Compare(bq, aq))
}

func (p *predicate) demands() (methods, headers, query int) {
	if p == nil {
		return 0, 0, 0
	}
	if !p.methods.Empty() {
		methods = 1
	}
	return methods, len(p.headers), len(p.query)
}

func (p *predicate) holds(r *exchange.Request) bool {
	if !p.methods.Empty() && !p.methods.Has(r) {
		return false
	}
	for i := range p.headers {
		if !p.headers[i].inFields(r.Fields) {
			return false
		}
	}
	for i := range p.query {
		if !p.query[i].inQuery(r.Query) {
			return false
		}
	}
	return true
}

// inFields reports whether one field has the name, without regard to case, and exactly the value.
func (f *field) inFields(list exchange.Fields) bool {
	for i := range list {
		h := &list[i]
		if h.ID != f.id || f.id == exchange.NameOther && !exchange.EqualFold(h.Name, f.name) {
			continue
		}
		if f.any || bytes.Equal(h.Value, f.value) {
			return true
		}
	}
	return false
}

// inQuery reports whether one name=value pair between '&' is the wanted one. A percent-code stands for its byte and '+'
// for a space, as in a form (WHATWG URL section 5.1); a pair without '=' has the empty value.
func (f *field) inQuery(query []byte) bool {
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		name, value, _ := bytes.Cut(pair, equals)
		if decodesTo(name, f.name) && (f.any || decodesTo(value, f.value)) {
			return true
		}
	}
	return false
}

var equals = []byte("=")

// decodesTo reports whether a piece of a query is the encoding of want; a broken percent-code stands for itself.
func decodesTo(piece, want []byte) bool {
	n := 0
	for i := 0; i < len(piece); i++ {
		c := piece[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(piece) {
			if hi, lo := unhex(piece[i+1]), unhex(piece[i+2]); hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				i += 2
			}
		}
		if n == len(want) || want[n] != c {
			return false
		}
		n++
	}
	return n == len(want)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
