package static

import (
	"bytes"
	"math"

	"skerry.dev/skerry/exchange"
)

// span is the bytes of a file from one offset up to another, which it does not contain.
type span struct{ from, to int64 }

// spans are the ranges of one request that can be satisfied, in the order asked for.
type spans struct {
	list [rangesMax]span
	n    int
}

// parseRanges reads a Range field (RFC 9110 section 14.2) for a file of size bytes. Without ranges and ok the whole file is sent:
// the field is malformed, in another unit, asks for too many ranges or for some bytes twice, or the file is empty. Not ok
// means that no range can be satisfied.
func parseRanges(value []byte, size int64, s *spans) (ok bool) {
	s.n = 0
	unit, list, found := bytes.Cut(value, []byte("="))
	if !found || !exchange.EqualFold(unit, unitBytes) || size == 0 {
		return true
	}
	asked := 0
	for len(list) > 0 {
		var element []byte
		element, list, _ = bytes.Cut(list, comma)
		if element = exchange.TrimOWS(element); len(element) == 0 {
			continue // RFC 9110 section 5.6.1.2
		}
		r, valid := parseRange(element, size)
		if asked++; !valid || asked > rangesMax {
			s.n = 0
			return true
		}
		if r.from < r.to {
			s.list[s.n] = r
			s.n++
		}
	}
	if s.overlap() {
		s.n = 0
		return true
	}
	return asked == 0 || s.n > 0
}

var unitBytes = []byte("bytes")

// parseRange reads one range; one that cannot be satisfied comes out empty.
func parseRange(element []byte, size int64) (r span, valid bool) {
	first, last, found := bytes.Cut(element, []byte("-"))
	if !found {
		return r, false
	}
	if len(first) == 0 {
		suffix, ok := parseOffset(last)
		return span{size - min(suffix, size), size}, ok
	}
	if r.from, valid = parseOffset(first); !valid {
		return r, false
	}
	r.to = size
	if len(last) > 0 {
		end, ok := parseOffset(last)
		if !ok || end < r.from {
			return r, false
		}
		if end < size {
			r.to = end + 1
		}
	}
	return r, true
}

// parseOffset reads a number; one that is too large for any file is the largest there is.
func parseOffset(digits []byte) (n int64, ok bool) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(digits) > 0
}

// overlap reports whether two ranges have a byte in common.
func (s *spans) overlap() bool {
	for i := range s.n {
		for j := range i {
			if a, b := s.list[i], s.list[j]; a.from < b.to && b.from < a.to {
				return true
			}
		}
	}
	return false
}
