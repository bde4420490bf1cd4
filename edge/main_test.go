package edge_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	endpoint "skerry.dev/skerry/load/origin"
)

// TestMain is also the main of the endpoints that tests start as processes of their own.
func TestMain(m *testing.M) {
	if endpoint.IsChild() {
		endpoint.Main()
		return
	}
	goleak.VerifyTestMain(unhurried{m})
}

// unhurried are tests whose last goroutines may take their time to end: goleak gives them less than half a second.
type unhurried struct{ *testing.M }

// Run implements goleak.TestingM.
func (u unhurried) Run() (code int) {
	code = u.M.Run()
	for give := time.Now().Add(10 * time.Second); code == 0 && time.Now().Before(give) && goleak.Find() != nil; {
	}
	return code
}
