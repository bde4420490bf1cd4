package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
)

// pathPattern is the pattern of a cache behaviour.
type pathPattern struct {
	text  string         // with its slash at the beginning
	kind  patternKind    //
	match spec.PathMatch // what a route has for it; of patternOther: nothing
}

type patternKind uint8

const (
	patternOther patternKind = iota // no route can say it
	patternExact                    // /a
	patternBelow                    // /a/*
	patternEvery                    // *
)

// patternOf reads a pattern. CloudFront takes one without a slash at its beginning as if it had one.
func patternOf(text string) pathPattern {
	if text == "*" || text == "/*" {
		return pathPattern{text: text, kind: patternEvery, match: spec.PathMatch{Kind: spec.PathAny}}
	}
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "*") {
		text = "/" + text
	}
	p := pathPattern{text: text}
	below, is := strings.CutSuffix(text, "/*")
	switch {
	case is && isNormal(below) && !strings.HasSuffix(below, "/"):
		p.kind, p.match = patternBelow, spec.PathMatch{Kind: spec.PathPrefix, Path: below}
	case !is && isNormal(text):
		p.kind, p.match = patternExact, exactly(text)
	}
	return p
}

func exactly(path string) spec.PathMatch { return spec.PathMatch{Kind: spec.PathExact, Path: path} }

// isNormal reports whether a path is one that a match takes as it stands: without wildcards, codes, and segments that normal
// forms do not have.
func isNormal(path string) bool {
	if !strings.HasPrefix(path, "/") || len(path) > textBytesMax || strings.Count(path, "/") > segmentsMax || strings.ContainsAny(path, "*?#%{}\\") ||
		strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

// takes reports whether CloudFront's pattern stands for a path.
func (p pathPattern) takes(path string) bool { return globTakes(p.text, path) }

// globTakes matches * with any number of bytes, and ? with one.
func globTakes(pattern, path string) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(path) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, back = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == path[j]):
			i, j = i+1, j+1
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}

// covers reports whether a pattern stands for all paths of another one: never yes where it does not.
func (p pathPattern) covers(q pathPattern) bool {
	switch p.kind {
	case patternEvery:
		return true
	case patternExact:
		return q.kind == patternExact && p.text == q.text
	case patternBelow:
		return q.text == p.text || strings.HasPrefix(q.text, strings.TrimSuffix(p.text, "*"))
	}
	return q.text == p.text || q.kind == patternExact && p.takes(q.text)
}

// witness is a path that a pattern stands for.
func (p pathPattern) witness() string {
	path := strings.NewReplacer("*", "x", "?", "x").Replace(p.text)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// taker is the route that takes a path in a spec: an exact path before prefixes, of which the longest.
func taker(routes []*route, path string) *route {
	var found *route
	for _, r := range routes {
		switch m := r.match; m.Kind {
		case spec.PathExact:
			if m.Path == path {
				return r
			}
		case spec.PathPrefix:
			if (path == m.Path || strings.HasPrefix(path, m.Path+"/")) && (found == nil || len(found.match.Path) < len(m.Path)) {
				found = r
			}
		case spec.PathAny:
			if found == nil {
				found = r
			}
		}
	}
	return found
}

// routeName is a name for a route that no other one has.
func (e *entry) routeName(m spec.PathMatch) string {
	base := nameOf(m.Path)
	switch {
	case m.Kind == spec.PathAny:
		base = "default"
	case base == "":
		base = "root"
	}
	name := base
	for i := 2; slices.ContainsFunc(e.routes, func(r *route) bool { return r.name == name }); i++ {
		name = base[:min(len(base), nameBytesMax-len("-999"))] + "-" + number(i)
	}
	return name
}
