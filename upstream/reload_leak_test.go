package upstream_test

import (
	"runtime"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// TestReloadsLeaveNothing: two hundred versions of a service with a name, health checks, a gate and a breaker leave no goroutine
// and no series behind, also where requests run on the old one.
func TestReloadsLeaveNothing(t *testing.T) {
	o := newOrigin(t, speak(fine))
	s := bounded(5, 5, o.addr)
	s.Endpoints[0].Host = "localhost"
	s.Endpoints = append(s.Endpoints, spec.Endpoint{Host: "localhost", Port: s.Endpoints[0].Port, Weight: 1})
	s.DNS = spec.DNS{Family: spec.FamilyIPv4}
	s.Breaker = spec.Breaker{Share: 0.5, Requests: 5, Window: time.Second, Open: time.Second}
	s.Health = &spec.Health{Path: "/", StatusFrom: 200, StatusTo: 299, Interval: time.Millisecond, Timeout: 20 * time.Second, HealthyAfter: 1, UnhealthyAfter: 1}
	r := newRigOf(t, upstream.Options{}, policy(), only(s))
	r.get(localhost)
	before, series := runtime.NumGoroutine(), len(r.set.All())
	for i := range 200 {
		next := *s
		next.Timeouts.Idle = time.Minute + time.Duration(i)*time.Second
		lease := r.keep.Lease()
		stage, problems := upstream.New([]spec.Weighted{only(&next)}, policy(), "e/r", lease)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		old := r.lease
		r.stage, r.lease = stage, lease
		if status, _, _, err := r.get(localhost); status != 200 {
			t.Fatalf("after %d reloads: %d, %v", i, status, err)
		}
		if i > 0 {
			old.Release()
		}
	}
	eventually(t, "the goroutines of old services end", func() bool { return runtime.NumGoroutine() <= before+10 })
	if n := len(r.set.All()); n > series+10 {
		t.Errorf("%d series, %d at first", n, series)
	}
	r.lease.Release()
}
