package mirror

import (
	"strings"
	"testing"

	"skerry.dev/skerry/meter"
)

// TestPanicBesideThePath: a bug in the copy's own code costs that copy and neither the process nor the place.
func TestPanicBesideThePath(t *testing.T) {
	set := meter.NewSet()
	k := NewKeeper(set)
	s := &Stage{service: "shadow", keep: k, failed: set.Counter("failed", "")} // without a tail and an exchange
	k.take()
	(&duplicate{stage: s}).run()
	k.Close() // would not return
	if e := set.Events().Since(0); len(e) != 1 || !strings.Contains(e[0].Text, "panic: ") || s.failed.Value() != 1 {
		t.Errorf("%d failed, events %v", s.failed.Value(), e)
	}
}
