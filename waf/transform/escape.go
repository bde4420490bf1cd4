package transform

import (
	"bytes"
	"unicode/utf8"

	"skerry.dev/skerry/waf/match"
)

// hasEscape reports whether a backslash has something behind it.
func hasEscape(in []byte) bool {
	i := bytes.IndexByte(in, '\\')
	return i >= 0 && i < len(in)-1
}

func appendJS(dst, in []byte) []byte        { return appendEscapes(dst, in, jsEscape) }
func appendEscapeSeq(dst, in []byte) []byte { return appendEscapes(dst, in, cEscape) }

// appendEscapes appends in with each escape replaced by the byte that escape says, which also says how long it is. A backslash
// at the end stands for itself.
func appendEscapes(dst, in []byte, escape func(in []byte) (byte, int)) []byte {
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 || i == len(in)-1 {
			return append(dst, in...)
		}
		c, size := escape(in[i:])
		dst = append(append(dst, in[:i]...), c)
		in = in[i+size:]
	}
}

// jsEscape decodes the escape of JavaScript that in begins with. Of characters above 0xFF it takes the lower byte, but folds
// full-width forms to ASCII.
func jsEscape(in []byte) (c byte, size int) {
	switch in[1] {
	case 'u':
		if c, size = jsBraced(in); size > 0 {
			return c, size
		}
		if high, ok := hex2(in[2:]); ok {
			if low, ok := hex2(in[4:]); ok {
				return narrow(high, low), 6
			}
		}
	case 'x':
		if b, ok := hex2(in[2:]); ok {
			return b, 4
		}
	}
	if n := octals(in[1:]); n > 0 {
		if n == 3 && in[1] > '3' {
			n = 2 // more would not fit into a byte
		}
		return octal(in[1 : 1+n]), 1 + n
	}
	return letterEscape(in[1]), 2
}

// jsBraced decodes \u{H}, with one to six digits; size 0: it is not there.
func jsBraced(in []byte) (c byte, size int) {
	if len(in) < 3 || in[2] != '{' {
		return 0, 0
	}
	n, code := hexRun(in[3:])
	if end := 3 + n; n == 0 || end >= len(in) || in[end] != '}' {
		return 0, 0
	}
	if code > 0xffff {
		return byte(code), 4 + n
	}
	return narrow(byte(code>>8), byte(code)), 4 + n
}

// narrow is one byte for a character of two: the full-width forms U+FF01 to U+FF5E are ASCII, of others it is the lower one.
func narrow(high, low byte) byte {
	if high == 0xff && low > 0 && low < 0x5f {
		return low + 0x20
	}
	return low
}

// cEscape decodes the escape of ANSI C that in begins with. Of \400 to \777 it takes the lower byte.
func cEscape(in []byte) (c byte, size int) {
	if in[1]|0x20 == 'x' {
		if b, ok := hex2(in[2:]); ok {
			return b, 4
		}
	}
	if n := octals(in[1:]); n > 0 {
		return octal(in[1 : 1+n]), 1 + n
	}
	return letterEscape(in[1]), 2
}

// letterEscape is what a letter behind a backslash stands for: itself, except for those that C gave a meaning.
func letterEscape(c byte) byte {
	switch c {
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c
}

// octals counts the octal digits at the front of in, up to three.
func octals(in []byte) int {
	n := 0
	for n < 3 && n < len(in) && in[n]&^7 == '0' {
		n++
	}
	return n
}

func octal(digits []byte) (v byte) {
	for _, c := range digits {
		v = v<<3 | c&7
	}
	return v
}

// hexRun reads the hexadecimal digits at the front of in, up to six.
func hexRun(in []byte) (n int, code rune) {
	for n < 6 && n < len(in) && hexValue[in[n]] < 16 {
		code = code<<4 | rune(hexValue[in[n]])
		n++
	}
	return n, code
}

func appendCSS(dst, in []byte) []byte {
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		var size int
		dst, size = appendCSSEscape(dst, in[i:])
		in = in[i+size:]
	}
}

// appendCSSEscape appends what the escape of CSS stands for that in begins with (CSS Syntax section 4.3.7), and says how long
// it is. A line end behind the backslash, or nothing, stands for nothing; full-width forms are folded to ASCII.
func appendCSSEscape(dst, in []byte) ([]byte, int) {
	if len(in) == 1 {
		return dst, 1
	}
	n, code := hexRun(in[1:])
	if n == 0 {
		if in[1] != '\n' {
			dst = append(dst, in[1])
		}
		return dst, 2
	}
	size := 1 + n
	if size < len(in) && isSpace[in[size]] != 0 {
		size++
	}
	switch {
	case code == 0:
		code = utf8.RuneError
	case code >= 0xff01 && code <= 0xff5e:
		code -= 0xfee0
	}
	return utf8.AppendRune(dst, code), size // surrogates and what is beyond Unicode become U+FFFD
}

// Classes of the letters behind a backslash.
var (
	maskAB     = maskOf("ab")
	maskLineLF = maskOf("fnrtv")
)

// outputLetters is what escapes without digits make of m.
func outputLetters(m match.Mask) match.Mask {
	return m | ifAny(m&maskAB, match.MaskControl) | ifAny(m&maskLineLF, match.MaskWhite)
}

func outputEscapeSeq(m match.Mask) match.Mask {
	if m&match.MaskDigits != 0 || m&maskX != 0 && m&hexMask != 0 {
		return match.MaskAll
	}
	return outputLetters(m)
}

func outputJS(m match.Mask) match.Mask {
	if m&match.MaskDigits != 0 || m&maskXU != 0 && m&hexMask != 0 {
		return match.MaskAll
	}
	return outputLetters(m)
}

func outputCSS(m match.Mask) match.Mask {
	if m&hexMask != 0 {
		return match.MaskAll
	}
	return m
}

var maskXU = maskOf("xu")
