package freshness_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

// one is a head of two fields of a name.
func one(id exchange.NameID, a, b []byte) exchange.Fields {
	return exchange.Fields{{ID: id, Name: id.Bytes(), Value: a}, {ID: id, Name: id.Bytes(), Value: b}}
}

// within reports whether a span is -1 or from 0 to the longest.
func within(spans ...time.Duration) bool {
	return !slices.ContainsFunc(spans, func(d time.Duration) bool { return d < -1 || d > freshness.Longest })
}

// FuzzResponseDirectives: no panic, nothing out of bounds; another line makes an answer no fresher, and takes no word back that forbids.
func FuzzResponseDirectives(f *testing.F) {
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first := freshness.ResponseDirectives(one(exchange.NameCacheControl, a, nil))
		both := freshness.ResponseDirectives(one(exchange.NameCacheControl, a, b))
		for _, d := range []freshness.Directives{first, both} {
			if !within(d.MaxAge, d.SMaxAge, d.WhileRevalidate, d.IfError) {
				t.Fatalf("%q, %q: %+v", a, b, d)
			}
		}
		if first.Said&^both.Said != 0 {
			t.Fatalf("%q, %q: took %q back", a, b, bits(first.Said&^both.Said))
		}
		if first.MaxAge >= 0 && both.MaxAge > first.MaxAge || first.SMaxAge >= 0 && both.SMaxAge > first.SMaxAge {
			t.Fatalf("%q, %q: fresher", a, b)
		}
		lower := freshness.ResponseDirectives(one(exchange.NameCacheControl, lowered(a), nil))
		if lower.Said != first.Said || lower.MaxAge != first.MaxAge {
			t.Fatalf("%q: case matters", a)
		}
	})
}

// FuzzRequestDirectives: as for responses; another line never makes the client take what it did not.
func FuzzRequestDirectives(f *testing.F) {
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first := freshness.RequestDirectives(one(exchange.NameCacheControl, a, nil))
		both := freshness.RequestDirectives(one(exchange.NameCacheControl, a, b))
		for _, d := range []freshness.Asked{first, both} {
			if !within(d.MaxAge, d.MinFresh, d.MaxStale, d.IfError) {
				t.Fatalf("%q, %q: %+v", a, b, d)
			}
		}
		if first.NoStore && !both.NoStore || first.NoCache && !both.NoCache || first.MaxAge >= 0 && both.MaxAge > first.MaxAge ||
			both.MinFresh < first.MinFresh || first.MaxStale >= 0 && both.MaxStale > first.MaxStale {
			t.Fatalf("%q, %q: %+v, then %+v", a, b, first, both)
		}
	})
}

// FuzzTargeted: a field is read as a whole or not at all; whether it is valid does not depend on how it is cut into lines.
func FuzzTargeted(f *testing.F) {
	f.Fuzz(func(t *testing.T, a, b []byte) {
		two := one(exchange.NameCDNCacheControl, a, b)
		d := freshness.ResponseDirectives(append(slices.Clone(two), one(exchange.NameCacheControl, []byte("no-store"), nil)...))
		if !within(d.MaxAge, d.SMaxAge, d.WhileRevalidate, d.IfError) {
			t.Fatalf("%q, %q: %+v", a, b, d)
		}
		keys, ok := freshness.Dictionary(two, exchange.NameCDNCacheControl)
		if d.Said.Has(freshness.SaidTargeted) && (!ok || len(keys) == 0) {
			t.Fatalf("%q, %q: heeded, but not valid", a, b)
		}
		if !d.Said.Has(freshness.SaidTargeted) && d.Said != freshness.SaidNoStore {
			t.Fatalf("%q, %q: heeded in part: %q", a, b, bits(d.Said))
		}
		joined := exchange.Fields{{ID: exchange.NameCDNCacheControl, Value: []byte(string(a) + ", " + string(b))}}
		if all, whole := freshness.Dictionary(joined, exchange.NameCDNCacheControl); ok && (!whole || !slices.Equal(all, keys)) {
			t.Fatalf("%q, %q: valid in two lines, not in one", a, b)
		}
		for _, c := range string(a) + string(b) {
			if ok && c > '~' {
				t.Fatalf("%q, %q: valid", a, b)
			}
		}
	})
}

// FuzzGroups: what is found lies within the limits; a List that is none gives nothing.
func FuzzGroups(f *testing.F) {
	f.Fuzz(func(t *testing.T, a, b []byte) {
		two := one(exchange.NameCacheGroups, a, b)
		count := 0
		all := freshness.Groups(two, func(g []byte) {
			if count++; len(g) > 1024 {
				t.Fatalf("%q, %q: %q", a, b, g)
			}
		})
		if members, ok := freshness.List(two, exchange.NameCacheGroups); count > 1000 || count > 0 && !ok || ok && all && count > 0 && count != members || !all && count == members {
			t.Fatalf("%q, %q: %d groups of %d members, valid %v, all %v", a, b, count, members, ok, all)
		}
	})
}

// FuzzDate: what is a date to us is the same one to net/http, if it is one there; years of two digits differ by what century it is.
func FuzzDate(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		unix, ok := freshness.Date([]byte(s), came)
		if !ok {
			return
		}
		s = strings.Trim(s, " \t")
		if at, err := http.ParseTime(s); err == nil && at.Unix() != unix && !strings.Contains(s, "-") {
			t.Fatalf("%q: %v, want %v", s, time.Unix(unix, 0).UTC(), at)
		}
		if at := time.Unix(unix, 0).UTC(); at.Year() < -1 || at.Year() > 10000 {
			t.Fatalf("%q: %v", s, at)
		}
	})
}

// FuzzVary: a signature matches the request that it was made for and none with another value; a normal form is its own.
func FuzzVary(f *testing.F) {
	f.Fuzz(func(t *testing.T, vary, value, other []byte) {
		for _, name := range []string{"Foo", "Accept-Language", "Cookie", "User-Agent"} {
			request := exchange.Fields{}
			request.AddNamed([]byte(name), value)
			normal, ok := freshness.Normal(request, []byte(name))
			if !ok {
				continue
			}
			again := exchange.Fields{}
			again.AddNamed([]byte(name), []byte(normal))
			if twice, ok := freshness.Normal(again, []byte(name)); !ok || twice != normal {
				t.Fatalf("%s: %q becomes %q becomes %q", name, value, normal, twice)
			}
			response := exchange.Fields{{ID: exchange.NameVary, Value: vary}, {ID: exchange.NameVary, Value: []byte(name)}}
			signature, ok := freshness.AppendVary(nil, response, request)
			if !ok {
				continue
			}
			if !freshness.Matches(signature, request) {
				t.Fatalf("%s: %q does not match itself", name, value)
			}
			request[0].Value = other
			if different, ok := freshness.Normal(request, []byte(name)); freshness.Matches(signature, request) && (!ok || different != normal) {
				t.Fatalf("%s: %q matches %q", name, other, value)
			}
		}
		freshness.Matches(vary, exchange.Fields{{Name: []byte("foo"), Value: value}})
	})
}

// lowered is b in small letters; other bytes stay, also where they are no text.
func lowered(b []byte) []byte {
	b = slices.Clone(b)
	for i := range b {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return b
}
