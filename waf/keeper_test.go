package waf

import (
	"fmt"
	"runtime"
	"testing"

	"skerry.dev/skerry/spec"
)

// TestSharing: entrypoints that say the same share one policy, wherever they say it and why; others have their own.
func TestSharing(t *testing.T) {
	k := keeperOf(t, Options{})
	first := stageOf(t, k, "")
	for range 500 {
		if s := stageOf(t, k, ""); s.policy != first.policy {
			t.Fatal("a policy that says the same is another")
		}
	}
	f := func(same bool, one, other string) {
		t.Helper()
		a, b := stageOf(t, k, one), stageOf(t, k, other)
		if (a.policy == b.policy) != same {
			t.Errorf("%s%s: shared %v, want %v", one, other, !same, same)
		}
	}
	const exclude = "  waf: {exclude: [{rule: 942100, target: \"ARGS:q\"}]}\n"
	f(true, exclude, "  log: on\n"+exclude)
	f(true, exclude, "  waf: {exclude: [{rule: 942100, target: \"ARGS:q\", reason: because}]}\n")
	f(false, exclude, "  waf: {exclude: [{rule: 942100, target: \"ARGS:p\"}]}\n")
	f(false, exclude, "")
	f(false, "", "  waf: detect\n")
	f(false, "", "  waf: {paranoia: 2}\n")
	f(false, "", "  waf: {logValues: on}\n")
	f(false, "  waf: {allow: {charsets: [utf-8, utf-16]}}\n", "  waf: {allow: {charsets: [utf-8]}}\n")
	// Texts that only look alike when they are written one behind the other.
	one, other := &spec.WAF{Exclude: []spec.WAFExclude{{Rule: "1", Target: "ARGS:a Path:/b"}}}, &spec.WAF{Exclude: []spec.WAFExclude{{Rule: "1", Target: "ARGS:a", Path: "/b"}}}
	if keyOf(one) == keyOf(other) {
		t.Error("two policies have one key")
	}
}

// TestForgets: policies that no plan has any more are collected, and so are their keys.
func TestForgets(t *testing.T) {
	k := keeperOf(t, Options{})
	for n := range 400 {
		stageOf(t, k, fmt.Sprintf("  waf: {threshold: %d}\n", n+1))
		if n%100 == 99 {
			runtime.GC()
		}
	}
	if n := len(k.policies); n > 300 {
		t.Errorf("%d keys of 400 policies, none of which is in use", n)
	}
}

// BenchmarkPolicy is the building of one policy with exclusions of its own.
func BenchmarkPolicy(b *testing.B) {
	r, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	w := policyOf(b, "  waf: {exclude: [{rule: \"942000-942999\", target: \"ARGS:q\"}, {rule: \"tag:attack-xss\", path: /x/*}, {rule: 920420}]}\n").WAF
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Compile(w, r, false); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
