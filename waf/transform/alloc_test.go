//go:build !race && !poison

package transform_test

import (
	"testing"

	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/transform"
)

func TestNoAllocation(t *testing.T) {
	for id := range transform.Count {
		for _, s := range seeds {
			in := []byte(s)
			m := match.MaskOf(in)
			dst := make([]byte, 0, id.Max(len(in)))
			if n := testing.AllocsPerRun(10, func() {
				id.Append(dst, in)
				id.Changed(in)
				id.Identity(m)
				id.Output(m)
				id.Lowers(m)
			}); n != 0 {
				t.Errorf("%v of %q: %v allocations", id, s, n)
			}
		}
	}
}
