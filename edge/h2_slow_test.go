package edge_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/h2"
)

// h2Stage answers by itself: /large with as much as floodOrigin, anything else with a word.
type h2Stage struct{ large []byte }

func (h2Stage) Name() string { return "answer" }

func (s h2Stage) Request(x *exchange.Exchange) exchange.Verdict {
	v := exchangetest.Say(200, "hello")(x)
	if string(x.Req.Path) == "/large" {
		x.Resp.Body = exchange.NewBytes(s.large)
	}
	return v
}

// slowTimes are deadlines for attackers who have a minute in the edge, idleTimes for those who say nothing at all. Those that are to be
// cut off, or let go on, for something else may be idle meanwhile: a machine that does much else takes its time between two steps.
var (
	slowTimes = h2.Timeouts{Head: 300 * time.Millisecond, Body: 300 * time.Millisecond, Write: 300 * time.Millisecond}
	idleTimes = h2.Timeouts{Idle: time.Second}
)

// serveH2 serves plain HTTP/2 with these deadlines until stop.
func serveH2(t *testing.T, times h2.Timeouts) (g *h2Target, stop func()) {
	t.Helper()
	set := meter.NewSet()
	path := exchange.NewPath(func(x *exchange.Exchange) { x.Resp.Status = fault.Of(x.Fault).Status() }, h2Stage{make([]byte, large)})
	server := &h2.Server{Timeouts: times, Meters: set, Open: set.Gauge("skerry_connections_open", "Client connections open now."),
		Panicked: func(what string) { t.Error(what) },
		Handler: func(x *exchange.Exchange) bool {
			complete := path.Run(x)
			x.End = time.Now()
			return complete
		}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { server.Serve(c, nil) })
		}
	})
	return &h2Target{t: t, addr: l.Addr().String(), set: set}, func() {
		l.Close()
		server.Close()
		wg.Wait()
	}
}

// drop says a text byte by byte, so slowly that it is far from its end when its time is over, also for a server that looks late.
func (a *h2Attacker) drop(text string) {
	for i := 0; i < len(text) && !a.ended(); i++ {
		if _, err := io.WriteString(a.conn, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(slowTimes.Head / 3)
	}
}

// slow is a row of attackers who let the server wait.
func slow(name string, conns, code int, of []string, say func(a *h2Attacker)) h2Attack {
	return h2Attack{name: name, conns: conns, code: code, defences: of, memory: 96, say: say}
}

// stalls is a row of answers that nobody takes, which cost their streams and nothing else.
func stalls(name string, streams int, window uint32, drip func(a *h2Attacker)) h2Attack {
	return h2Attack{name: name, conns: 4, code: neverGoes, defences: defences("stalled"), memory: 160,
		settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: window}},
		say: func(a *h2Attacker) {
			for range streams {
				a.ask(true, "GET", "/large")
			}
			_ = a.w.Flush()
			drip(a)
			a.awaitResets(streams)
		}, heard: reset(http2.ErrCodeInternal, streams)}
}

// h2Slow are attackers who take, or send, too slowly. Against the edge each would need a minute.
var h2Slow = []h2Attack{
	stalls("100 answers without a window", 100, 0, func(*h2Attacker) {}),
	stalls("answers by a byte at a time", 10, 0, func(a *h2Attacker) {
		a.times(300, func(i int) {
			a.raw(http2.FrameWindowUpdate, 0, uint32(2*(i%10)+1), number(1)...)
			if i%10 == 9 {
				_ = a.w.Flush()
				time.Sleep(slowTimes.Write / 10)
			}
		})
	}),
	stalls("answers without a window of the connection", 100, 1<<20, func(*h2Attacker) {}),
	{name: "a reader that reads nothing", conns: 8, code: goesSilently, memory: 128, deaf: true,
		settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}}, say: func(a *h2Attacker) {
			_ = a.WriteWindowUpdate(0, 1<<30)
			for range 4 {
				a.ask(true, "GET", "/large")
			}
			_ = a.w.Flush()
		}},
	slow("a preface by bytes", 100, int(http2.ErrCodeNo), defences("slow_frame"), func(a *h2Attacker) { a.drop(http2.ClientPreface[2:]) }),
	slow("a frame's head by bytes", 8, int(http2.ErrCodeNo), defences("slow_frame"), func(a *h2Attacker) {
		a.drop("\x00\x00\x40\x07\x00\x00\x00\x00\x00" + strings.Repeat("x", 64))
	}),
	slow("a header block by bytes", 8, int(http2.ErrCodeNo), defences("slow_frame"), func(a *h2Attacker) {
		a.drop("\x00\x40\x00\x01\x05\x00\x00\x00\x01" + strings.Repeat("\x82", 20))
	}),
	slow("a header block by frames", 8, int(http2.ErrCodeNo), defences("slow_frame"), func(a *h2Attacker) {
		block := a.opening("/here")
		_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], EndStream: true})
		for i := 1; i < 15 && !a.ended(); i++ {
			_ = a.WriteContinuation(1, false, block[i:i+1])
			_ = a.w.Flush()
			time.Sleep(slowTimes.Head / 10)
		}
	}),
	slow("a DATA frame by bytes", 8, int(http2.ErrCodeNo), defences("slow_frame"), func(a *h2Attacker) {
		a.ask(false, "PUT", "/", "content-type", octets)
		_ = a.w.Flush()
		a.drop("\x00\x40\x00\x00\x00\x00\x00\x00\x01" + strings.Repeat("x", 20))
	}),
}

// h2Silent are attackers who do nothing.
var h2Silent = slow("nothing", 100, int(http2.ErrCodeNo), nil, func(*h2Attacker) {})

// h2Honest is a client who asks and takes his answers at once.
type h2Honest struct {
	t            *testing.T
	client       *http.Client
	sent, failed atomic.Int64
}

func (h *h2Honest) ask(g *h2Target) {
	h.sent.Add(1)
	r, err := h.client.Get("http://" + g.addr + "/")
	if err != nil {
		h.failed.Add(1)
		h.t.Log(err)
		return
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "hello" || r.StatusCode != http.StatusOK {
		h.failed.Add(1)
		h.t.Logf("got %s %q, %v", r.Status, b, err)
	}
}

// beside lets attackers loose on a server with these deadlines, one row after the other, while h is served.
func (h *h2Honest) beside(times h2.Timeouts, rows ...h2Attack) {
	t := h.t
	g, stop := serveH2(t, times)
	defer stop()
	h.ask(g)
	goroutines := runtime.NumGoroutine()
	for _, row := range rows {
		if row.name == "a preface by bytes" {
			row.preface = http2.ClientPreface[:2]
		}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		before := h.sent.Load()
		wg.Go(func() {
			for ctx.Err() == nil {
				h.ask(g)
				time.Sleep(time.Millisecond)
			}
		})
		most := peak()
		began := time.Now()
		g.run(t, row)
		took, used := time.Since(began), most()
		cancel()
		wg.Wait()
		t.Logf("%-50s %6.2f s, %4d MB; %d honest requests", row.name, took.Seconds(), used>>20, h.sent.Load()-before)
		if used > row.memory<<20 {
			t.Errorf("%s: %d MB were used, at most %d are right", row.name, used>>20, row.memory)
		}
		awaitMost(t, "connections after "+row.name, 1, func() int { return int(g.open()) })
		awaitMost(t, "goroutines after "+row.name, goroutines+512, runtime.NumGoroutine) // which wait for the next stream
	}
}

// TestH2Slow: who lets a server of HTTP/2 wait is cut off when his time is over, while an honest client is served.
func TestH2Slow(t *testing.T) {
	h := &h2Honest{t: t, client: over(t, true)}
	h.beside(slowTimes, h2Slow...)
	h.beside(idleTimes, h2Silent)
	if h.failed.Load()*200 > h.sent.Load() || h.sent.Load() < 200 {
		t.Errorf("of %d honest requests %d failed", h.sent.Load(), h.failed.Load())
	}
}

// TestH2StuckEnds: a violation by who takes nothing of what is being written to him ends his connection in seconds, not when the write
// is given up (Timeouts.Write, 60 s).
func TestH2StuckEnds(t *testing.T) {
	e, g, _ := openH2(t, edge.Options{})
	defer e.Drain()
	exchanges := g.set.Gauge("skerry_exchanges_open", "Requests that are not answered to their end now.")
	for range 4 {
		a, err := g.dial(true, http2.ClientPreface, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { a.conn.Close(); <-a.over }()
		_ = a.WriteWindowUpdate(0, 1<<30)
		for range 4 {
			a.ask(true, "GET", "/large")
		}
		_ = a.w.Flush()
		for give := time.Now().Add(10 * time.Second); exchanges.Value() < 4 && time.Now().Before(give); time.Sleep(time.Millisecond) {
		}
		time.Sleep(300 * time.Millisecond) // until no more fits into the kernel
		_ = a.WriteData(0, false, []byte("x"))
		_ = a.w.Flush()
	}
	awaitMost(t, "connections", 0, func() int { return int(g.open()) }) // it waits for 10 s
}
