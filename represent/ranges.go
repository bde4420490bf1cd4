package represent

import (
	"bytes"
	"math"

	"skerry.dev/skerry/exchange"
)

// Span is the bytes from one offset up to another, which it does not contain.
type Span struct{ From, To int64 }

// Spans are the ranges of one request that can be satisfied, in the order asked for, none overlapping another.
type Spans struct {
	list [spansMax]Span
	n    int
}

// List returns the spans, a view of s.
func (s *Spans) List() []Span { return s.list[:s.n] }

// parse reads a Range field (RFC 9110 section 14.2) for size bytes. Without spans and ok the whole is sent: the field is
// malformed, in another unit, asks for too many ranges or for some bytes twice, or there are no bytes, or nobody knows how
// many. Not ok means that no range can be satisfied.
func (s *Spans) parse(value []byte, size int64) (ok bool) {
	unit, list, found := bytes.Cut(value, []byte("="))
	if !found || !exchange.EqualFold(unit, []byte("bytes")) || size <= 0 {
		return true
	}
	asked := 0
	for len(list) > 0 {
		var element []byte
		element, list, _ = bytes.Cut(list, []byte(","))
		if element = exchange.TrimOWS(element); len(element) == 0 {
			continue // RFC 9110 section 5.6.1.2
		}
		one, valid := parseRange(element, size)
		if asked++; !valid || asked > spansMax {
			s.n = 0
			return true
		}
		if one.From < one.To {
			s.list[s.n] = one
			s.n++
		}
	}
	if s.overlap() {
		s.n = 0
		return true
	}
	return asked == 0 || s.n > 0
}

// parseRange reads one range; one that cannot be satisfied comes out empty.
func parseRange(element []byte, size int64) (s Span, valid bool) {
	first, last, found := bytes.Cut(element, []byte("-"))
	if !found {
		return s, false
	}
	if len(first) == 0 {
		suffix, ok := parseOffset(last)
		return Span{size - min(suffix, size), size}, ok
	}
	if s.From, valid = parseOffset(first); !valid {
		return s, false
	}
	s.To = size
	if len(last) > 0 {
		end, ok := parseOffset(last)
		if !ok || end < s.From {
			return s, false
		}
		if end < size {
			s.To = end + 1
		}
	}
	return s, true
}

// parseOffset reads a number; one that is too large for any body is the largest there is.
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

// overlap reports whether two spans have a byte in common.
func (s *Spans) overlap() bool {
	for i := range s.n {
		for j := range i {
			if a, b := s.list[i], s.list[j]; a.From < b.To && b.From < a.To {
				return true
			}
		}
	}
	return false
}
