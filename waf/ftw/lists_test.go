package ftw_test

import (
	"fmt"
	"testing"

	"github.com/coreruleset/go-ftw/v2/config"

	"skerry.dev/skerry/waf/waftest"
)

// listMax bounds what the edge does otherwise than the tests expect: tests in ignored.yaml and changed.yaml together.
const listMax = 20

// TestLists holds the two lists to what they may say: a reason for everything, few lines, and no change but from a match to
// a 4xx.
func TestLists(t *testing.T) {
	f, err := config.NewConfigFromFile("ignored.yaml")
	if err != nil {
		t.Fatal(err)
	}
	expects := map[string]int{} // by test, how many rules it expects
	for _, tt := range waftest.Tests(t) {
		expects[tt.ID] = len(tt.Stages[0].Output.Expect)
	}
	n := 0
	for re, why := range f.TestOverride.Ignore {
		before := n
		for id := range expects {
			if re.MatchString(id) {
				n++
			}
		}
		if len(why) < 10 || n == before {
			t.Errorf("ignored.yaml: a line with the reason %q that is for %d tests", why, n-before)
		}
	}
	c := config.NewRunnerConfiguration(f)
	if err := c.LoadPlatformOverrides("changed.yaml"); err != nil {
		t.Fatal(err)
	}
	for _, o := range c.PlatformOverrides.TestOverrides {
		n += len(o.TestIds)
		if len(o.Reason) < 10 || len(o.TestIds) == 0 {
			t.Errorf("changed.yaml: %d has the reason %q and names %d tests", o.RuleId, o.Reason, len(o.TestIds))
		}
		for _, n := range o.TestIds {
			if id := fmt.Sprintf("%d-%d", o.RuleId, n); expects[id] == 0 {
				t.Errorf("changed.yaml: test %s expects no rule, so nothing of it may change", id)
			}
		}
		if s := o.Output.Status; s < 400 || s > 499 || len(o.Output.Log.ExpectIds) > 0 {
			t.Errorf("changed.yaml: %d may become a 4xx and nothing else, not status %d with rules %v", o.RuleId, s, o.Output.Log.ExpectIds)
		}
	}
	if n > listMax {
		t.Errorf("%d tests are ignored or changed, at most %d may be", n, listMax)
	}
}
