package spec

import (
	"strings"
	"unicode/utf8"
)

// lineMax is the longest line of a collection in brackets, in characters; longer ones get a line per item.
const lineMax = 120

// A printer writes the lines of a document. What joins a line that was begun is in open.
type printer struct{ b strings.Builder }

// text is what was written, without empty lines at its start and its end and without two in a row.
func (p *printer) text() string {
	var out []string
	for line := range strings.SplitSeq(p.b.String(), "\n") {
		if line == emptyLine {
			if len(out) > 0 && out[len(out)-1] != "" {
				out = append(out, "")
			}
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// emptyLine stands for an empty line between fields until the end, since empty lines in text must stay. It is no line
// that could be written otherwise: control characters are escaped.
const emptyLine = "\x00"

// lines writes comments and empty lines.
func (p *printer) lines(ls []string, indent int) {
	for _, l := range ls {
		if l == "" {
			p.b.WriteString(emptyLine + "\n")
			continue
		}
		p.b.WriteString(strings.Repeat(" ", indent) + l + "\n")
	}
}

func (p *printer) document(n *node, a *annotator) {
	p.lines(a.top, 0)
	switch {
	case n.kind == mapNode && len(n.entries) > 0:
		p.entries(n, 0)
	case n.kind == listNode && len(n.items) > 0:
		p.items(n, 0)
	default:
		p.b.WriteString(scalar(n, 0) + "\n")
	}
}

// entries writes the fields of a mapping.
func (p *printer) entries(n *node, indent int) {
	for i, e := range n.entries {
		p.lead(e.key, i == 0, indent)
		p.b.WriteString(strings.Repeat(" ", indent))
		p.entry(e, indent)
	}
}

// lead writes the comments before a key or an item; nothing begins with an empty line.
func (p *printer) lead(n *node, first bool, indent int) {
	head := n.notes.head
	for first && len(head) > 0 && head[0] == "" {
		head = head[1:]
	}
	p.lines(head, indent)
}

// entry writes a field behind its indentation.
func (p *printer) entry(e entry, indent int) {
	p.b.WriteString(quoteKey(e.key) + ":")
	p.value(e.value, e.key.notes.tail, indent)
	p.lines(e.key.notes.foot, indent)
}

// value writes what stands behind a colon or a dash, and ends the line.
func (p *printer) value(n *node, tail string, indent int) {
	if tail != "" {
		tail = " " + tail
	}
	switch {
	case n.kind == nullNode && n.text == "":
		p.b.WriteString(tail + "\n")
	case n.kind == mapNode && len(n.entries) > 0 && !inline(n, indent):
		p.b.WriteString(tail + "\n")
		p.entries(n, indent+2)
	case n.kind == listNode && len(n.items) > 0 && !inline(n, indent):
		p.b.WriteString(tail + "\n")
		p.items(n, indent+2)
	case isBlock(n):
		head, body, _ := strings.Cut(block(n.text, indent+2), "\n")
		p.b.WriteString(" " + head + tail + "\n" + body)
	default:
		p.b.WriteString(" " + scalar(n, indent) + tail + "\n")
	}
}

// items writes a list, a line or more for each item.
func (p *printer) items(n *node, indent int) {
	pad := strings.Repeat(" ", indent)
	for at, i := range n.items {
		p.lead(i, at == 0, indent)
		if i.kind == mapNode && len(i.entries) > 0 && !inline(i, indent) {
			if i.notes.tail != "" {
				p.lines([]string{i.notes.tail}, indent)
			}
			p.item(i, pad, indent)
		} else {
			p.b.WriteString(pad + "-")
			p.value(i, i.notes.tail, indent)
		}
		p.lines(i.notes.foot, indent)
	}
}

// item writes a mapping whose first field stands behind the dash; the comments of that field come before the dash.
func (p *printer) item(n *node, pad string, indent int) {
	p.lead(n.entries[0].key, true, indent)
	p.b.WriteString(pad + "- ")
	p.entry(n.entries[0], indent+2)
	for _, e := range n.entries[1:] {
		p.lines(e.key.notes.head, indent+2)
		p.b.WriteString(pad + "  ")
		p.entry(e, indent+2)
	}
}

// inline says whether a collection stays in brackets: it was written so, and fits.
func inline(n *node, indent int) bool {
	return n.style == flow && indent+utf8.RuneCountInString(brackets(n)) <= lineMax && !anyBlock(n)
}

// anyBlock says whether there is text in it that cannot stand in brackets.
func anyBlock(n *node) bool {
	for _, e := range n.entries {
		if anyBlock(e.value) {
			return true
		}
	}
	for _, i := range n.items {
		if anyBlock(i) {
			return true
		}
	}
	return isBlock(n)
}

// brackets writes a node as it stands in brackets.
func brackets(n *node) string {
	var parts []string
	switch {
	case n.kind == mapNode:
		for _, e := range n.entries {
			if e.value.kind == nullNode && e.value.text == "" {
				parts = append(parts, quoteKey(e.key)+":")
				continue
			}
			parts = append(parts, quoteKey(e.key)+": "+brackets(e.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case n.kind == listNode:
		for _, i := range n.items {
			parts = append(parts, brackets(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(n, 0)
}

// scalar writes a value on one line.
func scalar(n *node, indent int) string {
	switch n.kind {
	case nullNode:
		return "null"
	case mapNode, listNode:
		return brackets(n)
	case textNode:
		if n.style == plain && !strings.ContainsAny(n.text, "\n\t") && n.text != "" {
			return n.text
		}
		return quoted(n.text)
	}
	return n.text
}

// quoteKey writes the name of a field.
func quoteKey(n *node) string {
	if n.style == plain && !strings.ContainsAny(n.text, "\n\t") && n.text != "" {
		return n.text
	}
	return quoted(n.text)
}

// quoted writes text in double quotes. JSON strings are YAML strings.
func quoted(s string) string {
	return string(toJSON(s))
}

// isBlock says whether text is written as a block: it was, and its lines survive it.
func isBlock(n *node) bool {
	t := n.text
	if n.kind != textNode || n.style != literal || t == "" || t[0] == ' ' || t[0] == '\t' || t[0] == '\n' || strings.HasSuffix(t, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(t, "\n") {
		if line != "" && strings.TrimSpace(line) == "" {
			return false
		}
	}
	return !strings.ContainsFunc(t, func(r rune) bool { return isControl(r) && r != '\n' && r != '\t' })
}

// block writes text as a literal block: its header, and its lines.
func block(t string, indent int) string {
	head := "|-\n"
	if strings.HasSuffix(t, "\n") {
		head, t = "|\n", strings.TrimSuffix(t, "\n")
	}
	pad := strings.Repeat(" ", indent)
	var b strings.Builder
	b.WriteString(head)
	for line := range strings.SplitSeq(t, "\n") {
		if line != "" {
			b.WriteString(pad + line)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
