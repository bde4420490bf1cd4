package engine_test

import (
	"testing"

	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// The compiled engine and the reference find the same on every request of the rule set's own tests, and so does Coraza.
func TestEngines(t *testing.T) {
	compiled := policy(t, engine.Options{Detect: true}, waftest.TestSetup)
	reference := policy(t, engine.Options{Detect: true, Reference: true}, waftest.TestSetup)
	coraza := waftest.NewCoraza(t, waftest.Options{Detect: true, Before: waftest.TestSetup})
	differ, oracle, missed, n := 0, 0, 0, 0
	for i, test := range waftest.Tests(t) {
		for _, stage := range test.Stages {
			r := waftest.ParseRequest(stage.Raw())
			in := input(r)
			n++
			a, b := compiled.Judge(in), reference.Judge(in)
			found, want := telling(matches(a)), telling(matches(b))
			a.End()
			b.End()
			if d := difference(found, want, "compiled", "reference"); d != "" {
				if differ++; differ < 20 {
					t.Errorf("%s: %s", test.ID, d)
				}
			}
			if i%20 != 0 {
				continue
			}
			if d := difference(found, telling(coraza.Judge(r).Matches), "compiled", "Coraza"); d != "" {
				if oracle++; oracle < 600 {
					t.Errorf("%s: %s", test.ID, d)
				}
			}
		}
	}
	t.Logf("%d requests, %d differ from the reference, %d from Coraza, %d missed", n, differ, oracle, missed)
}
