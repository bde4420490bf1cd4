package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

var update = flag.Bool("update", false, "rewrite the golden lines in testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 4, 5, 6, 7, 89_123_456, time.UTC)

// sample is an exchange with everything that an ordinary one has.
func sample() *exchange.Exchange {
	x := exchange.Acquire()
	x.Now = start
	x.Conn = &exchange.Conn{Client: netip.MustParseAddrPort("[::ffff:192.0.2.7]:40001"), Protocol: "h1"}
	x.Req.MethodName, x.Req.Method = []byte("GET"), exchange.MethodGet
	x.Req.Target = []byte("/cart/42?ref=mail")
	x.Req.Host, x.Req.Path, x.Req.Query = []byte("shop.example.com"), []byte("/cart/42"), []byte("ref=mail")
	x.Req.Sent.Add(exchange.NameUserAgent, []byte("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))
	x.Req.Sent.Add(exchange.NameReferer, []byte("https://shop.example.com/"))
	x.Resp.Status = 200
	f := &x.Facts
	f.RequestID = [16]byte{0xde, 0xad, 0xbe, 0xef, 15: 1}
	f.Entry = exchange.EntryFacts{Entrypoint: "shop", Owner: "team-shop", Route: "default", Pattern: "/cart/*", BytesOut: 1024}
	f.Origin = exchange.OriginFacts{Service: "cart", Endpoint: "10.0.0.5:8080", Tries: 1, Reused: true, FirstByte: 3_456_789, Asked: 456_789, Status: 200}
	return x
}

// askedAgain is what is known of a service with everything that the model can say of one.
func askedAgain() exchange.OriginFacts {
	return exchange.OriginFacts{
		Service: "cart", Endpoint: "10.0.0.6:8080", Locality: "eu-1/b", Picked: exchange.PickedFailover | exchange.PickedSpill,
		Class: "critical", Queued: 1_234_567, Tries: 3, Reasons: [exchange.TriesMax]exchange.Reason{exchange.ReasonStatus, exchange.ReasonHedge},
		Refused: exchange.ReasonTries, Hedge: exchange.HedgeWon, FirstByte: 9_876_543, Asked: 6_543_210, Status: 503, Mirror: "cart-next",
	}
}

// TestWordsAreDocumented: doc.go has every word that the log can say of a service.
func TestWordsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(string(exchange.Picked(0xff).Append(nil)), ",")
	for r := exchange.ReasonNone + 1; r <= exchange.ReasonWhole; r++ {
		words = append(words, r.String())
	}
	if len(words) != 4+15 {
		t.Errorf("there are %d words, want 19", len(words))
	}
	for _, w := range words {
		if !bytes.Contains(text, []byte("  "+w+"  ")) {
			t.Errorf("doc.go does not explain %q", w)
		}
	}
}

// logged returns what a log writes for what f logs. In a bubble no machine is too slow for Close.
func logged(t *testing.T, f func(*observe.Log)) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		l := observe.NewLog(&out, meter.NewSet())
		f(l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return out.String()
}

func TestGoldenLines(t *testing.T) {
	f := func(name string, edit func(*exchange.Exchange)) {
		t.Helper()
		x := sample()
		defer x.Release()
		edit(x)
		got := logged(t, func(l *observe.Log) { l.Exchange(x, x.Now.Add(12_345_678)) })
		golden(t, name, got)
	}
	f("ordinary", func(*exchange.Exchange) {})
	f("route-without-log", func(x *exchange.Exchange) { x.Facts.Entry.LogOff = true })
	f("no-client", func(x *exchange.Exchange) { x.Conn = nil })
	f("ipv6-zone", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: netip.MustParseAddrPort(`[fe80::1%a"b]:1`), Protocol: "h1"}
	})
	f("bytes-to-escape", func(x *exchange.Exchange) {
		x.Req.Path = []byte("/a\"b\\c\x00\x1f\x7f\xff\xc3\xa9\xe2\x82<&>\u2028")
		x.Req.Query = []byte("\r\n\t\b")
	})
	f("never-parsed", func(x *exchange.Exchange) {
		x.Req = exchange.Request{Target: []byte(strings.Repeat("é", 200))}
		x.Facts = exchange.Facts{}
		x.Resp.Status = 400
		x.Cause = fault.New(fault.BadRequest, "the target has a NUL")
	})
	f("origin-down", func(x *exchange.Exchange) {
		x.Resp.Status = 502
		x.Facts.Origin = exchange.OriginFacts{Service: "cart", Endpoint: "10.0.0.5:8080", Tries: 2}
		x.Cause = fault.Wrap(fault.OriginRefused, "connect to 10.0.0.5:8080", errors.New("connection refused"))
	})
	f("none-healthy", func(x *exchange.Exchange) {
		x.Resp.Status = 503
		x.Facts.Origin = exchange.OriginFacts{Service: "cart"}
		x.Cause = fault.New(fault.OriginNoneHealthy, "0 of 3 endpoints are healthy")
	})
	f("asked-again", func(x *exchange.Exchange) { x.Facts.Origin = askedAgain() })
	f("refused-before-the-first-try", func(x *exchange.Exchange) {
		x.Resp.Status = 503
		x.Facts.Origin = exchange.OriginFacts{Service: "cart", Class: "low", Queued: time.Second, Refused: exchange.ReasonWait, Mirror: "cart-next"}
		x.Cause = fault.New(fault.OriginBusy, "no place among 100 open requests after 1s (concurrency.queueTime)")
	})
	f("silent-origin", func(x *exchange.Exchange) {
		x.Resp.Status = 504
		x.Facts.Origin.Status, x.Facts.Origin.FirstByte = 0, 0
		x.Cause = fault.New(fault.OriginTimeout, "no response head within 30s (timeouts.firstByte)")
	})
	f("answer-before-the-end-of-the-request", func(x *exchange.Exchange) { x.Facts.Origin.Asked = 0 })
	f("upload-after-the-answer", func(x *exchange.Exchange) { x.Facts.Origin.Asked = 5_000_000 })
	f("grpc", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h2"}
		var trailers exchange.Fields
		trailers.AddNamed([]byte("grpc-status"), []byte("14"))
		x.Facts.Origin.GRPC = exchange.GRPCStatusOf(trailers)
	})
	f("grpc-ok", func(x *exchange.Exchange) { x.Facts.Origin.GRPC = 1 })
	f("refused-by-the-firewall", func(x *exchange.Exchange) {
		x.Resp.Status = 403
		x.Facts.Origin = exchange.OriginFacts{}
		x.Facts.Firewall = exchange.FirewallFacts{Verdict: exchange.JudgedRefused, Score: 10, Limit: "bodyBytesMax", Partial: true, Rules: []exchange.FirewallMatch{
			{Rule: 942100, Vars: []string{"ARGS:q", "ARGS:\"x"}, Msg: "SQL Injection", Data: "s&1c"}, {Rule: 949110},
		}}
		x.Cause = fault.New(fault.Blocked, "the firewall refused the request")
	})
	f("websocket", func(x *exchange.Exchange) {
		x.Resp.Status, x.Resp.Tunnel = 101, tunnel{}
		x.Facts.Origin.Status, x.Facts.Entry.BytesIn = 101, 77
	})
	f("foreign-error", func(x *exchange.Exchange) { x.Cause = errors.New(strings.Repeat("long ", 200)) })
	f("panic-of-a-silent-route", func(x *exchange.Exchange) {
		x.Facts.Entry.LogOff = true
		x.Resp.Status = 500
		x.Cause = fault.New(fault.Panicked, "BUG: index out of range\ngoroutine 7 [running]:\nmain.f()\n\t/src/f.go:12 +0x1d\n"+strings.Repeat("deeper\n", 1000))
	})
	f("behind-a-proxy", func(x *exchange.Exchange) {
		x.Facts.Client = exchange.ClientFacts{Addr: netip.MustParseAddr("2001:db8::7"), HTTPS: true, Trusted: true}
	})
	f("behind-a-balancer", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h1", Balancer: netip.MustParseAddr("fe80::1%eth0")}
	})
	f("proxy-that-is-the-client", func(x *exchange.Exchange) { x.Facts.Client.Addr = netip.MustParseAddr("192.0.2.7") })
	f("h2-over-tls", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h2", TLS: &exchange.TLS{Version: 0x0304, Curve: "X25519MLKEM768", ServerName: "shop.example.com"}}
		x.Facts.Encoding = exchange.EncodingFacts{Accept: "br", Made: "br", Before: 4096}
	})
	f("client-with-a-certificate", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h1", TLS: &exchange.TLS{
			Version: 0x0304, Curve: "X25519", ServerName: "www.example.com", ClientName: "CN=\"billing\"\n,O=" + strings.Repeat("é", 200), ClientSerial: strings.Repeat("1f", 21),
		}}
	})
	f("from-the-cache", func(x *exchange.Exchange) {
		x.Facts.Origin = exchange.OriginFacts{}
		x.Facts.Cache = exchange.CacheFacts{Outcome: exchange.CacheHit, Age: 90*time.Second + 5}
	})
	f("into-the-cache", func(x *exchange.Exchange) {
		x.Facts.Cache = exchange.CacheFacts{Outcome: exchange.CacheMiss, Stored: true, Collapsed: true}
	})
	f("past-the-cache", func(x *exchange.Exchange) {
		x.Facts.Cache = exchange.CacheFacts{Outcome: exchange.CachePass, Why: "identified"}
	})
	f("host-of-another-handshake", func(x *exchange.Exchange) {
		x.Conn = &exchange.Conn{Client: x.Conn.Client, Protocol: "h1", TLS: &exchange.TLS{Version: 0x0303, ServerName: "www.example.com"}}
		x.Facts.Encoding.Accept = "gzip"
		x.Resp.Status = 421
		x.Cause = fault.New(fault.Misdirected, "the certificate of this connection does not cover shop.example.com")
	})
	f("limited", func(x *exchange.Exchange) {
		x.Resp.Status = 429
		x.Facts.Limit.Policy = "perAddress"
		x.Facts.Origin = exchange.OriginFacts{}
		x.Cause = fault.New(fault.RateLimited, "more than 300 requests a second (limit.perAddress)")
	})
	f("secrets", func(x *exchange.Exchange) {
		x.Req.Query = []byte("page=2&access_token=eyJhbGciOi&sort=up")
		x.Req.Sent.Set(exchange.NameReferer, []byte("https://shop.example.com/login?state=7&code=4711"))
	})
	f("clock-backwards", func(x *exchange.Exchange) { x.Now = x.Now.Add(time.Second); x.Facts.Origin.FirstByte = -5 })
}

// tunnel is one that nobody uses.
type tunnel struct{ exchange.Tunnel }

// TestFieldsAreDocumented: doc.go has a row for every field of every golden line, and the lines have every field of its table.
func TestFieldsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "# The event of an exchange")
	table, _, _ = strings.Cut(table, "A fault with a status below 500")
	rows := map[string]bool{} // whether a line has the field
	for line := range strings.Lines(table) {
		if row, ok := strings.CutPrefix(line, "//\t"); ok && row[0] != ' ' {
			rows[strings.Fields(row)[0]] = false
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(line) == 0 || strings.HasSuffix(file, "/event.json") {
			continue
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name := range fields {
			if _, known := rows[name]; !known {
				t.Errorf("%s: doc.go has no row for %q", file, name)
			}
			rows[name] = true
		}
	}
	for name, seen := range rows {
		if !seen {
			t.Errorf("no golden line has %q", name)
		}
	}
}

func TestGoldenEvent(t *testing.T) {
	golden(t, "event", logged(t, func(l *observe.Log) {
		l.Event(meter.Event{Seq: 7, Time: start, Kind: "health", Text: "cart: 10.0.0.5:8080 is down: \"refused\""})
	}))
}

// golden compares with testdata/NAME.json, which -update rewrites; every line must be JSON.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if got != "" && !json.Valid([]byte(got)) {
		t.Errorf("%s: not JSON: %s", name, got)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// FuzzLogLine checks that every line is one JSON object, and that encoding/json reads back what was logged.
func FuzzLogLine(f *testing.F) {
	f.Add([]byte("GET"), []byte("/x?y"), []byte("a.example"), []byte("/x"), []byte("y"), []byte("curl/8"), "refused", 200, int64(5))
	f.Add([]byte("\"\\\x00\n"), []byte("\xff\xfe"), []byte(nil), []byte("\xed\xa0\x80"), []byte("\u2028\U0001F600\xf0\x9f"), []byte("\x7f\x80"), "a\nb\tc", -1, int64(-1))
	f.Fuzz(func(t *testing.T, method, target, host, path, query, agent []byte, text string, status int, ns int64) {
		x := sample()
		defer x.Release()
		x.Req.MethodName, x.Req.Target, x.Req.Host, x.Req.Path, x.Req.Query = method, target, host, path, query
		x.Req.Sent.Set(exchange.NameUserAgent, agent)
		x.Conn.TLS = &exchange.TLS{ClientName: string(agent), ClientSerial: string(agent)}
		x.Resp.Status = status
		kinds := fault.Kinds()
		x.Cause = fault.New(kinds[uint(status)%uint(len(kinds))], text)
		got := logged(t, func(l *observe.Log) { l.Exchange(x, x.Now.Add(time.Duration(ns))) })
		if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") || len(got) > 64<<10 {
			t.Fatalf("not one line of at most 64 KB: %q", got)
		}
		var event struct {
			Method, Host, Path, Query string
			Client                    string `json:"tls_client"`
			Serial                    string `json:"tls_client_serial"`
			Status                    int
			MS                        float64
		}
		if err := json.Unmarshal([]byte(got), &event); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		same(t, "method", event.Method, method, 64)
		same(t, "tls_client", event.Client, agent, 256)
		same(t, "tls_client_serial", event.Serial, agent, 40)
		same(t, "host", event.Host, host, 253)
		same(t, "path", event.Path, path, 2048)
		if !bytes.ContainsRune(query, '=') { // redact_test.go has the others
			same(t, "query", event.Query, query, 2048)
		}
		if event.Status != status || event.MS < 0 {
			t.Errorf("status %d, ms %v, want status %d", event.Status, event.MS, status)
		}
	})
}

// same checks a value that was read back against what encoding/json makes of the bytes.
func same(t *testing.T, name, got string, sent []byte, limit int) {
	t.Helper()
	if len(sent) > limit {
		if !strings.HasSuffix(got, "…") || len(got) > limit*len("\ufffd")+len("…") {
			t.Errorf("%s: a cut value is %d bytes and does not end in …", name, len(got))
		}
		return
	}
	if want := string([]rune(string(sent))); got != want {
		t.Errorf("%s: %q became %q", name, sent, got)
	}
}
