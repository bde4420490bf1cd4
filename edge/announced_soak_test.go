package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// announcedSoak is clients behind a balancer, and services that are told of them.
type announcedSoak struct {
	t    *testing.T
	to   string
	stop context.Context

	clients, sent, answered, refused atomic.Int64

	mu sync.Mutex // of the owners of connections
}

// who is the field by which a client says who it is: address, port and a number that no other connection has.
const who = "X-Who"

// serve is a service that misbehaves, and holds what it was told of its connections against what the clients say.
func (s *announcedSoak) serve(w http.ResponseWriter, r *http.Request) {
	conn, said := r.Context().Value(headerKey{}).(*announcedConn), r.Header.Get(who)
	if from, _, _ := strings.Cut(said, " "); conn.ProxyHeader().SourceAddr.String() != from {
		s.t.Errorf("what %s asked came over a connection of %v", said, conn.ProxyHeader().SourceAddr)
	}
	s.mu.Lock()
	if conn.owner != "" && conn.owner != said {
		s.t.Errorf("what %s asked came over a connection of %s", said, conn.owner)
	}
	conn.owner = said
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	unlucky := rand.IntN(2) == 0
	switch {
	case r.URL.Path == "/slow" && unlucky:
		time.Sleep(20 * time.Millisecond)
	case r.URL.Path == "/bad" && unlucky:
		w.WriteHeader(http.StatusBadGateway)
		return
	case r.URL.Path == "/drop" && unlucky:
		panic(http.ErrAbortHandler)
	case r.URL.Path == "/last":
		w.Header().Set("Connection", "close")
	}
	_, _ = io.WriteString(w, said)
	_, _ = w.Write(body)
}

// visit is one client connection, of either protocol; addresses and ports are few, so that several have the same.
func (s *announcedSoak) visit(r *rand.Rand) {
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(r.IntN(3))}), uint16(1+r.IntN(3)))
	me := fmt.Sprintf("%v %d", from, s.clients.Add(1))
	raw, err := net.Dial("tcp", s.to)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer raw.Close()
	h := proxyproto.HeaderProxyFromAddrs(byte(1+r.IntN(2)), net.TCPAddrFromAddrPort(from), raw.RemoteAddr())
	if _, err = h.WriteTo(raw); err != nil {
		return // it has been shed
	}
	if r.IntN(2) == 0 {
		c := &client{raw, bufio.NewReader(raw)}
		for range 1 + r.IntN(8) {
			method, path, body := s.draw(r)
			s.sent.Add(1)
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: shop.test\r\n%s: %s\r\nContent-Length: %d\r\n\r\n", method, path, who, me, len(body))
			if r.IntN(20) == 0 {
				_, _ = io.WriteString(raw, head) // and leaves
				return
			}
			a, got, err := c.do(head + string(body))
			if err != nil {
				s.t.Errorf("%s %s: %v", method, path, err)
				return
			}
			if s.judge(a.StatusCode, got, me, body); a.Close {
				return
			}
		}
		return
	}
	s.streams(r, raw, me)
}

// streams asks over HTTP/2, several at a time.
func (s *announcedSoak) streams(r *rand.Rand, raw net.Conn, me string) {
	client, err := (&http2.Transport{}).NewClientConn(raw)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer client.Close()
	var wg sync.WaitGroup
	for range 1 + r.IntN(4) {
		mine := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			for range 1 + mine.IntN(5) {
				method, path, body := s.draw(mine)
				ctx, cancel := context.WithCancel(context.Background())
				if mine.IntN(20) == 0 {
					time.AfterFunc(time.Duration(mine.IntN(10))*time.Millisecond, cancel)
				}
				q, _ := http.NewRequestWithContext(ctx, method, "http://shop.test"+path, bytes.NewReader(body))
				q.Header.Set(who, me)
				s.sent.Add(1)
				a, err := client.RoundTrip(q)
				if err == nil {
					var got []byte
					if got, err = io.ReadAll(a.Body); err == nil {
						s.judge(a.StatusCode, string(got), me, body)
					}
					a.Body.Close()
				}
				if err != nil && ctx.Err() == nil {
					s.t.Errorf("%s %s over HTTP/2: %v", method, path, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}

func (s *announcedSoak) draw(r *rand.Rand) (method, path string, body []byte) {
	path = []string{"/ok", "/slow", "/bad", "/drop", "/last"}[r.IntN(5)]
	if r.IntN(3) > 0 {
		return "GET", path, nil
	}
	return "POST", path, content(r.Uint64(), r.IntN(40<<10))
}

// judge holds an answer against what it should be: the edge may have had to refuse, but never sends another's.
func (s *announcedSoak) judge(status int, got, me string, body []byte) {
	switch {
	case status == 200 && got == me+string(body):
		s.answered.Add(1)
	case status == 502 || status == 503:
		s.refused.Add(1)
	default:
		s.t.Errorf("%s: status %d, %.100q", me, status, got)
	}
}

// TestSoakAnnounced: clients of both protocols that come and leave, some with the same address and port, services that answer badly,
// hedges, retries and reloads: no connection that was announced as one client connection's ever carries another's, and all end with
// their clients.
func TestSoakAnnounced(t *testing.T) {
	length, seed := soakLength(t, time.Second, 5*time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &announcedSoak{t: t, to: freeAddr(t), stop: ctx}
	one, oneURL := startAnnounced(t, s.serve)
	two, twoURL := startAnnounced(t, s.serve)
	text := func(n int) string {
		return fmt.Sprintf(announcedSpec, "    - {match: {path: /slow}, service: pair, hedge: {after: 5ms}}\n    - {match: {prefix: /}, service: pair}\n") +
			fmt.Sprintf(announcedService, "pair", oneURL+", "+twoURL, "v2") + fmt.Sprintf("  ejection: off\n  keepAlive: {max: 4, idle: %ds}\n", 1+n%2)
	}
	opt := edge.Options{H2C: []string{s.to}, Proxied: []string{s.to}, Meters: meter.NewSet(), DrainTimeout: 5 * time.Second}
	opt.Setting.Env.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	e, _ := start(t, opt, text(0))
	t.Cleanup(func() { e.Hurry(); e.Drain() })
	var wg sync.WaitGroup
	for i := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, i))
		wg.Go(func() {
			for s.stop.Err() == nil && !t.Failed() {
				s.visit(r)
			}
		})
	}
	ended := func(why string) uint64 {
		return opt.Meters.Counter("skerry_origin_connections_closed_total", "", "reason", why).Value()
	}
	enough := func() bool {
		return s.answered.Load() > 0 && ended("client") > 0 && one.made()+two.made() < int(s.sent.Load())
	}
	plans, last := 0, int64(0)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); time.Since(began) < length || !enough() && !t.Failed() && time.Since(began) < length+3*waiting; {
		<-again.C
		// Each plan closes what was kept under the one before: on a slow machine nothing would be used twice.
		if sent := s.sent.Load(); sent >= last+50 {
			plans, last = plans+1, sent
			if problems := e.Activate(parse(t, text(plans))); len(problems) > 0 {
				t.Error(problems)
			}
		}
	}
	cancel()
	wg.Wait()
	for _, o := range []*announcedOrigin{one, two} {
		o.await(t, "every connection has ended", func() bool { return o.began == o.ended })
	}
	t.Logf("%d requests of %d clients, %d answered, %d refused, %d plans; %d connections to services, of which %d ended with their clients, %d gave way, %d were released, %d idle",
		s.sent.Load(), s.clients.Load(), s.answered.Load(), s.refused.Load(), plans, one.made()+two.made(), ended("client"), ended("full"), ended("released"), ended("idle"))
	if !enough() {
		t.Error("too little has happened")
	}
}
