package adopt

import (
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// Verdict is what has become of an attribute.
type Verdict uint8

// The verdicts, the best first.
const (
	Exact        Verdict = iota // the documents say the same, or it says what AWS and the edge do anyway
	Approximated                // the documents say something near to it; the row says what is not the same
	Refused                     // the documents do not say it
)

// String is the word that is printed.
func (v Verdict) String() string { return [...]string{"exact", "approximated", "refused"}[v] }

// Row is what has become of one attribute of the input.
type Row struct {
	Verdict  Verdict
	At       spec.Pos      // in the input
	Pointer  string        // its JSON pointer in that file (RFC 6901); of a template in YAML as if it were JSON
	Resource string        // whose attribute it is, as messages name it; empty: the file's own
	Value    string        // as it stands there, shortened
	Became   string        // where the documents say it: "Entrypoint shop routes.2.cache.fresh"; empty: nowhere
	Rule     *finding.Rule // why it is not exact; nil: it is
	Text     string        // what is the matter here, or why nothing needs to be said
	Allowed  bool          // the rule's id is allowed
	Below    bool          // it speaks of all that stands below its place
}

// ledger collects the rows, one for each leaf of the input: a scalar, an empty list or an empty object. A reader announces the
// leaves; the mapping then says of each what has become of it, once. What nobody speaks of is refused.
type ledger struct {
	rows  []*Row
	leafs map[*schema.Node][]*Row // those of the properties; the others are settled by the reader
	said  map[*Row]bool
	aside map[*Row]bool // of what is only looked up
}

func newLedger() *ledger {
	return &ledger{leafs: map[*schema.Node][]*Row{}, said: map[*Row]bool{}, aside: map[*Row]bool{}}
}

// leaf announces a leaf of the input, with the node that it became. Several leaves may have become one node.
func (l *ledger) leaf(row Row, n *schema.Node, r *resource) {
	row.Resource = r.Name
	l.rows, l.leafs[n] = append(l.rows, &row), append(l.leafs[n], &row)
	if r.lookup {
		l.aside[&row] = true
	}
}

// settled announces a leaf that is no property: what the reader has made of it, or that it is state of AWS and no setting.
func (l *ledger) settled(row Row) {
	l.rows, l.said[&row] = append(l.rows, &row), true
}

// exact says of a node, and all leaves below it of which nothing is said yet, that the documents say the same at a place.
func (l *ledger) exact(n *schema.Node, became, text string) {
	l.say(n, Exact, became, nil, text)
}

// near says that the documents say something near to it, and by the rule and the text what is not the same.
func (l *ledger) near(n *schema.Node, became string, rule *finding.Rule, text string) {
	l.say(n, Approximated, became, rule, text)
}

// refuse says that the documents do not say it, and why.
func (l *ledger) refuse(n *schema.Node, rule *finding.Rule, text string) {
	l.say(n, Refused, "", rule, text)
}

func (l *ledger) say(n *schema.Node, v Verdict, became string, rule *finding.Rule, text string) {
	if n == nil {
		return
	}
	for _, row := range l.leafs[n] {
		if !l.said[row] {
			row.Verdict, row.Became, row.Rule, row.Text, l.said[row] = v, became, rule, text, true
		}
	}
	for _, item := range n.Items {
		l.say(item, v, became, rule, text)
	}
	for _, f := range n.Fields {
		l.say(f.Value, v, became, rule, text)
	}
}

// amend adds to the text of what is said by a rule at and below a node.
func (l *ledger) amend(n *schema.Node, rule *finding.Rule, more string) {
	for _, row := range l.leafs[n] {
		if row.Rule == rule {
			row.Text += "; " + more
		}
	}
	for _, item := range n.Items {
		l.amend(item, rule, more)
	}
	for _, f := range n.Fields {
		l.amend(f.Value, rule, more)
	}
}

// apart is a ledger of the same leaves at and below a node, of which nothing is said yet.
func (l *ledger) apart(n *schema.Node) *ledger {
	out := newLedger()
	out.copy(l, n)
	return out
}

func (l *ledger) copy(from *ledger, n *schema.Node) {
	for _, row := range from.leafs[n] {
		l.leaf(Row{}, n, &resource{Name: row.Resource})
	}
	for _, item := range n.Items {
		l.copy(from, item)
	}
	for _, f := range n.Fields {
		l.copy(from, f.Value)
	}
}

// worst is the gravest of all rows; nil: there are none.
func (l *ledger) worst() (worst *Row) {
	for _, row := range l.rows {
		if worst == nil || gravity(row.Verdict, row.Rule) > gravity(worst.Verdict, worst.Rule) {
			worst = row
		}
	}
	return worst
}

// gravity orders verdicts: by how grave the rule is, and then whether anything is said at all.
func gravity(is Verdict, rule *finding.Rule) int {
	if rule == nil {
		return int(is)
	}
	return int(rule.Severity)<<8 + int(is)
}

// close refuses what nobody has spoken of.
func (l *ledger) close() {
	for _, row := range l.rows {
		switch {
		case l.said[row]:
		case l.aside[row]:
			row.Text = "it is only looked up, and managed elsewhere"
		default:
			row.Verdict, row.Rule, row.Text = Refused, ruleNotUnderstood, "no document says this, and nobody here knows what would"
		}
	}
}

// printable makes one line of each text, whatever the input has: rows are printed, a row a line.
func (l *ledger) printable() {
	for _, row := range l.rows {
		row.Text, row.Resource, row.Became = oneLine(row.Text), oneLine(row.Resource), oneLine(row.Became)
	}
}
