package route_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/route"
	"skerry.dev/skerry/spec"
)

// reference matches the slow and obvious way: every route against the request, then the best of those that fit.
func reference(entrypoints []*spec.Entrypoint, x *exchange.Exchange) string {
	e := referenceHost(entrypoints, string(x.Req.Host))
	if e == nil {
		return "none"
	}
	var best *spec.Route
	for _, r := range e.Routes {
		if referenceFits(r, x) && (best == nil || referenceBetter(r, best)) {
			best = r
		}
	}
	if best == nil {
		return e.Meta.Name
	}
	s := e.Meta.Name + "/" + best.Name
	path := strings.Split(string(x.Req.Path), "/")
	for i, segment := range strings.Split(best.Match.Path.Path, "/") {
		if best.Match.Path.Kind != spec.PathExact && strings.HasPrefix(segment, "{") {
			s += " " + strings.Trim(segment, "{}") + "=" + path[i]
		}
	}
	return s
}

func referenceHost(entrypoints []*spec.Entrypoint, host string) (best *spec.Entrypoint) {
	length := -1
	for _, e := range entrypoints {
		for _, h := range e.Hosts {
			if h == host {
				return e
			}
			if strings.HasPrefix(h, "*") && strings.HasSuffix(host, h[1:]) && len(h) > length {
				best, length = e, len(h)
			}
		}
	}
	return best
}

func referenceSegments(m spec.PathMatch) []string {
	path := m.Path
	if m.Kind == spec.PathPrefix {
		path = strings.TrimSuffix(path, "/")
	}
	return strings.Split(path, "/")[1:]
}

func referenceFits(r *spec.Route, x *exchange.Exchange) bool {
	if m := r.Match.Methods; len(m) > 0 && !slices.Contains(m, string(x.Req.MethodName)) {
		return false
	}
	for _, h := range r.Match.Headers {
		if string(x.Req.Fields.Find([]byte(h.Name))) != h.Value {
			return false
		}
	}
	for _, q := range r.Match.Query {
		if !slices.Contains(strings.Split(string(x.Req.Query), "&"), q.Name+"="+q.Value) {
			return false
		}
	}
	if r.Match.Path.Kind == spec.PathAny || r.Match.Path.Kind == spec.PathPrefix && r.Match.Path.Path == "/" {
		return true
	}
	path, want := strings.Split(string(x.Req.Path), "/")[1:], referenceSegments(r.Match.Path)
	if len(path) < len(want) || r.Match.Path.Kind != spec.PathPrefix && len(path) != len(want) {
		return false
	}
	for i, w := range want {
		if path[i] != w && (r.Match.Path.Kind == spec.PathExact || w[:min(1, len(w))] != "{" || path[i] == "") {
			return false
		}
	}
	return true
}

// referenceBetter reports whether a goes before b, which stands before it in the document.
func referenceBetter(a, b *spec.Route) bool {
	if a.Match.Path.Kind != b.Match.Path.Kind {
		return a.Match.Path.Kind > b.Match.Path.Kind
	}
	if a.Match.Path.Kind != spec.PathAny {
		as, bs := referenceSegments(a.Match.Path), referenceSegments(b.Match.Path)
		if a.Match.Path.Path == "/" {
			as = nil
		}
		if b.Match.Path.Path == "/" {
			bs = nil
		}
		if len(as) != len(bs) {
			return len(as) > len(bs)
		}
		for i := range as {
			if an, bn := strings.HasPrefix(as[i], "{"), strings.HasPrefix(bs[i], "{"); an != bn {
				return bn
			}
		}
	}
	count := func(r *spec.Route) [3]int {
		return [3]int{min(1, len(r.Match.Methods)), len(r.Match.Headers), len(r.Match.Query)}
	}
	ac, bc := count(a), count(b)
	return slices.Compare(ac[:], bc[:]) > 0
}

func TestMatchesLikeTheReference(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "abcdefgh", "abcdefghi", ""})
	named := rapid.SampledFrom([]string{"a", "b", "abcdefgh", "{}", "{}"})
	host := rapid.SampledFrom([]string{"h", "a.h", "b.a.h", "*.h", "*.a.h", "*.b.a.h"})
	predicates := rapid.SampledFrom([]string{"", "", "", " GET", " POST", " A:1", " A:1 B:1", " q=1", " q=1 r=2 GET", " A:1 q=1"})
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		path := func(kind string) string {
			gen := segment
			if kind == "prefix" || kind == "pattern" {
				gen = named
			}
			list := rapid.SliceOfN(gen, 1, 4).Draw(t, "segments")
			for i := range list {
				if list[i] == "{}" {
					list[i] = fmt.Sprintf("{n%d}", i)
				}
			}
			return "/" + strings.Join(list, "/")
		}
		var entrypoints []*spec.Entrypoint
		var hosts []string
		for i, h := range rapid.SliceOfNDistinct(host, 1, 4, rapid.ID).Draw(t, "hosts") {
			var lines, seen []string
			for j := range rapid.IntRange(1, 12).Draw(t, "routes") {
				kind := rapid.SampledFrom([]string{"any", "prefix", "pattern", "exact"}).Draw(t, "kind")
				where := kind
				if kind != "any" {
					where += " " + path(kind)
				}
				when := predicates.Draw(t, "when")
				if shape := where; when == "" && slices.Contains(seen, shape) {
					continue // New would rightly call it unreachable
				} else if when == "" {
					seen = append(seen, shape)
				}
				lines = append(lines, fmt.Sprintf("r%d %s%s", j, where, when))
			}
			entrypoints = append(entrypoints, entry(fmt.Sprintf("e%d", i), h, lines...))
			hosts = append(hosts, strings.Replace(h, "*", "w.x", 1), strings.TrimPrefix(h, "*."))
		}
		tb, problems := route.New(entrypoints)
		for _, p := range problems {
			t.Fatal(p)
		}
		for range 20 {
			line := rapid.SampledFrom([]string{"GET ", "POST "}).Draw(t, "method") + rapid.SampledFrom(hosts).Draw(t, "host") + path("exact")
			line += rapid.SampledFrom([]string{"", "?q=1", "?r=2&q=1"}).Draw(t, "query") + rapid.SampledFrom([]string{"", " A:1", " B:1 A:1", " A:2"}).Draw(t, "fields")
			x := exchange.Acquire()
			fill(x, line)
			got, want := result(tb, x), reference(entrypoints, x)
			x.Release()
			if got != want {
				t.Fatalf("%s: got %q, want %q", line, got, want)
			}
			if strings.Contains(got, "/") {
				matched++
			}
		}
	})
	if matched == 0 {
		t.Fatal("nothing ever matched: the property was not tested")
	}
}

// bigSpec is n entrypoints of 50 routes each: 24 exact, 14 patterns, 12 prefixes, some with predicates.
func bigSpec(n int) []*spec.Entrypoint {
	all := make([]*spec.Entrypoint, n)
	for i := range all {
		var lines []string
		for j := range 12 {
			lines = append(lines,
				fmt.Sprintf("exact-%d exact /api/v1/resource-%d/list", j, j),
				fmt.Sprintf("page-%d exact /pages/about-%d", j, j),
				fmt.Sprintf("prefix-%d prefix /static/assets-%d", j, j),
				fmt.Sprintf("pattern-%d pattern /api/v1/resource-%d/{id}", j, j))
		}
		lines = append(lines, "post pattern /api/v1/resource-1/{id} POST", "deep pattern /api/v1/{resource}/{id}/items/{item}")
		hosts := fmt.Sprintf("shop-%d.customer.example.com", i)
		if i%10 == 0 {
			hosts = fmt.Sprintf("*.shop-%d.customer.example.com", i)
		}
		all[i] = entry(fmt.Sprintf("shop-%d", i), hosts, lines...)
	}
	return all
}

func BenchmarkMatch10000x50(b *testing.B) {
	tb := table(b, bigSpec(10000)...)
	type request struct{ host, path []byte }
	requests := make([]request, 1<<14)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range requests {
		e, k := rng.IntN(10000), rng.IntN(12)
		host := fmt.Sprintf("shop-%d.customer.example.com", e)
		if e%10 == 0 {
			host = "eu." + host
		}
		path := [...]string{
			fmt.Sprintf("/api/v1/resource-%d/list", k),
			fmt.Sprintf("/api/v1/resource-%d/%d", k, rng.IntN(1e6)),
			fmt.Sprintf("/api/v1/resource-%d/%d/items/%d", k, rng.IntN(1e6), k),
			fmt.Sprintf("/static/assets-%d/js/main.%d.js", k, rng.IntN(1e6)),
			fmt.Sprintf("/pages/about-%d", k),
		}[rng.IntN(5)]
		requests[i] = request{[]byte(host), []byte(path)}
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &requests[i&(len(requests)-1)]
		i++
		x.Req.Host, x.Req.Path = r.host, r.path
		if target, _ := tb.Match(x); target == nil {
			b.Fatalf("%s%s matches nothing", r.host, r.path)
		}
	}
}

func BenchmarkCompile10000x50(b *testing.B) {
	s := bigSpec(10000)
	b.ReportAllocs()
	for b.Loop() {
		table(b, s...)
	}
}
