package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// This file says what of an entrypoint is different on AWS, from the spec alone: for each field that portability.yaml does not
// call exact there is a row that knows whether a value of it means anything there. There is one finding for an id and an
// entrypoint, with the values and the first place of one, however many routes have it; and none where another pass has said
// the same with its numbers.

// effect is who notices an approximation.
type effect uint8

const (
	inside     effect = iota // whoever runs it: logs, connections, the form of what is set. A note
	outside                  // whoever asks. A warning if somebody wrote the value, a note where it is a default
	protection               // what keeps attackers, or one client's answers from another, away. A warning whoever said it
)

// inForce is a value in force, and whatever it may mean something beside.
type inForce struct {
	b       *builder
	entry   *spec.Entrypoint
	route   *spec.Route   // nil where the field is one of the entrypoint or of a service
	policy  *spec.Policy  // of the route
	service *spec.Service // that some route of the entrypoint asks
	written bool          // somebody said it who can change it: no default, and no profile that is built in
}

// differs is a row: when a field means something that is different on AWS.
type differs struct {
	field  string // as in portability.yaml
	effect effect
	when   func(*inForce) bool

	fit    spec.Fit
	rule   *finding.Rule
	path   string // of its source, without "spec."; see sourcePath
	source string // with it
}

// tables are the rows by what has them, made once.
type tables struct{ entries, routes, policies, services, certificates []differs }

var differenceRows = sync.OnceValue(func() tables {
	return tables{
		bound("Entrypoint", entryDifferences), bound("route", routeDifferences), bound("Policy", policyDifferences),
		bound("Service", serviceDifferences), bound("Certificate", certificateDifferences),
	}
})

// bound joins rows with what portability.yaml says of their fields.
func bound(of string, rows []differs) []differs {
	out := slices.Clone(rows)
	for i := range out {
		d, ok := spec.DifferenceOf(out[i].field)
		rule := differenceRules()[d.ID]
		if !ok || rule == nil {
			panic("BUG: no difference is known of " + of + " " + out[i].field)
		}
		out[i].fit, out[i].rule, out[i].path = d.Fit, rule, sourcePath(out[i].field)
		out[i].source = "spec." + out[i].path
	}
	return out
}

// sourcePath is where the source of a field stands, without "spec.": "cache key.query" is "cache.key.query".
func sourcePath(field string) string {
	object, name, _ := strings.Cut(field, ".")
	switch object {
	case "Entrypoint", "route", "Policy", "Service", "Certificate":
		return name
	case "sticky":
		object = "balance.sticky"
	case "origin tls":
		object = "tls"
	case "exclusion":
		object = "waf.exclude"
	case "rule file":
		object = "waf.rules"
	case "probe identity":
		object = "cache.probe.identities"
	case "error page":
		return "errorPages"
	case "endpoint":
		object = "endpoints"
	}
	return strings.ReplaceAll(object, " ", ".") + "." + name
}

// said is one value that differs.
type said struct {
	row    *differs
	author spec.Author
	at     spec.Pos
	path   string
	of     string      // what says it, where that is not the policy: "service stock"
	from   spec.Source // where it has none, the field alone is shown
}

// same reports whether two values are shown alike.
func (s *said) same(t *said) bool {
	return s.of == t.of && s.from.Path == t.from.Path && s.from.Value == t.from.Value && (s.from.Path != "" || s.row == t.row)
}

// severity is how bad it is that a value is not kept as it was said.
func (s *said) severity() finding.Severity {
	written := s.author >= spec.AuthorProfile
	switch {
	case s.row.fit == spec.FitNone && written:
		return finding.Error
	case s.row.fit == spec.FitNone, s.row.effect == protection, s.row.effect == outside && written:
		return finding.Warning
	}
	return finding.Note
}

// differences reports what differs.
func (b *builder) differences() {
	told := map[string]map[string]finding.Severity{} // by subject and id
	for i := range b.findings {
		f := &b.findings[i]
		if told[f.Subject] == nil {
			told[f.Subject] = map[string]finding.Severity{}
		}
		told[f.Subject][f.Rule.ID] = max(told[f.Subject][f.Rule.ID], f.Severity+1)
	}
	services := map[*spec.Service][]said{}
	for _, s := range b.sites {
		was, now := b.memory.sites[s.entry], told[s.entry.Meta.Name]
		if was.told == nil || !maps.Equal(was.told, now) {
			from := len(b.findings)
			b.differencesOf(s, now, services)
			was.told, was.differs = now, slices.Clone(b.findings[from:])
			continue
		}
		b.findings = append(b.findings, was.differs...)
	}
	for _, c := range b.spec.Certificates {
		b.certificateDifference(c)
	}
}

// differencesOf reports those of one entrypoint, in the order of the rows.
func (b *builder) differencesOf(s *site, told map[string]finding.Severity, services map[*spec.Service][]said) {
	t := &gathered{of: map[string]*differing{}}
	e := s.entry
	t.add(b.entrySaid(e), -1)
	policies := map[*spec.Source][]said{} // routes that say nothing of their own share one list
	for i, r := range e.Routes {
		if len(r.Sources) > 0 {
			first := &r.Sources[0]
			if _, known := policies[first]; !known {
				policies[first] = b.policySaid(e, r)
			}
			t.add(policies[first], i)
		}
		t.add(b.routeSaid(e, r), i)
		for _, w := range r.To.Services {
			if _, known := services[w.Service]; !known {
				services[w.Service] = b.serviceSaid(w.Service)
			}
			t.add(services[w.Service], i)
		}
	}
	for _, n := range t.list {
		if said := told[n.worst.row.rule.ID]; said == 0 || n.worst.severity() == finding.Error && said <= finding.Error {
			b.differs(s, n, len(e.Routes))
		}
	}
}

// differs makes a finding.
func (b *builder) differs(s *site, n *differing, routes int) {
	var shown []string
	for _, v := range n.values[:min(len(n.values), valuesShown)] {
		shown = append(shown, v.text())
	}
	text := strings.Join(shown, ", ")
	if more := len(n.values) - valuesShown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if routes > 1 && n.routes > 0 {
		text += fmt.Sprintf("; %d of %d routes", n.routes, routes)
	}
	b.find(n.worst.row.rule, s, n.worst.at, n.worst.path, "%s: %s", text, strings.TrimSuffix(n.worst.row.rule.Meaning, "."))
	b.findings[len(b.findings)-1].Severity = n.worst.severity()
}

const (
	// valuesShown is how many values a finding about a difference names.
	valuesShown = 3
	// valueBytesMax is how much of a value it shows, in bytes.
	valueBytesMax = 140
)

// gathered counts what an entrypoint says, by the id of what differs.
type gathered struct {
	of   map[string]*differing
	list []*differing
}

// differing is all that is said of one id: worst is the first of the worst.
type differing struct {
	worst  *said
	values []*said // each once
	routes int
	last   int // the route that was counted last
}

func (t *gathered) add(list []said, route int) {
	for i := range list {
		s := &list[i]
		n := t.of[s.row.rule.ID]
		if n == nil {
			n = &differing{worst: s, last: -1}
			t.of[s.row.rule.ID], t.list = n, append(t.list, n)
		}
		if s.severity() > n.worst.severity() {
			n.worst = s
		}
		if !slices.ContainsFunc(n.values, s.same) {
			n.values = append(n.values, s)
		}
		if route > n.last {
			n.routes++
			n.last = route
		}
	}
}

// look asks the rows about what has sources. of is what says it, before where that stands.
func look(rows []differs, f inForce, of string, sources []spec.Source, at spec.Pos, before string) (out []said) {
	for i := range rows {
		row := &rows[i]
		if f.written = true; !row.when(&f) { // then it does not matter either if nobody wrote it
			continue
		}
		from, ok := sourceOf(sources, row.source)
		s := said{row: row, at: at, path: before + row.source, of: of, from: from, author: spec.AuthorDefault}
		if ok {
			s.author = authorOf(sources, from)
			if pos, written := from.Pos(); written {
				s.at = pos
			}
		}
		if f.written = s.author >= spec.AuthorProfile; f.written || row.when(&f) {
			out = append(out, s)
		}
	}
	return out
}

// sourceOf is the source of a field; of an object that has sources for its parts that of the part which somebody nearest said.
func sourceOf(sources []spec.Source, path string) (spec.Source, bool) {
	if s, ok := spec.SourceOf(sources, path); ok {
		return s, true
	}
	var found spec.Source
	ok := false
	for _, s := range sources {
		if rest, in := strings.CutPrefix(s.Path, path); in && rest != "" && rest[0] == '.' && (!ok || s.Author() > found.Author()) {
			found, ok = s, true
		}
	}
	return found, ok
}

// authorOf is who said a value; what follows from the mode of the cache, or from the allowed methods, has the place of those, and
// nobody wrote it.
func authorOf(sources []spec.Source, of spec.Source) spec.Author {
	pos, written := of.Pos()
	if !written {
		return of.Author()
	}
	for _, cause := range []string{"spec.cache.mode", "spec.methods"} {
		if from, ok := spec.SourceOf(sources, cause); ok && of.Path != cause {
			if at, is := from.Pos(); is && at == pos {
				return spec.AuthorDefault
			}
		}
	}
	return of.Author()
}

// text is a field and its value as a finding shows them: of what is inside an object with one source all of the object, and of
// an object whose parts have sources the part that somebody said.
func (s *said) text() string {
	out := s.row.path
	if s.from.Path != "" {
		value := s.from.Value
		if len(value) > valueBytesMax {
			value = strings.ToValidUTF8(value[:valueBytesMax], "") + "…"
		}
		out = strings.TrimPrefix(s.from.Path, "spec.") + " " + value
	}
	return strings.TrimSpace(s.of + " " + out)
}

func (b *builder) policySaid(e *spec.Entrypoint, r *spec.Route) []said {
	return look(differenceRows().policies, inForce{b: b, entry: e, route: r, policy: &r.Policy}, "", r.Sources, r.At, "")
}

func (b *builder) serviceSaid(s *spec.Service) []said {
	return look(differenceRows().services, inForce{b: b, service: s}, "service "+s.Meta.Name, s.Sources, s.At, "Service "+s.Meta.Name+" ")
}

// entrySaid is what has no source since it is in no profile: whoever wrote the entrypoint wrote it.
func (b *builder) entrySaid(e *spec.Entrypoint) []said {
	return writtenSaid(differenceRows().entries, inForce{b: b, entry: e}, "", "spec.", e.At)
}

func (b *builder) routeSaid(e *spec.Entrypoint, r *spec.Route) []said {
	return writtenSaid(differenceRows().routes, inForce{b: b, entry: e, route: r, policy: &r.Policy}, "route "+r.Name, "spec.routes."+r.Name+".", r.At)
}

func writtenSaid(rows []differs, f inForce, subject, before string, at spec.Pos) (out []said) {
	for i := range rows {
		row := &rows[i]
		if f.written = true; !row.when(&f) {
			continue
		}
		s := said{row: row, at: at, path: before + row.path, author: spec.AuthorSpec, of: subject}
		if from, ok := retrySource(row, f.route); ok {
			s.author, s.from = authorOf(f.route.Sources, from), from
			if pos, is := from.Pos(); is {
				s.at = pos
			}
		}
		if f.written = s.author >= spec.AuthorProfile; f.written || row.when(&f) {
			out = append(out, s)
		}
	}
	return out
}

// retrySource is the source of what a policy says of the services behind it: whether that means anything depends on them.
func retrySource(row *differs, r *spec.Route) (spec.Source, bool) {
	if r == nil || !strings.HasPrefix(row.path, "retry") && !strings.HasPrefix(row.path, "priority") {
		return spec.Source{}, false
	}
	return spec.SourceOf(r.Sources, row.source)
}

// certificateDifference reports what a certificate asks for: it belongs to no entrypoint.
func (b *builder) certificateDifference(c *spec.Certificate) {
	for i := range differenceRows().certificates {
		row := &differenceRows().certificates[i]
		if row.path == "default" && !c.Default {
			continue
		}
		s := said{row: row, author: spec.AuthorSpec}
		b.findings = append(b.findings, finding.Finding{
			Rule: row.rule, Severity: s.severity(), At: c.At, Path: "Certificate " + c.Meta.Name + " spec." + row.path, Subject: c.Meta.Name,
			Text: "certificate " + c.Meta.Name + ": " + strings.TrimSuffix(row.rule.Meaning, "."),
		})
	}
}
