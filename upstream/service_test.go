package upstream_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

var localhost = netip.MustParseAddr("127.0.0.1")

// named starts an origin that answers with its name, and reports failing health checks while sick is set.
func named(t *testing.T, name string, sick *atomic.Bool, checks chan<- string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			if sick.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
			select {
			case checks <- r.Host + " " + r.UserAgent():
			default:
			}
			return
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestRoundRobin: endpoints take turns, and connections to each are kept.
func TestRoundRobin(t *testing.T) {
	a, b := named(t, "a", new(atomic.Bool), nil), named(t, "b", new(atomic.Bool), nil)
	r := newRig(t, spec.Weighted{Service: service("s", a, b), Weight: 1})
	var seen strings.Builder
	for i := range 6 {
		status, body, facts, err := r.get(localhost)
		if err != nil || status != 200 {
			t.Fatal(status, err)
		}
		if facts.Reused != (i >= 2) {
			t.Errorf("request %d: reused is %v", i, facts.Reused)
		}
		seen.WriteString(body)
	}
	if got := seen.String(); got != "bababa" && got != "ababab" {
		t.Errorf("got %q, want turns", got)
	}
}

// TestConnectFailover: an endpoint that refuses is passed over within the exchange; if all refuse, that is the fault.
func TestConnectFailover(t *testing.T) {
	dead := refuses(t)
	live := named(t, "live", new(atomic.Bool), nil)
	r := newRig(t, spec.Weighted{Service: service("s", dead, live), Weight: 1})
	for range 4 {
		if _, body, _, err := r.get(localhost); err != nil || body != "live" {
			t.Fatal(body, err)
		}
	}
	r = newRig(t, spec.Weighted{Service: service("s", dead, dead), Weight: 1})
	if _, _, facts, err := r.get(localhost); fault.Of(err) != fault.OriginRefused || facts.Tries == 0 {
		t.Errorf("got %v after %d tries, want a refusal", err, facts.Tries)
	}
}

// TestHealth: an endpoint that fails its checks gets nothing until it passes them again; with none left the fault says so.
func TestHealth(t *testing.T) {
	var sickA, sickB atomic.Bool
	checks := make(chan string, 1)
	a, b := named(t, "a", &sickA, checks), named(t, "b", &sickB, nil)
	s := service("s", a, b)
	s.Health = &spec.Health{Path: "/healthz", Interval: 5 * time.Millisecond, Timeout: 20 * time.Second, HealthyAfter: 2,
		UnhealthyAfter: 3, StatusFrom: 200, StatusTo: 399, Host: "checked.example"}
	r := newRig(t, spec.Weighted{Service: s, Weight: 1})
	if got := <-checks; got != "checked.example skerry-health/1" {
		t.Errorf("the check asked as %q", got)
	}
	flipped := make(chan string, 10)
	r.set.Events().Listen(func(e meter.Event) { flipped <- e.Text })
	await := func(want string) {
		t.Helper()
		select {
		case got := <-flipped:
			if !strings.Contains(got, want) {
				t.Fatalf("got event %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no event %q", want)
		}
	}
	sickA.Store(true)
	await(a + " is unhealthy")
	for range 5 {
		if _, body, _, err := r.get(localhost); err != nil || body != "b" {
			t.Fatal(body, err)
		}
	}
	sickB.Store(true)
	await(b + " is unhealthy")
	if _, _, _, err := r.get(localhost); fault.Of(err) != fault.OriginNoneHealthy {
		t.Errorf("got %v, want none healthy", err)
	}
	sickA.Store(false)
	await(a + " is healthy")
	if _, body, _, err := r.get(localhost); err != nil || body != "a" {
		t.Error(body, err)
	}
}

// TestWeights: each client stays with its service, and the services get their shares of the clients.
func TestWeights(t *testing.T) {
	old, canary := named(t, "old", new(atomic.Bool), nil), named(t, "canary", new(atomic.Bool), nil)
	r := newRig(t, spec.Weighted{Service: service("old", old), Weight: 90}, spec.Weighted{Service: service("canary", canary), Weight: 10},
		spec.Weighted{Service: service("none", old), Weight: 0})
	const clients = 2000
	got := map[string]int{}
	for i := range clients {
		client := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		_, first, _, err := r.get(client)
		if err != nil {
			t.Fatal(err)
		}
		if _, again, _, _ := r.get(client); again != first {
			t.Fatalf("client %v moved from %s to %s", client, first, again)
		}
		got[first]++
	}
	if share := float64(got["canary"]) / clients; math.Abs(share-0.1) > 0.025 {
		t.Errorf("the canary got %.3f of the clients, want 0.1", share)
	}
}

// TestPoolOutlivesPlan: a second lease of the same service shares connections; the last release closes them.
func TestPoolOutlivesPlan(t *testing.T) {
	r := newRig(t, spec.Weighted{Service: service("s", named(t, "a", new(atomic.Bool), nil)), Weight: 1})
	if _, _, _, err := r.get(localhost); err != nil {
		t.Fatal(err)
	}
	kept := func() int { return r.keep.Pools()[0].Endpoints[0].Kept }
	if kept() != 1 {
		t.Fatalf("%d connections kept, want 1", kept())
	}
	second := r.keep.Lease()
	same := service("s", r.keep.Pools()[0].Endpoints[0].Address)
	if _, problems := upstream.New([]spec.Weighted{{Service: same, Weight: 1}}, policy(), "e/r", second); len(problems) > 0 {
		t.Fatal(problems)
	}
	r.lease.Release()
	if len(r.keep.Pools()) != 1 || kept() != 1 {
		t.Error("the pool did not outlive the first plan")
	}
	second.Release()
	if len(r.keep.Pools()) != 0 {
		t.Error("the pool outlived the last plan")
	}
	for _, m := range r.set.All() {
		for _, l := range m.Labels {
			if l.Name == "service" {
				t.Errorf("series %s%v outlived its service", m.Name, m.Labels)
			}
		}
	}
}

// TestKeptLimit: no more connections are kept than the service allows.
func TestKeptLimit(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer s.Close()
	r := newRig(t, spec.Weighted{Service: service("s", s.Listener.Addr().String()), Weight: 1})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, _, _, err := r.get(localhost); err != nil {
				t.Error(err)
			}
		})
	}
	for range 5 {
		<-arrived
	}
	close(release)
	wg.Wait()
	if got := r.keep.Pools()[0].Endpoints[0].Kept; got != 2 {
		t.Errorf("%d connections kept, want keepAlive.max 2", got)
	}
}

// TestIdleKeeper: a plan that is only looked at asks no origin anything.
func TestIdleKeeper(t *testing.T) {
	checks := make(chan string, 16)
	addr := named(t, "a", new(atomic.Bool), checks)
	s := service("s", addr)
	s.Health = &spec.Health{Path: "/healthz", Interval: time.Millisecond, Timeout: time.Second, HealthyAfter: 1, UnhealthyAfter: 1, StatusFrom: 200, StatusTo: 299}
	lease := newKeeper(t, upstream.Options{Idle: true}).Lease()
	if _, problems := upstream.New([]spec.Weighted{{Service: s, Weight: 1}}, policy(), "e/r", lease); len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	select {
	case got := <-checks:
		t.Fatalf("the origin was asked by %q", got)
	case <-time.After(30 * time.Millisecond):
	}
	lease.Release()
}

// TestStaleThenUnreachable: an endpoint that died with kept connections costs no request, not even one that must never
// be repeated: nothing of it had left.
func TestStaleThenUnreachable(t *testing.T) {
	a, b := httptest.NewServer(echoName("a")), httptest.NewServer(echoName("b"))
	defer b.Close()
	r := newRig(t, spec.Weighted{Service: service("s", a.Listener.Addr().String(), b.Listener.Addr().String()), Weight: 1})
	for range 4 {
		if _, _, _, err := r.get(localhost); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	for range 4 {
		if _, body, facts, err := r.get(localhost); err != nil || body != "b" {
			t.Errorf("%q %v %+v", body, err, facts)
		}
	}
}

func echoName(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }
}
