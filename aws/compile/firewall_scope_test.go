package compile

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/spec"
)

var wafSegments = rapid.SampledFrom([]string{"a", "b", "ab", "v1", "a.b", "x-y", "~u"})

// wafRoute is a route of few segments, so that many meet.
func wafRoute(t *rapid.T, i int) *spec.Route {
	r := &spec.Route{Name: fmt.Sprintf("r%d", i)}
	kind := rapid.SampledFrom([]spec.PathKind{spec.PathAny, spec.PathPrefix, spec.PathPrefix, spec.PathPattern, spec.PathExact, spec.PathExact}).Draw(t, "kind")
	r.Match.Path.Kind = kind
	if kind != spec.PathAny {
		named := false
		for n := range rapid.IntRange(1, 3).Draw(t, "depth") {
			s := wafSegments.Draw(t, "segment")
			if kind != spec.PathExact && rapid.IntRange(0, 3).Draw(t, "named") == 0 {
				s, named = fmt.Sprintf("{n%d}", n), true
			}
			r.Match.Path.Path += "/" + s
		}
		if kind == spec.PathPattern && !named {
			r.Match.Path.Path += "/{last}"
		}
		if kind == spec.PathPrefix && rapid.Bool().Draw(t, "slash") {
			r.Match.Path.Path += "/"
		}
		if kind == spec.PathPrefix && rapid.IntRange(0, 9).Draw(t, "root") == 0 {
			r.Match.Path.Path = "/"
		}
	}
	switch rapid.IntRange(0, 7).Draw(t, "ask") {
	case 0:
		r.Match.Methods = []string{"GET"}
	case 1:
		r.Match.Methods = []string{"POST", "PUT"}
	case 2:
		r.Match.Headers = []spec.Pair{{Name: "X-Beta", Value: "1"}}
	case 3:
		r.Match.Query = []spec.Pair{{Name: "q", Value: "*"}}
	}
	return r
}

func wafRequest(t *rapid.T) *wafReq {
	r := &wafReq{method: rapid.SampledFrom([]string{"GET", "HEAD", "POST", "DELETE"}).Draw(t, "method"), headers: map[string]string{}, query: map[string]string{}, labels: map[string]bool{}}
	for range rapid.IntRange(1, 4).Draw(t, "n") {
		r.path += "/" + wafSegments.Draw(t, "part")
	}
	if rapid.IntRange(0, 4).Draw(t, "end") == 0 {
		r.path += "/"
	}
	if rapid.Bool().Draw(t, "beta") {
		r.headers["x-beta"] = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value")
	}
	if rapid.Bool().Draw(t, "query") {
		r.query["q"] = "x"
	}
	return r
}

// wafTaken is the route that takes a request in normal form, by the words of package route; nil: none.
func wafTaken(e *spec.Entrypoint, r *wafReq) *spec.Route {
	var best *spec.Route
	var bestRank []int
	for i, route := range e.Routes {
		rank, ok := wafRank(&route.Match, r)
		if rank = append(rank, i); ok && (best == nil || slices.Compare(rank, bestRank) < 0) {
			best, bestRank = route, rank
		}
	}
	return best
}

func wafRank(m *spec.Match, r *wafReq) (rank []int, ok bool) {
	want, got := strings.Split(strings.Trim(m.Path.Path, "/"), "/"), strings.Split(r.path, "/")[1:]
	kind := map[spec.PathKind]int{spec.PathExact: 0, spec.PathPattern: 1, spec.PathPrefix: 2, spec.PathAny: 3}[m.Path.Kind]
	if m.Path.Kind == spec.PathAny || strings.Trim(m.Path.Path, "/") == "" {
		want = nil
	}
	names := 0
	if len(want) > len(got) || kind < 2 && len(want) != len(got) {
		return nil, false
	}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && got[i] != "":
			names |= 1 << (31 - i)
		case w != got[i]:
			return nil, false
		}
	}
	methods := 1
	if len(m.Methods) > 0 {
		methods = 0
		if !slices.Contains(m.Methods, r.method) && !(r.method == "HEAD" && slices.Contains(m.Methods, "GET")) {
			return nil, false
		}
	}
	for _, h := range m.Headers {
		if v, there := r.headers[strings.ToLower(h.Name)]; !there || h.Value != "*" && v != h.Value {
			return nil, false
		}
	}
	for _, q := range m.Query {
		if _, there := r.query[q.Name]; !there {
			return nil, false
		}
	}
	return []int{kind, -len(want), names, methods, -len(m.Headers), -len(m.Query)}, true
}

// wafDisguise writes a path in another form with the same normal form.
func wafDisguise(t *rapid.T, p string) string {
	var b strings.Builder
	for i := range len(p) {
		c := p[i]
		switch {
		case c == '/' && rapid.IntRange(0, 5).Draw(t, "dot") == 0:
			b.WriteString("/.")
		case c == '/' && rapid.IntRange(0, 5).Draw(t, "dots") == 0:
			b.WriteString("/zz/..")
		}
		if c != '/' && rapid.IntRange(0, 3).Draw(t, "code") == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// A scope fits exactly the requests of its routes; of requests in disguise a wide one misses none, and a narrow one takes none of others.
func TestReachFitsWhatRoutesTake(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := &spec.Entrypoint{}
		for i := range rapid.IntRange(0, 7).Draw(rt, "routes") {
			e.Routes = append(e.Routes, wafRoute(rt, i))
		}
		l := newLanes(e)
		in := make([]bool, len(l.routes)+1)
		for i := range in {
			in[i] = rapid.Bool().Draw(rt, "in")
		}
		wide, narrow := l.reach(in, true), l.reach(in, false)
		for range 30 {
			r := wafRequest(rt)
			lane := len(l.routes)
			if route := wafTaken(e, r); route != nil {
				lane = slices.Index(l.routes, route)
			}
			sent := r.path
			for _, s := range []*statement{wide, narrow} {
				if got := s != none && wafFits(t, s, r); got != in[lane] {
					rt.Fatalf("%s %s goes to %d, which is in: %v, but the scope says %v", r.method, sent, lane, in[lane], got)
				}
			}
			if r.path = wafDisguise(rt, sent); path.Clean(r.path) == "/" {
				continue
			}
			if got := wide != none && wafFits(t, wide, r); in[lane] && !got {
				rt.Fatalf("%s (%s) goes to %d, which the wide scope misses", r.path, sent, lane)
			}
			if got := narrow != none && wafFits(t, narrow, r); !in[lane] && got {
				rt.Fatalf("%s (%s) goes to %d, which the narrow scope takes", r.path, sent, lane)
			}
		}
	})
}

func TestReachOfPaths(t *testing.T) {
	long := "/" + strings.Repeat("x", 300)
	for _, c := range []struct {
		match        spec.PathMatch
		path         string
		wide, narrow bool
	}{
		{spec.PathMatch{Kind: spec.PathExact, Path: "/caf%C3%A9"}, "/caf%C3%A9", true, true},
		{spec.PathMatch{Kind: spec.PathExact, Path: "/caf%C3%A9"}, "/caf%c3%a9", true, false},
		{spec.PathMatch{Kind: spec.PathExact, Path: "/caf%C3%A9"}, "/café", true, false},
		{spec.PathMatch{Kind: spec.PathExact, Path: "/a+b"}, "/a+b", true, true},
		{spec.PathMatch{Kind: spec.PathExact, Path: "/a//b"}, "/a//b", true, true},
		{spec.PathMatch{Kind: spec.PathExact, Path: "/a//b"}, "/%61//b", true, false},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/a"}, "/a", true, true},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/a"}, "/ab", false, false},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/a"}, "/b/../a/c", true, false},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/"}, "/anything", true, true},
		{spec.PathMatch{Kind: spec.PathExact, Path: long}, long, true, false},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: long}, long + "/c", true, false},
		{spec.PathMatch{Kind: spec.PathPattern, Path: "/u/{id}/a+b"}, "/u/7/a+b", true, true},
		{spec.PathMatch{Kind: spec.PathPattern, Path: "/u/{id}/" + long[1:]}, "/u/7" + long, true, false},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/u/{id}"}, "/u/7/x", true, true},
		{spec.PathMatch{Kind: spec.PathPrefix, Path: "/u/{id}"}, "/u/", false, false},
	} {
		l := newLanes(&spec.Entrypoint{Routes: []*spec.Route{{Name: "r", Match: spec.Match{Path: c.match}}}})
		r := &wafReq{method: "GET", path: c.path}
		for _, wide := range []bool{true, false} {
			s := l.reach([]bool{true, false}, wide)
			want := c.wide && wide || c.narrow && !wide
			if got := s != none && wafFits(t, s, r); got != want {
				t.Errorf("%v, wide %v: %.40s fits: %v, want %v", c.match, wide, c.path, got, want)
			}
		}
	}
}

// Conditions that no statement can say make a scope wider or narrower, never wrong.
func TestReachOfConditionsThatCannotBeSaid(t *testing.T) {
	long := strings.Repeat("v", 201)
	for _, m := range []spec.Match{
		{Query: []spec.Pair{{Name: strings.Repeat("q", 31), Value: "*"}}},
		{Headers: []spec.Pair{{Name: "X-A", Value: long}}},
	} {
		l := newLanes(&spec.Entrypoint{Routes: []*spec.Route{{Name: "r", Match: m}}})
		if s := l.reach([]bool{true, false}, true); s != nil {
			t.Errorf("%.60v: the wide scope leaves requests out", m)
		}
		if s := l.reach([]bool{true, false}, false); s != none {
			t.Errorf("%.60v: the narrow scope takes requests", m)
		}
	}
}

func TestGroupsBeginWithTheRest(t *testing.T) {
	head := func(n spec.Size) spec.Policy { return spec.Policy{HeadMax: &n} }
	e := &spec.Entrypoint{Policy: head(1), Routes: []*spec.Route{
		{Name: "b", Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathExact, Path: "/b"}}, Policy: head(3), At: spec.Pos{File: "f", Line: 1}},
		{Name: "a", Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathExact, Path: "/a"}}, Policy: head(2), At: spec.Pos{File: "f", Line: 2}},
		{Name: "c", Match: spec.Match{Path: spec.PathMatch{Kind: spec.PathExact, Path: "/c"}}, Policy: head(1), At: spec.Pos{File: "f", Line: 3}},
	}}
	var keys []string
	for _, g := range newLanes(e).by(func(p *spec.Policy) string { return fmt.Sprint(*p.HeadMax) }) {
		keys = append(keys, fmt.Sprint(g.key, g.at.Line, g.name("x") == "x"))
	}
	if got := strings.Join(keys, "; "); got != "10 true; 22 false; 31 false" && got != "1 0 true; 2 2 false; 3 1 false" {
		t.Error(got)
	}
}
