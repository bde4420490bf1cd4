package match

import (
	"fmt"
	"regexp"
	"regexp/syntax"
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
	fold    bool
	binary  bool // each byte of a value is a rune of its own
	re      *regexp.Regexp
}

// Compile reads a pattern. The error is regexp/syntax's, with the pattern.
func Compile(pattern string, o Options) (*Regexp, error) {
	r := &Regexp{pattern: pattern, fold: o.Fold, binary: namesBytes(pattern)}
	text := pattern
	if !r.binary {
		text = "(?sm)" + text
	}
	if _, err := syntax.Parse(text, syntax.Perl); err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	r.re = re
	return r, nil
}

// String is the pattern as it was given.
func (r *Regexp) String() string { return r.pattern }

// Match says whether the pattern is found in value. It allocates nothing once it has seen values of this kind, and never
// waits.
func (r *Regexp) Match(value []byte) bool { return r.Slow(value) }

// Possible says whether any value made of bytes of these classes can match. If it says no, none does.
func (r *Regexp) Possible(Mask) bool { return true }

// Min is the fewest bytes that a matching value has.
func (r *Regexp) Min() int { return 0 }

// Slow says what Match says, by Go's regexp: the reference.
func (r *Regexp) Slow(value []byte) bool { return r.re.Match(r.reference(value)) }

// Find returns where the leftmost match and its groups are, appended to at: two indexes for each, as
// regexp.FindSubmatchIndex does; nil without a match.
func (r *Regexp) Find(value []byte, at []int) []int {
	found := r.re.FindSubmatchIndex(r.reference(value))
	if found == nil {
		return nil
	}
	if r.binary {
		narrow(value, found)
	}
	return append(at, found...)
}

// reference is the value as Go's regexp has to see it.
func (r *Regexp) reference(value []byte) []byte {
	if !r.fold && !r.binary {
		return value
	}
	wide := make([]byte, 0, len(value)+len(value)/4)
	for _, c := range value {
		if r.fold && c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if r.binary {
			wide = utf8.AppendRune(wide, rune(c))
		} else {
			wide = append(wide, c)
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
