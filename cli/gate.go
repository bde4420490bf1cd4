package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"skerry.dev/skerry/fault"
)

// gate holds back what an operator changes while it is not certain which process goes on: what is acknowledged holds whatever ends then. The
// zero value is open.
type gate struct {
	mu     sync.Mutex
	why    string // it is shut; empty: it is open
	ended  bool   // for good: another process goes on
	busy   int    // how many are within
	change chan struct{}
}

// told wakes who waits, and returns what is closed at the next change. With the lock.
func (g *gate) told() {
	if g.change != nil {
		close(g.change)
		g.change = nil
	}
}

// next is closed at the next change. With the lock.
func (g *gate) next() <-chan struct{} {
	if g.change == nil {
		g.change = make(chan struct{})
	}
	return g.change
}

// shut lets nobody in any more, for a reason, and waits for those that are within.
func (g *gate) shut(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = why
	for g.busy > 0 {
		change := g.next()
		g.mu.Unlock()
		<-change
		g.mu.Lock()
	}
}

// open lets everybody in.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why = ""
	g.told()
}

// end shuts it for good.
func (g *gate) end(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.why, g.ended = why, true
	g.told()
}

// isOpen reports whether it is.
func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why == ""
}

// enter waits until it is open, gateWait at most, and counts one that is within. An error says why it is not.
func (g *gate) enter(ctx context.Context) error {
	late := time.NewTimer(gateWait)
	defer late.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		switch {
		case g.why == "" && ctx.Err() == nil:
			g.busy++
			return nil
		case g.ended:
			return fault.New(fault.Draining, "nothing was done: "+g.why)
		}
		why, change := g.why, g.next()
		g.mu.Unlock()
		var err error
		select {
		case <-change:
		case <-late.C:
			err = fault.New(fault.Draining, fmt.Sprintf("nothing was done: %s, and %v (gateWait) were not enough", why, gateWait))
		case <-ctx.Done():
			err = fault.Wrap(fault.ClientGone, "nothing was done: who asked has left", ctx.Err())
		}
		g.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// leave counts one less.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.told()
}
