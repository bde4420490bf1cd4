package transform

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/waf/match"
)

// entityText has the named character references of the HTML standard, section 13.5, one a line in the order of their bytes:
// the name, with its semicolon if it needs one, and the numbers of its one or two characters in hexadecimal.
//
//go:embed entities.txt
var entityText string

// entity is a named character reference.
type entity struct {
	name  string
	chars [2]rune    // the second may be 0: none
	mask  match.Mask // classes of the name
}

// entities are sorted by name; those that begin with c are entities[entityFrom[c]:entityFrom[c+1]].
var entities, entityFrom = parseEntities(entityText)

func parseEntities(text string) (list []entity, from [129]uint16) {
	list = make([]entity, 0, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		name, numbers, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		e := entity{name: name}
		for _, c := range []byte(name) {
			e.mask |= match.MaskOfByte(c)
		}
		for i := range e.chars {
			var number string
			number, numbers, _ = strings.Cut(numbers, " ")
			n, _ := strconv.ParseUint(number, 16, 21)
			e.chars[i] = rune(n)
		}
		list = append(list, e)
		from[name[0]+1] = uint16(len(list))
	}
	for c := 1; c < len(from); c++ {
		from[c] = max(from[c], from[c-1])
	}
	return list, from
}

// legacyMax is the length of the longest name that needs no semicolon: it is found in front of other letters too.
const legacyMax = 6

func appendEntities(dst, in []byte) []byte {
	for {
		i := bytes.IndexByte(in, '&')
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		in = in[i:]
		chars, size := reference(in)
		if size == 0 {
			dst, in = append(dst, '&'), in[1:]
			continue
		}
		dst = utf8.AppendRune(dst, chars[0])
		if chars[1] != 0 {
			dst = utf8.AppendRune(dst, chars[1])
		}
		in = in[size:]
	}
}

func changedEntities(in []byte) bool {
	for {
		i := bytes.IndexByte(in, '&')
		if i < 0 {
			return false
		}
		in = in[i:]
		if _, size := reference(in); size > 0 {
			return true
		}
		in = in[1:]
	}
}

// reference decodes the character reference that in begins with, as HTML does outside attributes (section 13.2.5.72). Size 0:
// the ampersand begins none.
func reference(in []byte) (chars [2]rune, size int) {
	if len(in) < 3 {
		return chars, 0
	}
	if in[1] == '#' {
		chars[0], size = numeric(in)
		return chars, size
	}
	n := 0
	for name := in[1:]; n < len(name) && n < entityNameMax && match.MaskOfByte(name[n])&alnumMask != 0; {
		n++
	}
	name := in[1 : 1+n]
	if 1+n < len(in) && in[1+n] == ';' {
		name = in[1 : 2+n]
	}
	if e := findEntity(name); e != nil {
		return e.chars, 1 + len(name)
	}
	for n := min(len(name)-1, legacyMax); n > 1; n-- {
		if e := findEntity(name[:n]); e != nil {
			return e.chars, 1 + n
		}
	}
	return chars, 0
}

const alnumMask = match.MaskLetters | match.MaskDigits

// numeric decodes &#N or &#xN, with or without a semicolon.
func numeric(in []byte) (r rune, size int) {
	base, i := rune(10), 2
	if in[2]|0x20 == 'x' {
		base, i = 16, 3
	}
	first := i
	for ; i < len(in) && rune(hexValue[in[i]]) < base; i++ {
		if r <= utf8.MaxRune {
			r = r*base + rune(hexValue[in[i]])
		}
	}
	if i == first {
		return 0, 0
	}
	if i < len(in) && in[i] == ';' {
		i++
	}
	switch {
	case r == 0:
		r = utf8.RuneError
	case r >= 0x80 && r <= 0x9F:
		r = windows1252[r-0x80]
	}
	return r, i // AppendRune writes U+FFFD for surrogates and what is beyond Unicode
}

// windows1252 is what HTML makes of the numbers 0x80 to 0x9F.
var windows1252 = [32]rune{
	0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
	0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
}

// findEntity finds an entity by its whole name; nil: there is none.
func findEntity(name []byte) *entity {
	if len(name) < 2 || name[0] >= utf8.RuneSelf {
		return nil
	}
	lo, hi := int(entityFrom[name[0]]), int(entityFrom[name[0]+1])
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch e := &entities[mid]; {
		case e.name == string(name):
			return e
		case e.name < string(name):
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// sixFifths: "&nGt;" and "&nLt;" are 5 bytes for 6, the only ones that grow.
func sixFifths(n int) int { return n + n/5 }

var (
	maskAmpersand = maskOf("&")
	maskHash      = maskOf("#")
)

// numericIn reports whether a numeric reference can be in values of m.
func numericIn(m match.Mask) bool {
	return m&maskHash != 0 && (m&match.MaskDigits != 0 || m&maskX != 0 && m&hexMask != 0)
}

func identityEntities(m match.Mask) bool {
	if m&maskAmpersand == 0 {
		return true
	}
	if numericIn(m) {
		return false
	}
	for i := range entities {
		if entities[i].mask&^m == 0 {
			return false
		}
	}
	return true
}

func outputEntities(m match.Mask) match.Mask {
	if numericIn(m) {
		return match.MaskAll
	}
	out := m
	for i := range entities {
		e := &entities[i]
		if e.mask&^m != 0 {
			continue
		}
		for _, r := range e.chars {
			switch {
			case r >= utf8.RuneSelf:
				out |= match.MaskHigh
			case r > 0:
				out |= match.MaskOfByte(byte(r))
			}
		}
	}
	return out
}
