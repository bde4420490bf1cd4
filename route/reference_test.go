package route_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
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

// bigSpec is n entrypoints of 50 routes each: 24 exact, 14 patterns, 12 prefixes. Alike, they all have the same paths, as
// entrypoints made from one pattern have; otherwise no path stands in two of them.
func bigSpec(n int, alike bool) []*spec.Entrypoint {
	all := make([]*spec.Entrypoint, n)
	for i := range all {
		own := i
		if alike {
			own = 0
		}
		var lines []string
		for j := range 12 {
			lines = append(lines,
				fmt.Sprintf("exact-%d exact /api/v1/resource-%05d-%x/list", j, own, j),
				fmt.Sprintf("page-%d exact /pages/about-%05d-%x", j, own, j),
				fmt.Sprintf("prefix-%d prefix /static/assets-%05d-%x", j, own, j),
				fmt.Sprintf("pattern-%d pattern /api/v1/resource-%05d-%x/{id}", j, own, j))
		}
		lines = append(lines, fmt.Sprintf("post pattern /api/v1/resource-%05d-1/{id} POST", own), "deep pattern /api/v1/{resource}/{id}/items/{item}")
		host := fmt.Sprintf("shop-%05d.customer.example.com", i)
		if i%10 == 0 {
			host = "*." + host
		}
		all[i] = entry(fmt.Sprintf("shop-%d", i), host, lines...)
	}
	return all
}

// BenchmarkMatch10000x50 asks for another host and path each time. As on the wire, the bytes of the request have just been
// written; the table is as cold as 10,000 hosts in turn make it.
func BenchmarkMatch10000x50(b *testing.B) {
	for _, c := range []struct {
		name        string
		hosts       int
		alike, zipf bool
	}{{"hosts=100/different", 100, false, false}, {"hosts=10000/alike", 10000, true, false}, {"hosts=10000/different", 10000, false, false}, {"hosts=10000/zipf", 10000, false, true}} {
		tb := table(b, bigSpec(c.hosts, c.alike)...)
		runtime.GC()
		b.Run(c.name, func(b *testing.B) { benchmarkMatch(b, tb, c.hosts, c.alike, c.zipf) })
	}
}

func benchmarkMatch(b *testing.B, tb *route.Table, hosts int, alike, zipf bool) {
	type form struct {
		path []byte
		own  int // where the number of the entrypoint stands
	}
	var forms []form
	for _, p := range []string{"/api/v1/resource-#####-7/list", "/api/v1/resource-#####-1/81723", "/api/v1/resource-#####-3/7/items/9", "/static/assets-#####-b/js/main.7261.js", "/pages/about-#####-2"} {
		own := strings.IndexByte(p, '#')
		forms = append(forms, form{[]byte(strings.Replace(p, "#####", "00000", 1)), own})
	}
	host := []byte("eu.shop-00000.customer.example.com")
	digits := func(at []byte, n int) {
		for i := range 5 {
			at[4-i] = byte('0' + n%10)
			n /= 10
		}
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Method, x.Req.MethodName = exchange.MethodGet, []byte("GET")
	rng := rand.New(rand.NewPCG(1, 2))
	popular := rand.NewZipf(rng, 1.1, 1, uint64(hosts-1))
	b.ReportAllocs()
	for b.Loop() {
		n := rng.Uint64()
		e, f := int(n>>32)%hosts, &forms[n%5]
		if zipf { // the draw itself costs about 50 ns, which count
			e = int(popular.Uint64())
		}
		if digits(host[len("eu.shop-"):], e); !alike {
			digits(f.path[f.own:], e)
		}
		x.Req.Host, x.Req.Path = host[3:], f.path
		if e%10 == 0 {
			x.Req.Host = host
		}
		if target, _ := tb.Match(x); target == nil {
			b.Fatalf("%s%s matches nothing", x.Req.Host, x.Req.Path)
		}
	}
}

func BenchmarkCompile10000x50(b *testing.B) {
	s := bigSpec(10000, false)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := table(b, s...)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		table(b, s...)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
	runtime.KeepAlive(kept)
}

// BenchmarkReferenceMap500000 is what a match is measured against: one look-up of host and path in a Go map, as cold.
func BenchmarkReferenceMap500000(b *testing.B) {
	m := make(map[string]int, 500_000)
	keys := make([][]byte, 0, 500_000)
	for h := range 10_000 {
		for r := range 50 {
			key := fmt.Sprintf("shop-%05d.customer.example.com/api/v1/resource-%02d/list", h, r)
			m[key] = r
			keys = append(keys, []byte(key))
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 0, 100)
	for b.Loop() {
		buf = append(buf[:0], keys[rng.IntN(len(keys))]...)
		if _, ok := m[string(buf)]; !ok {
			b.Fatal("missing")
		}
	}
}
