package spec

import (
	"fmt"
	"slices"
	"strings"
)

type rewriteDoc struct{ host, path, prefix val[string] }

var rewrite = object[rewriteDoc]{
	name: "rewrite", doc: "What the service gets instead of what the client sent; Location of its answers is mapped back.",
	fields: []field[*rewriteDoc]{
		row("host", func(r *rewriteDoc) *val[string] { return &r.host }, hostText, "The Host that the service gets."),
		row("path", func(r *rewriteDoc) *val[string] { return &r.path }, words(rewrittenPath, pathInSchema),
			"The whole path that the service gets; {name} stands for a segment of the match."),
		row("prefix", func(r *rewriteDoc) *val[string] { return &r.prefix }, words(rewrittenPrefix, pathInSchema),
			"What stands in place of the prefix of the match: / strips it."),
	},
	check: func(l *log, at Pos, r *rewriteDoc) {
		switch {
		case r.path.given() && r.prefix.given():
			l.refuse(r.prefix.At, "keep one of them", "a rewrite has either a path or a prefix")
		case !r.host.given() && !r.path.given() && !r.prefix.given():
			l.refuse(at, "give it a host, a path or a prefix, or remove it", "the rewrite changes nothing")
		}
	},
}

// rewrittenPath checks a path that a service gets. A {name} is a whole segment: a value beside other text could make "..".
func rewrittenPath(s string) (bad, fix string) {
	if bad, fix = servicePath(s); bad != "" {
		return bad, fix
	}
	for segment := range strings.SplitSeq(s, "/") {
		if _, ok := segmentName(segment); !ok && strings.ContainsAny(segment, "{}") {
			return fmt.Sprintf("%q is not a {name} for one whole segment", clip(segment)), "write /{name}/: letters, digits and _ in braces"
		}
	}
	return "", ""
}

func rewrittenPrefix(s string) (bad, fix string) {
	switch {
	case strings.HasSuffix(s, "//"):
		return fmt.Sprintf("the prefix %q ends with an empty segment", clip(s)), "write it with one / at its end, or none"
	case strings.ContainsAny(s, "{}"):
		return fmt.Sprintf("the prefix %q has braces in it", clip(s)), "use `path` with the {name} segments of the match"
	}
	return servicePath(s)
}

// servicePath checks the syntax of a path that is sent; plan holds it against the normal form.
func servicePath(s string) (bad, fix string) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("the path %q does not begin with /", clip(s)), "write /" + clip(strings.TrimLeft(s, "."))
	case len(s) > textBytesMax:
		return fmt.Sprintf("the path has %d bytes, the limit is %d", len(s), textBytesMax), ""
	case strings.ContainsAny(s, "?#"):
		return fmt.Sprintf("the path %q has a ? or # in it", clip(s)), "the query of a request is kept; write # as %23 and ? as %3F"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Sprintf("the path %q has white space in it", clip(s)), "write it as %20"
	}
	return "", ""
}

// checkRewrite is what a rewrite needs of its route.
func checkRewrite(l *log, r *routeDoc) {
	w := r.rewrite
	if !w.given() {
		return
	}
	if !r.service.given() && !r.services.given() && (r.redirect.given() || r.respond.given()) {
		l.refuse(w.At, "remove it", "nothing is sent to a service here, so there is nothing to rewrite")
	}
	if w.V.prefix.Set && !r.match.V.prefix.given() && (!r.match.given() || r.match.Clean) {
		l.refuse(w.V.prefix.At, "match by `prefix`; `prefix: /` is every path", "there is no prefix to replace: the match has none")
	}
	if w.V.path.Set && (!r.match.given() || r.match.Clean) {
		known := matchNames(r)
		for _, p := range placeholders(w.V.path.V) {
			if !slices.Contains(known, p) {
				l.refuse(w.V.path.At, instead(p, "placeholder", known), "the rewrite uses %s, which the match does not have", clip(p))
			}
		}
	}
}

// matchNames are the placeholders of a match, with their braces.
func matchNames(r *routeDoc) (known []string) {
	for segment := range strings.SplitSeq(r.match.V.path.V+r.match.V.prefix.V, "/") {
		if name, ok := segmentName(segment); ok {
			known = append(known, "{"+name+"}")
		}
	}
	return known
}

// model is the rewrite in normal form: a prefix without its last slash, unless that is all of it.
func (d rewriteDoc) model() *Rewrite {
	w := &Rewrite{Path: d.path.V, Prefix: d.prefix.V}
	if d.host.Set {
		w.Host = foldHost(d.host.V)
	}
	if w.Prefix != "/" {
		w.Prefix = strings.TrimSuffix(w.Prefix, "/")
	}
	return w
}

func rewriteDocOf(w *Rewrite) val[rewriteDoc] {
	if w == nil {
		return val[rewriteDoc]{}
	}
	return said(rewriteDoc{saidText(w.Host), saidText(w.Path), saidText(w.Prefix)})
}
