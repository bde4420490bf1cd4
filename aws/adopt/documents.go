package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// mapping goes from resources to documents.
type mapping struct {
	*found
	entries  []*entry
	services []*service
	account  account
	names    map[string]bool // of Entrypoints and Services, each with its kind before it
	used     map[*resource]bool
}

// documents are what all resources say: a file for each distribution, with its services, and one for the account.
func (f *found) documents() []Document {
	m := &mapping{found: f, names: map[string]bool{}, used: map[*resource]bool{}}
	for _, r := range f.of(typeDistribution) {
		m.distribution(r)
	}
	m.firewalls()
	m.logs()
	m.certificates()
	m.records()
	for _, e := range m.entries {
		e.finish()
	}
	m.tell()
	m.others()
	return m.files()
}

// firewalls adds what the web ACLs of the entrypoints say.
func (m *mapping) firewalls() {
	var uses []use
	var of []*entry
	for _, e := range m.entries {
		if e.acl == nil {
			continue
		}
		u := use{acl: e.acl, entrypoint: e.name}
		for _, r := range e.routes {
			u.routes = append(u.routes, r.match)
		}
		uses, of = append(uses, u), append(of, e)
	}
	list, fields := m.protections(uses)
	for i, p := range list {
		of[i].protect(p)
	}
	for _, f := range fields {
		inner, is := f.value.([]said)
		for _, part := range inner { // the access logs may stand there already
			m.account.fields = put(m.account.fields, part.value, f.name, part.name)
		}
		if !is {
			m.account.fields = put(m.account.fields, f.value, f.name)
		}
	}
}

// files are the documents as files.
func (m *mapping) files() []Document {
	var list []Document
	for _, e := range m.entries {
		docs := []*document{e.document()}
		for _, s := range m.services {
			if s.first == e {
				docs = append(docs, s.document())
			}
		}
		name := e.name + ".yaml"
		list = append(list, Document{Name: name, Data: file(name, docs)})
	}
	if d := m.account.document(); d != nil {
		list = append(list, Document{Name: accountFile, Data: file(accountFile, []*document{d})})
	}
	return list
}

// accountFile is where the AWS document goes. No entrypoint has this name, since it would have a dot before the ending.
const accountFile = "aws.account.yaml"

// unique is a name for a document of a kind that no other one of the kind has.
func (m *mapping) unique(kind, text, otherwise string) string {
	base := nameOf(text)
	if base == "" {
		base = otherwise
	}
	name := base
	for i := 2; m.names[kind+" "+name]; i++ {
		suffix := fmt.Sprintf("-%d", i)
		name = strings.TrimRight(base[:min(len(base), nameBytesMax-len(suffix))], "-") + suffix
	}
	m.names[kind+" "+name] = true
	return name
}

// nameOf is text as the name of a document or a route: a-z, 0-9 and, between them, -.
func nameOf(text string) string {
	var out strings.Builder
	for _, c := range strings.ToLower(text) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			out.WriteRune(c)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	s := out.String()
	return strings.Trim(s[:min(len(s), nameBytesMax)], "-")
}

// verdict is what is to be said of a node, once it is known where the documents say it.
type verdict struct {
	node *schema.Node
	is   Verdict
	at   spot
	rule *finding.Rule
	text string

	became string // the spot as a row names it
}

// spot is where a document says something.
type spot struct {
	document string  // "Entrypoint shop", "Service files", "AWS account"; empty: nowhere, or in the Service of an origin
	origin   *origin // whose Service says it; nil: none
	route    *route  // of the Entrypoint; nil: it is no matter of a route
	field    string
}

// text is the place as rows of the ledger name it.
func (p spot) text(lifted []string) string {
	document := p.document
	if p.origin != nil && p.origin.made != nil {
		document = "Service " + p.origin.made.name
	}
	if document == "" {
		return ""
	}
	shared := slices.ContainsFunc(lifted, func(l string) bool { return p.field == l || strings.HasPrefix(p.field, l+".") })
	out := document + ":"
	switch {
	case p.route != nil && !shared:
		out += " routes." + p.route.name
		if p.field != "" {
			out += "." + p.field
		}
	case p.field != "":
		out += " " + p.field
	default:
		return document
	}
	return out
}

// A teller says what has become of the parts of something that may have no nodes, as a policy that AWS manages: then the worst of
// it is said of the node that names it.
type teller struct {
	e     *entry
	route *route
	whole *schema.Node
	is    Verdict
	rule  *finding.Rule
	texts []string
}

func (t *teller) exact(n *schema.Node, field, text string) { t.say(n, Exact, field, nil, text) }

func (t *teller) near(n *schema.Node, field string, rule *finding.Rule, text string) {
	t.say(n, Approximated, field, rule, text)
}

func (t *teller) refuse(n *schema.Node, rule *finding.Rule, text string) {
	t.say(n, Refused, "", rule, text)
}

func (t *teller) say(n *schema.Node, is Verdict, field string, rule *finding.Rule, text string) {
	if n != nil {
		t.e.say(verdict{node: n, is: is, at: t.e.place(t.route, field), rule: rule, text: text})
		return
	}
	if is == Exact {
		return
	}
	if is > t.is {
		t.is, t.rule = is, rule
	}
	t.texts = append(t.texts, text)
}

// done says of the whole what its parts came to; exactly is the text if they came to the same.
func (t *teller) done(field, exactly string) {
	text := strings.Join(t.texts, "; ")
	if t.is == Exact {
		text = exactly
	}
	at := t.e.place(t.route, field)
	if t.is == Refused {
		at = spot{}
	}
	t.e.say(verdict{node: t.whole, is: t.is, at: at, rule: t.rule, text: text})
}

// selection is which headers, cookies or parameters a policy names.
type selection struct {
	how   string // as AWS calls it: none, all, whitelist, allExcept, allViewer, …
	names []string
	items []*schema.Node // of the names; empty: they have none
	at    *schema.Node   // of how
}

// selectionOf reads a selection; its names may stand in a list of their own name or below Items.
func selectionOf(n *schema.Node, how, names string) selection {
	s := selection{how: n.Get(how).String(), at: n.Get(how)}
	list := n.Get(names)
	if list != nil && list.Kind == schema.Map {
		list = list.Get("Items")
	}
	for _, item := range list.List() {
		s.names, s.items = append(s.names, item.String()), append(s.items, item)
	}
	if s.how == "" {
		s.how = "none"
	}
	return s
}

// item is the node of a name; nil: it has none.
func (s *selection) item(i int) *schema.Node {
	if i < len(s.items) {
		return s.items[i]
	}
	return nil
}

// has reports whether one of the names is a field, however it is written.
func (s *selection) has(name string) bool {
	return slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, name) })
}

// texts are the known texts of a list.
func texts(n *schema.Node) (out []string) {
	for _, item := range n.List() {
		if s, ok := item.AsText(); ok {
			out = append(out, s)
		}
	}
	return out
}
