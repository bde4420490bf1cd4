package upstream_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// everything is a service with all that has series.
func everything(name string, addrs ...string) *spec.Service {
	s := ordered(name, addrs...)
	s.Concurrency = spec.Concurrency{Max: 7, Queue: 1, QueueTime: time.Second}
	s.Breaker = spec.Breaker{Share: 0.9, Requests: 1000, Window: time.Second, Open: time.Second}
	s.Ejection = spec.Ejection{Failures: 1, Time: time.Minute, Share: 0.5}
	s.Endpoints[0].Zone, s.Endpoints[0].Weight = "a", 3
	return s
}

// series are those with a label, as "name label=value,…".
func (r *rig) series(label, value string) (all []string) {
	for _, m := range r.set.All() {
		for _, l := range m.Labels {
			if l.Name == label && l.Value == value {
				all = append(all, m.Name)
			}
		}
	}
	return all
}

// plan is what a plan with these services would hold.
func (r *rig) plan(t *testing.T, services ...*spec.Service) *rig {
	t.Helper()
	next := &rig{set: r.set, keep: r.keep, lease: r.keep.Lease()}
	for _, s := range services {
		var problems []fault.Problem
		if next.stage, problems = upstream.New([]spec.Weighted{only(s)}, policy(), "e/r", next.lease); len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
	}
	t.Cleanup(next.lease.Release)
	return next
}

// TestView: what the admin page shows of a service.
func TestView(t *testing.T) {
	sick, well := newOrigin(t, func(*call) bool { return false }), newOrigin(t, speak(fine))
	r := newRigOf(t, here, policy(), only(everything("s", sick.addr, well.addr)))
	for range 2 {
		if _, body, _, err := r.get(localhost); err != nil || body != "hi" {
			t.Fatal(body, err)
		}
	}
	v := r.keep.Pools()[0]
	if v.Service != "s" || v.Balance != "roundRobin" || v.Open != 0 || v.Limit != 7 || v.Breaker != "closed" || len(v.Endpoints) != 2 {
		t.Errorf("got %+v", v)
	}
	for _, got := range v.Endpoints {
		want := upstream.EndpointView{Address: well.addr, Locality: "there", Weight: 1, Healthy: true, Kept: 1, Connections: 1}
		if got.Address == sick.addr {
			want = upstream.EndpointView{Address: sick.addr, Locality: "here/a", Weight: 3, Healthy: true, Ejected: true}
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestSeries: the series of a service outlive a reload that leaves it as it is, and end with it; those of its endpoints end
// with them, also where another plan still has a service of that name, and not where it has them too.
func TestSeries(t *testing.T) {
	sick, well, third := newOrigin(t, func(*call) bool { return false }), newOrigin(t, speak(fine)), newOrigin(t, speak(fine))
	first := newRigOf(t, here, policy(), only(everything("s", sick.addr, well.addr)))
	if _, _, _, err := first.get(localhost); err != nil {
		t.Fatal(err)
	}
	tries := func(addr string) float64 {
		return first.value("skerry_endpoint_tries_total", "service", "s", "endpoint", addr)
	}
	for _, name := range []string{"skerry_service_open", "skerry_service_limit", "skerry_service_breaker", "skerry_retries_total", "skerry_endpoint_failures_total"} {
		if all := first.series("service", "s"); !strings.Contains(strings.Join(all, " "), name) {
			t.Errorf("there is no %s in %v", name, all)
		}
	}
	if tries(sick.addr) != 1 || tries(well.addr) != 1 || first.value("skerry_endpoint_ejected", "service", "s", "endpoint", sick.addr) != 1 {
		t.Errorf("tries %v and %v, want one each, and the first ejected", tries(sick.addr), tries(well.addr))
	}
	same := first.plan(t, everything("s", sick.addr, well.addr), everything("other", well.addr))
	first.lease.Release()
	ejected := 0
	for _, v := range first.keep.Pools() {
		for _, p := range v.Endpoints {
			if p.Ejected {
				ejected++
			}
		}
	}
	if len(first.keep.Pools()) != 2 || tries(sick.addr) != 1 || ejected != 1 {
		t.Errorf("a reload that leaves the service as it is forgot something of it: tries %v, ejected %d", tries(sick.addr), ejected)
	}
	next := first.plan(t, everything("s", well.addr, third.addr))
	same.lease.Release()
	if got := first.series("endpoint", sick.addr); len(got) != 0 {
		t.Errorf("series of an endpoint that is gone: %v", got)
	}
	if got := first.series("service", "other"); len(got) != 0 {
		t.Errorf("series of a service that is gone: %v", got)
	}
	if tries(well.addr) != 1 {
		t.Errorf("the endpoint that stayed has %v tries, want 1", tries(well.addr))
	}
	if _, _, facts, err := next.get(localhost); err != nil || facts.Endpoint != well.addr || tries(well.addr) != 2 || first.value("skerry_service_limit", "service", "s") != 7 {
		t.Errorf("%v at %s, tries %v, limit %v", err, facts.Endpoint, tries(well.addr), first.value("skerry_service_limit", "service", "s"))
	}
	if first.value("skerry_endpoint_connections", "service", "s", "endpoint", well.addr) != 1 {
		t.Error("the connections are not those of the service that there is now")
	}
	next.lease.Release()
	if got := first.series("service", "s"); len(got) != 0 {
		t.Errorf("series of a service that is gone: %v", got)
	}
}

// TestSeriesOfWhoIsLate: a request that is over after its service is gone leaves no series behind.
func TestSeriesOfWhoIsLate(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	o := newOrigin(t, func(*call) bool { entered <- struct{}{}; <-leave; return false })
	s := everything("s", o.addr, refuses(t))
	s.Ejection = spec.Ejection{}
	e := newEdge(t, here, policy(), []spec.Weighted{only(s)})
	c := e.send("GET /")
	<-entered
	e.lease.Release()
	close(leave)
	if r, n := c.get(); r.status != 502 || n.Tries != 2 {
		t.Errorf("got %d after %d tries, %v", r.status, n.Tries, n.cause)
	}
	if got := e.series("service", "s"); len(got) != 0 {
		t.Errorf("series of a service that is gone: %v", got)
	}
}

// TestSeriesOfAddress: nor does one that is over after its address has left the name.
func TestSeriesOfAddress(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	o := newOrigin(t, func(*call) bool { entered <- struct{}{}; <-leave; return false })
	server := newNames(t)
	server.say("shop.test", "127.0.0.1")
	s := called(netip.MustParseAddrPort(o.addr).Port(), "shop.test")
	e := newEdge(t, upstream.Options{Servers: []netip.AddrPort{server.addr}}, policy(), []spec.Weighted{only(s)})
	c := e.send("GET /")
	<-entered
	server.say("shop.test", "127.0.0.9")
	eventually(t, "the address leaves", func() bool { return e.at() == "127.0.0.9" && len(e.series("endpoint", o.addr)) == 0 })
	close(leave)
	c.get()
	if got := e.series("endpoint", o.addr); len(got) != 0 {
		t.Errorf("series of an endpoint that is gone: %v", got)
	}
}
