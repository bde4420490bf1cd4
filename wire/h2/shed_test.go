package h2_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/wire/wiretest"
)

// TestShed: of connections that wait for a request, the one that has waited longest goes, at once, and is told so; one
// with a stream never goes.
func TestShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{}, 8)
		path := exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
			begun <- struct{}{}
			return echo(x)
		}))
		r := newRig(t, path.Run)
		defer r.stop()
		next := func() time.Time { // a second goes by, and what was written before it has been read
			time.Sleep(time.Second)
			return time.Now()
		}
		start := next()
		if r.server.Shed(start) || r.server.Waiting(start) != start {
			t.Error("something waits where nothing is")
		}
		busy := r.pipeClient()
		id := busy.Post("content-length", "5")
		<-begun
		quiet := r.pipeClient()
		arrived := time.Now()
		next()
		silent, far := bufferedPipe()
		r.serving.Go(func() { r.server.Serve(far, nil) })
		next()
		slow := r.pipeClient()
		slow.Until(func() bool { return len(slow.Settings) > 0 })
		if err := slow.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndStream, 1, slow.Block(":method", "GET")); err != nil {
			t.Error(err)
		}
		next()
		idle := r.pipeClient()
		idle.Await(idle.Get())
		<-begun
		quiet.WritePing(false, [8]byte{}) // brings nothing: it has waited longest nevertheless
		next()
		if r.server.Shed(arrived) || !r.server.Waiting(time.Now()).Equal(arrived) {
			t.Error("something was shed that does not wait for so long, or another waits longest")
		}
		ended := func(name string, c *wiretest.H2) {
			t.Helper()
			began := time.Now()
			if !r.server.Shed(began) {
				t.Fatalf("%s: nothing was shed", name)
			}
			c.Until(func() bool { return false })
			if c.GoAway == nil || *c.GoAway != http2.ErrCodeNo || time.Since(began) > 0 {
				t.Errorf("%s: it ended after %v with GOAWAY %v, %v", name, time.Since(began), c.GoAway, c.Closed)
			}
		}
		ended("a quiet client", quiet)
		if !r.server.Shed(time.Now()) {
			t.Error("a silent client was not shed")
		}
		for b := make([]byte, 500); ; {
			if _, err := silent.Read(b); err != nil {
				break
			}
		}
		ended("a slow head", slow)
		ended("an idle client", idle)
		if next(); r.server.Shed(time.Now()) {
			t.Error("a client in a request was shed")
		}
		busy.Data(id, true, "hello")
		if a := busy.Await(id); a.Status != "200" || !a.Ended {
			t.Errorf("the busy client: %v, %v", a, busy.Closed)
		}
		busy.Conn.Close()
	})
}

// TestShedUnread: a client that does not take what was written is left to Timeouts.Write: it may be the end of an answer.
func TestShedUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, exchange.NewPath(render, answer(exchangetest.Say(200, ""))).Run)
		defer r.stop()
		near, far := net.Pipe() // holds nothing
		r.serving.Go(func() { r.server.Serve(far, nil) })
		time.Sleep(time.Second)
		if r.server.Shed(time.Now()) {
			t.Error("it was shed")
		}
		near.Close()
	})
}

// TestShedBusy: however often connections are shed while their clients ask, every request that was begun is answered whole.
func TestShedBusy(t *testing.T) {
	var begun, answered, cut atomic.Int64
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		begun.Add(1)
		return exchangetest.Say(200, "an answer of some length")(x)
	}))
	over := make(chan struct{})
	var clients, shedding sync.WaitGroup
	shedding.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(200 * time.Microsecond):
				r.server.Shed(time.Now())
			}
		}
	})
	for range 4 {
		clients.Go(func() {
			give, late := time.Now().Add(500*time.Millisecond), time.Now().Add(20*time.Second)
			for time.Now().Before(give) || answered.Load() == 0 && time.Now().Before(late) {
				c := r.client()
				for c.Closed == nil {
					a := c.Await(c.Get())
					switch {
					case a.Ended && a.Body == "an answer of some length":
						answered.Add(1)
					case a.Status != "" || c.Closed == nil:
						t.Errorf("got %v, %v", a, c.Closed)
					default:
						cut.Add(1)
					}
				}
				c.Conn.Close()
			}
		})
	}
	clients.Wait()
	close(over)
	shedding.Wait()
	r.stop()
	if begun.Load() != answered.Load() || cut.Load() == 0 || answered.Load() == 0 {
		t.Errorf("%d requests were begun, %d answered, %d not begun because their connection was shed", begun.Load(), answered.Load(), cut.Load())
	}
}
