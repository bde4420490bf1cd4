//go:build !race && !poison

package engine_test

import (
	"testing"

	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
)

// TestJudgeAllocates holds what a warm judgement of benign requests may allocate: a small one nothing (the bound is 5),
// others only where a rule that matched has captures that somebody looks at.
func TestJudgeAllocates(t *testing.T) {
	most := map[string]float64{"get_small": 0, "get_browser": 1, "form_20": 2, "json_2k": 5}
	for _, level := range []int{1, 4} {
		p := policyOf(t, embedded(), engine.Options{TX: crs.Setup{Paranoia: level}.Set(), Detect: true})
		for name, most := range most {
			in := input(fixture(t, name))
			run := func() { p.Judge(in).End() }
			for range 20 {
				run() // tables grow
			}
			if n := testing.AllocsPerRun(200, run); n > most {
				t.Errorf("%s at paranoia %d allocates %v times, at most %v are right", name, level, n, most)
			}
		}
	}
}

// TestTransactionMemory holds what transactions keep for the next request after one that was large: not its memory.
func TestTransactionMemory(t *testing.T) {
	p := policyOf(t, embedded(), engine.Options{TX: crs.Setup{Paranoia: 1}.Set(), Detect: true})
	large := input(fixture(t, "json_100k"))
	if kept := p.Kept(large); kept > 2<<20 {
		t.Errorf("a transaction keeps %d bytes after 100 KB of JSON, want at most 2 MB", kept)
	}
	if kept := p.Kept(input(fixture(t, "get_browser"))); kept > 256<<10 {
		t.Errorf("a transaction keeps %d bytes after a browser's request, want at most 256 KB", kept)
	}
}
