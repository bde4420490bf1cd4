package seclang

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// A span is a piece of text that knows where each of its bytes stood in the file, through joined lines and removed escapes.
type span struct {
	s   string
	off int // of s within the text that marks are about
	src *source
}

// source says where the bytes of a text came from.
type source struct {
	file  string
	marks []mark // in order of off; the first has off 0
}

// mark says that the byte at off stood at line and col, and those after it behind it.
type mark struct{ off, line, col int }

func (t span) sub(i, j int) span { return span{t.s[i:j], t.off + i, t.src} }
func (t span) from(i int) span   { return t.sub(i, len(t.s)) }

// at is the place of byte i.
func (t span) at(i int) Pos {
	m := t.src.marks
	n := sort.Search(len(m), func(k int) bool { return m[k].off > t.off+i })
	k := m[max(n-1, 0)]
	return Pos{File: t.src.file, Line: k.line, Col: k.col + t.off + i - k.off}
}

func (t span) pos() Pos { return t.at(0) }

// trim takes white space from both ends.
func (t span) trim() span {
	s := strings.TrimLeft(t.s, space)
	i := len(t.s) - len(s)
	return t.sub(i, i+len(strings.TrimRight(s, space)))
}

// cut splits at the first sep; without one, the whole is before.
func (t span) cut(sep string) (before, after span, found bool) {
	i := strings.Index(t.s, sep)
	if i < 0 {
		return t, t.from(len(t.s)), false
	}
	return t.sub(0, i), t.from(i + len(sep)), true
}

// split cuts at every byte of seps and trims the parts.
func (t span) split(seps string) []span {
	var parts []span
	start := 0
	for i := 0; i <= len(t.s); i++ {
		if i == len(t.s) || strings.IndexByte(seps, t.s[i]) >= 0 {
			parts = append(parts, t.sub(start, i).trim())
			start = i + 1
		}
	}
	return parts
}

// unescape removes backslashes that stand before quote; all others stay, for patterns need them.
func (t span) unescape(quote byte) span {
	var drop []int
	for i := 0; i+1 < len(t.s); i++ {
		if t.s[i] == '\\' && t.s[i+1] == quote {
			drop = append(drop, i)
			i++
		}
	}
	if drop == nil {
		return t
	}
	return t.without(drop)
}

// without leaves out the bytes at the offsets of drop, which ascend.
func (t span) without(drop []int) span {
	var b strings.Builder
	first := t.pos()
	marks := []mark{{0, first.Line, first.Col}}
	within := t.src.marks[sort.Search(len(t.src.marks), func(k int) bool { return t.src.marks[k].off > t.off }):]
	for _, m := range within {
		off := m.off - t.off
		if off >= len(t.s) {
			break
		}
		n, _ := slices.BinarySearch(drop, off)
		marks = append(marks, mark{off - n, m.line, m.col})
	}
	start := 0
	for n, d := range drop {
		b.WriteString(t.s[start:d])
		start = d + 1
		p := t.at(start)
		marks = append(marks, mark{d - n, p.Line, p.Col})
	}
	b.WriteString(t.s[start:])
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.off, b.off) })
	return span{b.String(), 0, &source{t.src.file, marks}}
}
