//go:build !race && !poison

package injection_test

import (
	"testing"

	"skerry.dev/skerry/waf/injection"
	"skerry.dev/skerry/waf/match"
)

func TestNothingIsAllocated(t *testing.T) {
	for _, v := range samples {
		value := []byte(v.text)
		if n := testing.AllocsPerRun(100, func() {
			injection.SQLi(value)
			injection.XSS(value)
			m := match.MaskOf(value)
			injection.SQLiPossible(m)
			injection.XSSPossible(m)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", v.name, n)
		}
	}
}
