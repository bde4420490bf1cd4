package match

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// A kind is what a character is to the assertions ^, $, \b and \B; as a context, what stands to the left.
type kind uint8

const (
	kindOther kind = iota
	kindWord
	kindNewline
	kindText // no character: the beginning or the end of the value
	kinds
)

// alphabet divides characters into columns: two characters of one column are alike to every instruction of a pattern.
// Column 0 stands for a byte that begins a character of several bytes, or is none.
type alphabet struct {
	bytes [256]uint8 // column of a byte
	from  []rune     // the characters from 0x80 on: where each run of one column begins
	runs  []uint8    // and its column
	end   int        // the column of the end of the value: the last
	kind  []kind     // by column
	rep   []rune     // a character of each column
}

// runeSet is ranges of characters, ascending, both ends included.
type runeSet []rune

func (s runeSet) has(r rune) bool {
	n := sort.Search(len(s)/2, func(i int) bool { return s[2*i+1] >= r })
	return 2*n < len(s) && s[2*n] <= r
}

// setOf is the characters that an instruction takes.
func setOf(in *syntax.Inst) runeSet {
	switch in.Op {
	case syntax.InstRuneAny:
		return runeSet{0, unicode.MaxRune}
	case syntax.InstRuneAnyNotNL:
		return runeSet{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	}
	if len(in.Rune) != 1 {
		return in.Rune
	}
	r := in.Rune[0]
	orbit := []rune{r}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			orbit = append(orbit, f)
		}
	}
	slices.Sort(orbit)
	var s runeSet
	for _, r := range orbit {
		s = append(s, r, r)
	}
	return s
}

// classify finds the columns for the sets of a program. It fails if there are more than columnsMax.
func classify(sets []runeSet, o reading, uses syntax.EmptyOp) (*alphabet, error) {
	a := &alphabet{kind: []kind{kindOther}, rep: []rune{utf8.RuneError}}
	columns := map[string]int{}
	column := func(r rune) (uint8, error) {
		sign := make([]byte, 0, len(sets)+1)
		for _, s := range sets {
			bit := byte(0)
			if s.has(r) {
				bit = 1
			}
			sign = append(sign, bit)
		}
		k := kindOf(r, uses)
		sign = append(sign, byte(k))
		n, ok := columns[string(sign)]
		if !ok {
			n = len(a.kind)
			if n > columnsMax {
				return 0, fmt.Errorf("more than %d kinds of characters", columnsMax)
			}
			columns[string(sign)], a.kind, a.rep = n, append(a.kind, k), append(a.rep, r)
		}
		return uint8(n), nil
	}
	plain := 256
	if !o.binary {
		plain = utf8.RuneSelf
	}
	for c := range plain {
		n, err := column(o.rune(byte(c)))
		if err != nil {
			return nil, err
		}
		a.bytes[c] = n
	}
	if !o.binary {
		a.from = cuts(sets)
		for _, r := range a.from {
			n, err := column(r)
			if err != nil {
				return nil, err
			}
			a.runs = append(a.runs, n)
		}
	}
	a.end = len(a.kind)
	a.kind, a.rep = append(a.kind, kindText), append(a.rep, -1)
	return a, nil
}

// cuts is where, from 0x80 on, a set begins or ends.
func cuts(sets []runeSet) []rune {
	at := []rune{utf8.RuneSelf}
	for _, s := range sets {
		for i := 0; i < len(s); i += 2 {
			for _, r := range [2]rune{s[i], s[i+1] + 1} {
				if r > utf8.RuneSelf && r <= unicode.MaxRune {
					at = append(at, r)
				}
			}
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// kindOf is the kind of a character, if any assertion of the program asks for it.
func kindOf(r rune, uses syntax.EmptyOp) kind {
	switch {
	case r == '\n' && uses&(syntax.EmptyBeginLine|syntax.EmptyEndLine) != 0:
		return kindNewline
	case syntax.IsWordChar(r) && uses&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0:
		return kindWord
	}
	return kindOther
}

// high is the column of a character from 0x80 on.
func (a *alphabet) high(r rune) uint8 {
	if len(a.runs) == 1 {
		return a.runs[0]
	}
	lo, hi := 0, len(a.from)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) >> 1); a.from[mid] <= r {
			lo = mid
		} else {
			hi = mid
		}
	}
	return a.runs[lo]
}

// next is the column of the character at the start of value, and how many bytes it has.
func (a *alphabet) next(value []byte) (uint8, int) {
	if n := a.bytes[value[0]]; n != 0 {
		return n, 1
	}
	r, size := utf8.DecodeRune(value)
	return a.high(r), size
}

// holds is the assertions that hold between two kinds.
func holds(left, right kind) syntax.EmptyOp {
	op := syntax.EmptyNoWordBoundary
	if (left == kindWord) != (right == kindWord) {
		op = syntax.EmptyWordBoundary
	}
	switch left {
	case kindNewline:
		op |= syntax.EmptyBeginLine
	case kindText:
		op |= syntax.EmptyBeginLine | syntax.EmptyBeginText
	}
	switch right {
	case kindNewline:
		op |= syntax.EmptyEndLine
	case kindText:
		op |= syntax.EmptyEndLine | syntax.EmptyEndText
	}
	return op
}
