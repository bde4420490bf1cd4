package edge_test

import (
	"testing"

	"go.uber.org/goleak"

	endpoint "skerry.dev/skerry/load/origin"
)

// TestMain is also the main of the endpoints that tests start as processes of their own.
func TestMain(m *testing.M) {
	if endpoint.IsChild() {
		endpoint.Main()
		return
	}
	goleak.VerifyTestMain(m)
}
