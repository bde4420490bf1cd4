package limit_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/limit"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ptr[T any](v T) *T { return &v }

// limited is a policy with a limit per address and nothing else.
func limited(count int, per time.Duration, burst int) *spec.Policy {
	return &spec.Policy{Limit: &spec.Limit{PerAddress: spec.Rate{Count: count, Per: per}, Burst: burst}}
}

func stage(t testing.TB, p *spec.Policy, scope string, tables *limit.Tables) *limit.Stage {
	t.Helper()
	s, problems := limit.New(p, scope, tables)
	for _, p := range problems {
		t.Fatal(p)
	}
	return s
}

func tables(bytes int64) (*limit.Tables, *meter.Set) {
	set := meter.NewSet()
	return limit.NewTables(bytes, set), set
}

// ask sends a request of an address at an instant and reports whether it was admitted.
func ask(s *limit.Stage, addr netip.Addr, at time.Time) bool {
	x := exchange.Acquire()
	defer x.Release()
	x.Facts.Client.Addr, x.Now = addr, at
	return s.Request(x) == exchange.Next
}

// admits counts how many of n requests are admitted at once.
func admits(s *limit.Stage, addr netip.Addr, at time.Time, n int) (admitted int) {
	for range n {
		if ask(s, addr, at) {
			admitted++
		}
	}
	return admitted
}

var alice, bob = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

func TestBurstThenRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, _ := tables(0)
		s := stage(t, limited(300, time.Second, 600), "shop", table)
		f := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			if got := admits(s, alice, time.Now(), 2000); got != want {
				t.Errorf("after %v %d of 2000 were admitted, want %d", after, got, want)
			}
		}
		f(0, 600)
		f(0, 0)
		f(time.Second/300-time.Microsecond, 0)
		f(time.Microsecond, 1)
		f(time.Second, 300)
		f(1999*time.Millisecond, 599)
		f(time.Hour, 600)
		if got := admits(s, bob, time.Now(), 2000); got != 600 {
			t.Errorf("%d of another address were admitted, want 600", got)
		}
	})
}

// bucket is the reference: a token bucket that counts in nanoseconds, one token being an interval.
type bucket struct {
	interval, size time.Duration
	level          time.Duration
	last           time.Time
}

func (b *bucket) take(now time.Time) bool {
	b.level = min(b.size, b.level+now.Sub(b.last))
	b.last = now
	if b.level < b.interval {
		return false
	}
	b.level -= b.interval
	return true
}

func TestIsATokenBucket(t *testing.T) {
	table, _ := tables(0)
	scope := 0
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 1000).Draw(t, "count")
		per := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "per")
		burst := rapid.IntRange(1, 50).Draw(t, "burst")
		scope++
		s, problems := limit.New(limited(count, per, burst), fmt.Sprint(scope), table)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		now := time.Now()
		interval := per / time.Duration(count)
		want := &bucket{interval, interval * time.Duration(burst), interval * time.Duration(burst), now}
		for i, units := range rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 200).Draw(t, "steps") {
			step := time.Duration(units * units * units * float64(min(interval*10, want.size)))
			now = now.Add(step)
			if got, want := ask(s, alice, now), want.take(now); got != want {
				t.Fatalf("request %d, %v after the last: admitted %v, want %v", i, step, got, want)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	table, _ := tables(0)
	f := func(a, b string, same bool) {
		t.Helper()
		s := stage(t, limited(1, time.Hour, 1), a+b, table)
		if !ask(s, netip.MustParseAddr(a), time.Now()) {
			t.Errorf("%s was refused", a)
		}
		if admitted := ask(s, netip.MustParseAddr(b), time.Now()); admitted == same {
			t.Errorf("%s and then %s: admitted %v", a, b, admitted)
		}
	}
	f("192.0.2.1", "192.0.2.1", true)
	f("192.0.2.1", "192.0.2.2", false)
	f("192.0.2.1", "::ffff:192.0.2.1", true)
	f("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)
	f("192.0.2.1", "::c000:201", false)
	f("::", "0.0.0.0", false)
	f("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)
	f("2001:db8:1:2::1", "2001:db8:1:3::1", false)
	f("fe80::1%eth0", "fe80::2%eth1", true)
}

func TestWhoIsAsked(t *testing.T) {
	table, _ := tables(0)
	s := stage(t, limited(1, time.Hour, 1), "shop", table)
	f := func(fact netip.Addr, conn *exchange.Conn, want exchange.Verdict) {
		t.Helper()
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
		defer x.Release()
		x.Facts.Client.Addr, x.Conn = fact, conn
		if got := s.Request(x); got != want {
			t.Errorf("client %v, connection %v: verdict %d, want %d", fact, conn, got, want)
		}
	}
	peer := &exchange.Conn{Client: netip.AddrPortFrom(bob, 4711)}
	f(alice, peer, exchange.Next)
	f(netip.Addr{}, peer, exchange.Next) // the peer is bob, who has a bucket of his own
	f(alice, peer, exchange.Respond)
	f(netip.Addr{}, peer, exchange.Respond)
	for range 3 {
		f(netip.Addr{}, nil, exchange.Next)
		f(netip.Addr{}, &exchange.Conn{}, exchange.Next)
	}
}

// Nothing that a client says of itself moves its key: of who it is the stage reads only facts.
func TestSpoofing(t *testing.T) {
	table, _ := tables(0)
	s := stage(t, limited(1, time.Hour, 5), "shop", table)
	admitted := 0
	for i := range 100 {
		x := exchangetest.Request(fmt.Sprintf("GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 198.51.100.%d\nForwarded: for=198.51.100.%d\n"+
			"X-Real-IP: 198.51.100.%d\nTrue-Client-IP: 198.51.100.%d\nCF-Connecting-IP: 198.51.100.%d\n", i, i, i, i, i))
		if s.Request(x) == exchange.Next {
			admitted++
		}
		x.Release()
	}
	if admitted != 5 {
		t.Errorf("%d requests were admitted, want 5", admitted)
	}
	if n := admits(s, netip.MustParseAddr("198.51.100.7"), time.Now(), 10); n != 5 {
		t.Errorf("an address that was only claimed has %d requests left, want 5", n)
	}
}

func TestScopes(t *testing.T) {
	table, _ := tables(0)
	now := time.Now()
	f := func(p *spec.Policy, scope string, want int) {
		t.Helper()
		if got := admits(stage(t, p, scope, table), alice, now, 100); got != want {
			t.Errorf("%s: %d admitted, want %d", scope, got, want)
		}
	}
	f(limited(1, time.Hour, 4), "shop", 4)
	f(limited(1, time.Hour, 4), "shop", 0) // as after a reload
	f(limited(1, time.Hour, 4), "shop/api", 4)
	f(limited(1, time.Hour, 4), "blog", 4)
	f(limited(1, time.Hour, 5), "shop", 5) // another limit starts anew: old debts mean nothing under it
	f(limited(2, time.Hour, 4), "shop", 4)
	f(limited(3, time.Hour, 0), "shop", 6) // the default burst is twice the count
}

func TestStranger(t *testing.T) {
	table, set := tables(0)
	s := limit.NewStranger(table)
	if n := admits(s, alice, time.Now(), 1000); n != 600 {
		t.Errorf("%d admitted, want 600", n)
	}
	if n := set.Counter("skerry_limited_total", "", "entrypoint", "").Value(); n != 400 {
		t.Errorf("%d counted, want 400", n)
	}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	x.Fault = fault.New(fault.NoRoute, "the test")
	if v := s.Request(x); v != exchange.Next || fault.Of(x.Fault) != fault.NoRoute {
		t.Errorf("verdict %d, fault %v: what was found before must stay", v, x.Fault)
	}
}

func TestRefusal(t *testing.T) {
	table, set := tables(0)
	f := func(p *spec.Policy, want string) {
		t.Helper()
		s := stage(t, p, "shop/"+want, table)
		var got string
		for got == "" {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
			exchange.NewPath(exchangetest.RenderText, s, &exchangetest.Origin{Answer: exchangetest.Say(200, "")}).Run(x)
			if r := exchangetest.Of(x); r.Status != 200 {
				got = strings.ReplaceAll(fmt.Sprintf("%d\n%s%s", r.Status, r.Head, x.Facts.Limit.Policy), "\n", " | ")
			}
			x.Release()
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(limited(300, time.Second, 600), `429 | Retry-After: 1 | RateLimit-Policy: "per-address";q=600;w=2 | RateLimit: "per-address";r=0;t=1 | per-address`)
	f(limited(10, time.Minute, 20), `429 | Retry-After: 6 | RateLimit-Policy: "per-address";q=20;w=120 | RateLimit: "per-address";r=0;t=6 | per-address`)
	f(limited(7, time.Minute, 1), `429 | Retry-After: 9 | RateLimit-Policy: "per-address";q=1;w=9 | RateLimit: "per-address";r=0;t=9 | per-address`)
	f(limited(1, time.Hour, 24), `429 | Retry-After: 3600 | RateLimit-Policy: "per-address";q=24;w=86400 | RateLimit: "per-address";r=0;t=3600 | per-address`)
	if n := set.Counter("skerry_limited_total", "", "entrypoint", "shop").Value(); n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
}

// An address that comes when Retry-After says is admitted.
func TestRetryAfterIsTrue(t *testing.T) {
	table, _ := tables(0)
	s := stage(t, limited(7, time.Minute, 3), "shop", table)
	now := time.Now()
	for range 20 {
		admits(s, alice, now, 10)
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
		x.Facts.Client.Addr, x.Now = alice, now
		s.Request(x)
		wait, err := time.ParseDuration(string(x.Resp.Fields.Get(exchange.NameRetryAfter)) + "s")
		x.Release()
		if err != nil || wait < time.Second {
			t.Fatalf("Retry-After is %v (%v)", wait, err)
		}
		if now = now.Add(wait); !ask(s, alice, now) {
			t.Fatalf("refused after %v", wait)
		}
	}
}

func TestErrorsNameTheSetting(t *testing.T) {
	table, _ := tables(0)
	f := func(s *limit.Stage, request, want string) {
		t.Helper()
		x := exchangetest.Request(request)
		defer x.Release()
		x.Now = time.Now()
		for s.Request(x) == exchange.Next {
		}
		if got := x.Fault.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	const get = "GET / HTTP/1.1\nHost: a\n"
	f(stage(t, limited(5, time.Minute, 2), "shop", table), get, "rate_limited: the address asked more than 5/m with bursts of 2 (limit.perAddress, limit.burst of entrypoint shop)")
	f(limit.NewStranger(table), get, "rate_limited: the address asked more than 300/s with bursts of 600 (limit.perAddress, limit.burst of requests that no entrypoint takes; it is fixed)")
	f(stage(t, &spec.Policy{HeadMax: ptr(spec.Size(10))}, "shop", table), get, "head_too_large: the request head has more than 10 bytes (headMax)")
	f(stage(t, &spec.Policy{BodyMax: ptr(spec.Size(2))}, "shop", table), "POST / HTTP/1.1\nHost: a\n\nabc", "body_too_large: the request body has more than 2 bytes (bodyMax)")
}

func TestNew(t *testing.T) {
	table, _ := tables(0)
	f := func(p *spec.Policy, want string) {
		t.Helper()
		s, problems := limit.New(p, "shop", table)
		got := "stage"
		if s == nil {
			got = "nil"
		}
		for _, p := range problems {
			got += ", " + p.Text
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(&spec.Policy{}, "nil")
	f(&spec.Policy{Limit: &spec.Limit{Burst: 5}, HeadMax: new(spec.Size), BodyMax: new(spec.Size)}, "nil")
	f(limited(1, time.Second, 0), "stage")
	f(limited(1, 0, 0), "stage")
	f(&spec.Policy{HeadMax: ptr(spec.Size(1))}, "stage")
	f(&spec.Policy{BodyMax: ptr(spec.Size(1))}, "stage")
	f(limited(1_000_000, time.Second, 0), "stage")
	f(limited(1_000_001, time.Second, 0), "nil, limit.perAddress: 1000001/s is more than one request in 1µs")
	f(limited(1, time.Hour, 720), "stage")
	f(limited(1, time.Hour, 721), "nil, limit.burst: at 1/h, 721 requests take more than 720h0m0s to come back")
	f(limited(1, time.Hour, 1<<62), "nil, limit.burst: at 1/h, 4611686018427387904 requests take more than 720h0m0s to come back")
}

func TestHead(t *testing.T) {
	table, _ := tables(0)
	const line, field = "GET /a?b=c HTTP/1.1\r\n", "Host: shop.example.com\r\n"
	f := func(max int, want exchange.Verdict) {
		t.Helper()
		s := stage(t, &spec.Policy{HeadMax: ptr(spec.Size(max))}, "shop", table)
		x := exchangetest.Request("GET /a?b=c HTTP/1.1\nHost: shop.example.com\n")
		defer x.Release()
		if got := s.Request(x); got != want || got == exchange.Respond && fault.Of(x.Fault) != fault.HeadTooLarge {
			t.Errorf("headMax %d: verdict %d, fault %v", max, got, x.Fault)
		}
	}
	f(len(line+field+"\r\n"), exchange.Next)
	f(len(line+field+"\r\n")-1, exchange.Respond)
}

// The address pays for what is refused as too large, and hears of the rate first.
func TestRateComesFirst(t *testing.T) {
	table, _ := tables(0)
	p := limited(1, time.Hour, 2)
	p.HeadMax = ptr(spec.Size(1))
	s := stage(t, p, "shop", table)
	for _, want := range []fault.Kind{fault.HeadTooLarge, fault.HeadTooLarge, fault.RateLimited} {
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
		if s.Request(x); fault.Of(x.Fault) != want {
			t.Errorf("got %v, want %s", x.Fault, want.Name())
		}
		x.Release()
	}
}
