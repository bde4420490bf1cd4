package cfn

import (
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/schema"
)

type writer struct{ out []byte }

func (w *writer) add(s string) { w.out = append(w.out, s...) }

// line begins a line at a depth.
func (w *writer) line(depth int) {
	w.out = append(w.out, '\n')
	w.indent(depth)
}

func (w *writer) indent(depth int) {
	for range depth {
		w.out = append(w.out, ' ', ' ')
	}
}

func (w *writer) json(n *schema.Node, depth int) {
	switch {
	case n.Kind == schema.Map && len(n.Fields) > 0:
		w.add("{")
		for i, f := range n.Fields {
			if i > 0 {
				w.add(",")
			}
			w.line(depth + 1)
			w.quoted(f.Name)
			w.add(": ")
			w.json(f.Value, depth+1)
		}
		w.line(depth)
		w.add("}")
	case n.Kind == schema.List && len(n.Items) > 0:
		w.add("[")
		for i, item := range n.Items {
			if i > 0 {
				w.add(",")
			}
			w.line(depth + 1)
			w.json(item, depth+1)
		}
		w.line(depth)
		w.add("]")
	default:
		w.small(n)
	}
}

// small writes what JSON and YAML write alike, on one line.
func (w *writer) small(n *schema.Node) {
	switch n.Kind {
	case schema.Map:
		w.add("{}")
	case schema.List:
		w.add("[]")
	case schema.Text:
		w.quoted(n.Text)
	case schema.Null:
		w.add("null")
	default:
		w.add(n.Text)
	}
}

const hex = "0123456789abcdef"

// quoted writes text in double quotes, with escapes that mean the same in JSON and in YAML.
func (w *writer) quoted(s string) {
	w.add(`"`)
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.out = append(w.out, '\\', byte(r))
		case r == '\n':
			w.add(`\n`)
		case r == '\t':
			w.add(`\t`)
		case r == '\r':
			w.add(`\r`)
		case !printable(r):
			w.out = append(w.out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			w.out = utf8.AppendRune(w.out, r)
		}
	}
	w.add(`"`)
}

// printable is whether a character may stand in both formats as it is; all that may not are below U+10000.
func printable(r rune) bool {
	return r >= ' ' && r < 0x7f || r >= 0xa0 && r != 0x2028 && r != 0x2029 && r != 0xfeff && r != utf8.RuneError && r != 0xfffe && r != 0xffff
}

// yaml writes a collection in block style, each entry on lines of its own at a depth; the writer is at the start of a line.
func (w *writer) yaml(n *schema.Node, depth int) {
	switch n.Kind {
	case schema.Map:
		for i, f := range n.Fields {
			if i > 0 || depth == 0 {
				w.indent(depth)
			}
			w.key(f.Name)
			w.add(":")
			w.below(f.Value, depth+1)
		}
	case schema.List:
		for i, item := range n.Items {
			if i > 0 {
				w.indent(depth)
			}
			w.add("-")
			if item.Kind == schema.Map && len(item.Fields) > 0 || item.Kind == schema.List && len(item.Items) > 0 {
				w.add(" ")
				w.yaml(item, depth+1)
			} else {
				w.below(item, depth+1)
			}
		}
	}
}

// below writes the value after a colon or a dash, and the end of the line.
func (w *writer) below(n *schema.Node, depth int) {
	switch {
	case n.Kind == schema.Map && len(n.Fields) > 0, n.Kind == schema.List && len(n.Items) > 0:
		w.line(depth)
		w.yaml(n, depth)
	case n.Kind == schema.Text && block(n.Text):
		w.block(n.Text, depth)
	default:
		w.add(" ")
		w.small(n)
		w.add("\n")
	}
}

// key writes a name without quotes where nobody could take it for something else.
func (w *writer) key(name string) {
	if plainKey(name) {
		w.add(name)
		return
	}
	w.quoted(name)
}

func plainKey(name string) bool {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	for _, part := range strings.Split(name, "::") { // Fn::Sub
		if !alphanumeric(part) {
			return false
		}
	}
	switch strings.ToLower(name) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// block is whether text with several lines, as code has them, can be a literal block that reads back to the same.
func block(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !strings.Contains(body, "\n") || strings.HasSuffix(body, "\n") || body[0] == ' ' || body[0] == '\n' {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.HasSuffix(line, " ") || strings.Contains(line, "\t") {
			return false
		}
		for _, r := range line {
			if !printable(r) {
				return false
			}
		}
	}
	return true
}

func (w *writer) block(s string, depth int) {
	w.add(" |")
	if !strings.HasSuffix(s, "\n") {
		w.add("-")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		w.add("\n")
		if line != "" {
			w.indent(depth)
			w.add(line)
		}
	}
	w.add("\n")
}
