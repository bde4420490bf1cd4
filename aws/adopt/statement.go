package adopt

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file reads statements of AWS WAF as far as routes can say them: which paths fit, joined by and, or and not.

type exprOp uint8

const (
	opOther  exprOp = iota // something that is no condition of a path
	opEvery                // every request
	opPath                 // a path
	opDotted               // a path with dot segments: none, once it is in normal form
	opMethod               // a method
	opAll
	opAny
	opNot
)

// expr is a statement.
type expr struct {
	op   exprOp
	of   []*expr
	path *pathTest
	name string       // of a method
	node *schema.Node // the statement
}

// pathTest is a comparison with a path, and the route whose paths fit it.
type pathTest struct {
	how             string // EXACTLY, STARTS_WITH, or PREFIX: both with whole segments
	text            string // decoded
	re              *regexp.Regexp
	route           spec.PathMatch
	wider, narrower string // what the route takes and the comparison does not, and the other way round; empty: nothing
}

func (t *pathTest) fits(path string) bool {
	switch {
	case t.re != nil:
		return t.re.MatchString(path)
	case t.how == "PREFIX":
		return path == t.text || strings.HasPrefix(path, t.text+"/")
	case t.how == "STARTS_WITH":
		return strings.HasPrefix(path, t.text)
	}
	return path == t.text
}

// only is the one name that an object has with its value; empty: it has none, or several.
func only(n *schema.Node) (string, *schema.Node) {
	if n == nil || n.Kind != schema.Map || len(n.Fields) != 1 {
		return "", nil
	}
	return n.Fields[0].Name, n.Fields[0].Value
}

// undottedRegex is how the compiler asks for a path with dot segments.
const undottedRegex = `/(?:\.|%2[eE]){1,2}(?:/|$)`

// expression reads a statement. labels are those of rules before it that only say which paths fit.
func expression(n *schema.Node, labels map[string]*expr) *expr {
	e := &expr{node: n}
	kind, body := only(n)
	switch kind {
	case "AndStatement", "OrStatement":
		for _, s := range body.Get("Statements").List() {
			e.of = append(e.of, expression(s, labels))
		}
		if e.op = opAll; kind == "OrStatement" {
			e.op = opAny
			e.join()
		}
	case "NotStatement":
		e.op, e.of = opNot, []*expr{expression(body.Get("Statement"), labels)}
	case "LabelMatchStatement":
		if is := labels[body.Get("Key").String()]; is != nil && body.Get("Scope").String() == "LABEL" {
			return is
		}
	case "SizeConstraintStatement":
		if part, _ := only(body.Get("FieldToMatch")); part == "UriPath" && body.Get("ComparisonOperator").String() == "GE" &&
			body.Get("Size").String() == "0" {
			e.op = opEvery
		}
	case "ByteMatchStatement":
		e.bytes(body)
	case "RegexMatchStatement":
		e.regex(body)
	}
	if e.path != nil && e.op == opPath && !sayablePath(e.path.route) {
		e.op, e.path = opOther, nil
	}
	return e
}

// transforms are the text transformations of a statement by their priorities; nil: they are not known. NONE is left out.
func transforms(body *schema.Node) []string {
	type step struct {
		at   float64
		kind string
	}
	var steps []step
	for _, t := range body.Get("TextTransformations").List() {
		at, ok := t.Get("Priority").AsNumber()
		kind := t.Get("Type").String()
		if !ok || kind == "" {
			return nil
		}
		steps = append(steps, step{at, kind})
	}
	slices.SortFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	out := []string{}
	for _, s := range steps {
		if s.kind != "NONE" {
			out = append(out, s.kind)
		}
	}
	return out
}

// onPaths are the transformations that leave a path in normal form what it is.
var onPaths = []string{"URL_DECODE", "URL_DECODE_UNI", "NORMALIZE_PATH", "NORMALIZE_PATH_WIN", "LOWERCASE"}

// pathField is how a statement brings the path into a form; false: it looks at something else, or into another form.
func pathField(body *schema.Node) (steps []string, ok bool) {
	part, _ := only(body.Get("FieldToMatch"))
	steps = transforms(body)
	if part != "UriPath" || steps == nil || slices.ContainsFunc(steps, func(s string) bool { return !slices.Contains(onPaths, s) }) {
		return nil, false
	}
	return steps, true
}

func (e *expr) bytes(body *schema.Node) {
	text, ok := body.Get("SearchString").AsText()
	how := body.Get("PositionalConstraint").String()
	if part, _ := only(body.Get("FieldToMatch")); part == "Method" && how == "EXACTLY" && ok {
		e.op, e.name = opMethod, strings.ToUpper(text)
		return
	}
	steps, is := pathField(body)
	if !ok || !is || !strings.HasPrefix(text, "/") || how != "EXACTLY" && how != "STARTS_WITH" {
		return
	}
	if how == "STARTS_WITH" && text == "/" {
		e.op = opEvery
		return
	}
	if slices.Contains(steps, "URL_DECODE") || slices.Contains(steps, "URL_DECODE_UNI") {
		text = strings.ReplaceAll(text, "%", "%25")
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return
	}
	e.op, e.path = opPath, &pathTest{how: how, text: plain, narrower: otherCases(steps)}
	e.path.route = spec.PathMatch{Kind: spec.PathExact, Path: escaped(plain)}
	if how == "STARTS_WITH" {
		e.path.route = spec.PathMatch{Kind: spec.PathPrefix, Path: strings.TrimSuffix(escaped(plain), "/")}
		if whole, below := strings.CutSuffix(plain, "/"); below {
			e.path.wider = "takes " + whole + " too"
		} else {
			e.path.narrower = "takes whole segments: not " + plain + "x"
		}
	}
}

// otherCases is what a comparison with such transformations takes and a route does not.
func otherCases(steps []string) string {
	if slices.Contains(steps, "LOWERCASE") {
		return "takes no path with other capitals"
	}
	return ""
}

// escaped is a path as a spec writes it.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

var regexSegment = regexp.MustCompile(`^(?:[A-Za-z0-9_~!@&=:,;% -]|\\[.+*?()|\[\]{}^$\\-])+$`)

// regex reads a regular expression of whole segments, as the compiler writes it for paths with {name}.
func (e *expr) regex(body *schema.Node) {
	text := body.Get("RegexString").String()
	steps, ok := pathField(body)
	switch {
	case text == undottedRegex:
		e.op = opDotted
		return
	case !ok || !strings.HasPrefix(text, "^/"):
		return
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return
	}
	kind := spec.PathPattern
	inner, whole := strings.CutSuffix(text[1:], "$")
	if prefix, open := strings.CutSuffix(text[1:], "(?:/|$)"); open {
		kind, inner, whole = spec.PathPrefix, prefix, true
	}
	if !whole {
		return
	}
	segments := strings.Split(strings.ReplaceAll(inner, "[^/]+", "{}"), "/")[1:]
	for i, s := range segments {
		switch {
		case s == "{}":
			segments[i] = "{part" + string(rune('a'+i%26)) + "}"
		case regexSegment.MatchString(s):
			segments[i] = escaped(strings.ReplaceAll(s, `\`, ""))
		default:
			return
		}
	}
	path := "/" + strings.Join(segments, "/")
	if kind == spec.PathPattern && !strings.Contains(path, "{") {
		kind = spec.PathExact
	}
	e.op, e.path = opPath, &pathTest{re: re, text: path, route: spec.PathMatch{Kind: kind, Path: path}, narrower: otherCases(steps)}
}

// join makes one comparison of /a and what begins with /a/.
func (e *expr) join() {
	for i := 0; i < len(e.of); i++ {
		whole := e.of[i]
		if whole.op != opPath || whole.path.how != "EXACTLY" {
			continue
		}
		for j, below := range e.of {
			if below.op != opPath || below.path.how != "STARTS_WITH" || below.path.text != whole.path.text+"/" {
				continue
			}
			e.of[i] = &expr{op: opPath, node: whole.node, path: &pathTest{
				how: "PREFIX", text: whole.path.text, route: below.path.route, narrower: whole.path.narrower,
			}}
			if e.of = slices.Delete(e.of, j, j+1); j < i {
				i--
			}
			break
		}
	}
	if len(e.of) == 1 {
		node := e.node
		*e = *e.of[0]
		e.node = node
	}
}

// paths reports whether only the path decides.
func (e *expr) paths() bool {
	if e.op == opOther || e.op == opMethod {
		return false
	}
	return !slices.ContainsFunc(e.of, func(of *expr) bool { return !of.paths() })
}

// fits reports whether a path in normal form fits an expression that only the path decides.
func (e *expr) fits(path string) bool {
	switch e.op {
	case opPath:
		return e.path.fits(path)
	case opDotted:
		return false
	case opAll:
		return !slices.ContainsFunc(e.of, func(of *expr) bool { return !of.fits(path) })
	case opAny:
		return slices.ContainsFunc(e.of, func(of *expr) bool { return of.fits(path) })
	case opNot:
		return !e.of[0].fits(path)
	}
	return true
}

// dotted reports whether an expression asks for paths with dot segments, which no route has.
func (e *expr) dotted() bool { return e.op == opDotted || slices.ContainsFunc(e.of, (*expr).dotted) }

// tests are the comparisons with paths in an expression.
func (e *expr) tests() (list []*pathTest) {
	if e.path != nil {
		list = append(list, e.path)
	}
	for _, of := range e.of {
		list = append(list, of.tests()...)
	}
	return list
}

// differs says for how many paths more, and for how many less, routes take what the expression takes.
func (e *expr) differs() (wider, narrower string) {
	if e.path != nil {
		wider, narrower = e.path.wider, e.path.narrower
	}
	for _, of := range e.of {
		w, n := of.differs()
		wider, narrower = cmp.Or(wider, w), cmp.Or(narrower, n)
	}
	if e.op == opNot {
		return narrower, wider
	}
	return wider, narrower
}

// split parts what has to fit into what only the path decides, nil: every path, and the rest.
func (e *expr) split() (scope *expr, rest []*expr) {
	all := []*expr{e}
	if e.op == opAll {
		all = e.of
	}
	scope = &expr{op: opAll, node: e.node}
	for _, of := range all {
		if of.paths() {
			scope.of = append(scope.of, of)
		} else {
			rest = append(rest, of)
		}
	}
	return scope, rest
}

// decoded is a path without escapes.
func decoded(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}
