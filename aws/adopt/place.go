package adopt

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// source is one file while it is read: it knows which leaves nobody has taken yet, so that none is dropped.
type source struct {
	found   *found
	name    string
	pointer map[*schema.Node]string
	open    map[*schema.Node]bool // leaves that stand in no row
	hidden  map[*schema.Node]bool // leaves whose value no row shows
}

func newSource(f *found, name string, root *schema.Node) *source {
	s := &source{found: f, name: name, pointer: map[*schema.Node]string{}, open: map[*schema.Node]bool{}, hidden: map[*schema.Node]bool{}}
	s.walk(root, "")
	s.secrets(root, "")
	return s
}

// walk notes where everything stands.
func (s *source) walk(n *schema.Node, pointer string) {
	s.pointer[n] = pointer
	if isLeaf(n) {
		s.open[n] = true
	}
	for i, item := range n.Items {
		s.walk(item, pointer+"/"+strconv.Itoa(i))
	}
	for _, f := range n.Fields {
		s.walk(f.Value, pointer+"/"+escapes.Replace(f.Name))
	}
}

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// isLeaf is whether nothing stands below a value.
func isLeaf(n *schema.Node) bool { return len(n.Items) == 0 && len(n.Fields) == 0 }

// leaves calls visit for what stands at or below a value in no row yet.
func (s *source) leaves(n *schema.Node, visit func(leaf *schema.Node)) {
	if n == nil {
		return
	}
	if s.open[n] {
		visit(n)
	}
	for _, item := range n.Items {
		s.leaves(item, visit)
	}
	for _, f := range n.Fields {
		s.leaves(f.Value, visit)
	}
}

// row is the beginning of a row for a leaf.
func (s *source) row(n *schema.Node) Row {
	delete(s.open, n)
	row := Row{At: n.At, Pointer: s.pointer[n], Value: shown(n)}
	if s.hidden[n] {
		row.Value = "***"
	}
	return row
}

// shown is a leaf's value as a row shows it.
func shown(n *schema.Node) string {
	text := n.Text
	switch n.Kind {
	case schema.Null:
		return "null"
	case schema.List:
		return "[]"
	case schema.Map:
		return "{}"
	case schema.Text:
		if text = strconv.Quote(text); utf8Count(text) > valueMax {
			text = string([]rune(text)[:valueMax]) + "…"
		}
	}
	return text
}

func utf8Count(text string) int { return len([]rune(text)) }

// became announces the leaves at and below a value as those of a node of a resource.
func (s *source) became(n, to *schema.Node, r *resource) {
	s.leaves(n, func(leaf *schema.Node) { s.found.ledger.leaf(s.row(leaf), to, r) })
}

// itself announces a value that stays as it stands, each leaf as its own node.
func (s *source) itself(n *schema.Node, r *resource) {
	s.leaves(n, func(leaf *schema.Node) { s.found.ledger.leaf(s.row(leaf), leaf, r) })
}

// settle says of the leaves at and below a value that nothing needs to be said of them.
func (s *source) settle(n *schema.Node, resource, text string) {
	s.leaves(n, func(leaf *schema.Node) {
		row := s.row(leaf)
		row.Resource, row.Text = resource, text
		s.found.ledger.settled(row)
	})
}

// refuse says of the leaves at and below a value that no document says them.
func (s *source) refuse(n *schema.Node, resource string, rule *finding.Rule, text string) {
	s.leaves(n, func(leaf *schema.Node) {
		row := s.row(leaf)
		row.Verdict, row.Resource, row.Rule, row.Text = Refused, resource, rule, text
		s.found.ledger.settled(row)
	})
}

// whole says one thing of all that stands at or below a value, in one row that does not show it.
func (s *source) whole(n *schema.Node, v Verdict, resource string, rule *finding.Rule, text string) {
	count := 0
	s.leaves(n, func(leaf *schema.Node) {
		count++
		delete(s.open, leaf)
	})
	if count == 0 {
		return
	}
	row := Row{Verdict: v, At: n.At, Pointer: s.pointer[n], Resource: resource, Rule: rule, Text: text, Below: true, Value: attributes(count)}
	s.found.ledger.settled(row)
}

func attributes(count int) string {
	if count == 1 {
		return "1 attribute"
	}
	return fmt.Sprintf("%d attributes", count)
}

// hide keeps the values at and below a value out of the ledger: they may be secrets.
func (s *source) hide(n *schema.Node) {
	s.leaves(n, func(leaf *schema.Node) { s.hidden[leaf] = leaf.Text != "" })
}

// rest refuses what no reader has taken, once a file is read.
func (s *source) rest(root *schema.Node) {
	s.refuse(root, "", ruleNotUnderstood, "no reader of this form knows it")
}

// problem is a finding about a file, not about an attribute.
func (f *found) problem(at spec.Pos, rule *finding.Rule, subject, format string, args ...any) {
	f.problems = append(f.problems, finding.Finding{
		Rule: rule, Severity: rule.Severity, At: at, Subject: subject, Text: fmt.Sprintf(format, args...),
	})
}

// sorted puts the rows into the order of the input.
func (l *ledger) sorted(files []string) {
	order := map[string]int{}
	for i, name := range files {
		order[name] = i
	}
	slices.SortStableFunc(l.rows, func(a, b *Row) int {
		if d := order[a.At.File] - order[b.At.File]; d != 0 {
			return d
		}
		if d := a.At.Line - b.At.Line; d != 0 {
			return d
		}
		return a.At.Col - b.At.Col
	})
}
