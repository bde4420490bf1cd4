package compile

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// This file says by statements which requests a set of routes takes.
//
// AWS WAF sees a path as the client sent it. A statement is wide where it may fit a request of another route, but misses none that is
// written in another form, and narrow where it fits no other request, but may miss some. What protects is wide; what is taken out of
// a protection is narrow: a client that writes a path in a strange form is protected against more, never against less.

// lanes are the routes of an entrypoint in the order of their precedence, the most specific first. What none of them takes is the rest,
// which has the policy of the entrypoint.
type lanes struct {
	routes []*spec.Route
	paths  []pathShape // of the routes
	rest   *spec.Policy
	kinds  []int // of policies, by lane
	first  []int // the last lane of each kind; the first kind is that of the rest
}

// asked is what a web ACL is made of: policies that share it are one kind.
type asked struct {
	maintenance *spec.Maintenance
	methods     *[]string
	cors        *spec.CORS
	waf         *spec.WAF
	limit       *spec.Limit
	bodyMax     *spec.Size
	headMax     *spec.Size
}

func askedBy(p *spec.Policy) asked {
	return asked{p.Maintenance, p.Methods, p.CORS, p.WAF, p.Limit, p.BodyMax, p.HeadMax}
}

// pathShape is a path cut into segments; "{}" is any one segment.
type pathShape struct {
	segments []string
	open     bool // more segments may follow
	kind     spec.PathKind
}

func newLanes(e *spec.Entrypoint) *lanes {
	l := &lanes{routes: slices.Clone(e.Routes), rest: &e.Policy}
	slices.SortStableFunc(l.routes, laneOrder)
	for _, r := range l.routes {
		l.paths = append(l.paths, pathShapeOf(r.Match.Path))
	}
	l.kinds = make([]int, len(l.routes)+1)
	known := map[asked]int{}
	for i := len(l.routes); i >= 0; i-- {
		k := askedBy(l.policy(i))
		if _, is := known[k]; !is {
			known[k] = len(l.first)
			l.first = append(l.first, i)
		}
		l.kinds[i] = known[k]
	}
	return l
}

func pathShapeOf(m spec.PathMatch) pathShape {
	s := pathShape{open: m.Kind == spec.PathPrefix || m.Kind == spec.PathAny, kind: m.Kind}
	path := m.Path
	if s.open {
		path = strings.TrimSuffix(path, "/")
	}
	if path == "" {
		return s
	}
	s.segments = strings.Split(path[1:], "/")
	for i, part := range s.segments {
		if m.Kind != spec.PathExact && strings.HasPrefix(part, "{") {
			s.segments[i] = "{}"
		}
	}
	return s
}

// laneOrder is the order of package route: exact paths, patterns, longer prefixes; static segments before {name}; then those that ask
// for more beside the path.
func laneOrder(a, b *spec.Route) int {
	x, y := pathShapeOf(a.Match.Path), pathShapeOf(b.Match.Path)
	rank := map[spec.PathKind]int{spec.PathExact: 0, spec.PathPattern: 1, spec.PathPrefix: 2, spec.PathAny: 3}
	if c := cmp.Or(cmp.Compare(rank[x.kind], rank[y.kind]), cmp.Compare(len(y.segments), len(x.segments))); c != 0 {
		return c
	}
	for i := range x.segments {
		if c := cmp.Compare(namedRank(x.segments[i]), namedRank(y.segments[i])); c != 0 {
			return c
		}
	}
	if !slices.Equal(x.segments, y.segments) {
		return 0 // they take no path in common
	}
	return cmp.Or(cmp.Compare(min(1, len(b.Match.Methods)), min(1, len(a.Match.Methods))),
		cmp.Compare(len(b.Match.Headers), len(a.Match.Headers)), cmp.Compare(len(b.Match.Query), len(a.Match.Query)))
}

func namedRank(segment string) int {
	if segment == "{}" {
		return 1
	}
	return 0
}

// meets reports whether some path fits both.
func (s pathShape) meets(o pathShape) bool {
	short := min(len(s.segments), len(o.segments))
	if len(s.segments) > short && !o.open || len(o.segments) > short && !s.open {
		return false
	}
	for i := range short {
		if s.segments[i] != o.segments[i] && !(s.takes(o.segments[i], i) || o.takes(s.segments[i], i)) {
			return false
		}
	}
	return true
}

// takes reports whether the segment at i is a {name} that fits another one; an empty segment is none.
func (s pathShape) takes(other string, i int) bool { return s.segments[i] == "{}" && other != "" }

// covers reports whether every path that fits o fits s.
func (s pathShape) covers(o pathShape) bool {
	if len(s.segments) > len(o.segments) || !s.open && (o.open || len(s.segments) != len(o.segments)) {
		return false
	}
	for i := range s.segments {
		if s.segments[i] != o.segments[i] && !s.takes(o.segments[i], i) {
			return false
		}
	}
	return true
}

// pathOnly reports whether a route asks for nothing but a path.
func pathOnly(m *spec.Match) bool { return len(m.Methods)+len(m.Headers)+len(m.Query) == 0 }

// policy is that of a route, or of the rest behind the last.
func (l *lanes) policy(i int) *spec.Policy {
	if i == len(l.routes) {
		return l.rest
	}
	return &l.routes[i].Policy
}

// laneGroup is the routes that are alike in something.
type laneGroup struct {
	key    string
	in     []bool // by lane; the last one is the rest
	policy *spec.Policy
	at     spec.Pos // of the first route of it; zero: the rest is in it
}

// by cuts the lanes into groups by a key of their policies: first the one with the rest, then the others by their keys.
func (l *lanes) by(key func(*spec.Policy) string) []*laneGroup {
	byKey := map[string]*laneGroup{}
	var list []*laneGroup
	ofKind := make([]*laneGroup, len(l.first))
	for kind, i := range l.first {
		k := key(l.policy(i))
		if byKey[k] == nil {
			byKey[k] = &laneGroup{key: k, in: make([]bool, len(l.routes)+1), policy: l.policy(i)}
			list = append(list, byKey[k])
		}
		ofKind[kind] = byKey[k]
	}
	for i := len(l.routes); i >= 0; i-- {
		g := ofKind[l.kinds[i]]
		if g.in[i] = true; g != list[0] {
			g.at = l.routes[i].At
		}
	}
	slices.SortFunc(list[1:], func(a, b *laneGroup) int { return strings.Compare(a.key, b.key) })
	return list
}

// unionOf is the lanes of several groups.
func unionOf(groups []*laneGroup, n int) []bool {
	in := make([]bool, n)
	for _, g := range groups {
		for i := range in {
			in[i] = in[i] || g.in[i]
		}
	}
	return in
}

// reach fits the requests that the lanes in a set take; nil: every request, none: no request.
func (l *lanes) reach(in []bool, wide bool) *statement {
	in = l.left(in)
	kept := l.deciding(in)
	var of []*statement
	for n, i := range kept {
		if !in[i] {
			continue
		}
		var before []*statement // that win over it and are not in the set
		for _, j := range kept[:n] {
			if !in[j] && (i == len(l.routes) || l.paths[j].meets(l.paths[i])) {
				before = append(before, l.takes(j, !wide))
			}
		}
		of = append(of, and(l.takes(i, wide), not(or(before...))))
	}
	return or(of...)
}

// deciding leaves lanes out that decide nothing: what they take would be decided the same way without them.
func (l *lanes) deciding(in []bool) []int {
	kept := []int{}
	rest := len(l.routes)
	same := true
	for i := range in {
		same = same && in[i] == in[rest]
	}
	if same {
		return []int{rest}
	}
	for i := range l.routes {
		if !l.idle(i, in) {
			kept = append(kept, i)
		}
	}
	return append(kept, rest)
}

// left is the set in which the rest goes with the route that takes whatever is left, if there is one: nothing reaches the rest then.
func (l *lanes) left(in []bool) []bool {
	for i, r := range l.routes {
		if s := l.paths[i]; len(s.segments) == 0 && s.open && pathOnly(&r.Match) {
			in = slices.Clone(in)
			in[len(l.routes)] = in[i]
			break
		}
	}
	return in
}

func (l *lanes) idle(i int, in []bool) bool {
	for j := i + 1; j < len(l.routes); j++ {
		if !l.paths[i].meets(l.paths[j]) {
			continue
		}
		if in[j] != in[i] {
			return false
		}
		if pathOnly(&l.routes[j].Match) && l.paths[j].covers(l.paths[i]) {
			return true
		}
	}
	return in[len(l.routes)] == in[i]
}

// takes fits what the match of a lane asks for.
func (l *lanes) takes(i int, wide bool) *statement {
	if i == len(l.routes) {
		return nil
	}
	m := &l.routes[i].Match
	of := []*statement{l.paths[i].fits(m.Path.Path, wide)}
	if len(m.Methods) > 0 {
		of = append(of, methodIn(alsoHead(m.Methods)))
	}
	for _, h := range m.Headers {
		of = append(of, hasValue(inHeader(strings.ToLower(h.Name)), h.Value, wide))
	}
	for _, q := range m.Query {
		if len(q.Name) > argumentBytesMax {
			of = append(of, unsaid(wide))
			continue
		}
		of = append(of, hasValue(inArgument(q.Name), q.Value, wide, "URL_DECODE"))
	}
	return and(of...)
}

// hasValue fits a part that is there with a value; "*": with any.
func hasValue(field *model.WebACLFieldToMatch, value string, wide bool, decode ...string) *statement {
	switch {
	case value == "*":
		return isThere(field)
	case len(value) > searchBytesMax:
		return unsaid(wide)
	case wide:
		return byteMatch(field, "EXACTLY", value, decode...)
	}
	return byteMatch(field, "EXACTLY", value)
}

// unsaid is what stands for a condition that no statement can say.
func unsaid(wide bool) *statement {
	if wide {
		return nil
	}
	return none
}

// pathDecoded are the transformations that bring a path into its normal form, and further.
var pathDecoded = []string{"URL_DECODE", "NORMALIZE_PATH"}

// fits fits the paths of a shape.
func (s pathShape) fits(path string, wide bool) *statement {
	if len(s.segments) == 0 && s.open {
		return nil
	}
	if s.open {
		path = strings.TrimSuffix(path, "/")
	}
	if !slices.Contains(s.segments, "{}") {
		if !wide && s.open {
			return and(s.literal(path, wide), undotted())
		}
		if !wide {
			return s.literal(path, wide)
		}
		return s.written(path)
	}
	exact := regexFlaw(s.regex()) == ""
	switch {
	case exact && !wide:
		return and(regexMatch(inPath(), s.regex()), undotted())
	case exact && !strings.ContainsAny(path, "%+") && !strings.Contains(path, "//"):
		return regexMatch(inPath(), s.regex(), pathDecoded...)
	case !wide:
		return none
	}
	head, _, _ := strings.Cut(path, "{") // all that can be said: how it begins
	return s.begins(head, pathDecoded...)
}

// undotted fits a path without dot segments: /a/../b begins with /a/, but CloudFront takes it for /b.
func undotted() *statement { return not(regexMatch(inPath(), `/(?:\.|%2[eE]){1,2}(?:/|$)`)) }

// written fits a path without {name} in whatever form it is written.
func (s pathShape) written(path string) *statement {
	plain, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(plain) {
		return s.literal(path, true)
	}
	of := []*statement{s.literal(collapsed(plain), true, pathDecoded...)}
	if strings.Contains(plain, "//") { // which are a path of their own, and which NORMALIZE_PATH takes for one
		of = append(of, s.literal(plain, true, "URL_DECODE"))
	}
	if strings.ContainsAny(path, "%+") { // decoding may take a + for a space
		of = append(of, s.literal(path, true))
	}
	return or(of...)
}

func collapsed(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

func (s pathShape) literal(path string, wide bool, transformations ...string) *statement {
	switch {
	case len(path) >= searchBytesMax && !wide:
		return none
	case len(path) >= searchBytesMax:
		return s.begins(path, transformations...)
	case s.open:
		return or(byteMatch(inPath(), "EXACTLY", path, transformations...), byteMatch(inPath(), "STARTS_WITH", path+"/", transformations...))
	}
	return byteMatch(inPath(), "EXACTLY", path, transformations...)
}

// begins fits paths that begin with a text, as far as that can be said. What is pathDecoded further than the text is left out of it.
func (s pathShape) begins(head string, transformations ...string) *statement {
	if i := strings.IndexAny(head, "%+"); i >= 0 && len(transformations) > 0 {
		head = head[:i]
	}
	head = strings.ToValidUTF8(head[:min(len(head), searchBytesMax)], "")
	if head == "" || head == "/" {
		return nil
	}
	return byteMatch(inPath(), "STARTS_WITH", head, transformations...)
}

// regex is a regular expression for a shape with {name} segments.
func (s pathShape) regex() string {
	var b strings.Builder
	b.WriteByte('^')
	for _, part := range s.segments {
		b.WriteByte('/')
		if part == "{}" {
			b.WriteString("[^/]+")
		} else {
			b.WriteString(regexp.QuoteMeta(part))
		}
	}
	if s.open {
		b.WriteString("(?:/|$)")
	} else {
		b.WriteByte('$')
	}
	return b.String()
}

// alsoHead adds HEAD where there is GET, as the edge does.
func alsoHead(methods []string) []string {
	if slices.Contains(methods, "GET") && !slices.Contains(methods, "HEAD") {
		return append(slices.Clone(methods), "HEAD")
	}
	return methods
}
