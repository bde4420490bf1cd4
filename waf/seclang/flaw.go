package seclang

import (
	"fmt"
	"strconv"

	"skerry.dev/skerry/fault"
)

// String is the place as problems have it, file:line:column.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// flaw is a problem in the making: what cannot be read, where, and how to mend it.
type flaw struct {
	at        Pos
	text, fix string
}

// Error is the flaw for callers that have no file.
func (f *flaw) Error() string {
	if f.fix == "" {
		return f.text
	}
	return f.text + " (" + f.fix + ")"
}

// wrong notes a problem.
func (p *parser) wrong(at Pos, text, fix string) {
	switch n := len(p.problems); {
	case n > problemsMax:
		return
	case n == problemsMax:
		text, fix = fmt.Sprintf("more than %d problems; the rest is left out", problemsMax), ""
	}
	p.problems = append(p.problems, fault.Problem{File: at.File, Line: at.Line, Col: at.Col, Text: text, Fix: fix})
}

// full reports whether no more problems are listed.
func (p *parser) full() bool { return len(p.problems) > problemsMax }

// noted notes the flaw, if there is one, and reports whether there was.
func (p *parser) noted(f *flaw) bool {
	if f != nil {
		p.wrong(f.at, f.text, f.fix)
	}
	return f != nil
}

// quote is s in quotes, cut if it is long.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// lower makes ASCII letters small and leaves every other byte alone, also those that are not UTF-8.
func lower(s string) string {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			continue
		}
		b := []byte(s)
		for ; i < len(b); i++ {
			if b[i] >= 'A' && b[i] <= 'Z' {
				b[i] += 'a' - 'A'
			}
		}
		return string(b)
	}
	return s
}
