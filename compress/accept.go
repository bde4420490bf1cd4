package compress

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// coding is a content coding the edge can make. The higher number wins where a client likes two the same. br makes the
// smallest result, 9 % less than zstd and gzip, for six to eight times their processor time (limits.go): so it is for clients
// that do not know zstd.
type coding uint8

const (
	identity coding = iota
	gzipped
	brotlied
	zstandard
	codings // how many there are
)

// names are the codings as messages and the log print them.
var names = [codings]string{"identity", "gzip", "br", "zstd"}

// values are the same as field values.
var values = [codings][]byte{[]byte("identity"), []byte("gzip"), []byte("br"), []byte("zstd")}

// bits are the same as members of a set.
var bits = [codings]exchange.Coding{gzipped: exchange.CodingGzip, brotlied: exchange.CodingBr, zstandard: exchange.CodingZstd}

// weight is a qvalue in thousandths; absent means that the field does not say.
type weight int16

const absent weight = -1

// wishes is what Accept-Encoding says of each coding, and of those it does not name.
type wishes struct {
	of   [codings]weight
	rest weight // "*"
}

// accepted reduces Accept-Encoding (RFC 9110 section 12.5.3) to one coding: the one the client gives the highest weight,
// and of several zstd before br before gzip. Identity wins only with a higher weight than any other.
//
// A field that is not well formed, or longer than anybody needs, counts as identity: what every client can read.
// So does one that is missing, though the RFC would allow any coding then, and one that refuses everything, identity
// included: an answer is better than none. x-gzip is gzip (RFC 9110 section 8.4.1.3). Of a coding that is named twice the
// lower weight counts.
func accepted(fields exchange.Fields) (best coding, takes exchange.Coding) {
	w := wishes{rest: absent}
	for c := range w.of {
		w.of[c] = absent
	}
	room, items := acceptBytesMax, acceptItemsMax
	for i := range fields {
		if fields[i].ID != exchange.NameAcceptEncoding {
			continue
		}
		if room -= len(fields[i].Value); room < 0 || !w.read(fields[i].Value, &items) {
			return identity, 0
		}
	}
	return w.best()
}

// best is the coding of the highest weight, and all that have one.
func (w *wishes) best() (chosen coding, takes exchange.Coding) {
	chosen, most := identity, max(w.of[identity], 0)
	for c := gzipped; c < codings; c++ {
		q := w.of[c]
		if q == absent {
			q = w.rest
		}
		if q > 0 {
			takes |= bits[c]
		}
		if q > 0 && q >= most {
			chosen, most = c, q
		}
	}
	if chosen == identity {
		takes = 0
	}
	return chosen, takes
}

// read takes in one field value, and reports false if it is not well formed or has more than the items left.
func (w *wishes) read(list []byte, items *int) bool {
	for more := true; more; {
		var item []byte
		item, list, more = bytes.Cut(list, comma)
		if *items--; *items < 0 {
			return false
		}
		if item = exchange.TrimOWS(item); len(item) == 0 {
			continue // an empty element is allowed (RFC 9110 section 5.6.1)
		}
		name, parameter, weighted := bytes.Cut(item, semicolon)
		q := weight(1000)
		if weighted {
			if q = parseWeight(exchange.TrimOWS(parameter)); q == absent {
				return false
			}
		}
		if name = exchange.TrimOWS(name); !isToken(name) {
			return false
		}
		w.note(name, q)
	}
	return true
}

var comma, semicolon = []byte(","), []byte(";")

// note keeps the weight of one element; codings the edge cannot make are passed over.
func (w *wishes) note(name []byte, q weight) {
	var of *weight
	switch {
	case len(name) == 1 && name[0] == '*':
		of = &w.rest
	case exchange.EqualFold(name, xGzip):
		of = &w.of[gzipped]
	default:
		for c := range w.of {
			if exchange.EqualFold(name, values[c]) {
				of = &w.of[c]
			}
		}
	}
	if of != nil && (*of == absent || q < *of) {
		*of = q
	}
}

var xGzip = []byte("x-gzip")

// parseWeight reads "q=" and a qvalue (RFC 9110 section 12.4.2): 0 or 1 with at most three decimals, none above 1. absent
// means that it is not one.
func parseWeight(b []byte) weight {
	if len(b) < 3 || len(b) > 7 || b[0]|0x20 != 'q' || b[1] != '=' || b[2] != '0' && b[2] != '1' {
		return absent
	}
	q := weight(b[2]-'0') * 1000
	if len(b) > 3 && b[3] != '.' {
		return absent
	}
	for i, scale := 4, weight(100); i < len(b); i, scale = i+1, scale/10 {
		if b[i] < '0' || b[i] > '9' {
			return absent
		}
		q += weight(b[i]-'0') * scale
	}
	if q > 1000 {
		return absent
	}
	return q
}

// isToken reports whether b is a token (RFC 9110 section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenByte[c] {
			return false
		}
	}
	return len(b) > 0
}

var tokenByte = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return
}()
