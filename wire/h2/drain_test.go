package h2_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
)

// TestDrain: a client is told that the connection will end, what it asks until it has heard that is served, it is told which
// request was the last, and the connection ends with the last answer.
func TestDrain(t *testing.T) {
	f := func(name string, deaf bool, notice time.Duration) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				asked := 0
				r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
					asked++
					if string(x.Req.Path) == "/wait" {
						<-release
					}
					x.Answer(204)
					return exchange.Respond
				})).Run)
				idle, busy := r.peer(), r.peer()
				idle.deaf, busy.deaf = deaf, deaf
				idle.ask(1, true, "/")
				idle.hears("HEADERS 1 end*")
				busy.ask(1, true, "/wait")
				synctest.Wait()
				start := time.Now()
				r.server.Drain()
				idle.hears("GOAWAY 2147483647 NO_ERROR", `PING "skerry\x00d"`, "GOAWAY 1 NO_ERROR", "closed")
				if took := time.Since(start); took != notice {
					t.Errorf("the idle connection ended after %v, want %v", took, notice)
				}
				busy.hears("GOAWAY 2147483647 NO_ERROR")
				if !deaf {
					busy.ask(3, true, "/") // on its way before the notice was heard
					synctest.Wait()
					busy.hears(`PING "skerry\x00d"`, "HEADERS 3 end*", "GOAWAY 3 NO_ERROR")
				} else {
					busy.hears(`PING "skerry\x00d"`, "GOAWAY 1 NO_ERROR")
				}
				served := asked
				busy.ask(5, true, "/")
				synctest.Wait()
				close(release)
				busy.hears("HEADERS 1 end*", "GOAWAY*", "closed")
				if asked != served {
					t.Error("a request behind the last was served")
				}
				r.server.Wait()
				// A connection that comes now is closed at once.
				near, far := net.Pipe()
				r.server.Serve(far, nil)
				if _, err := near.Read(make([]byte, 1)); err == nil {
					t.Error("a connection after Drain was served")
				}
				r.stop()
			})
		})
	}
	f("a client that listens", false, 0)
	f("a client that does not answer", true, time.Second)
}

// TestDrainNewcomers: connections that come in the same moment as Drain end too, and long before they would be idle.
func TestDrainNewcomers(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			path := exchange.NewPath(render, answer(exchangetest.Say(200, "")))
			r := newRig(t, path.Run)
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					c := r.pipeClient()
					c.Until(func() bool { return false })
				})
			}
			r.server.Drain()
			start := time.Now()
			clients.Wait()
			r.server.Wait()
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("the connections ended after %v", took)
			}
			r.stop()
		})
	}
}

// hooked is a connection that tells when somebody looks what it is made of.
type hooked struct {
	net.Conn
	looked func()
}

func (h hooked) NetConn() net.Conn {
	h.looked()
	return h.Conn
}

// TestCloseNewcomer: a connection that is just being taken over is closed like any other.
func TestCloseNewcomer(t *testing.T) {
	r := newRig(t, exchange.NewPath(render, answer(exchangetest.Say(200, ""))).Run)
	near, far := net.Pipe()
	r.server.Serve(hooked{far, func() { r.server.Drain(); r.server.Close() }}, nil)
	if _, err := near.Read(make([]byte, 1)); err == nil {
		t.Error("it was served")
	}
}

// TestWaitsForExchanges: Wait does not return, and Serve neither, while an exchange of a connection that has gone is not over.
func TestWaitsForExchanges(t *testing.T) {
	there, release := make(chan struct{}), make(chan struct{})
	var over atomic.Bool
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		close(there)
		<-release
		over.Store(true)
		return exchange.Abort
	}))
	c := r.client()
	c.Get()
	<-there
	c.Conn.Close()
	waited := make(chan struct{})
	go func() { r.server.Wait(); close(waited) }()
	select {
	case <-waited:
		t.Error("Wait returned")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-waited
	if !over.Load() {
		t.Error("the exchange is not over")
	}
	if n := r.open.Value(); n != 0 {
		t.Errorf("%d connections are counted as open", n)
	}
}
