package wiretest_test

import (
	"testing"

	"skerry.dev/skerry/wire/wiretest"
)

// TestCasesHaveSpeakers: no case is one that no protocol plays, and each has a name of its own.
func TestCasesHaveSpeakers(t *testing.T) {
	all := []wiretest.Protocol{wiretest.HTTP1{}, wiretest.HTTP2{}}
	seen := map[string]bool{}
	said := make([]int, len(all))
	for _, c := range wiretest.Cases {
		spoken := false
		for i, p := range all {
			if c.Needs&^p.Can() == 0 {
				spoken = true
				said[i]++
			}
		}
		if !spoken {
			t.Errorf("rule %d, %s: no protocol can say it", c.Rule, c.Name)
		}
		if seen[c.Name] {
			t.Errorf("rule %d, %s: there are two cases of this name", c.Rule, c.Name)
		}
		seen[c.Name] = true
	}
	if len(seen) < 300 || said[0] < 200 || said[1] != len(wiretest.Cases) {
		t.Errorf("%d cases, of which HTTP/1.1 says %d and HTTP/2 %d: where have they gone?", len(seen), said[0], said[1])
	}
	t.Logf("%d cases, of which HTTP/1.1 says %d and HTTP/2 %d", len(seen), said[0], said[1])
}
