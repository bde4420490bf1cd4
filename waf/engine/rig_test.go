package engine_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/waftest"
)

// program is the Core Rule Set, made ready once for all tests.
var program = sync.OnceValue(func() *engine.Program {
	set, problems := seclang.ParseText("test.conf", waftest.DefaultSetup+"Include @owasp_crs/*.conf\n", coreruleset.FS)
	if len(problems) > 0 {
		panic(problems[0].String())
	}
	p, problems := engine.New(set)
	if len(problems) > 0 {
		panic(problems[0].String())
	}
	return p
})

// policy is one of the rule set's, with directives before it.
func policy(t testing.TB, o engine.Options, before string) *engine.Policy {
	t.Helper()
	set, problems := seclang.ParseText("before.conf", before, coreruleset.FS)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	o.Before = set
	p, problems := program().NewPolicy(o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

// input is a request of the fixtures as the engine takes it.
func input(r waftest.Request) *engine.Input {
	in := &engine.Input{
		Client: netip.MustParseAddrPort("192.0.2.1:40000"), Method: []byte(r.Method), Target: []byte(r.URI), Proto: []byte(r.Proto),
		Host: []byte(r.Header("Host")), Body: r.Body,
	}
	for _, h := range r.Headers {
		in.Fields = append(in.Fields, body.Pair{Name: []byte(h[0]), Value: []byte(h[1])})
	}
	in.Path, _, _ = strings_cut(r.URI)
	in.Media, _ = body.Classify([]byte(strings.ToLower(r.Header("Content-Type"))), &body.Memory{})
	return in
}

func strings_cut(uri string) ([]byte, []byte, bool) {
	path, query, found := strings.Cut(uri, "?")
	return []byte(path), []byte(query), found
}

// match is a rule and what it matched, as waftest writes it.
func matches(t *engine.Transaction) (out []waftest.Match) {
	t.Matches(func(m engine.Match) bool {
		name := m.Name()
		if m.Var == seclang.VarNone {
			name = ""
		}
		if v, key, found := strings.Cut(name, ":"); found {
			name = v + ":" + strings.ToLower(key)
			if m.Var == seclang.VarFiles || m.Var == seclang.VarFilesNames {
				name = v // Coraza's have no keys
			}
		}
		out = append(out, waftest.Match{Rule: m.Rule, Link: m.Link, Var: name})
		return true
	})
	slices.SortFunc(out, func(a, b waftest.Match) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Var, b.Var))
	})
	return slices.Compact(out)
}

// telling drops what only arranges the rule set's own variables: it is folded away in one engine and not in another.
func telling(list []waftest.Match) []waftest.Match {
	return slices.DeleteFunc(slices.Clone(list), func(m waftest.Match) bool {
		return m.Var == "" || strings.HasPrefix(m.Var, "TX") || m.Rule >= 900000 && m.Rule <= 901999 || m.Rule >= 200000 && m.Rule <= 200099
	})
}

// difference says in what two lists of matches differ.
func difference(a, b []waftest.Match, nameA, nameB string) string {
	var out strings.Builder
	for _, m := range a {
		if !slices.Contains(b, m) {
			fmt.Fprintf(&out, "\n  only %s: %v", nameA, m)
		}
	}
	for _, m := range b {
		if !slices.Contains(a, m) {
			fmt.Fprintf(&out, "\n  only %s: %v", nameB, m)
		}
	}
	return out.String()
}
