package transform

import (
	"bytes"
	"slices"
	"strconv"

	"skerry.dev/skerry/waf/match"
)

// Sets of classes that several transformations ask for.
var (
	backslash = maskOf(`\`)
	spaceMask = match.MaskSpace | match.MaskWhite
	hexMask   = maskOf("0123456789abcdef")
)

func maskOf(s string) match.Mask { return match.MaskOf([]byte(s)) }

// without is the identity of a transformation that may change any value with one of these classes.
func without(trigger match.Mask) func(match.Mask) bool {
	return func(m match.Mask) bool { return m&trigger == 0 }
}

func always(match.Mask) bool                      { return true }
func neverFor(match.Mask) bool                    { return false }
func empty(m match.Mask) bool                     { return m == 0 }
func nothingNew(m match.Mask) match.Mask          { return m }
func anything(match.Mask) match.Mask              { return match.MaskAll }
func never([]byte) bool                           { return false }
func notEmpty(in []byte) bool                     { return len(in) > 0 }
func same(n int) int                              { return n }
func twice(n int) int                             { return 2 * n }
func thrice(n int) int                            { return 3 * n }
func threeHalves(n int) int                       { return n + n/2 }
func appendSame(dst, in []byte) []byte            { return append(dst, in...) }
func hasBackslash(in []byte) bool                 { return bytes.IndexByte(in, '\\') >= 0 }
func hasNull(in []byte) bool                      { return bytes.IndexByte(in, 0) >= 0 }
func outputLength(match.Mask) match.Mask          { return match.MaskDigits }
func outputNoNulls(m match.Mask) match.Mask       { return m &^ match.MaskNUL }
func appendLength(dst, in []byte) []byte          { return strconv.AppendInt(dst, int64(len(in)), 10) }
func changedLength(in []byte) bool                { return len(in) != 1 || in[0] != '1' }
func outputNoSpace(m match.Mask) match.Mask       { return m &^ spaceMask }
func outputReplacedNulls(m match.Mask) match.Mask { return m&^match.MaskNUL | match.MaskSpace }

// digits is how long n is, in decimal.
func digits(n int) int {
	d := 1
	for ; n > 9; n /= 10 {
		d++
	}
	return d
}

// room lengthens dst by n bytes, whose content is not defined, and returns it with the new part.
func room(dst []byte, n int) (all, tail []byte) {
	dst = slices.Grow(dst, n)
	all = dst[:len(dst)+n]
	return all, all[len(dst):]
}

// hexValue is the value of a hexadecimal digit; 0xff: it is none.
var hexValue = func() (t [256]byte) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = b - '0'
		case b >= 'a' && b <= 'f':
			t[c] = b - 'a' + 10
		case b >= 'A' && b <= 'F':
			t[c] = b - 'A' + 10
		default:
			t[c] = 0xff
		}
	}
	return t
}()

// hex2 is the byte that two hexadecimal digits at the front of s spell.
func hex2(s []byte) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, lo := hexValue[s[0]], hexValue[s[1]]
	return hi<<4 | lo, hi|lo < 16
}

func appendNoNulls(dst, in []byte) []byte {
	for {
		i := bytes.IndexByte(in, 0)
		if i < 0 {
			return append(dst, in...)
		}
		dst, in = append(dst, in[:i]...), in[i+1:]
	}
}

func appendReplacedNulls(dst, in []byte) []byte {
	dst, tail := room(dst, len(in))
	copy(tail, in)
	for {
		i := bytes.IndexByte(tail, 0)
		if i < 0 {
			return dst
		}
		tail[i], tail = ' ', tail[i+1:]
	}
}
