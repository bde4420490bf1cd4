package waf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/crs"
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

// TestReleaseSettled: a directory that nobody has touched for a while is not read again for each entrypoint; one that was edited is,
// and so is one that is broken, until it is mended.
func TestReleaseSettled(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, crs.Files()); err != nil {
		t.Fatal(err)
	}
	const name = "REQUEST-913-SCANNER-DETECTION.conf"
	good, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	age := time.Hour
	edit := func(text string) { // each is older than the one before, so that only its time tells
		t.Helper()
		age += time.Minute
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, n := range names {
			err = errors.Join(err, os.Chtimes(n, time.Time{}, time.Now().Add(-age)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	k := keeperOf(t, Options{Dir: dir})
	load := func() (*policy, []fault.Problem) { return k.policy(policyOf(t, "").WAF) }
	edit(string(good))
	first, problems := load()
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	mark := k.loaded.mark
	if again, _ := load(); again != first || k.loaded.mark != mark {
		t.Error("what nobody has touched was made again")
	}
	edit(strings.Replace(string(good), "id:913100", "id:913199", 1))
	edited, problems := load()
	if len(problems) > 0 || edited.rules == first.rules {
		t.Errorf("an edit of the same length was not seen: %v", problems)
	}
	edit(string(good) + "\nSecMagic On\n")
	for range 2 {
		if _, problems := load(); len(problems) != 1 || problems[0].File != filepath.Join(dir, name) || problems[0].Line == 0 {
			t.Errorf("a broken release: %v", problems)
		}
	}
	edit(string(good) + "\n")
	if _, problems := load(); len(problems) > 0 {
		t.Errorf("a mended release: %v", problems)
	}
}

// TestBound: another bound holds, and the error says it; without one it is the default.
func TestBound(t *testing.T) {
	k := keeperOf(t, Options{HeldBytes: 1 << 20})
	f := func(bound int64, want int) {
		t.Helper()
		k.Bound(bound, 0)
		if !k.hold(want) || k.hold(1) {
			t.Errorf("bound %d: not %d bytes can be held, or more", bound, want)
		}
		k.release(want)
		if text := fmt.Sprintf("%d bytes in all (--memory)", want); !strings.Contains(k.errHeld.Error(), text) {
			t.Errorf("the error says %q, not %q", k.errHeld, text)
		}
	}
	f(5<<20, 5<<20)
	f(0, 256<<20)
}
