package compile

import (
	"cmp"
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
)

// A glob is the paths that a route takes, or that a pattern of CloudFront stands for. Each element stands for one byte, or, if it
// repeats, for any number of them.
type glob []element

// element is one byte of a path, or a set of them.
type element struct {
	set     set
	literal byte // with setLiteral
	repeats bool // none or more of them
}

// set is which bytes an element stands for.
type set uint8

const (
	setLiteral set = iota
	setAny         // every byte: what * and ? are to CloudFront
	setSegment     // every byte but the slash: what a {name} is made of
)

// in reports whether every byte of e is one of f.
func (e element) in(f element) bool {
	switch f.set {
	case setAny:
		return true
	case setSegment:
		return e.set == setSegment || e.set == setLiteral && e.literal != '/'
	}
	return e.set == setLiteral && e.literal == f.literal
}

// meets reports whether some byte is one of both.
func (e element) meets(f element) bool { return e.in(f) || f.in(e) }

// literalGlob is one path.
func literalGlob(path string) glob {
	g := make(glob, len(path))
	for i := range len(path) {
		g[i] = element{literal: path[i]}
	}
	return g
}

// segmentGlob is a path in which {name} stands for one segment that is not empty.
func segmentGlob(path string) (g glob) {
	for path != "" {
		segment, rest := path[1:], ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, rest = segment[:i], segment[i:]
		}
		if g = append(g, element{literal: '/'}); isName(segment) {
			g = append(g, element{set: setSegment}, element{set: setSegment, repeats: true})
		} else {
			g = append(g, literalGlob(segment)...)
		}
		path = rest
	}
	return g
}

// isName reports whether a segment of a pattern is a {name}.
func isName(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}'
}

// everyPath is every path.
var everyPath = glob{{set: setAny, repeats: true}}

// below is what stands in a directory and in those in it.
func (g glob) below() glob {
	return append(slices.Clone(g), element{literal: '/'}, element{set: setAny, repeats: true})
}

// covers reports whether every path of h is one of g. It may say no where it is so; it never says yes where it is not.
func (g glob) covers(h glob) bool {
	for ; len(g) > 0 && !g[0].repeats; g, h = g[1:], h[1:] { // most pairs part early
		if len(h) == 0 || h[0].repeats || !h[0].in(g[0]) {
			return false
		}
	}
	if len(g) == 0 {
		return len(h) == 0
	}
	seen := make([]bool, (len(g)+1)*(len(h)+1)) // and did not lead to the end
	var walk func(i, j int) bool
	walk = func(i, j int) bool {
		at := i*(len(h)+1) + j
		if seen[at] {
			return false
		}
		seen[at] = true
		switch {
		case i == len(g):
			return j == len(h)
		case g[i].repeats:
			return walk(i+1, j) || j < len(h) && h[j].in(g[i]) && walk(i, j+1)
		case j == len(h) || h[j].repeats || !h[j].in(g[i]):
			return false
		}
		return walk(i+1, j+1)
	}
	return walk(0, 0)
}

// meets reports whether some path is one of both.
func (g glob) meets(h glob) bool {
	for ; len(g) > 0 && len(h) > 0 && !g[0].repeats && !h[0].repeats; g, h = g[1:], h[1:] {
		if !g[0].meets(h[0]) {
			return false
		}
	}
	seen := make([]bool, (len(g)+1)*(len(h)+1))
	var walk func(i, j int) bool
	walk = func(i, j int) bool {
		at := i*(len(h)+1) + j
		if seen[at] {
			return false
		}
		seen[at] = true
		more, other := i < len(g) && g[i].repeats, j < len(h) && h[j].repeats
		switch {
		case i == len(g) && j == len(h), more && walk(i+1, j), other && walk(i, j+1):
			return true
		case i == len(g) || j == len(h) || !g[i].meets(h[j]):
			return false
		case more && other:
			return false // what both take, one of them may as well leave
		case more:
			return walk(i, j+1)
		case other:
			return walk(i+1, j)
		}
		return walk(i+1, j+1)
	}
	return walk(0, 0)
}

// patternBytes are those that CloudFront takes in a path pattern, but for its wildcards.
const patternBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$/~\"'@:+&"

// pattern is the smallest pattern of CloudFront for the paths of g. What cannot be written in one becomes a wildcard: ? for a
// byte, and * for a percent-code, since nobody says in which form CloudFront compares it. A {name} becomes *, which crosses
// slashes.
func (g glob) pattern() string {
	var out strings.Builder
	for i := 0; i < len(g); i++ {
		star := g[i].repeats
		switch e := g[i]; {
		case star:
		case e.set == setLiteral && e.literal == '%':
			i, star = min(i+2, len(g)-1), true
		case e.set == setLiteral && strings.IndexByte(patternBytes, e.literal) >= 0:
			out.WriteByte(e.literal)
		case e.set == setSegment: // the repeated one follows
		default:
			out.WriteByte('?')
		}
		if star && !strings.HasSuffix(out.String(), "*") {
			out.WriteByte('*')
		}
	}
	if p := out.String(); len(p) > patternMax {
		return p[:patternMax-1] + "*"
	}
	return out.String()
}

// patternGlob reads a pattern of CloudFront.
func patternGlob(pattern string) glob {
	g := make(glob, len(pattern))
	for i := range len(pattern) {
		switch c := pattern[i]; c {
		case '*':
			g[i] = element{set: setAny, repeats: true}
		case '?':
			g[i] = element{set: setAny}
		default:
			g[i] = element{literal: c}
		}
	}
	return g
}

// ranked is a route with what package route orders it by.
type ranked struct {
	route *spec.Route
	kind  spec.PathKind
	depth int    // segments
	named uint32 // bit 31 for the first segment, and so on down: which are {name}s
	globs []glob // the paths that it takes, exactly
}

// ranks are the routes in the order in which they are asked: the first one whose path and conditions fit takes a request. It is
// the order of package route: exact paths, patterns, prefixes, each by depth and with static segments first, then what takes
// every path; among those of one path the more demanding first.
func ranks(routes []*spec.Route) []ranked {
	list := make([]ranked, len(routes))
	for i, r := range routes {
		list[i] = rank(r)
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.kind, a.kind), cmp.Compare(b.depth, a.depth), cmp.Compare(a.named, b.named), demands(a.route, b.route))
	})
	return list
}

func rank(r *spec.Route) ranked {
	out := ranked{route: r, kind: r.Match.Path.Kind}
	path := r.Match.Path.Path
	switch out.kind {
	case spec.PathAny:
		out.globs = []glob{everyPath}
		return out
	case spec.PathExact:
		out.globs = []glob{literalGlob(path)}
		return out
	case spec.PathPrefix:
		path = strings.TrimSuffix(path, "/")
	}
	for i, segment := range segmentsOf(path) {
		out.depth++
		if isName(segment) {
			out.named |= 1 << (31 - i)
		}
	}
	whole := segmentGlob(path)
	switch {
	case out.kind == spec.PathPattern:
		out.globs = []glob{whole}
	case path == "":
		out.globs = []glob{everyPath}
	default:
		out.globs = []glob{whole, whole.below()}
	}
	return out
}

// segmentsOf cuts a path at its slashes; none for the empty one.
func segmentsOf(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path[1:], "/")
}

// demands puts the more demanding of two routes first: with methods, then with more fields, then with more parameters.
func demands(a, b *spec.Route) int {
	m, n := &a.Match, &b.Match
	return cmp.Or(cmp.Compare(min(len(n.Methods), 1), min(len(m.Methods), 1)), cmp.Compare(len(n.Headers), len(m.Headers)),
		cmp.Compare(len(n.Query), len(m.Query)))
}

// conditional reports whether a route asks for more than a path.
func conditional(r *spec.Route) bool {
	return len(r.Match.Methods)+len(r.Match.Headers)+len(r.Match.Query) > 0
}

// may reports whether the route may take a path of g that none of the patterns before it has taken.
func (r *ranked) may(g glob, before []glob) bool {
	return slices.ContainsFunc(r.globs, func(own glob) bool {
		return own.meets(g) && !slices.ContainsFunc(before, func(b glob) bool { return b.covers(own) })
	})
}

// takes reports whether the path alone sends every request of g to the route, if its conditions hold.
func (r *ranked) takes(g glob) bool {
	return slices.ContainsFunc(r.globs, func(own glob) bool { return own.covers(g) })
}
