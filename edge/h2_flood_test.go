package edge_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
)

// await waits until so many header blocks have come, or the connection has ended.
func (a *h2Attacker) await(heads int) {
	_ = a.w.Flush()
	for give := time.Now().Add(10 * time.Second); !a.ended() && time.Now().Before(give); time.Sleep(time.Millisecond) {
		a.mu.Lock()
		n := a.heads
		a.mu.Unlock()
		if n >= heads {
			return
		}
	}
}

// awaitResets waits until so many streams were reset, or the connection has ended.
func (a *h2Attacker) awaitResets(most int) {
	_ = a.w.Flush()
	for give := time.Now().Add(10 * time.Second); !a.ended() && time.Now().Before(give); time.Sleep(time.Millisecond) {
		a.mu.Lock()
		n := 0
		for _, resets := range a.resets {
			n += resets
		}
		a.mu.Unlock()
		if n >= most {
			return
		}
	}
}

// h2Patience is how long the edge has to cut an attacker off once it has said everything.
const h2Patience = 10 * time.Second

// run lets the attackers loose once, all at the same time, and says what was wrong.
func (g *h2Target) run(t *testing.T, row h2Attack) {
	t.Helper()
	before := map[string]uint64{}
	for _, name := range row.defences {
		before[name] = g.defended(name)
	}
	var wg sync.WaitGroup
	held := make(chan struct{}) // closed when those that hold on have held on for long enough
	var said sync.WaitGroup
	said.Add(row.conns)
	for range row.conns {
		wg.Go(func() {
			a, err := g.dial(row.deaf, cmp.Or(row.preface, http2.ClientPreface), row.settings...)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
				said.Done()
				return
			}
			defer func() { a.conn.Close(); <-a.over }()
			row.say(a)
			said.Done()
			if row.code == neverGoes {
				<-held
			} else {
				select {
				case <-a.over:
				case <-time.After(h2Patience):
				}
			}
			row.judge(t, a)
		})
	}
	said.Wait()
	if row.code == neverGoes {
		time.Sleep(100 * time.Millisecond) // the attack is that it holds on
	}
	close(held)
	wg.Wait()
	var counted uint64
	for _, name := range row.defences {
		counted += g.defended(name) - before[name]
	}
	if len(row.defences) > 0 && counted < uint64(row.conns) {
		t.Errorf("%s: the counters of %v moved by %d for %d attackers", row.name, row.defences, counted, row.conns)
	}
}

// judge holds what an attacker got against what it should have.
func (row *h2Attack) judge(t *testing.T, a *h2Attacker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ended := a.ended()
	switch {
	case row.code == neverGoes && ended:
		t.Errorf("%s: the connection ended, GOAWAY %v", row.name, a.goAway)
	case row.code >= 0 && !ended:
		t.Errorf("%s: the edge bears it; resets %v, answers %v", row.name, a.resets, a.status)
	case row.code >= 0 && (a.goAway == nil || int(*a.goAway) != row.code):
		t.Errorf("%s: the end is %v, want %v", row.name, a.goAway, http2.ErrCode(row.code))
	}
	if row.heard != nil && !row.heard(a) {
		t.Errorf("%s: got resets %v, answers %v", row.name, a.resets, a.status)
	}
}

// flooded runs every attack so many times, beside two honest clients of HTTP/2.
func flooded(t *testing.T, rounds int, seed uint64) {
	e, g, f := openH2(t, edge.Options{})
	warm, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	f.honest(warm, 2, rand.New(rand.NewPCG(seed, 0)))
	// Streams leave up to 512 goroutines behind that wait for the next ones, and an origin's connections are kept.
	const kept = 512 + 1000
	goroutines, memory := runtime.NumGoroutine(), inUse()
	for _, row := range h2Attacks {
		sent, failed, wrong := f.sent.Load(), f.failed.Load(), f.wrong.Load()
		f.slowest = 0
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		const honest = 2
		for client := range uint64(honest) {
			wg.Go(func() { f.honest(ctx, 2, rand.New(rand.NewPCG(seed, client))) })
		}
		began, used := time.Now(), int64(0)
		for range rounds { // one after the other: what is right to use is that of the attackers of one
			most := peak()
			g.run(t, row)
			used = max(used, most())
			awaitMost(t, "connections after "+row.name, 0, func() int { return int(g.open()) - honest })
		}
		took := time.Since(began)
		for f.sent.Load()-sent < 60 && time.Since(began) < 5*time.Second { // of fewer than 200 none may fail
			time.Sleep(time.Millisecond)
		}
		cancel()
		wg.Wait()
		sent, failed, wrong = f.sent.Load()-sent, f.failed.Load()-failed, f.wrong.Load()-wrong
		t.Logf("%-55s %6.2f s, %4d MB; %d honest requests, %d failed, the slowest took %v", row.name, took.Seconds(), used>>20, sent, failed, f.slowest)
		if wrong > 0 || failed*200 > sent || sent == 0 {
			t.Errorf("%s: of %d honest requests %d failed and %d were wrong; the last: %s", row.name, sent, failed, wrong, f.whyFailed)
		}
		if used > row.memory<<20 {
			t.Errorf("%s: %d MB were used, at most %d are right", row.name, used>>20, row.memory)
		}
		awaitMost(t, "connections after "+row.name, 0, func() int { return int(g.open()) })
		awaitMost(t, "goroutines after "+row.name, goroutines+kept, runtime.NumGoroutine)
	}
	if left := inUse() - memory; left > 64<<20 { // stacks of what waits, and of an origin that sleeps
		t.Errorf("%d MB are in use after all attacks", left>>20)
	} else {
		t.Logf("%d MB are in use after all attacks", left>>20)
	}
	if cut := e.Drain(); cut != 0 {
		t.Errorf("%d connections were cut off", cut)
	}
}

// TestSoakH2Flood: each way to hurt a server of HTTP/2 is cut off as it should be, and counted, while honest clients are served and
// memory stays bounded.
func TestSoakH2Flood(t *testing.T) {
	length, seed := soakLength(t, 0, 5*time.Minute) // a slice is one round
	flooded(t, 1, seed)
	for began := time.Now(); time.Since(began) < length && !t.Failed(); {
		flooded(t, 20, seed)
	}
}
