//go:build !race && !poison

package limit_test

import (
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/spec"
)

// allocates counts the allocations of one exchange on a path with the stage, beyond those of the path alone.
func allocates(s *limit.Stage, request string, conn *exchange.Conn, body func(x *exchange.Exchange) exchange.Body) float64 {
	render := func(x *exchange.Exchange) { x.Resp.Status = 429 }
	origin := &answer{}
	path := exchange.NewPath(render, s, origin)
	asked := exchangetest.Request(request).Req
	now := time.Now()
	n := byte(0)
	return testing.AllocsPerRun(1000, func() {
		x := exchange.Acquire()
		n++
		x.Conn, x.Now, x.Facts.Entry.Calls = conn, now, conn.Protocol == "h2"
		x.Facts.Client.Addr = netip.AddrFrom4([4]byte{192, 0, 2, n})
		x.Req.Method, x.Req.Sent, x.Req.Fields = asked.Method, append(x.Req.Sent, asked.Sent...), append(x.Req.Fields, asked.Fields...)
		x.Req.Body = body(x)
		path.Run(x)
		x.Release()
	})
}

type answer struct{}

func (*answer) Name() string { return "answer" }

func (*answer) Request(x *exchange.Exchange) exchange.Verdict {
	for b := x.Req.Body; b != nil; {
		if _, err := b.Next(); err != nil {
			break
		}
	}
	x.Answer(200)
	return exchange.Respond
}

// pieces is a body of unknown size without allocations of its own.
type pieces struct {
	view  []byte
	count int
}

func (p *pieces) Ready() bool  { return true }
func (p *pieces) Size() int64  { return -1 }
func (p *pieces) Replay() bool { return false }
func (p *pieces) Close() error { return nil }

func (p *pieces) Next() ([]byte, error) {
	if p.count--; p.count < 0 {
		return nil, io.EOF
	}
	return p.view, nil
}

func TestAllocatesNothing(t *testing.T) {
	none := func(*exchange.Exchange) exchange.Body { return nil }
	stream := &pieces{view: make([]byte, 4000)}
	streaming := func(*exchange.Exchange) exchange.Body { stream.count = 10; return stream }
	f := func(what string, p *spec.Policy, body func(*exchange.Exchange) exchange.Body) {
		t.Helper()
		table, _ := tables(0)
		if n := allocates(stage(t, p, "shop", table), "GET / HTTP/1.1\nHost: a\nAccept: */*\n", &exchange.Conn{Client: exchangetest.Client}, body); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	call := func(what string, most spec.Size, size int) {
		t.Helper()
		table, _ := tables(0)
		messages := &pieces{view: []byte(message(0, size))}
		s := stage(t, &spec.Policy{BodyMax: &most}, "shop", table)
		if n := allocates(s, callHead, &exchange.Conn{Client: exchangetest.Client, Protocol: "h2"}, func(*exchange.Exchange) exchange.Body { messages.count = 10; return messages }); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	f("admitted", &spec.Policy{Limit: &spec.Limit{PerAddress: spec.Rate{Count: 1000, Per: time.Second}}, HeadMax: ptr(spec.Size(16 << 10)), BodyMax: ptr(spec.Size(1 << 20))}, none)
	f("refused", limited(1, time.Hour, 1), none)
	f("head too large", &spec.Policy{HeadMax: ptr(spec.Size(1))}, none)
	f("body collected", &spec.Policy{BodyMax: ptr(spec.Size(64 << 10))}, streaming)
	f("body too large for a small limit", &spec.Policy{BodyMax: ptr(spec.Size(20 << 10))}, streaming)
	f("body streamed", &spec.Policy{BodyMax: ptr(spec.Size(1 << 20))}, streaming)
	call("call streamed", 4000, 4000)
	call("message of a call too large", 4000, 4001)
}

// BenchmarkMessages follows the messages of a stream: 100 bytes each, in views as they come from a connection.
func BenchmarkMessages(b *testing.B) {
	table, _ := tables(0)
	s := stage(b, &spec.Policy{BodyMax: ptr(spec.Size(1 << 20))}, "shop", table)
	x := calling(&pieces{view: []byte(strings.Repeat(message(0, 100), 16<<10/105)), count: 1 << 62})
	defer x.Release()
	s.Request(x)
	b.ReportAllocs()
	b.SetBytes(16 << 10 / 105 * 105)
	for b.Loop() {
		if _, err := x.Req.Body.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

const live = 1 << 20 // addresses

// draws are numbers of addresses: a power of two of them, so that a benchmark need not divide, and small, so that they do
// not take the cache from what is measured.
func draws(next func() uint64) []uint32 {
	all := make([]uint32, 1<<20)
	for i := range all {
		all[i] = uint32(next())
	}
	return all
}

func uniform() []uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	return draws(func() uint64 { return r.Uint64N(live) })
}

// zipf draws with an exponent of as good as 1, more than which rand.Zipf wants.
func zipf() []uint32 {
	r := rand.New(rand.NewPCG(1, 2))
	places := r.Perm(live)
	z := rand.NewZipf(r, 1.0001, 1, live-1)
	return draws(func() uint64 { return uint64(places[z.Uint64()]) })
}

// benchmark measures the whole stage, with live addresses in the table.
func benchmark(b *testing.B, s *limit.Stage, drawn []uint32) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	now := time.Now()
	x.Now = now
	for n := range live {
		x.Facts.Client.Addr = address(n)
		s.Request(x)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		x.Now = now.Add(time.Duration(i) * 2 * time.Microsecond)
		x.Facts.Client.Addr = address(int(drawn[i&(len(drawn)-1)]))
		if s.Request(x) != exchange.Next {
			b.Fatal("refused")
		}
	}
}

func BenchmarkLimitZipf1M(b *testing.B) {
	table, _ := tables(0)
	benchmark(b, stage(b, limited(1_000_000, time.Second, 2_000_000), "shop", table), zipf())
}

func BenchmarkLimitUniform1M(b *testing.B) {
	table, _ := tables(0)
	benchmark(b, stage(b, limited(1_000_000, time.Second, 2_000_000), "shop", table), uniform())
}

// BenchmarkLimitOne is the check without the memory's latency: one address, always in the cache.
func BenchmarkLimitOne(b *testing.B) {
	table, _ := tables(0)
	benchmark(b, stage(b, limited(1_000_000, time.Second, 2_000_000), "shop", table), []uint32{1})
}

// BenchmarkLimitFlood is a check of an address that is not in a table that is full.
func BenchmarkLimitFlood(b *testing.B) {
	table, _ := tables(0)
	s := stage(b, limited(1, time.Second, 10), "shop", table)
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	now := time.Now()
	r := rand.NewPCG(1, 2)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.Now = now.Add(time.Duration(i) * 2 * time.Microsecond)
		n := r.Uint64()
		x.Facts.Client.Addr = netip.AddrFrom16([16]byte{0x20, 1, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32), byte(n >> 40)})
		s.Request(x)
	}
}

// BenchmarkRefused is a whole refusal.
func BenchmarkRefused(b *testing.B) {
	table, _ := tables(0)
	s := stage(b, limited(1, time.Hour, 1), "shop", table)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		x := exchange.Acquire()
		x.Facts.Client.Addr, x.Now = alice, now
		s.Request(x)
		x.Release()
	}
}

func reference(b *testing.B, drawn []uint32) {
	m := make(map[netip.Addr]*time.Duration, live)
	for n := range live {
		m[address(n)] = new(time.Duration)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		*m[address(int(drawn[i&(len(drawn)-1)]))]++
	}
}

// The references are one lookup in a map of the same addresses, without a lock and without a limit.
func BenchmarkReferenceMap1M(b *testing.B)     { reference(b, uniform()) }
func BenchmarkReferenceMapZipf1M(b *testing.B) { reference(b, zipf()) }
