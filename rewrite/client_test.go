package rewrite_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

var trusted = prefixes("192.0.2.0/24", "10.0.0.0/8", "::ffff:172.16.0.0/108", "2001:db8::/32")

// asked runs a request of a peer through the client stage and says what it found.
func asked(from, peer, fields string) string {
	g := rig{plain: true, peer: peer}
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n" + fields)
	defer x.Release()
	g.connect(x)
	rewrite.NewClient(&rewrite.Env{Trusted: trusted, ClientFrom: from}).Request(x)
	c := x.Facts.Client
	text := c.Addr.String()
	if c.Trusted {
		text += " trusted"
	}
	if c.HTTPS {
		text += " https"
	}
	return text
}

// TestUnnamedClient: a balancer that names its clients is believed about those it names by its address, and of others nothing that stands
// in fields is believed, though it is a trusted proxy.
func TestUnnamedClient(t *testing.T) {
	f := func(peer, balancer, want string) {
		t.Helper()
		g := rig{peer: peer}
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 6.6.6.6\nX-Forwarded-Proto: https\nX-Request-ID: 0123456789abcdef0123456789abcdef\n")
		defer x.Release()
		g.connect(x)
		x.Conn.TLS, x.Conn.Balancer = nil, netip.MustParseAddr(balancer)
		rewrite.NewClient(&rewrite.Env{Trusted: trusted}).Request(x)
		if got := fmt.Sprintf("%+v %x", x.Facts.Client, x.Facts.RequestID[:2]); got != want {
			t.Errorf("%s by %s: %s, want %s", peer, balancer, got, want)
		}
	}
	f("192.0.2.7", "192.0.2.7", "{Addr:192.0.2.7 HTTPS:false Trusted:false} 0000")
	f("::ffff:192.0.2.7", "192.0.2.7", "{Addr:192.0.2.7 HTTPS:false Trusted:false} 0000")
	f("203.0.113.5", "192.0.2.7", "{Addr:203.0.113.5 HTTPS:false Trusted:false} 0000")
	f("192.0.2.8", "192.0.2.7", "{Addr:6.6.6.6 HTTPS:true Trusted:true} 0123") // another proxy, in front of the balancer
}

func TestSpoofedFieldsMoveNothing(t *testing.T) {
	for _, from := range []string{"", rewrite.FromXForwardedFor, rewrite.FromForwarded} {
		for _, line := range strings.SplitAfter(spoofed+"X-Forwarded-For: 10.0.0.1\nForwarded: for=\"[2001:db8::1]\"\nX-Forwarded-Proto: https\n"+
			"X-Request-ID: 0123456789abcdef0123456789abcdef\nVia: 1.1 x\nTrue-Client-IP: 6.6.6.6\nCF-Connecting-IP: 6.6.6.6\n", "\n") {
			if got := asked(from, "203.0.113.5", line); got != "203.0.113.5" {
				t.Errorf("%s of a stranger: the client is %s", line, got)
			}
		}
	}
	g := rig{env: rewrite.Env{Trusted: trusted}, peer: "203.0.113.5", policy: spec.Policy{Trace: &spec.Trace{On: true, Sample: 0}}}
	g.run(t, "GET / HTTP/1.1\nHost: a\nX-Request-ID: 0123456789abcdef0123456789abcdef\nTraceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01\n"+spoofed)
	if id := fmt.Sprintf("%x", g.facts.RequestID); id[:4] == "0123" || g.facts.Trace.Sampled || g.facts.Client != (exchange.ClientFacts{Addr: netip.MustParseAddr("203.0.113.5"), HTTPS: true}) {
		t.Errorf("a stranger moved %s %+v", id, g.facts)
	}
}

func TestClient(t *testing.T) {
	f := func(from, peer, fields, want string) {
		t.Helper()
		if got := asked(from, peer, fields); got != want {
			t.Errorf("%s from %s: got %s, want %s", strings.ReplaceAll(fields, "\n", " "), peer, got, want)
		}
	}
	const xff, fwd = "", rewrite.FromForwarded
	const lb = "192.0.2.7"
	x := func(list, want string) { t.Helper(); f(xff, lb, "X-Forwarded-For: "+list+"\n", want) }
	f(xff, "203.0.113.5", "", "203.0.113.5")
	f(xff, "::ffff:203.0.113.5", "", "203.0.113.5")
	f(xff, "fe80::1%eth0", "", "fe80::1")
	f(xff, lb, "", lb+" trusted")
	f(xff, "::ffff:192.0.2.1", "X-Forwarded-For: 1.1.1.1\n", "1.1.1.1 trusted")
	f(xff, "172.16.3.4", "X-Forwarded-For: 1.1.1.1\n", "1.1.1.1 trusted")
	x("203.0.113.5", "203.0.113.5 trusted")
	x("6.6.6.6, 203.0.113.5", "203.0.113.5 trusted")
	x("6.6.6.6, 203.0.113.5, 10.0.0.1,10.0.0.2", "203.0.113.5 trusted")
	x("10.0.0.1, 10.0.0.2", "10.0.0.1 trusted") // all are proxies: the farthest
	x("203.0.113.5:8080", "203.0.113.5 trusted")
	x("[2a00::1]:8080", "2a00::1 trusted")
	x("[2a00::1]", "2a00::1 trusted")
	x("2a00::1", "2a00::1 trusted")
	x("fe80::1%eth0", "fe80::1 trusted")
	x("::ffff:6.6.6.6, ::ffff:10.0.0.1", "6.6.6.6 trusted")
	// What is no address ends the walk: nobody who is believed wrote what stands before it.
	for _, bad := range []string{"unknown", "_hidden", "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:123456", "[2a00::1",
		"2a00::1]", "[1.2.3.4]", "[2a00::1]x", "2a00::1%", "::ffff:1.2.3.4%eth0", "example.com", "\"1.2.3.4\"", "1.2.3.4 5.6.7.8", "1.2.3.4;", "2a00:::1", "1:2:3:4:5:6:7:8:9"} {
		x("6.6.6.6, "+bad, lb+" trusted")
		x("6.6.6.6, "+bad+", 10.0.0.1", "10.0.0.1 trusted")
		x("6.6.6.6, "+bad+", 203.0.113.5, 10.0.0.1", "203.0.113.5 trusted")
	}
	f(xff, lb, "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 203.0.113.5\nAccept: a\nX-Forwarded-For: 10.0.0.1\n", "203.0.113.5 trusted")
	f(xff, lb, "Forwarded: for=203.0.113.5\n", lb+" trusted")
	f(xff, lb, "X-Real-IP: 203.0.113.5\n", lb+" trusted")
	x(strings.Repeat("6.6.6.6, ", 100)+strings.Repeat("10.0.0.1, ", 14)+"10.0.0.2", "6.6.6.6 trusted")
	x(strings.Repeat("6.6.6.6, ", 100)+strings.Repeat("10.0.0.1, ", 15)+"10.0.0.2", "10.0.0.1 trusted") // 16 are the limit

	w := func(list, want string) { t.Helper(); f(fwd, lb, "Forwarded: "+list+"\n", want) }
	w("for=203.0.113.5", "203.0.113.5 trusted")
	w("For=203.0.113.5;proto=http;by=10.0.0.1", "203.0.113.5 trusted")
	w("for=6.6.6.6, for=203.0.113.5 ; host=\"a,b;c\" , FOR=10.0.0.1", "203.0.113.5 trusted")
	w(`for="[2a00::1]:4711"`, "2a00::1 trusted")
	w(`for="203.0.113.5:_port";;`, "203.0.113.5 trusted")
	w(`for=", for=203.0.113.5`, "203.0.113.5 trusted") // an open quote of the client hides nothing
	w(`for="6.6.6.6, for=203.0.113.5;host="x"`, "203.0.113.5 trusted")
	for _, bad := range []string{"for=unknown", "for=_x", "for=", `for="`, `for=""`, `for="1.2.3.4`, `for="1.2\.3.4"`, "proto=https", "for=1.1.1.1;for=2.2.2.2", "for =1.1.1.1",
		"for", "=1.1.1.1", "for=1.1.1.1 x", `for="1.1.1.1"x`, `for=1.1.1.1;host="a\"`, "for=1.1.1.1;host=a b", "", ";", "1.1.1.1"} {
		w("for=6.6.6.6, "+bad+", for=10.0.0.1", "10.0.0.1 trusted")
	}
	f(fwd, lb, "X-Forwarded-For: 203.0.113.5\n", lb+" trusted")
}

func TestClientHTTPS(t *testing.T) {
	f := func(from, fields string, want bool) {
		t.Helper()
		if got := strings.HasSuffix(asked(from, "192.0.2.7", fields), " https"); got != want {
			t.Errorf("%s: got %v", fields, got)
		}
	}
	const fwd = rewrite.FromForwarded
	f("", "X-Forwarded-Proto: https\n", true)
	f("", "X-Forwarded-Proto: HTTPS\n", true)
	f("", "X-Forwarded-Proto: http, https\n", true)
	f("", "X-Forwarded-Proto: http\nX-Forwarded-Proto: https\n", true)
	f("", "X-Forwarded-Proto: https, http\n", false)
	f("", "X-Forwarded-Proto: https\nX-Forwarded-Proto: http\n", false)
	f("", "X-Forwarded-Proto: https,\n", false)
	f("", "X-Forwarded-Proto: httpsx\n", false)
	f("", "Forwarded: for=1.1.1.1;proto=https\n", false)
	f(fwd, "Forwarded: for=1.1.1.1;proto=https\n", true)
	f(fwd, "Forwarded: for=1.1.1.1;proto=\"https\"\n", true)
	f(fwd, "Forwarded: proto=https;for=unknown\n", true)
	f(fwd, "Forwarded: for=1.1.1.1;proto=https, for=10.0.0.1;proto=http\n", false)
	f(fwd, "Forwarded: for=1.1.1.1;proto=http;proto=https\n", false)
	f(fwd, "X-Forwarded-Proto: https\n", false)
}

func TestClientOfARefusedRequest(t *testing.T) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 6.6.6.6\nX-Forwarded-Proto: https\n")
	defer x.Release()
	(&rig{plain: true}).connect(x)
	x.Req.Path = nil // the parser came to no end; a field of the proxy's own may stand in what it did not read
	rewrite.NewClient(&rewrite.Env{Trusted: trusted}).Request(x)
	if got, want := x.Facts.Client, (exchange.ClientFacts{Addr: exchangetest.Client.Addr(), Trusted: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	x.Req.Fields, x.Req.Sent, x.Conn = nil, nil, &exchange.Conn{}
	x.Facts.Client = exchange.ClientFacts{}
	rewrite.NewClient(&rewrite.Env{Trusted: prefixes("0.0.0.0/0", "::/0")}).Request(x)
	if got := x.Facts.Client; got.Addr.IsValid() || got.Trusted {
		t.Errorf("a peer without address: got %+v", got)
	}
}

func TestRequestIDOfATrustedPeer(t *testing.T) {
	f := func(sent, want string) {
		t.Helper()
		g := rig{env: rewrite.Env{Trusted: trusted}, policy: spec.Policy{RequestID: ptr(spec.Switch(true))}}
		origin, client := g.run(t, "GET / HTTP/1.1\nHost: a\n"+sent)
		got := field(origin, "X-Request-ID")
		if got != field(client, "X-Request-ID") || len(got) != 32 {
			t.Errorf("%s: got %q and %q", sent, got, field(client, "X-Request-ID"))
		}
		if want == "" && strings.Contains(sent, got[:16]) || want != "" && got != want {
			t.Errorf("%s: got %q, want %q", sent, got, want)
		}
	}
	const id = "0123456789abcdef0123456789abcdef"
	f("X-Request-ID: "+id+"\n", id)
	f("X-Request-ID: "+strings.ToUpper(id)+"\n", id)
	f("X-Request-ID: 01234567-89ab-cdef-0123-456789abcdef\n", id)
	f("X-Request-ID: 01234567-89ab-cdef-0123-456789abcdeg\n", "")
	for _, dash := range []int{8, 13, 18, 23} {
		uuid := []byte("01234567-89ab-cdef-0123-456789abcdef")
		uuid[dash] = '0'
		f("X-Request-ID: "+string(uuid)+"\n", "")
	}
	f("X-Request-ID: 0123456789-ab-cdef-0123-456789abcdef\n", "")
	f("X-Request-ID: "+id+"0\n", "")
	f("X-Request-ID: "+id+"\nX-Request-ID: "+id+"\n", "")
	f("X-Request-ID: "+strings.Repeat("0", 32)+"\n", "")
	f("", "")
}
