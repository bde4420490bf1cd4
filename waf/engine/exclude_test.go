package engine_test

import (
	"slices"
	"testing"

	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// TestExclusions takes rules and targets out in the form that specs have, always and for some requests only; each is also held against the
// reference.
func TestExclusions(t *testing.T) {
	p, problems := engine.New(parsed(t, `
SecRule ARGS|ARGS_NAMES "@rx evil" "id:11,phase:2,pass,log,t:none,tag:'one'"
SecRule REQUEST_METHOD "@rx ." "id:12,phase:2,pass,log,t:none,tag:'two',chain"
	SecRule ARGS "@rx evil" "t:none"
SecRule &ARGS "@ge 1" "id:13,phase:2,pass,log,tag:'one'"
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ids := func(first, last int) engine.Exclusion {
		return engine.Exclusion{Rules: seclang.Range{First: first, Last: last}}
	}
	target := func(x engine.Exclusion, key, re string) engine.Exclusion {
		x.Target = &seclang.Target{Var: seclang.VarArgs, Key: key, Regexp: re}
		return x
	}
	where := func(x engine.Exclusion, path string, methods ...string) engine.Exclusion {
		x.Path, x.Methods = path, methods
		return x
	}
	f := func(x engine.Exclusion, request string, want ...int) {
		t.Helper()
		own := engine.Options{Exclusions: []engine.Exclusion{x}}
		reference := own
		reference.Reference = true
		r, _ := trialRequest(request)
		for name, o := range map[string]engine.Options{"compiled": own, "reference": reference} {
			if got := judge(policyOf(t, p, o), r, nil).Logged; !slices.Equal(got, want) {
				t.Errorf("%s, %+v: %s matches %v, want %v", name, x, request, got, want)
			}
		}
	}
	const one, other = "GET /search?q=evil", "POST /searching/x?q=evil"
	f(ids(99, 99), one, 11, 12, 13)
	f(ids(11, 11), one, 12, 13)
	f(ids(11, 12), one, 13)
	f(engine.Exclusion{Tag: "one"}, one, 12)
	f(engine.Exclusion{Tag: "on"}, one, 11, 12, 13)
	f(target(ids(11, 12), "q", ""), one, 13)
	f(target(ids(11, 12), "p", ""), one, 11, 12, 13)
	f(target(ids(11, 12), "", "^Q$"), one, 13)
	f(target(ids(11, 12), "", "^q.$"), one, 11, 12, 13)
	f(target(ids(11, 13), "q", ""), "GET /?Q=evil")
	f(target(ids(11, 13), "", ""), "GET /?evil=1&b=evil", 11)
	f(target(engine.Exclusion{Tag: "one"}, "q", ""), one, 12)
	for _, always := range []engine.Exclusion{ids(11, 11), target(ids(11, 11), "q", ""), target(ids(11, 11), "", "^Q")} {
		f(where(always, "/search"), one, 12, 13)
		f(where(always, "/search"), other, 11, 12, 13)
		f(where(always, "/search*"), other, 12, 13)
		f(where(always, "/search/*"), one, 11, 12, 13)
		f(where(always, "", "POST", "PUT"), other, 12, 13)
		f(where(always, "", "POST", "PUT"), one, 11, 12, 13)
		f(where(always, "/search", "POST"), one, 11, 12, 13)
		f(where(always, "/Search"), one, 11, 12, 13)
	}
	f(where(engine.Exclusion{Tag: "one"}, "/search"), one, 12)
	f(where(target(ids(12, 12), "q", ""), "/search"), one, 11, 13)
}

// TestExclusionsCRS does it with rules of the Core Rule Set, as users would, on a request that they refuse.
func TestExclusionsCRS(t *testing.T) {
	const request = "GET /?q=1'+or+1%3d1--&r=1 | User-Agent: a | Accept: */*"
	r, _ := trialRequest(request)
	for _, reference := range []bool{false, true} {
		f := func(refused bool, x ...engine.Exclusion) {
			t.Helper()
			j := judge(policy(t, engine.Options{Exclusions: x, Reference: reference}, paranoia(1), ""), r, nil)
			if j.Interrupted != refused {
				t.Errorf("reference %v: %+v: refused %v by %d, score %d, matches %v", reference, x, j.Interrupted, j.By, j.Score, telling(j.Matches))
			}
		}
		q := &seclang.Target{Var: seclang.VarArgs, Key: "q"}
		f(true)
		f(false, engine.Exclusion{Tag: "attack-sqli"})
		f(false, engine.Exclusion{Tag: "OWASP_CRS", Target: q})
		f(false, engine.Exclusion{Tag: "OWASP_CRS", Target: q, Path: "/"})
		f(true, engine.Exclusion{Tag: "OWASP_CRS", Target: q, Path: "/other"})
		f(true, engine.Exclusion{Tag: "OWASP_CRS", Target: &seclang.Target{Var: seclang.VarArgs, Key: "r"}})
		f(false, engine.Exclusion{Rules: seclang.Range{First: 942000, Last: 942999}})
		f(true, engine.Exclusion{Rules: seclang.Range{First: 941000, Last: 941999}})
	}
}
