package limit_test

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/meter"
)

// address is the n-th of many.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

func forgotten(set *meter.Set) uint64 {
	return set.Counter("skerry_limit_forgotten_total", "").Value()
}

// Many requests of one address at one instant, also its first ones, get exactly the burst.
func TestManyAtOnce(t *testing.T) {
	const burst, goroutines = 100, 8
	table, _ := tables(0)
	s := stage(t, limited(1, time.Second, burst), "shop", table)
	now := time.Now()
	for n := range 50 {
		var admitted atomic.Int64
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() { admitted.Add(int64(admits(s, address(n), now, burst/2))) })
		}
		all.Wait()
		if admitted.Load() != burst {
			t.Fatalf("address %d: %d admitted, want %d", n, admitted.Load(), burst)
		}
	}
}

// Many who ask at the very moment in which their address is entered do not enter it twice.
func TestEnteredOnce(t *testing.T) {
	const goroutines, rounds = 4, 3000
	table, _ := tables(0)
	s := stage(t, limited(1, time.Second, goroutines-1), "shop", table)
	now := time.Now()
	var arrived atomic.Int64
	var admitted [rounds]atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for round := range rounds {
				for arrived.Add(1); arrived.Load() < int64(round+1)*goroutines; {
					runtime.Gosched()
				}
				if ask(s, address(round), now) {
					admitted[round].Add(1)
				}
			}
		})
	}
	all.Wait()
	for round := range admitted {
		if n := admitted[round].Load(); n != goroutines-1 {
			t.Fatalf("address %d: %d admitted, want %d", round, n, goroutines-1)
		}
	}
}

// A clock that says something impossible makes nobody free.
func TestImpossibleClock(t *testing.T) {
	now := time.Now()
	table, _ := tables(0)
	s := stage(t, limited(1, time.Second, 5), "shop", table)
	admits(s, alice, now.Add(time.Minute), 5)
	for _, at := range []time.Time{now, now.Add(-time.Hour), {}, time.Unix(0, 0)} {
		if ask(s, alice, at) {
			t.Errorf("admitted at %v", at)
		}
	}
}

// While the clock runs they get no more than the burst and what the time has brought.
func TestManyInTime(t *testing.T) {
	const burst, rate, goroutines = 50, 10_000, 8
	table, _ := tables(0)
	s := stage(t, limited(rate, time.Second, burst), "shop", table)
	start := time.Now()
	var admitted atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for time.Since(start) < 50*time.Millisecond || admitted.Load() <= burst { // however late they begin
				if ask(s, alice, time.Now()) {
					admitted.Add(1)
				}
			}
		})
	}
	all.Wait()
	most := burst + int64(time.Since(start).Seconds()*rate) + 1
	if n := admitted.Load(); n > most || n <= burst {
		t.Errorf("%d were admitted, at most %d may be, and more than the burst", n, most)
	}
}

// A full bucket of the table forgets the address in the least debt, so that the one being refused stays refused.
func TestForgetsTheLeastDebt(t *testing.T) {
	table, set := tables(64) // one cache line: four addresses
	s := stage(t, limited(1, time.Second, 10), "shop", table)
	now := time.Now()
	if n := admits(s, alice, now, 20); n != 10 {
		t.Fatalf("%d admitted, want 10", n)
	}
	for n := range 1000 {
		if !ask(s, address(n), now) {
			t.Fatalf("address %d, who asks for the first time, was refused", n)
		}
	}
	if ask(s, alice, now) {
		t.Error("the address that is being refused was forgotten")
	}
	if n := forgotten(set); n != 997 {
		t.Errorf("%d forgotten in debt, want 997", n)
	}
	now = now.Add(time.Hour) // nobody owes anything
	for n := range 4 {
		ask(s, address(2000+n), now)
	}
	if n := forgotten(set); n != 997 {
		t.Errorf("%d forgotten in debt after an hour, want still 997: a full bucket is nothing to remember", n)
	}
}

// Addresses that push each other out of one cache line, all at once, pay for nobody else.
func TestChangingHands(t *testing.T) {
	const goroutines, requests = 8, 2000
	table, set := tables(64)
	s := stage(t, limited(1, time.Second, requests), "shop", table)
	now := time.Now()
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for range requests {
				if !ask(s, address(g), now) {
					t.Errorf("address %d was refused within its burst", g)
					return
				}
			}
		})
	}
	all.Wait()
	if forgotten(set) == 0 {
		t.Error("nobody was pushed out: the test shows nothing")
	}
}

// model is what the table says, told by a map: every admission of an address is charged to it, and nothing is forgotten.
type model struct {
	interval, span time.Duration
	full           map[int]time.Time
}

// admits says whether the address has a request left.
func (m *model) admits(n int, now time.Time) bool {
	full := m.full[n]
	if full.Before(now) {
		full = now
	}
	return full.Add(m.interval).Sub(now) <= m.span
}

func (m *model) charge(n int, now time.Time) {
	if m.full[n].Before(now) {
		m.full[n] = now
	}
	m.full[n] = m.full[n].Add(m.interval)
}

// TestTableAgainstMap compares the tables with a map: 100,000 requests, or ten million with SKERRY_SOAK=1. Tables that
// need forget nobody agree with it in every answer; small ones may admit more, but whom they refuse it refuses as well.
func TestTableAgainstMap(t *testing.T) {
	requests := 100_000
	if os.Getenv("SKERRY_SOAK") == "1" {
		requests = 10_000_000
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SKERRY_SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SKERRY_SOAK_SEED=%d, %d requests", seed, requests)
	f := func(bytes int64, exact bool) {
		random := rand.New(rand.NewPCG(seed, uint64(bytes)))
		popular := rand.NewZipf(random, 1.1, 4, 20_000)
		table, set := tables(bytes)
		s := stage(t, limited(10, time.Second, 20), "shop", table)
		m := &model{100 * time.Millisecond, 2 * time.Second, map[int]time.Time{}}
		now, more, refused := time.Now(), 0, 0
		for i := range requests {
			now = now.Add(time.Duration(random.IntN(2_000_000)))
			n := int(popular.Uint64())
			got, want := ask(s, address(n), now), m.admits(n, now)
			switch {
			case !got && want:
				t.Fatalf("%d bytes, request %d: address %d was refused within its limit", bytes, i, n)
			case got && !want:
				more++
			}
			if got {
				m.charge(n, now)
			} else {
				refused++
			}
		}
		t.Logf("%d bytes: %d refused, %d admitted beyond the limit, %d forgotten in debt", bytes, refused, more, forgotten(set))
		if refused == 0 {
			t.Errorf("%d bytes: nobody was refused: the test shows nothing", bytes)
		}
		if exact && more > 0 && forgotten(set) == 0 || uint64(more) > forgotten(set)*20 {
			t.Errorf("%d bytes: %d were admitted beyond the limit, with %d forgotten", bytes, more, forgotten(set))
		}
		if exact && forgotten(set) > 0 {
			t.Errorf("%d bytes: %d forgotten, want none", bytes, forgotten(set))
		}
	}
	f(0, true)
	f(16<<10, false)
	f(64, false)
}

func TestSizes(t *testing.T) {
	f := func(bytes int64, addresses int) {
		t.Helper()
		table, set := tables(bytes)
		s := stage(t, limited(1, time.Hour, 1), "shop", table)
		for n := range 40_000 {
			ask(s, address(n), time.Now())
		}
		if held := 40_000 - int(forgotten(set)); held > addresses || held < addresses*9/10 {
			t.Errorf("%d bytes hold %d addresses, want about %d", bytes, held, addresses)
		}
	}
	f(1, 4)
	f(127, 4)
	f(128, 8)
	f(64<<10, 4096)
	f(100<<10, 4096)
	f(limit.DefaultTableBytes, 40_000)
}
