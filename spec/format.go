package spec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/lexer"

	"skerry.dev/skerry/fault"
)

// Format returns the one formatting of a file: fields in the order of the schema, two spaces, double quotes, comments
// kept. Formatting the outcome again changes nothing. A file that does not parse is returned as it is, with the problems;
// fields and values need not be valid. JSON stays JSON, and a file that is no document stays as it is.
func Format(file File) ([]byte, []fault.Problem) {
	if isBeside(file.Name) {
		return file.Data, nil
	}
	l := &log{}
	data := bytes.TrimPrefix(file.Data, []byte("\ufeff"))
	if at, fix, bad := unreadable(file.Name, data); bad != "" {
		l.refuse(at, fix, "%s", bad)
		return file.Data, l.problems
	}
	var out []byte
	if isJSON(file.Name) {
		out = formatJSON(file.Name, data, l)
	} else {
		out = formatYAML(file.Name, data, l)
	}
	if len(l.problems) > 0 {
		return file.Data, l.sorted()
	}
	return out, nil
}

func formatJSON(name string, data []byte, l *log) []byte {
	parseJSON(name, data, l)
	if len(l.problems) > 0 {
		return nil
	}
	var out bytes.Buffer
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		var doc json.RawMessage
		if dec.Decode(&doc) != nil {
			return out.Bytes() // the end: it did parse
		}
		if json.Indent(&out, doc, "", "  ") == nil {
			out.WriteByte('\n')
		}
	}
}

func formatYAML(name string, data []byte, l *log) []byte {
	lines := strings.Split(string(data), "\n")
	blank := func(line int) bool { return line >= 1 && line <= len(lines) && strings.TrimSpace(lines[line-1]) == "" }
	var texts []string
	for _, c := range splitYAML(name, data, l) {
		if text := formatChunk(name, c, blank, l); text != "" {
			texts = append(texts, text)
		}
	}
	return []byte(strings.Join(texts, "---\n"))
}

// formatChunk formats one document, and then reads it back: better no formatting than one that loses something.
func formatChunk(name string, c chunk, blank func(int) bool, l *log) string {
	before := l.count()
	n := parseChunk(name, c, l)
	if l.count() > before {
		return ""
	}
	comments := commentsOf(c, lexer.Tokenize(c.text))
	a := &annotator{blank: blank}
	var p printer
	if n == nil {
		for _, c := range comments {
			a.bottom = a.appendLine(a.bottom, c)
		}
	} else {
		a.annotate(n, comments) // before anything moves: it goes by the order of the text
		arrange(n, described().schema)
		p.document(n, a)
	}
	p.lines(a.bottom, 0)
	text := p.text()
	if text == "\n" {
		return ""
	}
	if n != nil && !keeps(n, comments, text) {
		at := n.at
		l.refuse(at, "write it in a simpler form: comments on lines of their own, no brackets over several lines",
			"this document cannot be formatted without changing it")
	}
	return text
}

// keeps says whether a formatted document still says the same, comments included.
func keeps(n *node, comments []comment, text string) bool {
	var l log
	c := chunk{text: text}
	again := parseChunk("", c, &l)
	if len(l.problems) > 0 || again == nil || !same(n, again) {
		return false
	}
	var was, is []string
	for _, c := range comments {
		was = append(was, c.text)
	}
	for _, c := range commentsOf(c, lexer.Tokenize(text)) {
		is = append(is, c.text)
	}
	slices.Sort(was)
	slices.Sort(is)
	return slices.Equal(was, is)
}

// same compares what two nodes say, not how they are written.
func same(a, b *node) bool {
	if a.kind != b.kind || a.text != b.text || len(a.entries) != len(b.entries) || len(a.items) != len(b.items) {
		return false
	}
	for i, e := range a.entries {
		if e.key.text != b.entries[i].key.text || !same(e.value, b.entries[i].value) {
			return false
		}
	}
	for i, v := range a.items {
		if !same(v, b.items[i]) {
			return false
		}
	}
	return true
}

// arrange puts the fields of every object into the order of its table. What the schema does not know stays behind, in
// its own order.
func arrange(n *node, schema map[string]any) {
	schema, order := follow(schema, n)
	props, _ := schema["properties"].(map[string]any)
	if order != nil {
		rank := func(e entry) int {
			if i := slices.Index(order, e.key.text); i >= 0 {
				return i
			}
			return len(order)
		}
		slices.SortStableFunc(n.entries, func(a, b entry) int { return rank(a) - rank(b) })
	}
	others, _ := schema["additionalProperties"].(map[string]any)
	for _, e := range n.entries {
		if s, ok := props[e.key.text].(map[string]any); ok {
			arrange(e.value, s)
		} else if others != nil {
			arrange(e.value, others)
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		for _, i := range n.items {
			arrange(i, items)
		}
	}
}

// follow resolves a reference, the choice between words and an object, and the one that a document makes by its kind.
func follow(schema map[string]any, n *node) (at map[string]any, order []string) {
	d := described()
	schema = lastChoice(schema)
	if name := objectIn(schema); name != "" {
		at, _ = d.defs[name].(map[string]any)
		return at, d.order[name]
	}
	if schema["$defs"] == nil {
		return schema, nil
	}
	props := map[string]any{"metadata": map[string]any{"$ref": "#/$defs/" + metadata.name}}
	if k := n.get("kind"); k != nil && kindOf(k.text) != nil {
		props["spec"] = map[string]any{"$ref": "#/$defs/" + k.text}
	}
	return map[string]any{"properties": props}, envelopeNames()
}
