package freshness

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// directive is one element of a Cache-Control list (RFC 9111 section 5.2), cut but not understood.
type directive struct {
	raw    []byte // all of it, without the white space around
	name   []byte
	arg    []byte // without its quotes; nil: none
	broken bool   // not of the form name, name=token or name="text"; then name is what it begins with
}

// eachDirective calls with each element of Cache-Control. Where the field is not there it reports whether Pragma says no-cache in its place
// (RFC 9111 section 5.4).
func eachDirective(f exchange.Fields, with func(directive)) (noCache bool) {
	said := false
	for i := range f {
		switch f[i].ID {
		case exchange.NameCacheControl:
			said = true
			for list := f[i].Value; len(list) > 0; {
				var e directive
				if e, list = cut(list); len(e.raw) > 0 {
					with(e)
				}
			}
		case exchange.NamePragma:
			noCache = noCache || exchange.HasToken(f[i].Value, "no-cache")
		}
	}
	return noCache && !said
}

// cut takes the first element off a list. An open quotation reaches to the end of the line.
func cut(list []byte) (d directive, rest []byte) {
	end, quoted := 0, false
	for ; end < len(list) && (quoted || list[end] != ','); end++ {
		switch {
		case list[end] == '"':
			quoted = !quoted
		case list[end] == '\\' && quoted:
			end++
		}
	}
	end = min(end, len(list))
	d.raw, rest = exchange.TrimOWS(list[:end]), list[min(end+1, len(list)):]
	n := 0
	for n < len(d.raw) && tchar[d.raw[n]] {
		n++
	}
	d.name = d.raw[:n]
	switch after := d.raw[n:]; {
	case n == 0:
		d.broken = len(d.raw) > 0
	case len(after) == 0:
	case after[0] == '=':
		d.arg, d.broken = argument(after[1:])
	default:
		d.broken = true
	}
	return d, rest
}

// argument reads what stands behind the '=': a token, or a quoted string and nothing after it.
func argument(b []byte) (arg []byte, broken bool) {
	if len(b) == 0 || b[0] != '"' {
		return b, !isToken(b)
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[1:i], i != len(b)-1
		}
	}
	return nil, true
}

// words calls with each run of letters, digits and such in an element that is no directive.
func (d *directive) words(with func(word []byte)) {
	for b := d.raw; len(b) > 0; {
		n := 0
		for n < len(b) && tchar[b[n]] {
			n++
		}
		if n > 0 {
			with(b[:n])
		}
		b = b[min(n+1, len(b)):]
	}
}

// span reads delta-seconds (RFC 9111 section 1.2.2): digits and nothing else. What is longer than we can say counts as longest.
func span(b []byte) (d time.Duration, ok bool) {
	seconds := int64(0)
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		seconds = min(seconds*10+int64(c-'0'), int64(longest/time.Second))
	}
	return time.Duration(seconds) * time.Second, len(b) > 0
}

// lowest keeps the smaller of a span that was said and one that comes now; -1 is none.
func lowest(of *time.Duration, d time.Duration) {
	if *of < 0 || d < *of {
		*of = d
	}
}

// isToken reports whether b is a token (RFC 9110 section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !tchar[c] {
			return false
		}
	}
	return len(b) > 0
}

// isNames reports whether b is a list of at least one field name.
func isNames(b []byte) bool {
	found := false
	for len(b) > 0 {
		var item []byte
		item, b, _ = bytes.Cut(b, comma)
		if item = exchange.TrimOWS(item); len(item) == 0 {
			continue
		}
		if !isToken(item) {
			return false
		}
		found = true
	}
	return found
}

var comma = []byte(",")

// lowered copies a name in small letters, for a switch; what is longer than any name we know comes back empty.
func lowered(to *[nameBytesMax]byte, name []byte) []byte {
	if len(name) > len(to) {
		return nil
	}
	for i, c := range name {
		to[i] = small(c)
	}
	return to[:len(name)]
}

// small is a letter in its small form, any other byte as it is.
func small(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// tchar are the bytes of a token.
var tchar = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return
}()
