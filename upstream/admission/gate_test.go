package admission_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/admission"
)

// client is a Watcher whose client leaves after a time; 0: never.
type client struct {
	after   time.Duration
	watched atomic.Bool
}

func (c *client) Watch(gone func()) (stop func()) {
	c.watched.Store(true)
	if c.after == 0 {
		return func() {}
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-time.After(c.after):
			gone()
		case <-done:
		}
	}()
	return func() { close(done); <-over }
}

// entry is one request of a test, with what became of it.
type entry struct {
	name   string
	rank   int
	ticket admission.Ticket
	waited time.Duration
	err    error
}

// doorman sends requests to a gate one after another and notes in which order they get in or are refused.
type doorman struct {
	t     *testing.T
	gate  *admission.Gate
	mu    sync.Mutex
	log   []string
	ended []*entry
}

func (d *doorman) enter(name string, rank int, until time.Time, c admission.Watcher) *entry {
	e := &entry{name: name, rank: rank}
	go func() {
		e.ticket, e.waited, e.err = d.gate.Enter(rank, time.Now(), until, c)
		d.mu.Lock()
		defer d.mu.Unlock()
		word := "+"
		if e.err != nil {
			word = "-"
		}
		d.log, d.ended = append(d.log, word+name), append(d.ended, e)
	}()
	synctest.Wait()
	return e
}

func (d *doorman) leave() {
	d.gate.Leave(admission.Ticket{}, 0)
	synctest.Wait()
}

// said returns what has happened since it was asked last.
func (d *doorman) said() string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := strings.Join(d.log, " ")
	d.log = nil
	return s
}

func door(t *testing.T, c spec.Concurrency, set *meter.Set, f func(d *doorman)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &doorman{t: t, gate: admission.NewGate(c, admission.Meters{Set: set, Service: "pay"})}
		f(d)
		for d.gate.Open() > 0 {
			d.leave()
		}
		if !d.gate.Idle() {
			t.Error("the gate is not idle at the end")
		}
	})
}

// TestOrder: places go to the best class first and to the newest within it, and a full queue gives way from the other end.
func TestOrder(t *testing.T) {
	const critical, high, normal, low = 0, 1, 2, 3
	for _, tt := range []struct {
		name   string
		queue  int
		ranks  []int
		at     string // what is said while they come
		leaves string // and when places come free
	}{
		{"newest first", 3, []int{normal, normal, normal}, "", "+c +b +a"},
		{"best class first", 4, []int{low, critical, normal, high}, "", "+b +d +c +a"},
		{"a full queue refuses", 2, []int{normal, normal, normal}, "-c", "+b +a"},
		{"a full queue refuses a lower class", 2, []int{normal, normal, low}, "-c", "+b +a"},
		{"the oldest of the lowest class gives way", 3, []int{low, low, normal, high}, "-a", "+d +c +b"},
		{"nobody of the same class gives way", 2, []int{high, high, high, critical}, "-c -a", "+d +b"},
		{"an unknown class is the lowest", 2, []int{99, -1, normal}, "-a", "+c +b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			door(t, spec.Concurrency{Max: 1, Queue: tt.queue, QueueTime: time.Minute}, nil, func(d *doorman) {
				d.enter("in", low, time.Time{}, nil)
				if got := d.said(); got != "+in" {
					t.Fatalf("the first: %q", got)
				}
				for i, rank := range tt.ranks {
					d.enter(string(rune('a'+i)), rank, time.Time{}, nil)
				}
				if got, want := d.said(), tt.at; got != want {
					t.Errorf("while they come: %q, want %q", got, want)
				}
				var got []string
				for range d.gate.Waiting() {
					d.leave()
					got = append(got, d.said())
				}
				if s := strings.Join(got, " "); s != tt.leaves {
					t.Errorf("when places come free: %q, want %q", s, tt.leaves)
				}
			})
		})
	}
}

// TestWaits: how a wait ends that gets no place, in which time, what is said of it and what is counted.
func TestWaits(t *testing.T) {
	c := spec.Concurrency{Max: 1, Queue: 2, QueueTime: time.Second}
	for _, tt := range []struct {
		name    string
		until   time.Duration // 0: never
		client  *client
		kind    fault.Kind
		reason  exchange.Reason
		waited  time.Duration
		watched bool
		text    string
		why     string
	}{
		{"queueTime", 0, nil, fault.OriginBusy, exchange.ReasonWait, time.Second, false, "1s (concurrency.queueTime)", "queue_time"},
		{"queueTime, watched", time.Hour, &client{}, fault.OriginBusy, exchange.ReasonWait, time.Second, true, "1 open requests (concurrency.max)", "queue_time"},
		{"whole", 300 * time.Millisecond, nil, fault.OriginTimeout, exchange.ReasonWhole, 300 * time.Millisecond, false, "timeouts.whole", "whole_timeout"},
		{"whole, at once", -time.Millisecond, nil, fault.OriginTimeout, exchange.ReasonWhole, 0, false, "timeouts.whole", "whole_timeout"},
		{"whole, before the client is watched", 50 * time.Millisecond, &client{}, fault.OriginTimeout, exchange.ReasonWhole, 50 * time.Millisecond, false, "", "whole_timeout"},
		{"client leaves", 0, &client{after: 100 * time.Millisecond}, fault.ClientGone, exchange.ReasonNone, 150 * time.Millisecond, true, "service pay", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := meter.NewSet()
			door(t, c, set, func(d *doorman) {
				d.enter("in", 2, time.Time{}, nil)
				var until time.Time
				if tt.until != 0 {
					until = time.Now().Add(tt.until)
				}
				var w admission.Watcher
				if tt.client != nil {
					w = tt.client
				}
				e := d.enter("a", 2, until, w)
				time.Sleep(2 * time.Second)
				if got := d.said(); got != "+in -a" {
					t.Fatalf("said %q", got)
				}
				if fault.Of(e.err) != tt.kind || d.gate.Reason(e.err) != tt.reason || e.waited != tt.waited {
					t.Errorf("%v after %v, reason %v; want %v after %v, %v", e.err, e.waited, d.gate.Reason(e.err), tt.kind.Name(), tt.waited, tt.reason)
				}
				if !strings.Contains(e.err.Error(), tt.text) {
					t.Errorf("the error does not say %q: %v", tt.text, e.err)
				}
				if tt.client != nil && tt.client.watched.Load() != tt.watched {
					t.Errorf("watched: %v", !tt.watched)
				}
				shed := shedOf(set)
				if want := map[string]uint64{}; tt.why != "" {
					want["normal "+tt.why] = 1
					if fmt.Sprint(shed) != fmt.Sprint(want) {
						t.Errorf("counted %v, want %v", shed, want)
					}
				} else if len(shed) > 0 {
					t.Errorf("counted %v, want nothing", shed)
				}
			})
		})
	}
}

// shedOf returns the counters of shed requests that are not zero.
func shedOf(set *meter.Set) map[string]uint64 {
	shed := map[string]uint64{}
	for _, m := range set.All() {
		if m.Name == "skerry_service_shed_total" && m.Counter.Value() > 0 {
			shed[m.Labels[1].Value+" "+m.Labels[2].Value] = m.Counter.Value()
		}
	}
	return shed
}

// TestNoQueue: without a queue, or time in it, there is no wait; without a bound there is no gate; and gauges tell what is.
func TestNoQueue(t *testing.T) {
	for _, c := range []spec.Concurrency{{Max: 1}, {Max: 1, Queue: 5}, {Max: 1, QueueTime: time.Second}} {
		set := meter.NewSet()
		door(t, c, set, func(d *doorman) {
			d.enter("a", 2, time.Time{}, nil)
			e := d.enter("b", 0, time.Time{}, nil)
			if got := d.said(); got != "+a -b" || d.gate.Reason(e.err) != exchange.ReasonQueue {
				t.Errorf("%+v: said %q", c, got)
			}
			if shed := shedOf(set); shed["critical queue_full"] != 1 || len(shed) != 1 {
				t.Errorf("counted %v", shed)
			}
			for _, m := range set.All() {
				if want := map[string]float64{"skerry_service_open": 1, "skerry_service_limit": 1, "skerry_service_waiting": 0}; m.Func != nil && m.Func() != want[m.Name] {
					t.Errorf("%s is %v", m.Name, m.Func())
				}
			}
		})
	}
	g := admission.NewGate(spec.Concurrency{Queue: 100, QueueTime: time.Second}, admission.Meters{})
	if g != nil {
		t.Fatal("there is a gate without a bound")
	}
	ticket, _, err := g.Enter(0, time.Now(), time.Time{}, nil)
	if err != nil || g.Reason(err) != exchange.ReasonNone {
		t.Error(err)
	}
	g.Leave(ticket, time.Second)
}

// TestLimitMoves: a raised limit lets waiters in at once, a lowered one lets nobody in until enough have left.
func TestLimitMoves(t *testing.T) {
	door(t, spec.Concurrency{Max: 1, Queue: 10, QueueTime: time.Minute}, nil, func(d *doorman) {
		for i := range 6 {
			d.enter(fmt.Sprint(i), 2, time.Time{}, nil)
		}
		d.said()
		d.gate.SetLimit(4)
		if got := d.gate.Open(); got != 4 || len(d.said()) != len("+5 +4 +3") {
			t.Errorf("a limit of 4: %d are in", got)
		}
		d.gate.SetLimit(2)
		d.leave()
		d.leave()
		if got := d.said(); got != "" || d.gate.Open() != 2 {
			t.Errorf("a limit of 2: %d are in, %q came", d.gate.Open(), got)
		}
		d.leave()
		if got := d.said(); got != "+2" {
			t.Errorf("a place at a limit of 2: %q", got)
		}
		d.gate.SetLimit(9)
		synctest.Wait()
		d.enter("new", 2, time.Time{}, nil)
		if got := d.said(); got != "+1 +new" {
			t.Errorf("a limit of 9: %q", got)
		}
	})
}

// TestTwice: a place that is given back twice is a bug that must not go unseen.
func TestTwice(t *testing.T) {
	defer func() {
		if r, _ := recover().(string); !strings.HasPrefix(r, "BUG: ") {
			t.Errorf("recovered %q", r)
		}
	}()
	admission.NewGate(spec.Concurrency{Max: 1}, admission.Meters{}).Leave(admission.Ticket{}, 0)
}

// TestNoPlaceLost: many at once enter, leave, give up and go while the limit moves. Never are more in than the limit allows,
// and afterwards nobody is in, nobody waits, and every place can be had again.
func TestNoPlaceLost(t *testing.T) {
	const most = 8
	for _, c := range []spec.Concurrency{
		{Max: most, Queue: 6, QueueTime: 3 * time.Millisecond},
		{Max: most, Min: 2, Adaptive: true, Queue: 6, QueueTime: 120 * time.Millisecond},
	} {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		g := admission.NewGate(c, admission.Meters{})
		var in, ok, refused atomic.Int64
		var wg sync.WaitGroup
		stop := time.Now().Add(700 * time.Millisecond)
		for n := range 32 {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			wg.Go(func() {
				for time.Now().Before(stop) || ok.Load() == 0 || refused.Load() == 0 { // a machine that stands still until then has seen neither
					var until time.Time
					if r.IntN(4) == 0 {
						until = time.Now().Add(time.Duration(r.IntN(3000)) * time.Microsecond)
					}
					var w admission.Watcher
					if r.IntN(2) == 0 {
						w = &client{after: time.Duration(1+r.IntN(30)) * time.Millisecond}
					}
					ticket, _, err := g.Enter(r.IntN(spec.Classes), time.Now(), until, w)
					if err != nil {
						refused.Add(1)
						continue
					}
					ok.Add(1)
					if in.Add(1) > most {
						t.Errorf("%d are in", in.Load())
					}
					if r.IntN(3) > 0 {
						time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
					}
					in.Add(-1)
					g.Leave(ticket, time.Duration(r.IntN(1e6)))
				}
			})
		}
		if c.Adaptive {
			wg.Go(func() {
				for time.Now().Before(stop) {
					g.SetLimit(2 + rand.IntN(most-1))
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		if !g.Idle() || ok.Load() == 0 || refused.Load() == 0 {
			t.Errorf("%d were served, %d refused; %d are open, %d wait", ok.Load(), refused.Load(), g.Open(), g.Waiting())
		}
		past := time.Now().Add(-time.Hour) // no window ends by then: the limit stays what it is
		for range g.Limit() {
			if _, _, err := g.Enter(3, past, time.Now(), nil); err != nil {
				t.Errorf("a place of %d is gone: %v", g.Limit(), err)
			}
		}
	}
}
