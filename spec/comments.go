package spec

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// A comment is one line of comment in a document.
type comment struct {
	line, col int
	text      string // with its #, without white space at the end
	alone     bool   // nothing else stands on its line
}

// commentsOf returns the comments of a chunk, in order.
func commentsOf(c chunk, tokens token.Tokens) []comment {
	lines := strings.Split(c.text, "\n")
	var out []comment
	if c.lead != "" {
		out = append(out, comment{line: c.lines, col: 1, text: c.lead, alone: true})
	}
	for _, t := range tokens {
		if t.Type != token.CommentType || t.Position == nil {
			continue
		}
		at := t.Position
		row := []rune(lines[min(max(at.Line-1, 0), len(lines)-1)])
		before := string(row[:min(max(at.Column-1, 0), len(row))])
		out = append(out, comment{
			line: at.Line + c.lines, col: at.Column,
			text: strings.TrimRight("#"+t.Value, " \t"), alone: strings.TrimSpace(before) == "",
		})
	}
	return out
}

// An annotator hangs comments on the keys and items of a document, so that they move with them.
type annotator struct {
	blank   func(line int) bool // whether a line of the file is empty
	anchors []*node             // keys and items in the order of the text
	inside  []*node             // for each anchor: the innermost flow collection around it, or nil
	flows   []*node             // every flow collection
	top     []string            // comments that belong to the document, before it
	bottom  []string            // and after it
}

// collect lists keys and items; around is the innermost flow collection around n.
func (a *annotator) collect(n, around *node) {
	if n.style == flow && (n.kind == listNode || n.kind == mapNode) {
		around = n
		a.flows = append(a.flows, n)
	}
	for _, e := range n.entries {
		a.anchors, a.inside = append(a.anchors, e.key), append(a.inside, around)
		a.collect(e.value, around)
	}
	for _, i := range n.items {
		a.anchors, a.inside = append(a.anchors, i), append(a.inside, around)
		a.collect(i, around)
	}
}

// annotate hangs up every comment, and notes the empty lines before keys and items.
func (a *annotator) annotate(root *node, comments []comment) {
	a.collect(root, nil)
	next := 0
	for i, n := range a.anchors {
		var lead []comment
		for ; next < len(comments) && before(comments[next], n.mark); next++ {
			if c := comments[next]; !a.hang(c, i) {
				lead = append(lead, c)
			}
		}
		a.lead(n, i, lead)
	}
	for ; next < len(comments); next++ {
		if c := comments[next]; !a.hang(c, len(a.anchors)) {
			a.bottom = a.appendLine(a.bottom, c)
		}
	}
}

func before(c comment, p Pos) bool { return c.line < p.Line || c.line == p.Line && c.col < p.Col }

// hang puts a comment that stands before anchor i where it belongs, if that is not before this anchor.
func (a *annotator) hang(c comment, i int) bool {
	inFlow := a.unfold(c)
	switch {
	case i == 0:
		return false
	case !c.alone:
		return a.hangTail(c, i)
	case inFlow:
		if i < len(a.anchors) && around(a.inside[i], c) {
			return false
		}
		return a.hangFoot(c, i, func(j int) bool { return around(a.inside[j], c) })
	case i < len(a.anchors) && c.col <= a.anchors[i].mark.Col:
		return false
	case i == len(a.anchors) && c.col <= a.anchors[0].mark.Col:
		return false // of the document, not of its last key
	}
	return a.hangFoot(c, i, func(j int) bool { return a.inside[j] == nil && a.anchors[j].mark.Col <= c.col })
}

// hangTail puts a comment at the end of a line on the last key or item that begins on or before it, unless that stands
// behind a closing bracket: then the comment is of what holds the collection.
func (a *annotator) hangTail(c comment, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if n := a.anchors[j]; a.inside[j] == nil || around(a.inside[j], c) {
			if n.notes.tail == "" {
				n.notes.tail = c.text
			} else {
				n.notes.foot = append(n.notes.foot, c.text)
			}
			return true
		}
	}
	return false
}

// hangFoot puts a comment behind the last key or item before anchor i that is of its level.
func (a *annotator) hangFoot(c comment, i int, level func(j int) bool) bool {
	for j := i - 1; j >= 0; j-- {
		if level(j) {
			n := a.anchors[j]
			n.notes.foot = a.appendLine(n.notes.foot, c)
			return true
		}
	}
	return false
}

// unfold gives every flow collection around a comment lines of its own.
func (a *annotator) unfold(c comment) (found bool) {
	for _, f := range a.flows {
		if around(f, c) {
			f.style, found = plain, true
		}
	}
	return found
}

// around says whether a comment stands inside a flow collection.
func around(f *node, c comment) bool { return f != nil && !before(c, f.at) && before(c, f.end) }

// lead notes the comments and empty lines before an anchor. What stands above the first one is about the document.
func (a *annotator) lead(n *node, i int, lead []comment) {
	var head []string
	for _, c := range lead {
		head = a.appendLine(head, c)
	}
	if len(lead) > 0 && lead[len(lead)-1].line < n.mark.Line-1 || len(lead) == 0 && a.blank(n.mark.Line-1) {
		if head = append(head, ""); a.inside[i] != nil {
			head = head[:len(head)-1]
		}
	}
	if i == 0 {
		a.top, head = head, nil
	}
	n.notes.head = head
}

func (a *annotator) appendLine(lines []string, c comment) []string {
	if a.blank(c.line - 1) {
		lines = append(lines, "")
	}
	return append(lines, c.text)
}
