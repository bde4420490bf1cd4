package match

import (
	"cmp"
	"math/bits"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// A form is what a pattern asks of the classes of a value's bytes. Which letters a regular expression needs is a formula of
// ands and ors without not; assertions are taken to hold.
type form struct {
	never bool // nothing matches
	need  need
}

// need is an and.
type need struct {
	all Mask     // each of these classes
	any []Mask   // one class of each of these
	alt []choice // and each of these
}

// choice is an or: of alternatives that are no single mask.
type choice struct {
	any   Mask   // one of these classes suffices
	words []Mask // or all classes of one of these
	needs []need
}

// Possible says whether any value made of bytes of these classes can match; it need not have all of them. If it says no,
// none does.
func (r *Regexp) Possible(m Mask) bool {
	f := &r.forms[m>>63]
	return !f.never && f.need.met(m)
}

// PossibleExactly says whether a value whose mask is m can match: it has bytes of all these classes. That is less than
// Possible allows if the pattern is for whole lines. Do not ask it with a mask that is only a bound.
func (r *Regexp) PossibleExactly(m Mask) bool {
	return (m&^r.bound == 0 || m&MaskWhite != 0) && r.Possible(m)
}

func (n *need) met(m Mask) bool {
	if m&n.all != n.all {
		return false
	}
	for _, any := range n.any {
		if m&any == 0 {
			return false
		}
	}
	for i := range n.alt {
		if !n.alt[i].met(m) {
			return false
		}
	}
	return true
}

func (c *choice) met(m Mask) bool {
	if m&c.any != 0 {
		return true
	}
	for _, w := range c.words {
		if m&w == w {
			return true
		}
	}
	for i := range c.needs {
		if c.needs[i].met(m) {
			return true
		}
	}
	return false
}

// forms are the forms of a pattern for values without and with bytes from 0x80 on.
func (o reading) forms(re *syntax.Regexp) (forms [2]form) {
	for i := range forms {
		f := former{reading: o, high: i == 1}
		n, ok := f.need(re)
		forms[i] = form{never: !ok, need: n}
	}
	return forms
}

// bound is the classes that a matching value of one line may have.
func (o reading) bound(re *syntax.Regexp) Mask {
	if begins(re) && ends(re) {
		return o.alphabet(re)
	}
	return MaskAll
}

// former builds a form, for values that all have, or all have not, bytes from 0x80 on.
type former struct {
	reading
	high bool
}

// need is what an expression asks for; ok is false if nothing matches it.
func (f former) need(re *syntax.Regexp) (n need, ok bool) {
	switch re.Op {
	case syntax.OpNoMatch:
		return n, false
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for _, m := range f.masks(re) {
			if ok = n.add(m, f.high); !ok {
				return n, false
			}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return f.need(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return f.need(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			m, ok := f.need(sub)
			if !ok {
				return n, false
			}
			n.and(m)
		}
	case syntax.OpAlternate:
		return f.alternate(re.Sub)
	}
	n.order()
	return n, true
}

// masks is the classes of each character that a literal or class takes.
func (o reading) masks(re *syntax.Regexp) []Mask {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []Mask{MaskAll}
	case syntax.OpCharClass:
		return []Mask{o.mask(re.Rune)}
	}
	var all []Mask
	for _, r := range re.Rune {
		m := o.mask([]rune{r, r})
		if re.Flags&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				m |= o.mask([]rune{f, f})
			}
		}
		all = append(all, m)
	}
	return all
}

// mask is the classes of the bytes with which the characters of a class begin.
func (o reading) mask(class []rune) (m Mask) {
	for i := 0; i < len(class); i += 2 {
		for r := class[i]; r <= min(class[i+1], unicode.MaxASCII); r++ {
			if o.rune(byte(r)) == r { // else no value has it
				m |= maskOf[byte(r)]
			}
		}
		if class[i+1] > unicode.MaxASCII && (!o.binary || class[i] <= 0xff) {
			m |= MaskHigh
		}
	}
	return m
}

// add asks for one class of a mask more; ok is false if no value has one.
func (n *need) add(m Mask, high bool) (ok bool) {
	if m&MaskHigh != 0 {
		if high {
			return true
		}
		m &^= MaskHigh
	}
	switch {
	case m == 0:
		return false
	case m&(m-1) == 0:
		n.all |= m
	default:
		n.any = append(n.any, m)
	}
	return true
}

// and asks for what o asks for too.
func (n *need) and(o need) {
	n.all |= o.all
	n.any = append(n.any, o.any...)
	n.alt = append(n.alt, o.alt...)
}

// order puts what is rare first, and drops what follows from the rest.
func (n *need) order() {
	slices.SortFunc(n.any, func(a, b Mask) int {
		return cmp.Or(cmp.Compare(bits.OnesCount64(uint64(a)), bits.OnesCount64(uint64(b))), cmp.Compare(a, b))
	})
	kept := n.any[:0]
	for _, m := range n.any {
		if m&n.all == 0 && !slices.ContainsFunc(kept, func(k Mask) bool { return k&^m == 0 }) {
			kept = append(kept, m)
		}
	}
	n.any = kept
}

// free says whether nothing is asked.
func (n *need) free() bool { return n.all == 0 && len(n.any) == 0 && len(n.alt) == 0 }

// alternate is the need of one of several expressions.
func (f former) alternate(subs []*syntax.Regexp) (need, bool) {
	var c choice
	var words []Mask
	var needs []need
	possible := false
	for _, sub := range subs {
		n, ok := f.need(sub)
		if !ok {
			continue
		}
		possible = true
		switch {
		case n.free():
			return need{}, true
		case len(n.alt) == 0 && len(n.any) == 1 && n.all == 0:
			c.any |= n.any[0]
		case len(n.alt) == 0 && len(n.any) == 0 && n.all&(n.all-1) == 0:
			c.any |= n.all
		case len(n.alt) == 0 && len(n.any) == 0:
			words = append(words, n.all)
		default:
			needs = append(needs, n)
		}
	}
	if !possible {
		return need{}, false
	}
	c.take(words, needs)
	return c.need(), true
}

// take adds the alternatives that do not follow from others.
func (c *choice) take(words []Mask, needs []need) {
	slices.SortFunc(words, func(a, b Mask) int {
		return cmp.Compare(bits.OnesCount64(uint64(a)), bits.OnesCount64(uint64(b)))
	})
	implied := func(all Mask) bool {
		return all&c.any != 0 || slices.ContainsFunc(c.words, func(w Mask) bool { return all&w == w })
	}
	for _, w := range words {
		if !implied(w) {
			c.words = append(c.words, w)
		}
	}
	for _, n := range needs {
		if !implied(n.all) {
			c.needs = append(c.needs, n)
		}
	}
}

// need is the choice as a need, with what all alternatives ask for outside of it.
func (c *choice) need() need {
	switch {
	case len(c.words)+len(c.needs) == 0:
		n := need{}
		n.add(c.any, false)
		return n
	case c.any == 0 && len(c.words) == 1 && len(c.needs) == 0:
		return need{all: c.words[0]}
	case c.any == 0 && len(c.words) == 0 && len(c.needs) == 1:
		return c.needs[0]
	}
	n, common := need{alt: []choice{*c}}, MaskAll
	if c.any != 0 {
		common = 0
	}
	for _, w := range c.words {
		common &= w
	}
	for _, o := range c.needs {
		common &= o.all
	}
	n.all = common
	return n
}

// begins says whether every match begins at the beginning of a line.
func begins(re *syntax.Regexp) bool {
	return edge(re, syntax.OpBeginLine, syntax.OpBeginText, func(n, _ int) int { return n })
}

// ends says whether every match ends at the end of one.
func ends(re *syntax.Regexp) bool {
	return edge(re, syntax.OpEndLine, syntax.OpEndText, func(n, last int) int { return last - n })
}

// edge says whether an expression has one of two assertions at one of its ends; at maps 0, 1, … to the indexes of a
// concatenation's parts from there.
func edge(re *syntax.Regexp, line, text syntax.Op, at func(n, last int) int) bool {
	switch re.Op {
	case line, text:
		return true
	case syntax.OpCapture, syntax.OpPlus:
		return edge(re.Sub[0], line, text, at)
	case syntax.OpRepeat:
		return re.Min > 0 && edge(re.Sub[0], line, text, at)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !edge(sub, line, text, at) })
	case syntax.OpConcat:
		for n := range re.Sub {
			sub := re.Sub[at(n, len(re.Sub)-1)]
			if edge(sub, line, text, at) {
				return true
			}
			if sub.Op != syntax.OpEmptyMatch && sub.Op != syntax.OpWordBoundary && sub.Op != syntax.OpNoWordBoundary {
				return false
			}
		}
	}
	return false
}

// alphabet is the classes of all characters that an expression takes anywhere.
func (o reading) alphabet(re *syntax.Regexp) (m Mask) {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for _, c := range o.masks(re) {
			m |= c
		}
	}
	for _, sub := range re.Sub {
		m |= o.alphabet(sub)
	}
	return m
}

// leastBig is more bytes than any value has: of what matches nothing.
const leastBig = 1 << 30

// least is the fewest bytes that an expression takes.
func (o reading) least(re *syntax.Regexp) int {
	n := 0
	switch re.Op {
	case syntax.OpNoMatch:
		return leastBig
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCharClass:
		return o.bytes(re.Rune)
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			few := o.bytes([]rune{r, r})
			if re.Flags&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					few = min(few, o.bytes([]rune{f, f}))
				}
			}
			n += few
		}
	case syntax.OpCapture, syntax.OpPlus:
		return o.least(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			n = re.Min * o.least(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			n = min(n+o.least(sub), leastBig)
		}
	case syntax.OpAlternate:
		n = leastBig
		for _, sub := range re.Sub {
			n = min(n, o.least(sub))
		}
	}
	return min(n, leastBig)
}

// bytes is the fewest bytes that one character of a class takes. U+FFFD is what a byte that is no UTF-8 reads as.
func (o reading) bytes(class []rune) int {
	few := leastBig
	for i := 0; i < len(class); i += 2 {
		lo, hi := class[i], class[i+1]
		if lo <= unicode.MaxASCII || o.binary || lo <= utf8.RuneError && hi >= utf8.RuneError {
			return 1
		}
		if n := utf8.RuneLen(lo); n > 0 {
			few = min(few, n)
		} else {
			few = min(few, 3)
		}
	}
	return few
}
