//go:build !race && !poison

package cache_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/spec"
)

// again is a request that is made again and again without allocating, with what becomes of it.
type again struct {
	path    *exchange.Path
	conn    *exchange.Conn
	sent    exchange.Fields
	target  []byte
	query   []byte
	status  int
	outcome exchange.CacheOutcome
}

// repeat takes a request from text.
func repeat(p *place, text string) *again {
	x := exchangetest.Request(text)
	defer x.Release()
	return &again{path: p.path, conn: x.Conn, sent: slices.Clone(x.Req.Sent), target: bytes.Clone(x.Req.Path), query: bytes.Clone(x.Req.Query)}
}

// run makes the request.
func (a *again) run() {
	x := exchange.Acquire()
	r := &x.Req
	x.Conn, x.Now, x.Route = a.conn, time.Time{}, "shop/home"
	x.Facts.Client.HTTPS = true
	r.Method, r.MethodName, r.Minor = exchange.MethodGet, methodGet, 1
	r.Host, r.Authority, r.Path, r.RawPath, r.Query = shop, shop, a.target, a.target, a.query
	r.Sent = append(r.Sent, a.sent...)
	for i := range a.sent {
		if !a.sent[i].ID.HopByHop() {
			r.Fields = append(r.Fields, a.sent[i])
		}
	}
	a.path.Run(x)
	a.status, a.outcome = x.Resp.Status, x.Facts.Cache.Outcome
	x.Release()
}

var methodGet, shop = []byte("GET"), []byte("shop.example.com")

// stored is a place where an answer is stored, and the request that gets it.
func stored(t testing.TB, body int, head, text string, changes ...func(*setup)) *again {
	t.Helper()
	p := open(t, append(changes, func(s *setup) { s.options.Bytes = 64 << 20 })...)
	p.origin.says("200\nCache-Control: public, max-age=3600\nContent-Type: text/html\nETag: \"a\"\n" + head + "\n\n" + strings.Repeat("x", body))
	var bare []string // who fills has neither session nor condition
	for line := range strings.Lines(text) {
		if name, _, _ := strings.Cut(line, ":"); name != "If-None-Match" && name != "Range" && !strings.Contains(line, "session") {
			bare = append(bare, line)
		}
	}
	if g := p.ask(strings.Join(bare, "")); g.String() != "200 miss stored" {
		t.Fatal(g)
	}
	return repeat(p, text)
}

const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\nAccept-Language: en-US,en;q=0.5\nAccept-Encoding: br\n" +
	"Sec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: none\n"

// TestHitsAllocateNothing: of what is in memory, whatever the request has.
func TestHitsAllocateNothing(t *testing.T) {
	f := func(what string, body int, head, lines string, status int, changes ...func(*setup)) {
		t.Helper()
		a := stored(t, body, head, request("GET", "/a?b=2&a=1")+lines, changes...)
		if n := testing.AllocsPerRun(1000, a.run); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
		if a.status != status || a.outcome != exchange.CacheHit {
			t.Errorf("%s: %d %s", what, a.status, a.outcome)
		}
	}
	f("1 KB", 1<<10, "", "", 200)
	f("a browser", 1<<10, "", browser, 200)
	f("100 KB in one piece", 100<<10, "", "", 200)
	f("Vary", 1<<10, "Vary: Accept-Encoding, Accept-Language", browser, 200)
	f("anonymous cookies", 1<<10, "", browser+"Cookie: _ga=GA1.1.1; consent=all; _ga_X=1\n", 200)
	f("a session, public", 1<<10, "", browser+"Cookie: session=1; _ga=2\n", 200)
	f("cookies in the key", 1<<10, "", browser+"Cookie: lang=en; _ga=2\n", 200, with(func(c *spec.Cache) { c.Key.Cookies = []string{"lang"} }))
	f("fields in the key", 1<<10, "", browser, 200, with(func(c *spec.Cache) { c.Key.Headers = []string{"accept-language"} }))
	f("304", 1<<10, "", browser+"If-None-Match: \"a\"\n", 304)
	f("a range", 1<<10, "", browser+"Range: bytes=5-9\n", 206)
	f("standard", 1<<10, "", browser+"Cookie: session=1\nCache-Control: max-age=600\n", 200, standard)
}

// TestPassAllocatesNothing: what the cache does about a request that says who asks.
func TestPassAllocatesNothing(t *testing.T) {
	p := open(t)
	stage, path := p.stage, exchange.NewPath(exchangetest.RenderText, p.stage, plain{})
	stage.UsePath(nil, plain{})
	a := repeat(p, request("GET", "/a", "Authorization: Basic YTpi")+browser)
	a.path = path
	if n := testing.AllocsPerRun(1000, a.run); n != 0 || a.outcome != exchange.CachePass {
		t.Errorf("%v allocations, %s", n, a.outcome)
	}
}

// plain is an origin that keeps no books.
type plain struct{ body string }

func (plain) Name() string { return "plain" }

func (o plain) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	if o.body != "" {
		x.Resp.Fields.Add(exchange.NameCacheControl, forMoment)
		x.Resp.Body = x.InMemory([]byte(o.body))
	}
	return exchange.Respond
}

var forMoment = []byte("max-age=3600")

func BenchmarkHit(b *testing.B) {
	a := stored(b, 1<<10, "", request("GET", "/a")+browser)
	b.ReportAllocs()
	for b.Loop() {
		a.run()
	}
}

func BenchmarkHitParallel(b *testing.B) {
	a := stored(b, 1<<10, "", request("GET", "/a")+browser)
	b.RunParallel(func(pb *testing.PB) {
		one := *a
		for pb.Next() {
			one.run()
		}
	})
}

func BenchmarkHitVary(b *testing.B) {
	a := stored(b, 1<<10, "Vary: Accept-Encoding, Accept-Language", request("GET", "/a")+browser)
	b.ReportAllocs()
	for b.Loop() {
		a.run()
	}
}

func BenchmarkPass(b *testing.B) {
	p := open(b)
	a := repeat(p, request("GET", "/a", "Cookie: session=1")+browser)
	p.stage.UsePath(nil, plain{})
	a.path = exchange.NewPath(exchangetest.RenderText, p.stage, plain{})
	b.ReportAllocs()
	for b.Loop() {
		a.run()
	}
}

// BenchmarkBare is the exchange of the others without a cache.
func BenchmarkBare(b *testing.B) {
	p := open(b)
	a := repeat(p, request("GET", "/a")+browser)
	a.path = exchange.NewPath(exchangetest.RenderText, plain{})
	b.ReportAllocs()
	for b.Loop() {
		a.run()
	}
}

func BenchmarkMiss(b *testing.B) {
	p := open(b)
	body := plain{strings.Repeat("x", 1<<10)}
	p.stage.UsePath(nil, body)
	a := repeat(p, request("GET", "/a?0000000000000000")+browser)
	a.path = exchange.NewPath(exchangetest.RenderText, p.stage, body)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		for i, v := 0, n; i < 16; i, v = i+1, v>>4 {
			a.query[i] = "0123456789abcdef"[v&15]
		}
		a.run()
	}
	if a.outcome != exchange.CacheMiss {
		b.Fatal(a.outcome)
	}
}
