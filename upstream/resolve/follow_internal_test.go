package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bench is a resolver below a fake clock: what its server says next, and what was heard.
type bench struct {
	*Resolver
	set  *meter.Set
	mu   sync.Mutex
	next func(q question) (reply, error)
	log  []string // with the time since the start
	at   time.Time
}

// newBench is called inside a bubble.
func newBench(t *testing.T, conf string) *bench {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "conf"), conf)
	put(t, filepath.Join(dir, "hosts"), "")
	s := &bench{set: meter.NewSet(), at: time.Now()}
	var err error
	if s.Resolver, err = New(Options{Conf: filepath.Join(dir, "conf"), Hosts: filepath.Join(dir, "hosts"), Meters: s.set}); err != nil {
		t.Fatal(err)
	}
	s.try = func(_ context.Context, _ netip.AddrPort, q question, _ bool) (reply, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.note("asked")
		return s.next(q)
	}
	return s
}

func (s *bench) note(what string) {
	s.log = append(s.log, fmt.Sprintf("%v %s", time.Since(s.at).Round(time.Millisecond), what))
}

func (s *bench) heard(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(what)
}

func (s *bench) follow(d spec.DNS) *Follower {
	d.Family = spec.FamilyIPv4
	return s.Follow("shop.test", d,
		func(addrs []netip.Addr) { s.heard(fmt.Sprint(addrs)) },
		func(err error) { s.heard("failed") })
}

// says sets what the server answers from now on: addresses, or nothing.
func (s *bench) says(ttl time.Duration, addrs ...string) {
	r := reply{ttl: ttl, exists: true}
	for _, a := range addrs {
		r.addrs = append(r.addrs, netip.MustParseAddr(a))
	}
	r.addrs = unique(r.addrs)
	s.fails(r, nil)
}

func (s *bench) fails(r reply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = func(question) (reply, error) {
		r.addrs = slices.Clone(r.addrs)
		return r, err
	}
}

// want waits for a while and compares what was heard in it.
func (s *bench) want(t *testing.T, while time.Duration, lines ...string) {
	t.Helper()
	time.Sleep(while)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.log, lines) {
		t.Errorf("after %v:\n got %q\nwant %q", time.Since(s.at), s.log, lines)
	}
	s.log = nil
}

// TestFollow: a name is asked for when its TTL is over, and no sooner; only changes are told.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		s.says(10*time.Second, "10.0.0.1", "10.0.0.2")
		f := s.follow(spec.DNS{})
		s.want(t, 0, "0s asked", "0s [10.0.0.1 10.0.0.2]")
		s.want(t, 10*time.Second-1)
		s.says(10*time.Second, "10.0.0.2", "10.0.0.1") // another order
		s.want(t, 1, "10s asked")
		s.says(20*time.Second, "10.0.0.3", "10.0.0.2", "10.0.0.1") // grows
		s.want(t, 10*time.Second, "20s asked", "20s [10.0.0.1 10.0.0.2 10.0.0.3]")
		s.says(0, "10.0.0.3") // shrinks, and holds for a second
		s.want(t, 20*time.Second, "40s asked", "40s [10.0.0.3]")
		s.says(24*time.Hour, "10.0.0.3")
		s.want(t, time.Second, "41s asked")
		s.want(t, 5*time.Minute-1)
		s.want(t, 1, "5m41s asked")
		f.Close()
		f.Close()
		s.want(t, time.Hour)
	})
}

// TestFollowBounds: the TTL is held to what the service says.
func TestFollowBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		s.says(0, "10.0.0.1")
		f := s.follow(spec.DNS{TTLMin: 7 * time.Second, TTLMax: 9 * time.Second})
		defer f.Close()
		s.want(t, 7*time.Second, "0s asked", "0s [10.0.0.1]", "7s asked")
		s.says(secondsMax*time.Second, "10.0.0.1")
		s.want(t, 7*time.Second, "14s asked")
		s.want(t, 9*time.Second, "23s asked")
	})
}

// nothing is an answer without addresses.
func nothing(exists bool) reply { return reply{exists: exists} }

// TestFollowKeeps: whatever a lookup fails of, the last addresses stay, the next tries are farther and farther apart, and
// one event tells of the beginning and one of the end.
func TestFollowKeeps(t *testing.T) {
	for what, fail := range map[string]func(s *bench){
		"no name":   func(s *bench) { s.fails(nothing(false), nil) },
		"nothing":   func(s *bench) { s.fails(nothing(true), nil) },
		"SERVFAIL":  func(s *bench) { s.fails(reply{}, &failure{declined, "SERVFAIL", nil}) },
		"malformed": func(s *bench) { s.fails(reply{}, wrong("it is")) },
		"no answer": func(s *bench) { s.fails(reply{}, &failure{silent, "no answer in time", nil}) },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newBench(t, "options attempts:1")
				s.says(10*time.Second, "10.0.0.1")
				f := s.follow(spec.DNS{})
				s.want(t, 0, "0s asked", "0s [10.0.0.1]")
				before := len(s.set.Events().Since(0))
				fail(s)
				s.want(t, 10*time.Second, "10s asked", "10s failed")
				if got := s.set.Gauge("skerry_dns_names_failing", "").Value(); got != 1 {
					t.Errorf("%d names fail", got)
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				checkBackoff(t, s)
				s.says(10*time.Second, "10.0.0.1")
				time.Sleep(36 * time.Second)
				synctest.Wait()
				s.mu.Lock()
				if slices.ContainsFunc(s.log, func(l string) bool { return strings.Contains(l, "[") }) {
					t.Errorf("told of what it had: %v", s.log)
				}
				s.mu.Unlock()
				events := s.set.Events().Since(uint64(before))
				if len(events) != 2 || events[0].Kind != "dns" || !strings.Contains(events[0].Text, "its last addresses stay: [10.0.0.1]") ||
					!strings.Contains(events[1].Text, `"shop.test" is looked up again: [10.0.0.1]`) {
					t.Errorf("events %v", events)
				}
				f.Close()
				if got := s.set.Gauge("skerry_dns_names_failing", "").Value(); got != 0 {
					t.Errorf("%d names fail after all is well", got)
				}
			})
		})
	}
}

// checkBackoff reads the times of "asked" in the log: each wait is as long as it should be, give or take a fifth.
func checkBackoff(t *testing.T, s *bench) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	last, want, count := 10*time.Second, time.Second, 0
	for _, line := range s.log {
		when, what, _ := strings.Cut(line, " ")
		if what == "failed" {
			continue
		}
		at, err := time.ParseDuration(when)
		if err != nil || what != "asked" {
			t.Fatalf("%q: %v", line, err)
		}
		if gap := (at - last).Seconds() / want.Seconds(); gap < 0.79 || gap > 1.21 {
			t.Errorf("%v between failures, want about %v", at-last, want)
		}
		last, want, count = at, min(2*want, 30*time.Second), count+1
	}
	if count < 10 {
		t.Errorf("%d tries: %v", count, s.log)
	}
	s.log = nil
}

// TestFollowFirst: a name that has had no address yet is tried again, and its first one is told.
func TestFollowFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		s.fails(nothing(false), nil)
		f := s.follow(spec.DNS{})
		defer f.Close()
		s.want(t, 0, "0s asked", "0s failed")
		s.says(time.Minute, "10.0.0.1")
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		if !strings.HasSuffix(s.log[len(s.log)-1], " [10.0.0.1]") {
			t.Errorf("heard %v", s.log)
		}
	})
}

// TestSoon: a call has the name looked up at once, but never within a second of the last lookup.
func TestSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		s.says(time.Minute, "10.0.0.1")
		f := s.follow(spec.DNS{})
		defer f.Close()
		s.want(t, 0, "0s asked", "0s [10.0.0.1]")
		for range 100 {
			f.Soon()
		}
		s.want(t, time.Second-1)
		s.want(t, 1, "1s asked")
		s.want(t, 500*time.Millisecond)
		f.Soon()
		synctest.Wait()
		f.Soon()
		s.want(t, 500*time.Millisecond, "2s asked")
		s.want(t, 10*time.Second)
		f.Soon()
		s.want(t, 0, "12s asked")
		s.want(t, time.Minute-1)
		s.want(t, 1, "1m12s asked")
		// It does not put a lookup off.
		s.want(t, 59500*time.Millisecond)
		f.Soon()
		s.want(t, 0, "2m11.5s asked")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		s.says(0, "10.0.0.1")
		f := s.follow(spec.DNS{TTLMin: 400 * time.Millisecond})
		defer f.Close()
		s.want(t, 0, "0s asked", "0s [10.0.0.1]")
		f.Soon()
		s.want(t, 400*time.Millisecond, "400ms asked")
	})
}

// TestCloseWaits: Close ends a lookup that is under way and what it told nobody of stays untold.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		ended := false
		s.try = func(ctx context.Context, _ netip.AddrPort, _ question, _ bool) (reply, error) {
			<-ctx.Done()
			s.heard("end")
			ended = true
			return reply{}, lost(ctx, "read", os.ErrDeadlineExceeded)
		}
		f := s.follow(spec.DNS{})
		time.Sleep(2 * time.Second)
		f.Close()
		if !ended {
			t.Error("closed before the lookup ended")
		}
		s.want(t, time.Minute, "2s end")
	})
}

// TestPatience: each try has the timeout of resolv.conf, all of them together 30 s.
func TestPatience(t *testing.T) {
	f := func(conf string, tries int, took time.Duration, text string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s := newBench(t, conf)
			count := 0
			s.try = func(ctx context.Context, _ netip.AddrPort, _ question, _ bool) (reply, error) {
				count++
				<-ctx.Done()
				return reply{}, lost(ctx, "read", os.ErrDeadlineExceeded)
			}
			_, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: spec.FamilyIPv4})
			if err == nil || !strings.Contains(err.Error(), text) || count != tries || time.Since(s.at) != took {
				t.Errorf("%d tries in %v: %v", count, time.Since(s.at), err)
			}
		})
	}
	f("nameserver 10.0.0.1\nnameserver 10.0.0.2\noptions timeout:2 attempts:3", 6, 12*time.Second, "no server could say in 3 tries of 2s at each of 2")
	f("nameserver 10.0.0.1\noptions timeout:20 attempts:3", 2, 30*time.Second, "at most 30s")
}

// TestQueriesBounded: beyond the limit on open queries the others wait, and give up with their context.
func TestQueriesBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBench(t, "")
		open, most, release := 0, 0, make(chan struct{})
		s.try = func(context.Context, netip.AddrPort, question, bool) (reply, error) {
			s.mu.Lock()
			open++
			most = max(most, open)
			s.mu.Unlock()
			<-release
			s.mu.Lock()
			open--
			s.mu.Unlock()
			return reply{addrs: []netip.Addr{netip.IPv6Loopback()}, exists: true}, nil
		}
		var all sync.WaitGroup
		for range 3 * queriesMax {
			all.Go(func() {
				if _, err := s.Lookup(context.Background(), "shop.test", spec.DNS{Family: spec.FamilyIPv6}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Lookup(ctx, "shop.test", spec.DNS{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		all.Wait()
		if most != queriesMax {
			t.Errorf("%d queries at once", most)
		}
	})
}

// TestSideBySide: both families are asked at once, and with auto IPv4 does not wait for IPv6.
func TestSideBySide(t *testing.T) {
	f := func(family spec.Family, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s := newBench(t, "")
			s.try = func(ctx context.Context, _ netip.AddrPort, q question, _ bool) (reply, error) {
				wait, addr := time.Second, "10.0.0.1"
				if q.kind == dnsmessage.TypeAAAA {
					wait, addr = 3*time.Second, "::1"
				}
				select {
				case <-time.After(wait):
				case <-ctx.Done():
					return reply{}, lost(ctx, "", nil)
				}
				return reply{addrs: []netip.Addr{netip.MustParseAddr(addr)}, exists: true}, nil
			}
			a, err := s.Lookup(t.Context(), "shop.test", spec.DNS{Family: family})
			if got := fmt.Sprint(a.Addrs, err, time.Since(s.at)); got != want {
				t.Errorf("%s: got %s, want %s", family, got, want)
			}
		})
	}
	f(spec.FamilyAuto, "[10.0.0.1] <nil> 1s")
	f(spec.FamilyBoth, "[10.0.0.1 ::1] <nil> 3s")
	f(spec.FamilyIPv4, "[10.0.0.1] <nil> 1s")
	f(spec.FamilyIPv6, "[::1] <nil> 3s")
}
