package freshness

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// The normal form of a request field: two requests whose fields differ in it get different variants (RFC 9111 section 4.1).
//
//   - Accept-Language and Accept-Encoding: small letters, no white space but after commas, no weight of 1, the highest weight first.
//     Those with equal weights stay in the client's order, since origins take the first of them, whatever the RFC says of order.
//   - Cookie: lines joined with "; " (RFC 9113 section 8.2.3). Fields that are no lists: lines joined with ", ", nothing else.
//   - Any other: lines joined, and exactly one space after each comma that is not within a quoted string.
//
// The normal form of one line is its own, so a line that is equal to what is stored byte for byte need not be brought into it. Where
// several lines were stored it is the line that joins them, which means the same (RFC 9110 section 5.3).

// same reports whether the request's value is the one of a signature.
func (n name) same(request exchange.Fields, value []byte) bool {
	count, equal := 0, false
	for i := range request {
		if n.is(&request[i]) {
			count++
			equal = bytes.Equal(request[i].Value, value)
		}
	}
	return count == 1 && equal || n.sameNormal(request, value)
}

// sameNormal is same by way of the normal form. It is apart so that only it pays for the room.
//
//go:noinline
func (n name) sameNormal(request exchange.Fields, value []byte) bool {
	var w writer
	w.normal(request, n)
	return !w.over && bytes.Equal(w.room[:w.used], value)
}

// writer has room for a signature. The bytes lie in it, and not behind a slice, so that it can live on the stack.
type writer struct {
	room [signatureMax]byte
	used int
	over bool // there was more
}

func (w *writer) byte(c byte) {
	if w.used == len(w.room) {
		w.over = true
		return
	}
	w.room[w.used] = c
	w.used++
}

func (w *writer) bytes(b []byte) {
	if len(b) > len(w.room)-w.used {
		w.over = true
		return
	}
	w.used += copy(w.room[w.used:], b)
}

// normal appends the normal form of all fields of a name.
func (w *writer) normal(request exchange.Fields, n name) {
	switch n.id {
	case exchange.NameAcceptLanguage, exchange.NameAcceptEncoding:
		var e elements
		if e.read(request, n) {
			e.write(w)
			return
		}
		w.verbatim(request, n, ", ")
	case exchange.NameCookie:
		w.verbatim(request, n, "; ")
	case exchange.NameAuthorization, exchange.NameUserAgent, exchange.NameReferer, exchange.NameOrigin, exchange.NameFrom,
		exchange.NameHost, exchange.NameIfModifiedSince, exchange.NameIfUnmodifiedSince, exchange.NameIfRange, exchange.NameRange:
		w.verbatim(request, n, ", ")
	default:
		w.list(request, n)
	}
}

// verbatim appends values as they are.
func (w *writer) verbatim(request exchange.Fields, n name, between string) {
	first := true
	for i := range request {
		if !n.is(&request[i]) {
			continue
		}
		if !first {
			for _, c := range []byte(between) {
				w.byte(c)
			}
		}
		w.bytes(exchange.TrimOWS(request[i].Value))
		first = false
	}
}

// list appends the members of a list, empty ones too: who knows what they mean to whom.
func (w *writer) list(request exchange.Fields, n name) {
	first := true
	for i := range request {
		if !n.is(&request[i]) {
			continue
		}
		for rest, more := request[i].Value, true; more; {
			var item []byte
			item, rest, more = member(rest)
			if !first {
				w.byte(',')
				if len(item) > 0 {
					w.byte(' ')
				}
			}
			w.bytes(item)
			first = false
		}
	}
}

// member takes the first member off a list; a comma within a quoted string is part of it. More: a comma stood behind it.
func member(list []byte) (item, rest []byte, more bool) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == '\\' && quoted:
			i++
		case list[i] == ',' && !quoted:
			return exchange.TrimOWS(list[:i]), list[i+1:], true
		}
	}
	return exchange.TrimOWS(list), nil, false
}

// element is one of Accept-Language or Accept-Encoding, with its weight in thousandths.
type element struct {
	text   []byte
	weight int
}

// elements are those of a field, the highest weight first.
type elements struct {
	list  [weightedMax]element
	count int
}

// read takes in all lines of a field, and reports false if it is malformed or too long to be put in order.
func (e *elements) read(request exchange.Fields, n name) bool {
	for i := range request {
		if !n.is(&request[i]) {
			continue
		}
		for list := request[i].Value; len(list) > 0; {
			var item []byte
			item, list, _ = bytes.Cut(list, comma)
			if item = exchange.TrimOWS(item); len(item) > 0 && !e.add(item) {
				return false
			}
		}
	}
	return true
}

// add puts an element behind those of its weight.
func (e *elements) add(item []byte) bool {
	text, parameter, weighted := bytes.Cut(item, semicolon)
	one := element{exchange.TrimOWS(text), 1000}
	if weighted {
		one.weight = weight(exchange.TrimOWS(parameter))
	}
	if one.weight < 0 || !isToken(one.text) || e.count == len(e.list) {
		return false
	}
	at := e.count
	for at > 0 && e.list[at-1].weight < one.weight {
		at--
	}
	copy(e.list[at+1:e.count+1], e.list[at:e.count])
	e.list[at] = one
	e.count++
	return true
}

// write appends the elements.
func (e *elements) write(w *writer) {
	for i, one := range e.list[:e.count] {
		if i > 0 {
			w.byte(',')
			w.byte(' ')
		}
		for _, c := range one.text {
			w.byte(small(c))
		}
		if one.weight == 1000 {
			continue
		}
		for _, c := range []byte(";q=0") {
			w.byte(c)
		}
		for digits, unit := one.weight, 100; digits > 0; digits, unit = digits%unit, unit/10 {
			if unit == 100 {
				w.byte('.')
			}
			w.byte('0' + byte(digits/unit))
		}
	}
}

var semicolon = []byte(";")

// weight reads "q=" and a qvalue (RFC 9110 section 12.4.2) as thousandths; -1 if it is none.
func weight(b []byte) int {
	if len(b) < 3 || small(b[0]) != 'q' || b[1] != '=' || b[2] != '0' && b[2] != '1' || len(b) > 3 && b[3] != '.' || len(b) > 7 {
		return -1
	}
	thousandths := int(b[2]-'0') * 1000
	for i, unit := 4, 100; i < len(b); i, unit = i+1, unit/10 {
		if !isDigit(b[i]) {
			return -1
		}
		thousandths += int(b[i]-'0') * unit
	}
	if thousandths > 1000 {
		return -1
	}
	return thousandths
}
