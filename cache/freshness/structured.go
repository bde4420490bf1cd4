package freshness

import (
	"unicode/utf8"

	"skerry.dev/skerry/exchange"
)

// kind is the type of a value of a structured field.
type kind uint8

const (
	kindTrue kind = iota // the zero value: a member without a value is true
	kindFalse
	kindInteger
	kindDecimal
	kindString
	kindToken
	kindBytes
	kindDate
	kindDisplay
	kindInner // an inner list
)

// item is one value: its type and, of an integer and a string, what it says.
type item struct {
	kind    kind
	integer int64
	text    []byte // of a string, as it stands between the quotes
	escaped bool   // text has backslashes to be taken away
}

// structured reads the members of a List or a Dictionary over all lines of a field (RFC 9651 section 4.2), as strictly as its text
// says: any fault makes the whole field invalid. It checks everything and keeps only what caching asks for. Lines count as if they
// were joined with commas, so an empty one beside others is a fault.
type structured struct {
	fields  exchange.Fields // those not looked at yet
	id      exchange.NameID
	rest    []byte // of the current line
	lines   int
	members int
	empty   bool // a line was
	bad     bool
}

// more goes to the next member and reports whether there is one; what comes then is a call of entry or member.
func (p *structured) more() bool {
	if p.lines > 0 {
		p.skip(true)
	}
	if len(p.rest) > 0 && !p.bad {
		p.want(',')
		p.skip(true)
		p.members++
		return !p.bad
	}
	for len(p.fields) > 0 && !p.bad {
		field := &p.fields[0]
		p.fields = p.fields[1:]
		if field.ID != p.id {
			continue
		}
		p.lines++
		if p.rest = exchange.TrimOWS(field.Value); len(p.rest) > 0 {
			p.members++
			return true
		}
		p.empty = true
	}
	return false
}

// valid reports whether the field was, after more said that there is nothing left. A field without members is valid.
func (p *structured) valid() bool { return !p.bad && (!p.empty || p.lines == 1) }

// entry reads a member of a Dictionary. If a key comes again, the last one holds.
func (p *structured) entry() (key []byte, v item) {
	key = p.key()
	if p.next('=') {
		return key, p.member()
	}
	p.parameters()
	return key, item{kind: kindTrue}
}

// next takes c, if it is what comes next.
func (p *structured) next(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *structured) want(c byte) {
	if !p.next(c) {
		p.bad = true
	}
}

// peek is the byte that comes next, 0 at the end.
func (p *structured) peek() byte {
	if len(p.rest) == 0 {
		return 0
	}
	return p.rest[0]
}

// skip passes over spaces, and tabs too where these are allowed.
func (p *structured) skip(tabs bool) {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || tabs && p.rest[0] == '\t') {
		p.rest = p.rest[1:]
	}
}

// take takes the longest run of bytes of which ok holds.
func (p *structured) take(ok func(byte) bool) []byte {
	n := 0
	for n < len(p.rest) && ok(p.rest[n]) {
		n++
	}
	run := p.rest[:n]
	p.rest = p.rest[n:]
	return run
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isSmall(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlpha(c byte) bool { return isSmall(small(c)) }

// key reads a key (RFC 9651 section 4.2.3.3).
func (p *structured) key() []byte {
	if c := p.peek(); !isSmall(c) && c != '*' {
		p.bad = true
		return nil
	}
	return p.take(func(c byte) bool { return isSmall(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*' })
}

// member reads an item or an inner list, with its parameters.
func (p *structured) member() (v item) {
	if !p.next('(') {
		v = p.bare()
		p.parameters()
		return v
	}
	for !p.bad {
		p.skip(false)
		if p.next(')') {
			p.parameters()
			break
		}
		p.bare()
		p.parameters()
		if c := p.peek(); c != ' ' && c != ')' {
			p.bad = true
		}
	}
	return item{kind: kindInner}
}

// parameters checks parameters and leaves them out: none means anything here.
func (p *structured) parameters() {
	for !p.bad && p.next(';') {
		p.skip(false)
		p.key()
		if p.next('=') {
			p.bare()
		}
	}
}

// bare reads an item without its parameters (RFC 9651 section 4.2.3.1).
func (p *structured) bare() item {
	switch c := p.peek(); {
	case p.bad:
	case c == '-' || isDigit(c):
		return p.number()
	case c == '"':
		return p.text()
	case isAlpha(c) || c == '*':
		p.take(func(c byte) bool { return tchar[c] || c == ':' || c == '/' })
		return item{kind: kindToken}
	case c == ':':
		return p.bytes()
	case c == '?':
		return p.boolean()
	case c == '@':
		p.rest = p.rest[1:]
		if p.number().kind == kindInteger {
			return item{kind: kindDate}
		}
	case c == '%':
		return p.display()
	}
	p.bad = true
	return item{}
}

// number reads an integer or a decimal (RFC 9651 section 4.2.4).
func (p *structured) number() item {
	v := item{kind: kindInteger}
	negative := p.next('-')
	whole := p.take(isDigit)
	if len(whole) == 0 || len(whole) > 15 {
		p.bad = true
		return v
	}
	for _, c := range whole {
		v.integer = v.integer*10 + int64(c-'0')
	}
	if negative {
		v.integer = -v.integer
	}
	if p.next('.') {
		v.kind = kindDecimal
		if part := p.take(isDigit); len(whole) > 12 || len(part) == 0 || len(part) > 3 {
			p.bad = true
		}
	}
	return v
}

// text reads a string (RFC 9651 section 4.2.5).
func (p *structured) text() item {
	v := item{kind: kindString}
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			v.text, p.rest = p.rest[1:i], p.rest[i+1:]
			return v
		case c == '\\':
			v.escaped = true
			if i++; i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				p.bad = true
				return v
			}
		case c < ' ' || c > '~':
			p.bad = true
			return v
		}
	}
	p.bad = true
	return v
}

// bytes checks a byte sequence (RFC 9651 section 4.2.7).
func (p *structured) bytes() item {
	p.want(':')
	p.take(func(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '/' || c == '=' })
	p.want(':')
	return item{kind: kindBytes}
}

// boolean reads a boolean (RFC 9651 section 4.2.8).
func (p *structured) boolean() item {
	p.want('?')
	if p.next('0') {
		return item{kind: kindFalse}
	}
	p.want('1')
	return item{kind: kindTrue}
}

// display checks a display string (RFC 9651 section 4.2.10): its bytes are UTF-8.
func (p *structured) display() item {
	v := item{kind: kindDisplay}
	p.want('%')
	p.want('"')
	var char [utf8.UTFMax]byte
	n := 0 // bytes of a character that is not complete
	for !p.bad && len(p.rest) > 0 {
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case c == '%':
			char[n] = p.hex()<<4 | p.hex()
			if n++; utf8.FullRune(char[:n]) { // four bytes always are one, good or bad
				if r, size := utf8.DecodeRune(char[:n]); r == utf8.RuneError && size <= 1 {
					p.bad = true
				}
				n = 0
			}
		case n > 0 || c < ' ' || c > '~':
			p.bad = true
		case c == '"':
			return v
		}
	}
	p.bad = true
	return v
}

// hex reads one digit; only small letters are allowed.
func (p *structured) hex() byte {
	c := p.peek()
	switch {
	case isDigit(c):
		c -= '0'
	case 'a' <= c && c <= 'f':
		c -= 'a' - 10
	default:
		p.bad = true
		return 0
	}
	p.rest = p.rest[1:]
	return c
}
