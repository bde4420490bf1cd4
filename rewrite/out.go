package rewrite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Out is the stage right before a route's service that changes host and path for it, and maps what the service says of
// them back. NewOut makes it.
type Out struct {
	host     []byte    // nil: as the service says
	path     []segment // nil: unchanged
	replaces bool      // the matched prefix
	depth    int       // its segments
	prefix   []byte    // what stands in its place, without a '/' at its end: nothing to strip it
	raw      bool      // the service gets paths as sent
	inside   [][]byte  // hosts that the service is asked by in place of the client's
	public   bool      // the service is asked by the client's host
}

// segment is a part of a path: text from '/' to '/', or the value of a {name}.
type segment struct {
	literal []byte
	param   int // which {name} of the match; -1: literal
}

// errParam ends an exchange whose path cannot be made: match and rewrite belong to each other, so this is a bug.
var errParam = fault.New(fault.Internal, "BUG: a {name} of `rewrite.path` has no value that is one segment")

// NewOut compiles a route's rewrite, nil if it has none or no service.
func NewOut(r *spec.Route) (*Out, []fault.Problem) {
	w := r.Rewrite
	if w == nil || len(r.To.Services) == 0 {
		return nil, nil
	}
	s := &Out{raw: r.Policy.Path != nil && *r.Policy.Path == spec.PathRaw}
	var problems []fault.Problem
	bad := func(text, fix string) {
		if text != "" {
			problems = append(problems, fault.Problem{Text: "rewrite." + text, Fix: fix})
		}
	}
	if w.Path != "" && w.Prefix != "" {
		bad("prefix: path is set as well", "leave one of them out")
	}
	if w.Host != "" {
		host, port, err := exchange.NormalHost([]byte(w.Host), new(exchange.Scratch))
		if err != nil {
			bad(fmt.Sprintf("host: %q is no host: %v", w.Host, err), "write www.example.com, with a port if it needs one")
		}
		if s.host = bytes.Clone(host); port != 0 {
			s.host = fmt.Appendf(s.host, ":%d", port)
		}
	}
	if w.Path != "" {
		bad(s.compilePath(w.Path, paramNames(r.Match.Path)))
	}
	if w.Prefix != "" {
		bad(s.compilePrefix(w.Prefix, r.Match.Path))
	}
	s.hosts(w, r.To.Services)
	return s, problems
}

// compilePath splits a path at its {name}s, each of which is a whole segment.
func (s *Out) compilePath(path string, names []string) (bad, fix string) {
	if text := badPath(path); text != "" {
		return "path: " + text, "write /new/{name}"
	}
	literal := ""
	for text := range strings.SplitSeq(path[1:], "/") {
		literal += "/"
		if !strings.ContainsAny(text, "{}") {
			literal += text
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
		i := slices.Index(names, name)
		if text != "{"+name+"}" || i < 0 {
			return fmt.Sprintf("path: %q is no {name} of the match, alone in its segment", text), "write /new/{name}, with names of match.path"
		}
		s.path = append(s.path, segment{[]byte(literal), -1}, segment{nil, i})
		literal = ""
	}
	if literal != "" {
		s.path = append(s.path, segment{[]byte(literal), -1})
	}
	return "", ""
}

func (s *Out) compilePrefix(prefix string, match spec.PathMatch) (bad, fix string) {
	if match.Kind != spec.PathPrefix && match.Kind != spec.PathAny {
		return "prefix: the match has no prefix that it could replace", "match path.prefix, or use rewrite.path"
	}
	if text := badPath(prefix); text != "" {
		return "prefix: " + text, "write /new, or / to strip the matched prefix"
	}
	if strings.ContainsAny(prefix, "{}") {
		return "prefix: it has braces", "only rewrite.path takes a {name}"
	}
	s.replaces, s.prefix = true, []byte(strings.TrimRight(prefix, "/"))
	if matched := strings.Trim(match.Path, "/"); matched != "" { // every path has the prefix "/"
		s.depth = strings.Count(matched, "/") + 1
	}
	return "", ""
}

// badPath says what is wrong with a path for a service.
func badPath(path string) string {
	normal, err := exchange.NormalPath([]byte(path), new(exchange.Scratch))
	switch {
	case err != nil:
		return fmt.Sprintf("%q: %v", path, err)
	case string(normal) != path:
		return fmt.Sprintf("%q is not in normal form, which is %q", path, normal)
	case strings.Contains(path, "//"):
		return fmt.Sprintf("%q has an empty segment", path)
	}
	return ""
}

// hosts notes by which hosts the services are asked.
func (s *Out) hosts(w *spec.Rewrite, services []spec.Weighted) {
	if w.Host != "" {
		s.addInside(w.Host)
		return
	}
	for _, to := range services {
		switch {
		case to.Service == nil:
		case to.Service.Host == spec.HostName:
			s.addInside(to.Service.HostName)
		case to.Service.Host == spec.HostEndpoint:
			for _, e := range to.Service.Endpoints {
				if e.Addr.Is6() {
					e.Host = "[" + e.Host + "]"
				}
				s.addInside(e.Host)
			}
		default:
			s.public = true
		}
	}
}

func (s *Out) addInside(authority string) {
	if host, _, err := exchange.NormalHost([]byte(authority), new(exchange.Scratch)); err == nil {
		s.inside = append(s.inside, bytes.Clone(host))
	}
}

// Name is "out".
func (s *Out) Name() string { return "out" }

// Request sets what the service gets.
func (s *Out) Request(x *exchange.Exchange) exchange.Verdict {
	r := &x.Req
	if s.host != nil {
		r.ToHost = s.host
	}
	if len(r.Path) == 0 || r.Path[0] != '/' { // OPTIONS *
		return exchange.Next
	}
	switch {
	case s.path != nil:
		if r.ToPath = s.fill(x); r.ToPath == nil {
			return x.Fail(errParam)
		}
	case s.replaces:
		r.ToPath = join(x, s.prefix, s.rest(r))
	}
	return exchange.Next
}

// fill returns the path with its values, nil if one is not a segment. Values are parts of a path in normal form: they are
// no dot segments, neither to the edge nor to a server that reads them otherwise.
func (s *Out) fill(x *exchange.Exchange) []byte {
	params, size := x.Facts.Entry.Params, 0
	for i := range s.path {
		p := &s.path[i]
		size += len(p.literal)
		if p.param < 0 {
			continue
		}
		if p.param >= len(params) {
			return nil
		}
		value := params[p.param].Value
		if len(value) == 0 || bytes.IndexByte(value, '/') >= 0 || !visible(value) {
			return nil
		}
		size += len(value)
	}
	out, n := x.Scratch.Alloc(size), 0
	for i := range s.path {
		if p := &s.path[i]; p.param < 0 {
			n += copy(out[n:], p.literal)
		} else {
			n += copy(out[n:], params[p.param].Value)
		}
	}
	return out
}

// rest is the path behind the matched prefix: of the path as sent if the route wants that, otherwise of the normal form.
// What was sent can only be cut where both begin with the same bytes. One with dot segments is never cut: "/a/../a/x" is
// below /a, but what is left of it, "/../a/x", leads out of whatever it is put behind.
func (s *Out) rest(r *exchange.Request) []byte {
	end := prefixEnd(r.Path, s.depth)
	if s.raw && len(r.RawPath) > 0 && r.RawPath[0] == '/' && !exchange.HasDotSegment(r.RawPath) {
		if sent := prefixEnd(r.RawPath, s.depth); bytes.Equal(r.RawPath[:sent], r.Path[:end]) {
			return r.RawPath[sent:]
		}
	}
	return r.Path[end:]
}

// prefixEnd is where the first depth segments of a path end.
func prefixEnd(path []byte, depth int) int {
	end := 0
	for ; depth > 0; depth-- {
		i := bytes.IndexByte(path[min(end+1, len(path)):], '/')
		if i < 0 {
			return len(path)
		}
		end += 1 + i
	}
	return end
}

// join puts a prefix without '/' at its end before a rest that is empty or begins with one. The result is never empty,
// and never begins with two slashes, which would be a host to whoever takes it for a URL.
func join(x *exchange.Exchange, prefix, rest []byte) []byte {
	if len(prefix) == 0 {
		for len(rest) > 1 && rest[0] == '/' && rest[1] == '/' {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return rootPath
		}
		return rest
	}
	out := x.Scratch.Alloc(len(prefix) + len(rest))
	copy(out[copy(out, prefix):], rest)
	return out
}
