package body

import "bytes"

// AppendQuery appends the pairs of a query, or of a form (application/x-www-form-urlencoded), in their order: separated by &
// only, + is a space, percent-escapes are decoded, and what is no escape stays as it is. A piece without = is a name with an
// empty value; an empty piece is nothing. It fails with an *Error beyond Limits.Pairs and NameBytes; dst then has the pairs before.
func AppendQuery(dst []Pair, query []byte, l Limits, mem *Memory) ([]Pair, error) {
	f := formReader{dst: dst, data: query, in: "query", l: l, mem: mem}
	if err := f.pairs(); err != nil {
		return f.dst, err
	}
	return f.dst, nil
}

func (p *Parsed) form(m Media, data []byte, l Limits, mem *Memory) *Error {
	if !latinCharset(m.Charset) {
		return ambiguous("form", 0, "a charset that is not known to be a superset of ASCII")
	}
	f := formReader{dst: p.Args, data: data, in: "form", l: l, mem: mem}
	err := f.pairs()
	p.Args, p.InvalidEscapes = f.dst, f.invalid
	return err
}

// formReader reads the pairs of a query or form.
type formReader struct {
	dst     []Pair
	data    []byte
	in      string
	l       Limits
	mem     *Memory
	invalid int // percent signs that begin no escape
}

// What a byte means in a form.
const (
	formPlain   = iota
	formCoded   // + or %
	formEquals  // =
	formBetween // &
)

var formBytes = [256]uint8{'+': formCoded, '%': formCoded, '=': formEquals, '&': formBetween}

func (f *formReader) pairs() *Error {
	had := len(f.dst)
	for at := 0; at < len(f.data); at++ { // over the & behind a piece
		from := at
		name, at0 := f.text(at, true)
		value := name[len(name):]
		if at = at0; at < len(f.data) && f.data[at] == '=' {
			value, at = f.text(at+1, false)
		}
		switch {
		case at == from:
			continue
		case len(f.dst)-had >= f.l.Pairs:
			return beyond(f.in, from, "too many values", f.l.Pairs, "Pairs")
		case len(name) > f.l.NameBytes:
			return beyond(f.in, from, "the name of a value is too long", f.l.NameBytes, "NameBytes")
		}
		f.dst = append(f.dst, Pair{Name: name, Value: value})
	}
	return nil
}

// text reads a name or a value and returns where it ends.
func (f *formReader) text(from int, name bool) ([]byte, int) {
	coded := false
	at := from
	for ; at < len(f.data); at++ {
		kind := formBytes[f.data[at]]
		if kind == formPlain {
			continue
		}
		if kind == formCoded {
			coded = true
			continue
		}
		if name || kind == formBetween {
			break
		}
	}
	if raw := f.data[from:at:at]; !coded {
		return raw, at
	} else {
		return f.decoded(raw), at
	}
}

// decoded is raw with + and percent-escapes decoded, in memory.
func (f *formReader) decoded(raw []byte) []byte {
	out := f.mem.Alloc(len(raw))
	w := 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '+':
			c = ' '
		case c != '%':
		case i+2 < len(raw) && hexDigits[raw[i+1]] >= 0 && hexDigits[raw[i+2]] >= 0:
			c = byte(hexDigits[raw[i+1]])<<4 | byte(hexDigits[raw[i+2]])
			i += 2
		default:
			f.invalid++
		}
		out[w] = c
		w++
	}
	return f.mem.Trim(out, w)
}

// AppendCookies appends the pairs of one Cookie field: pieces between semicolons, cut at their first =, without control
// characters and spaces around names and values. A piece without = is a name; one without name and value is nothing. Nothing is
// decoded, so all are views into the field. It fails with an *Error beyond Limits.Pairs and NameBytes; dst then has the pairs before.
func AppendCookies(dst []Pair, field []byte, l Limits) ([]Pair, error) {
	had := len(dst)
	for rest := field; len(rest) > 0; {
		at := len(field) - len(rest)
		piece := rest
		if i := bytes.IndexByte(rest, ';'); i >= 0 {
			piece, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		name, value, _ := bytes.Cut(piece, []byte("="))
		name, value = trimControls(name), trimControls(value)
		switch {
		case len(name) == 0 && len(value) == 0:
			continue
		case len(dst)-had >= l.Pairs:
			return dst, beyond("Cookie", at, "too many cookies", l.Pairs, "Pairs")
		case len(name) > l.NameBytes:
			return dst, beyond("Cookie", at, "the name of a cookie is too long", l.NameBytes, "NameBytes")
		}
		dst = append(dst, Pair{Name: name, Value: value})
	}
	return dst, nil
}

// trimControls takes control characters and spaces off both ends: what no part of a cookie may have (RFC 6265 section 4.1.1), so
// services do not agree whether they belong to it.
func trimControls(s []byte) []byte {
	for len(s) > 0 && (s[0] <= ' ' || s[0] == 0x7f) {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7f) {
		s = s[:len(s)-1]
	}
	return s[:len(s):len(s)]
}
