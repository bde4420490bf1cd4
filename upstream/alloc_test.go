//go:build !race && !poison

package upstream_test

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// plainOrigin answers with the same bytes and allocates nothing.
func plainOrigin(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			running.Go(func() {
				end, out := []byte("\r\n\r\n"), []byte(fine)
				for buf := make([]byte, 4096); ; {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if bytes.HasSuffix(buf[:n], end) {
						c.Write(out)
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// asker runs one GET after the other through a stage, on one exchange.
type asker struct {
	stage *upstream.Stage
	x     *exchange.Exchange
}

func newAsker(t testing.TB, s *spec.Service, p *spec.Policy) *asker {
	t.Helper()
	k := newKeeper(t, upstream.Options{})
	lease := k.Lease()
	stage, problems := upstream.New([]spec.Weighted{only(s)}, p, "e/r", lease)
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	x := exchange.Acquire()
	t.Cleanup(func() { x.Release(); lease.Release() })
	x.Conn = &exchange.Conn{Client: netip.MustParseAddrPort("192.0.2.1:1")}
	x.Req.MethodName, x.Req.Path, x.Req.Method = []byte("GET"), []byte("/"), exchange.MethodGet
	return &asker{stage, x}
}

func (a *asker) ask(t testing.TB) {
	x := a.x
	x.Now = time.Now()
	a.stage.Request(x)
	for x.Resp.Body != nil {
		if _, err := x.Resp.Body.Next(); err != nil {
			break
		}
	}
	if x.Resp.Status != 200 || x.Fault != nil {
		t.Fatal(x.Resp.Status, x.Fault)
	}
	if told := x.Resp.Fields.Get(exchange.NameSetCookie); told != nil { // from now on the client knows
		cookie, _, _ := bytes.Cut(bytes.Clone(told), []byte(";"))
		x.Req.Fields.Set(exchange.NameCookie, cookie)
	}
	x.Resp.Body = nil
	a.stage.Done(x)
	x.Answer(0)
	x.Facts.Origin = exchange.OriginFacts{}
}

// TestAllocations: a request over a kept connection allocates nothing, whatever its service and route have switched on.
func TestAllocations(t *testing.T) {
	f := func(name string, change func(s *spec.Service, p *spec.Policy)) {
		t.Run(name, func(t *testing.T) {
			s, p := service("s", plainOrigin(t), plainOrigin(t), plainOrigin(t)), policy()
			s.KeepAlive.Max = 10
			change(s, p)
			a := newAsker(t, s, p)
			for range 50 { // each endpoint has a kept connection, pools are warm
				a.ask(t)
			}
			if n := testing.AllocsPerRun(1000, func() { a.ask(t) }); n != 0 {
				t.Errorf("%v allocations for a request, want none", n)
			}
		})
	}
	f("power of two", func(s *spec.Service, _ *spec.Policy) { s.Balance.By = spec.ByPowerOfTwo })
	f("round robin", func(s *spec.Service, _ *spec.Policy) { s.Balance.By = spec.ByRoundRobin })
	f("least requests", func(s *spec.Service, _ *spec.Policy) { s.Balance.By = spec.ByLeastRequests })
	f("Maglev", func(s *spec.Service, _ *spec.Policy) {
		s.Balance = spec.Balance{By: spec.ByMaglev, Key: spec.KeyAddress}
	})
	f("no retries", func(_ *spec.Service, p *spec.Policy) { p.Retry = &spec.Retry{Tries: 1} })
	f("ejection, slow start, spill, panic", func(s *spec.Service, _ *spec.Policy) {
		s.Ejection = spec.Ejection{Failures: 5, Time: time.Minute, Share: 0.5}
		s.Balance.SlowStart, s.Balance.Spill, s.Balance.Panic = time.Millisecond, 100, 0.5
	})
	f("gate, breaker, perEndpoint", func(s *spec.Service, _ *spec.Policy) {
		s.Concurrency = spec.Concurrency{Max: 100, Queue: 10, QueueTime: time.Second, PerEndpoint: 50}
		s.Breaker = spec.Breaker{Share: 0.5, Requests: 20, Window: 10 * time.Second, Open: time.Second}
	})
	f("adaptive", func(s *spec.Service, _ *spec.Policy) {
		s.Concurrency = spec.Concurrency{Adaptive: true, Queue: 10, QueueTime: time.Second}
	})
	f("a client that has its cookie", func(s *spec.Service, _ *spec.Policy) { s.Balance.Sticky = &spec.Sticky{Cookie: "stick"} })
	f("whole and try", func(s *spec.Service, _ *spec.Policy) { s.Timeouts.Whole, s.Timeouts.Try = time.Minute, time.Minute })
}

// BenchmarkRequest is a request over a kept connection to an origin on loopback, from the choice of the endpoint to the return of
// the connection: nearly all of it is the kernel's and the origin's.
func BenchmarkRequest(b *testing.B) {
	s := service("s", plainOrigin(b), plainOrigin(b), plainOrigin(b))
	s.Balance.By = spec.ByPowerOfTwo
	a := newAsker(b, s, policy())
	a.ask(b)
	b.ReportAllocs()
	for b.Loop() {
		a.ask(b)
	}
}
