package edge

import (
	"context"
	"time"
)

// Drain ends the edge: not ready at once, then DrainDelay of normal service for load balancers to notice, then no new
// connections and each open one closed after the exchange it is in, then, at DrainTimeout, the end of streams and tunnels as by
// Retire, and behind partGrace the hard stop. Hurry has that come now. It returns when nothing runs any more, at the latest cutGrace
// after the hard stop: an exchange that waits for its origin then goes on waiting without a client, until the process ends. It
// reports how many connections were cut.
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
		cut = e.part(done)
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

// Retire ends an edge in whose place another process serves with the same sockets: it stops accepting, and every connection ends
// after its next answer, which says so, over HTTP/2 by GOAWAY; who sends nothing ends when it has been idle for too long. Streams and
// tunnels go on for age at most; then WebSockets between two messages are closed with status 1012, calls of gRPC between two get
// UNAVAILABLE, and all that is left is cut. No certificate is ordered any more, but orders under way are brought to their end.
// Hurry has that happen now. It returns when nothing runs any more, and reports how many connections were cut.
func (e *Edge) Retire(age time.Duration) (cut int) {
	e.draining.Store(true)
	e.meters.Events().Add("retire", "another process accepts; what is open here may go on for "+age.String()+" (--upgrade-age)")
	e.sockets.Retire()
	e.h1.Retire()
	e.h2.Retire()
	done := make(chan struct{})
	go func() {
		e.keepers.Certs.Rest()
		e.sockets.Wait()
		e.h1.Wait()
		e.h2.Wait()
		close(done)
	}()
	old := time.NewTimer(age)
	defer old.Stop()
	select {
	case <-done:
	case <-old.C:
		cut = e.part(done)
	case <-e.hurry:
		cut = e.part(done)
	}
	select {
	case <-done:
	case <-time.After(cutGrace):
	}
	e.h2.Close() // nothing is left of it; its workers end
	e.end(cut)
	return cut
}

// part ends tunnels in good order, and cuts what has not ended by then.
func (e *Edge) part(done <-chan struct{}) (cut int) {
	e.h1.Part()
	e.h2.Part()
	select {
	case <-done:
		return 0
	case <-time.After(partGrace):
	}
	e.sockets.Close()
	return e.cut()
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
		e.meters.Events().Add("drained", "hard stop (--drain-timeout, --upgrade-age, or a second signal) with connections open")
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

// Alive returns when every loop that accepts connections has turned, and the locks could be had that every connection needs: an
// edge in which that cannot be is dead. Also when ctx is done.
func (e *Edge) Alive(ctx context.Context) {
	e.sockets.Alive(ctx)
	e.shed(time.Unix(0, 0)) // nobody has waited since then
}

// Hurry ends every wait of Drain: the hard stop comes now.
func (e *Edge) Hurry() { e.hurried.Do(func() { close(e.hurry) }) }
