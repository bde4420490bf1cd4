package match

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Options say how a pattern is read.
type Options struct {
	Fold   bool    // values are read as if their ASCII letters had been made lower case first
	Tables *Tables // the memory that its tables may take, together with others; nil: of its own
}

// Regexp is a pattern of @rx, with the meaning that it has for Coraza: Go's syntax with (?sm), or, if the pattern names
// bytes that are no UTF-8, a pattern of bytes without these flags. Any number of goroutines may use it at once.
type Regexp struct {
	pattern string
	reading reading
	re      func() *regexp.Regexp // compiled when it is first asked: most patterns never match
	min     int
	forms   [2]form // for values without and with bytes from 0x80 on
	bound   Mask    // the classes of a matching value of one line

	prog   *program // nil: too large for an automaton
	table  atomic.Pointer[table]
	stride uint32
	pause  uint32 // the state at which skip takes over; moveFound: there is no skip
	skip   *skip
	tables *Tables
	build  builder
}

// reading is how the bytes of a value become characters.
type reading struct {
	binary bool // each byte is a character of its own
	fold   bool // ASCII letters are lower case
}

// rune is the character that a byte stands for, of the first 128 or if each does for one.
func (o reading) rune(c byte) rune {
	if o.fold && c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return rune(c)
}

// Compile reads a pattern. The error is regexp/syntax's, which names the pattern.
func Compile(pattern string, o Options) (*Regexp, error) {
	r := &Regexp{pattern: pattern, tables: o.Tables, reading: reading{binary: namesBytes(pattern), fold: o.Fold}}
	if r.tables == nil {
		r.tables = NewTables(0)
	}
	text := pattern
	if !r.reading.binary {
		text = "(?sm)" + text
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	r.re = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) }) // it parses: see above
	r.min = r.reading.least(parsed)
	r.forms, r.bound = r.reading.forms(parsed), r.reading.bound(parsed)
	if r.prog, err = newProgram(parsed, r.reading); err != nil {
		r.prog = nil // Go's regexp does it
		return r, nil
	}
	r.begin()
	r.pause = moveFound
	if r.skip = newSkip(r.prog); r.skip != nil {
		r.pause = rowIdle * r.stride
	}
	return r, nil
}

// String is the pattern as it was given.
func (r *Regexp) String() string { return r.pattern }

// Min is the fewest bytes that a matching value has.
func (r *Regexp) Min() int { return r.min }

// Slow says what Match says, by Go's regexp: the reference.
func (r *Regexp) Slow(value []byte) bool { return r.re().Match(r.reference(value)) }

// Find returns where the leftmost match and its groups are, appended to at: two indexes for each, as
// regexp.FindSubmatchIndex does; nil without a match.
func (r *Regexp) Find(value []byte, at []int) []int {
	found := r.re().FindSubmatchIndex(r.reference(value))
	if found == nil {
		return nil
	}
	if r.reading.binary {
		narrow(value, found)
	}
	return append(at, found...)
}

// reference is the value as Go's regexp has to see it.
func (r *Regexp) reference(value []byte) []byte {
	if !r.reading.fold && !r.reading.binary {
		return value
	}
	wide := make([]byte, 0, len(value)+len(value)/4)
	for _, c := range value {
		if r.reading.binary {
			wide = utf8.AppendRune(wide, r.reading.rune(c))
		} else {
			wide = append(wide, byte(r.reading.rune(c)))
		}
	}
	return wide
}

// narrow turns indexes into a widened value into those of the value itself.
func narrow(value []byte, at []int) {
	index, from := make([]int, 0, 2*len(value)+1), 0
	for i, c := range value {
		index = append(index, i)
		if from++; c >= utf8.RuneSelf {
			index = append(index, i)
			from++
		}
	}
	index = append(index, len(value))
	for i, n := range at {
		if n >= 0 {
			at[i] = index[n]
		}
	}
}

// Warm runs Match over values, so that later ones find the tables built.
func (r *Regexp) Warm(values ...[]byte) {
	for _, v := range values {
		r.Match(v)
	}
}
