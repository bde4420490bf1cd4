package upstream

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// BenchmarkChoose is what balancing and the pool add to a request: to count it, choose an endpoint, take its kept connection, give
// that back and note how it went; without a byte of HTTP.
func BenchmarkChoose(b *testing.B) {
	f := func(name string, endpoints int, change func(s *spec.Service)) {
		b.Run(fmt.Sprintf("%s/%d", name, endpoints), func(b *testing.B) { benchChoose(b, endpoints, change) })
	}
	by := func(by spec.BalanceBy) func(*spec.Service) {
		return func(s *spec.Service) { s.Balance.By, s.Balance.Key = by, spec.KeyAddress }
	}
	for _, n := range []int{1, 3, 100} {
		f("powerOfTwo", n, by(spec.ByPowerOfTwo))
		f("roundRobin", n, by(spec.ByRoundRobin))
		f("leastRequests", n, by(spec.ByLeastRequests))
		f("maglev", n, by(spec.ByMaglev))
	}
	f("ejection", 3, func(s *spec.Service) { s.Ejection = spec.Ejection{Failures: 5, Time: time.Second, Share: 0.5} })
	f("gate", 3, func(s *spec.Service) { s.Concurrency = spec.Concurrency{Max: 100, Queue: 10, QueueTime: time.Second} })
	f("adaptive", 3, func(s *spec.Service) {
		s.Concurrency = spec.Concurrency{Adaptive: true, Queue: 10, QueueTime: time.Second}
	})
	f("breaker", 3, func(s *spec.Service) {
		s.Breaker = spec.Breaker{Share: 0.5, Requests: 20, Window: time.Second, Open: time.Second}
	})
}

// benchStage is a stage in front of one listener, reached under several addresses.
func benchStage(b *testing.B, endpoints int, change func(s *spec.Service)) *Stage {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		b.Fatal(err)
	}
	accepted := make(chan net.Conn, 2*endpoints)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	s := &spec.Service{Meta: spec.Meta{Name: "s"}, Host: spec.HostEndpoint, Timeouts: spec.Timeouts{Connect: time.Second, FirstByte: time.Second, Idle: time.Second},
		KeepAlive: spec.KeepAlive{Max: 256, Idle: time.Hour, Age: time.Hour}, RetryBudget: spec.RetryBudget{Share: 0.2, PerSecond: 10}}
	for i := range endpoints {
		addr := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)})
		s.Endpoints = append(s.Endpoints, spec.Endpoint{Host: addr.String(), Addr: addr, Port: uint16(l.Addr().(*net.TCPAddr).Port), Weight: 1})
	}
	change(s)
	k, err := NewKeeper(Options{})
	if err != nil {
		b.Fatal(err)
	}
	lease := k.Lease()
	stage, problems := New([]spec.Weighted{{Service: s, Weight: 1}}, &spec.Policy{Retry: &spec.Retry{Tries: 3}}, "e/r", lease)
	if len(problems) > 0 {
		b.Fatal(fault.Problems(problems))
	}
	b.Cleanup(func() {
		lease.Release()
		k.Stop()
		l.Close()
		for c := range accepted {
			c.Close()
		}
	})
	return stage
}

func benchChoose(b *testing.B, endpoints int, change func(s *spec.Service)) {
	stage := benchStage(b, endpoints, change)
	svc := stage.choices[0].service
	for _, ep := range svc.fixed {
		c, err := ep.peer.Dial(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		c.Keep(time.Now())
	}
	x := exchange.Acquire()
	defer x.Release()
	x.Now, x.Facts.Client.Addr = time.Now(), netip.MustParseAddr("192.0.2.1")
	once := func() {
		svc := stage.choose(x)
		svc.budget.Request(x.Now)
		u := stage.use(x, svc)
		if svc.breaker != nil || svc.gate != nil {
			if _, ok := u.admit(x); !ok {
				b.Fatal(x.Fault)
			}
		}
		u.enter(x, u.pick(x))
		if u.conn = u.ep.peer.Get(x.Now); u.conn == nil {
			b.Fatal("no connection is kept")
		}
		u.service.balancer.Note(u.ep.member, false)
		u.service.breaker.Note(false, x.Now, x.Now)
		u.conn.Keep(x.Now)
		u.Close()
		x.Facts.Origin = exchange.OriginFacts{}
	}
	once()
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}
