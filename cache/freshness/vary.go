package freshness

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// A signature is what a variant was chosen by: for each name of Vary, in order and in small letters, "name=value\n" with the
// request's value in its normal form, or "name\n" if the request had no such field.

// AppendVary appends the signature of a response: the names of its Vary with the request's values, in one normal form (RFC 9111
// section 4.1; normal.go has what it does to which field). It is empty without Vary. Not ok: Vary is *, not a list of names, or beyond
// the limits; then nothing was appended.
func AppendVary(to []byte, response, request exchange.Fields) (signature []byte, ok bool) {
	names, ok := varied(response)
	if !ok {
		return to, false
	}
	var w writer
	for _, n := range names.all() {
		for _, c := range n.text {
			w.byte(small(c))
		}
		if present(request, n) {
			w.byte('=')
			start := w.used
			w.normal(request, n)
			w.over = w.over || bytes.ContainsAny(w.room[start:w.used], "\n\x00")
		}
		w.byte('\n')
	}
	if w.over {
		return to, false
	}
	return append(to, w.room[:w.used]...), true
}

// Matches reports whether an answer with this signature was made for such a request; an empty one was made for each. It does not
// allocate.
func Matches(signature []byte, request exchange.Fields) bool {
	for len(signature) > 0 {
		line, rest, whole := bytes.Cut(signature, newline)
		text, value, valued := bytes.Cut(line, equals)
		n := name{exchange.Intern(text), text}
		if !whole || present(request, n) != valued || valued && !n.same(request, value) {
			return false
		}
		signature = rest
	}
	return true
}

var newline, equals = []byte("\n"), []byte("=")

// name is a field name of Vary.
type name struct {
	id   exchange.NameID
	text []byte
}

// is reports whether a field has the name.
func (n name) is(f *exchange.Field) bool {
	return f.ID == n.id && (n.id != exchange.NameOther || exchange.EqualFold(f.Name, n.text))
}

func present(request exchange.Fields, n name) bool {
	for i := range request {
		if n.is(&request[i]) {
			return true
		}
	}
	return false
}

// names are the names of Vary, each once, in order of their letters.
type names struct {
	list  [varyNamesMax]name
	count int
}

func (n *names) all() []name { return n.list[:n.count] }

// varied reads Vary (RFC 9110 section 12.5.5). Not ok: a member is *, or no name, or there are too many.
func varied(response exchange.Fields) (n names, ok bool) {
	for i := range response {
		if response[i].ID != exchange.NameVary {
			continue
		}
		for list := response[i].Value; len(list) > 0; {
			var item []byte
			item, list, _ = bytes.Cut(list, comma)
			if item = exchange.TrimOWS(item); len(item) == 0 {
				continue
			}
			if !isToken(item) || item[0] == '*' && len(item) == 1 || !n.add(item) {
				return n, false
			}
		}
	}
	return n, true
}

// add puts a name in its place, and reports false if there is no room.
func (n *names) add(text []byte) bool {
	at := n.count
	for ; at > 0; at-- {
		order := compareFold(n.list[at-1].text, text)
		if order == 0 {
			return true
		}
		if order < 0 {
			break
		}
	}
	if n.count == len(n.list) {
		return false
	}
	copy(n.list[at+1:n.count+1], n.list[at:n.count])
	n.list[at] = name{exchange.Intern(text), text}
	n.count++
	return true
}

// compareFold is bytes.Compare without regard to the case of letters.
func compareFold(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if x, y := small(a[i]), small(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}
