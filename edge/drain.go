package edge

import (
	"context"
	"time"
)

// Drain ends the edge: not ready at once, then DrainDelay of normal service for load balancers to notice, then no new
// connections and each open one closed after the exchange it is in, then, at DrainTimeout, the hard stop. Hurry cuts
// every wait short. It returns when nothing runs any more, at the latest cutGrace after the hard stop: an exchange that
// waits for its origin then goes on waiting without a client, until the process ends. It reports how many connections were cut.
func (e *Edge) Drain() (cut int) {
	e.draining.Store(true)
	e.meters.Events().Add("drain", "not ready; accepting for another "+e.opt.DrainDelay.String()+" (--drain-delay)")
	select {
	case <-time.After(e.opt.DrainDelay):
	case <-e.hurry:
	}
	if e.sockets != nil {
		e.sockets.Close()
	}
	e.h1.Drain()
	e.h2.Drain()
	done := make(chan struct{})
	go func() {
		e.h1.Wait()
		e.h2.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(e.opt.DrainTimeout):
		cut = e.cut()
	case <-e.hurry:
		cut = e.cut()
	}
	select {
	case <-done:
		if e.sockets != nil {
			e.sockets.Wait()
		}
	case <-time.After(cutGrace):
	}
	e.end(cut)
	return cut
}

// cut ends what is still open.
func (e *Edge) cut() int {
	open := int(e.open.Value())
	if e.sockets != nil {
		e.sockets.Abort()
	}
	e.h1.Close()
	e.h2.Close()
	e.keepers.Upstream.Stop()
	return open
}

// end says how it went and lets go.
func (e *Edge) end(cut int) {
	if cut > 0 {
		e.meters.Events().Add("drained", "hard stop (--drain-timeout, or a second signal) with connections open")
	} else {
		e.meters.Events().Add("drained", "every connection ended by itself")
	}
	e.Abandon()
}

// Abandon lets go of the plan and closes the log, which gets what it still holds. It is for an edge that was never
// started; Drain does the same at its end.
func (e *Edge) Abandon() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endWatch()
	if a := e.active.Load(); a != nil {
		a.plan.Release()
	}
	e.keepers.Close()
	if e.tracer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), tracesGrace)
		defer cancel()
		if err := e.tracer.Close(ctx); err != nil {
			e.meters.Events().Add("traces", err.Error())
		}
	}
	e.meters.Events().Listen(nil)
	if e.log != nil {
		_ = e.log.Close() // a sink that is stuck has been counted
	}
}

// Hurry ends every wait of Drain: the hard stop comes now.
func (e *Edge) Hurry() { e.hurried.Do(func() { close(e.hurry) }) }
