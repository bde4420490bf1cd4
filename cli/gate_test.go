package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/handover"
)

// TestGate: who comes while it is shut waits until it is open, as long as clients wait, or has left; who is within is waited for.
func TestGate(t *testing.T) {
	f := func(what string, then func(g *gate, leave func()), want string, after time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.shut("a reason")
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			began, done := time.Now(), make(chan error)
			go func() { done <- g.enter(ctx) }()
			time.Sleep(time.Second)
			then(&g, leave)
			err := <-done
			if took := time.Since(began); took != after {
				t.Errorf("%s: it took %v, want %v", what, took, after)
			}
			if want == "" && err == nil {
				g.leave()
			} else if want == "" || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		})
	}
	f("nothing", func(*gate, func()) {}, "nothing was done: a reason, and 20s (gateWait) were not enough", gateWait)
	f("opened", func(g *gate, _ func()) { g.open() }, "", time.Second)
	f("ended", func(g *gate, _ func()) { g.end("another reason") }, "nothing was done: another reason", time.Second)
	f("left", func(_ *gate, leave func()) { leave() }, "who asked has left", time.Second)
	f("shut anew", func(g *gate, _ func()) { // before who waits could look: by open and shut it might be within between the two
		g.mu.Lock()
		defer g.mu.Unlock()
		g.why = "later"
		g.told()
	}, "nothing was done: later", gateWait)

	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		shut := make(chan bool)
		go func() { g.shut("a reason"); close(shut) }()
		synctest.Wait()
		select {
		case <-shut:
			t.Error("it does not wait for who is within")
		default:
		}
		g.leave()
		<-shut
		if g.isOpen() {
			t.Error("it is open")
		}
	})
}

// TestReplaceWhileTaking: a process that is still to take --data is not replaced, though purges do not wait for that any more.
func TestReplaceWhileTaking(t *testing.T) {
	var err error
	p := &process{err: new(strings.Builder)}
	if p.hand, err = handover.Begin([]string{"skerry"}, ""); err != nil {
		t.Fatal(err)
	}
	p.taking.Store(true)
	p.replace()
	if got := fmt.Sprint(p.err); p.attempt != nil || !strings.Contains(got, "has not taken --data yet") {
		t.Errorf("%q", got)
	}
}
