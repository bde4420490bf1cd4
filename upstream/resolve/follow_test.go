package resolve_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// TestFollowServer: a real server whose name is there, then gone, then somewhere else, then silent; Close does not wait for
// its answer.
func TestFollowServer(t *testing.T) {
	const quiet = 4
	var step atomic.Int32
	silent := make(chan struct{}, 9)
	server := serve(t, func(q query) {
		switch n := step.Add(1); {
		case n == 1:
			zone{"shop.test. A": "shop.test. 0 A 10.0.0.1"}.script(q)
		case n == 2:
			zone{}.script(q)
		case n < quiet:
			zone{"shop.test. A": "shop.test. 0 A 10.0.0.2"}.script(q)
		default:
			silent <- struct{}{}
		}
	})
	s := resolver(t, "options timeout:30", "", server)
	heard := make(chan string, 9)
	f := s.Follow("shop.test", spec.DNS{Family: spec.FamilyIPv4},
		func(addrs []netip.Addr) { heard <- fmt.Sprint(addrs) },
		func(err error) { heard <- err.Error() })
	for _, want := range []string{"[10.0.0.1]", "there is no such name", "[10.0.0.2]"} {
		if got := <-heard; !strings.Contains(got, want) {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
	<-silent
	began := time.Now()
	f.Close()
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("Close took %v, while a query has 30 s", took)
	}
	if len(heard) != 0 {
		t.Errorf("heard %s after all", <-heard)
	}
}
