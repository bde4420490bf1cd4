package spec

import (
	"fmt"
	"slices"

	"skerry.dev/skerry/fault"
)

// nodeKind is what stands at a place of a document.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	textNode
	listNode
	mapNode
)

// String is the kind as problems name it.
func (k nodeKind) String() string {
	return [...]string{"nothing", "a switch", "a number", "text", "a list", "a mapping"}[k]
}

// A node is one place of a document, the same for YAML and JSON. What reads specs knows nodes, not the parsers.
type node struct {
	kind    nodeKind
	text    string // of a scalar, as written but without quotes
	at      Pos
	entries []entry // of a mapping, in order; a key may stand twice
	items   []*node // of a list
	// The rest is for Format alone.
	style style // how it was written
	mark  Pos   // of a key or an item: where the key, the dash or the value begins
	end   Pos   // of a flow collection: its closing bracket
	notes notes // of a key or an item: its comments
}

// style is how a node was written.
type style uint8

const (
	plain   style = iota // without quotes; of a collection: block style
	single               // in single quotes
	double               // in double quotes
	literal              // as a block of text, | or >
	flow                 // of a collection: [] or {}
)

// notes are the comments of a key or an item. A line of "" is an empty line.
type notes struct {
	head []string // lines before it
	tail string   // on its line
	foot []string // lines after all of it
}

// An entry is one key of a mapping and its value.
type entry struct{ key, value *node }

// get returns the value of the first entry with this key, or nil.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key.text == key {
			return e.value
		}
	}
	return nil
}

// what says what a node is, with its value where that helps.
func (n *node) what() string {
	switch n.kind {
	case textNode:
		return fmt.Sprintf("the text %q", clip(n.text))
	case boolNode, numberNode:
		return fmt.Sprintf("%s (%s)", n.kind, clip(n.text))
	}
	return n.kind.String()
}

// clip keeps a value quoted in a problem short.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 { // never inside a character
		cut--
	}
	return s[:cut] + "…"
}

// String is the place as problems and explain print it.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// log is what one reading has in common: the problems it finds, and the files that documents may name.
type log struct {
	problems []fault.Problem
	dropped  int             // beyond problemsKept
	beside   map[string]File // files that are no documents, by clean path
}

// refuse notes a problem; fix may be empty.
func (l *log) refuse(at Pos, fix, format string, args ...any) {
	if len(l.problems) >= problemsKept {
		l.dropped++
		return
	}
	l.problems = append(l.problems, fault.Problem{
		File: at.File, Line: at.Line, Col: at.Col,
		Text: fmt.Sprintf(format, args...), Fix: fix,
	})
}

// count is how many problems there were so far.
func (l *log) count() int { return len(l.problems) + l.dropped }

// sorted returns the problems in the order of their places, no more than problemsMax.
func (l *log) sorted() []fault.Problem {
	fault.SortProblems(l.problems)
	l.problems = slices.Compact(l.problems) // two documents may name the same broken file
	if over := len(l.problems) - problemsMax + l.dropped; len(l.problems) > problemsMax {
		l.problems = append(l.problems[:problemsMax], fault.Problem{
			Text: fmt.Sprintf("and %d problems more; the first %d are shown", over, problemsMax),
		})
	}
	return l.problems
}
