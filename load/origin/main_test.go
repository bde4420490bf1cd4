package origin_test

import (
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/load/origin"
)

func TestMain(m *testing.M) {
	if origin.IsChild() {
		origin.Main()
		return
	}
	goleak.VerifyTestMain(m)
}
