package admin

import (
	"context"
	"net/http"
	"testing"
)

// Inside the package: no name but localhost is sure to resolve on the machine of a test, so Serve cannot show it.
func TestTheListenHostIsAllowed(t *testing.T) {
	f := func(listen, host string, want bool) {
		t.Helper()
		ctx := context.WithValue(context.Background(), hostsKey{}, map[string]bool{hostOf(listen): true})
		if got := hostAllowed((&http.Request{Host: host}).WithContext(ctx)); got != want {
			t.Errorf("Host %q where --admin names %q: %v", host, listen, got)
		}
	}
	f("edge-7.internal.example", "edge-7.internal.example", true)
	f("Edge-7.internal.example", "edge-7.INTERNAL.example.:9901", true)
	f("edge-7.internal.example", "edge-8.internal.example", false)
	f("edge-7.internal.example", "x.edge-7.internal.example", false)
	f("edge-7.internal.example", "edge-7.internal.example:1:2", false)
	f("0.0.0.0", "evil.example", false)
	f("::1", "[::1]:80", true)
	f("::1", "::1", true)
	if hostAllowed(&http.Request{Host: "edge-7.internal.example"}) {
		t.Error("a name is allowed although Serve added none")
	}
}
