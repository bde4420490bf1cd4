package body

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// frame is an open array or object of JSON.
type frame struct {
	array bool
	path  int // length of its path
	first int // how many pairs there were before it
	index int // of the element at hand, if it is an array
}

// jsonReader reads one JSON text (RFC 8259): strictly, without recursion, in one pass.
type jsonReader struct {
	p    *Parsed
	data []byte
	at   int
	base int // what At of errors is counted from
	in   string
	l    Limits
	mem  *Memory
	used int // bytes of built names
}

func (p *Parsed) json(m Media, data []byte, l Limits, mem *Memory) *Error {
	if !unicodeCharset(m.Charset) {
		return ambiguous("JSON", 0, "a charset other than UTF-8")
	}
	p.path = append(p.path[:0], "json"...)
	p.stack = p.stack[:0]
	r := jsonReader{p: p, data: data, in: "JSON", l: l, mem: mem}
	r.space()
	if c := r.peek(); c == '{' || c == '[' {
		return r.text()
	}
	// A scalar alone is read as an array of one.
	p.stack = append(p.stack, frame{array: true, path: len(p.path), first: len(p.Args)})
	r.element(&p.stack[0])
	if err := r.text(); err != nil {
		return err
	}
	p.path = p.path[:len("json")]
	return r.size(&p.stack[0])
}

// lines reads NDJSON: each line is one JSON text and becomes an element of one array. The last line may lack its line feed;
// an empty line, or a value over several lines, is refused, since readers of lines and readers of values differ there.
func (p *Parsed) lines(m Media, data []byte, l Limits, mem *Memory) *Error {
	if !unicodeCharset(m.Charset) {
		return ambiguous("NDJSON", 0, "a charset other than UTF-8")
	}
	p.path = append(p.path[:0], "json"...)
	all := frame{array: true, path: len(p.path), first: len(p.Args), index: -1}
	r := jsonReader{p: p, in: "NDJSON", l: l, mem: mem}
	for rest := data; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		all.index++
		r.data, r.at, r.base = line, 0, len(data)-len(rest)
		r.element(&all)
		p.stack = p.stack[:0]
		if err := r.text(); err != nil {
			return err
		}
		rest = after
	}
	if all.index < 0 {
		return malformed("NDJSON", 0, "no value")
	}
	p.path = p.path[:all.path]
	return r.size(&all)
}

// text reads one value with what it contains, and nothing but white space behind it. Its path is set; the stack is as it
// was when it returns without error.
func (r *jsonReader) text() *Error {
	for floor := len(r.p.stack); ; {
		r.space()
		open, err := r.value()
		if err == nil && !open {
			err = r.after(floor)
		}
		if err != nil {
			return err
		}
		if len(r.p.stack) == floor {
			break
		}
	}
	r.space()
	if r.at < len(r.data) {
		return r.malformed("something follows the value")
	}
	return nil
}

// value reads a scalar, or opens an array or object up to its first element: then open is true and the path is the element's.
func (r *jsonReader) value() (open bool, err *Error) {
	switch c := r.peek(); c {
	case '{':
		return r.open(false, '}')
	case '[':
		return r.open(true, ']')
	case '"':
		v, err := r.quoted()
		if err != nil {
			return false, err
		}
		return false, r.leaf(v)
	case 't':
		return false, r.literal("true", 4)
	case 'f':
		return false, r.literal("false", 5)
	case 'n':
		return false, r.literal("null", 0)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return false, r.number()
	case 0xef:
		return false, r.malformed("a byte order mark or another character where a value must be")
	}
	if r.at >= len(r.data) {
		return false, r.malformed("the body ends where a value must be")
	}
	return false, r.malformed("a character where a value must be")
}

// open enters an array or object. An empty one is left at once and gives nothing.
func (r *jsonReader) open(array bool, end byte) (bool, *Error) {
	p := r.p
	if len(p.stack) >= r.l.Depth {
		return false, beyond(r.in, r.base+r.at, "arrays and objects are nested too deeply", r.l.Depth, "Depth")
	}
	r.at++
	r.space()
	if r.peek() == end {
		r.at++
		return false, nil
	}
	p.stack = append(p.stack, frame{array: array, path: len(p.path), first: len(p.Args)})
	if array {
		r.element(&p.stack[len(p.stack)-1])
		return true, nil
	}
	return true, r.key(len(p.path))
}

// after goes on behind a complete value: to the next element or member, or out of what ends here.
func (r *jsonReader) after(floor int) *Error {
	p := r.p
	for len(p.stack) > floor {
		f := &p.stack[len(p.stack)-1]
		r.space()
		switch c := r.peek(); {
		case c == ',':
			r.at++
			if f.array {
				f.index++
				r.element(f)
				return nil
			}
			r.space()
			return r.key(f.path)
		case f.array && c == ']', !f.array && c == '}':
			r.at++
			p.path = p.path[:f.path]
			if f.array {
				if err := r.size(f); err != nil {
					return err
				}
			}
			p.stack = p.stack[:len(p.stack)-1]
		case r.at >= len(r.data):
			return r.malformed("the body ends inside of an array or object")
		default:
			return r.malformed("neither a comma nor the end behind a value")
		}
	}
	return nil
}

// element makes the path that of an array's current element.
func (r *jsonReader) element(f *frame) {
	r.p.path = strconv.AppendInt(append(r.p.path[:f.path], '.'), int64(f.index), 10)
}

// key reads a member's name and colon and makes the path, cut to length n, that of the member.
func (r *jsonReader) key(n int) *Error {
	if r.peek() != '"' {
		return r.malformed("no name of a member in quotes")
	}
	name, err := r.quoted()
	if err != nil {
		return err
	}
	if n+1+len(name) > r.l.NameBytes {
		return beyond(r.in, r.base+r.at, "the path of a value is too long", r.l.NameBytes, "NameBytes")
	}
	r.p.path = append(append(r.p.path[:n], '.'), name...)
	r.space()
	if r.peek() != ':' {
		return r.malformed("no colon behind a member's name")
	}
	r.at++
	return nil
}

// leaf adds a value under the current path.
func (r *jsonReader) leaf(v []byte) *Error {
	name := r.p.path
	if err := r.room(len(name)); err != nil {
		return err
	}
	r.p.Args = append(r.p.Args, Pair{Name: r.mem.Copy(name), Value: v})
	return nil
}

// size adds the size of an array that ends, under the current path. Its name is the beginning of an element's, if there is one.
func (r *jsonReader) size(f *frame) *Error {
	p := r.p
	n := len(p.path)
	shared := len(p.Args) > f.first
	extra := n
	if shared {
		extra = 0
	}
	if err := r.room(extra); err != nil {
		return err
	}
	var name []byte
	if shared {
		name = p.Args[len(p.Args)-1].Name[:n:n]
	} else {
		name = r.mem.Copy(p.path)
	}
	number := strconv.AppendInt(r.mem.Alloc(20)[:0], int64(f.index+1), 10)
	p.Args = append(p.Args, Pair{Name: name, Value: r.mem.Trim(number[:20], len(number))})
	return nil
}

// room says whether there may be one more pair whose name takes n bytes of memory.
func (r *jsonReader) room(n int) *Error {
	switch {
	case len(r.p.Args) >= r.l.Pairs:
		return beyond(r.in, r.base+r.at, "too many values", r.l.Pairs, "Pairs")
	case n > r.l.NameBytes:
		return beyond(r.in, r.base+r.at, "the path of a value is too long", r.l.NameBytes, "NameBytes")
	case r.used+n > r.l.NamesBytes:
		return beyond(r.in, r.base+r.at, "the paths of all values are too long together", r.l.NamesBytes, "NamesBytes")
	}
	r.used += n
	return nil
}

// literal reads true, false or null; the first n bytes of it are the value.
func (r *jsonReader) literal(word string, n int) *Error {
	if len(r.data)-r.at < len(word) || string(r.data[r.at:r.at+len(word)]) != word {
		return r.malformed("a word that is not true, false or null")
	}
	v := r.data[r.at : r.at+n : r.at+n]
	r.at += len(word)
	return r.leaf(v)
}

// number reads a number; its value is as it was written (RFC 8259 section 6).
func (r *jsonReader) number() *Error {
	from := r.at
	if r.peek() == '-' {
		r.at++
	}
	whole := r.at
	if n := r.digits(); n == 0 || n > 1 && r.data[whole] == '0' {
		return r.malformed("a number without digits, or with a leading zero")
	}
	if r.peek() == '.' {
		r.at++
		if r.digits() == 0 {
			return r.malformed("a number without digits behind its point")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		if r.digits() == 0 {
			return r.malformed("a number without digits in its exponent")
		}
	}
	return r.leaf(r.data[from:r.at:r.at])
}

// digits skips decimal digits and counts them.
func (r *jsonReader) digits() int {
	from := r.at
	for r.at < len(r.data) && r.data[r.at]-'0' <= 9 {
		r.at++
	}
	return r.at - from
}

// space skips white space.
func (r *jsonReader) space() {
	for r.at < len(r.data) {
		if c := r.data[r.at]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return
		}
		r.at++
	}
}

// peek is the next byte, 0 at the end: no token begins with NUL.
func (r *jsonReader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *jsonReader) malformed(what string) *Error { return malformed(r.in, r.base+r.at, what) }

// Masks for looking at eight bytes at once.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain counts the bytes of s before the first that is a quote, a backslash or a control character, and says
// whether all of them are ASCII.
func plain(s []byte) (n int, ascii bool) {
	var all uint64
	for ; n+8 <= len(s); n += 8 {
		x := binary.LittleEndian.Uint64(s[n:])
		quote, slash := x^('"'*ones), x^('\\'*ones)
		// Each term has the high bit of a byte set if the byte is below space, or zero; bits above the first may be false.
		found := ((x-' '*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			k := bits.TrailingZeros64(found) / 8
			return n + k, (all|x<<(64-8*k))&highs == 0
		}
		all |= x
	}
	for ; n < len(s); n++ {
		if c := s[n]; c == '"' || c == '\\' || c < ' ' {
			break
		} else {
			all |= uint64(c)
		}
	}
	return n, all&highs == 0
}

// quoted reads a string at a quote. It is a view unless it has escapes.
func (r *jsonReader) quoted() ([]byte, *Error) {
	r.at++
	n, ascii := plain(r.data[r.at:])
	from, end := r.at, r.at+n
	if end >= len(r.data) {
		r.at = end
		return nil, r.malformed("a string that is not closed")
	}
	if r.data[end] != '"' {
		return r.escaped()
	}
	v := r.data[from:end:end]
	if !ascii && !utf8.Valid(v) {
		return nil, r.malformed("a string that is not UTF-8")
	}
	r.at = end + 1
	return v, nil
}
