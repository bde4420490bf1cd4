package transform

import (
	"bytes"
	_ "embed"
	"slices"
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

// entityList is a list of entities in the order of their names; those that begin with c are list[from[c]:from[c+1]].
type entityList struct {
	list []entity
	from [129]uint16
}

// strictEntities need their semicolon; the 106 of legacyEntities do not, and are found in front of other letters too.
var strictEntities, legacyEntities = parseEntities(entityText)

func parseEntities(text string) (strict, legacy entityList) {
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
		if strings.HasSuffix(name, ";") {
			strict.add(e)
		} else {
			legacy.add(e)
		}
	}
	strict.close()
	legacy.close()
	return strict, legacy
}

func (l *entityList) add(e entity) {
	l.list = append(l.list, e)
	l.from[e.name[0]+1] = uint16(len(l.list))
}

// close fills in the bounds of letters with which no name begins.
func (l *entityList) close() {
	for c := 1; c < len(l.from); c++ {
		l.from[c] = max(l.from[c], l.from[c-1])
	}
}

// beginning has the entities whose names begin with c.
func (l *entityList) beginning(c byte) []entity {
	if c >= utf8.RuneSelf {
		return nil
	}
	return l.list[l.from[c]:l.from[c+1]]
}

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
	if name := strictName(in[1:]); name != nil {
		if e := find(strictEntities.beginning(name[0]), name); e != nil {
			return e.chars, 1 + len(name)
		}
	}
	for _, e := range slices.Backward(legacyEntities.beginning(in[1])) { // a longer name stands behind a shorter one
		if end := 1 + len(e.name); end <= len(in) && string(in[1:end]) == e.name {
			return e.chars, end
		}
	}
	return chars, 0
}

// strictName is the run of letters and digits at the front of in with the semicolon behind it; nil: that is not there.
func strictName(in []byte) []byte {
	for n := 0; n < len(in) && n <= entityNameMax; n++ {
		if in[n] == ';' {
			return in[:n+1]
		}
		if match.MaskOfByte(in[n])&alnumMask == 0 {
			break
		}
	}
	return nil
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

// find finds an entity of a sorted list by its whole name; nil: there is none.
func find(list []entity, name []byte) *entity {
	for lo, hi := 0, len(list); lo < hi; {
		mid := int(uint(lo+hi) / 2)
		switch e := &list[mid]; {
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
	return !anyName(strictEntities.list, m) && !anyName(legacyEntities.list, m)
}

// anyName reports whether a name of the list can be in values of m.
func anyName(list []entity, m match.Mask) bool {
	return slices.ContainsFunc(list, func(e entity) bool { return e.mask&^m == 0 })
}

func outputEntities(m match.Mask) match.Mask {
	if numericIn(m) {
		return match.MaskAll
	}
	return m | namedOutput(strictEntities.list, m) | namedOutput(legacyEntities.list, m)
}

// namedOutput has the classes of what the names stand for that can be in values of m.
func namedOutput(list []entity, m match.Mask) (out match.Mask) {
	for i := range list {
		e := &list[i]
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
