package rewrite_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

// spoofed is everything a client can say of itself.
const spoofed = "X-Forwarded-For: 6.6.6.6\nx-forwarded-for: 7.7.7.7\nX-Forwarded-Proto: gopher\n" +
	"X-Forwarded-Host: evil\nX-Forwarded-Port: 1\nForwarded: for=6.6.6.6;proto=https\nX-Real-IP: 6.6.6.6\n"

func TestForwardedModes(t *testing.T) {
	f := func(mode *spec.Forwarded, want string) {
		t.Helper()
		g := rig{policy: spec.Policy{Forwarded: mode}}
		origin, _ := g.run(t, "GET / HTTP/1.1\nHost: A:8443\n"+spoofed+"Accept: a\n")
		if want = "GET /\nHost: a\n" + want; origin != want {
			t.Errorf("got\n%swant\n%s", origin, want)
		}
	}
	const set = "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Host: a:8443\n"
	const standard = "Forwarded: for=192.0.2.7;host=\"a:8443\";proto=https\n"
	f(ptr(spec.ForwardedSet), "Accept: a\n"+set)
	f(ptr(spec.ForwardedStandard), "Accept: a\n"+standard)
	f(ptr(spec.ForwardedBoth), "Accept: a\n"+set+standard)
	f(ptr(spec.ForwardedRemove), "Accept: a\n")
	f(ptr(spec.Forwarded("else")), "Accept: a\n")
	f(nil, "Accept: a\n")
	f(ptr(spec.ForwardedKeep), spoofed+"Accept: a\n")
}

func TestForwardedChain(t *testing.T) {
	f := func(from, fields, wantFor, wantForwarded string) {
		t.Helper()
		g := rig{env: rewrite.Env{Trusted: prefixes("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"), ClientFrom: from},
			policy: spec.Policy{Forwarded: ptr(spec.ForwardedBoth)}, plain: true}
		origin, _ := g.run(t, "GET / HTTP/1.1\nHost: a\n"+fields)
		if got := field(origin, "X-Forwarded-For"); got != wantFor {
			t.Errorf("%s: got %s, want %s", fields, got, wantFor)
		}
		if got := field(origin, "Forwarded"); got != wantForwarded {
			t.Errorf("%s: got %s, want %s", fields, got, wantForwarded)
		}
	}
	const xff, fwd = rewrite.FromXForwardedFor, rewrite.FromForwarded
	const own = "192.0.2.7;host=a;proto=http"
	f(xff, "", "192.0.2.7", "for="+own)
	f(xff, "X-Forwarded-For: 203.0.113.9\n", "203.0.113.9, 192.0.2.7", "for=203.0.113.9, for="+own)
	f(xff, "X-Forwarded-For: 6.6.6.6, 203.0.113.9,10.1.1.1\n", "203.0.113.9, 10.1.1.1, 192.0.2.7", "for=203.0.113.9, for=10.1.1.1, for="+own)
	f(xff, "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: [2a00::9]:99\nX-Forwarded-For: 2001:db8::1\n", "2a00::9, 2001:db8::1, 192.0.2.7",
		`for="[2a00::9]", for="[2001:db8::1]", for=`+own)
	f(xff, "X-Forwarded-For: 6.6.6.6, nonsense, 10.1.1.1\n", "10.1.1.1, 192.0.2.7", "for=10.1.1.1, for="+own)
	f(xff, "X-Forwarded-For: 192.0.2.7\n", "192.0.2.7", "for="+own)
	f(xff, "Forwarded: for=203.0.113.9\n", "192.0.2.7", "for="+own)
	f(fwd, "Forwarded: for=6.6.6.6, for=203.0.113.9;by=_x\nX-Forwarded-For: 5.5.5.5\n", "203.0.113.9, 192.0.2.7", "for=203.0.113.9, for="+own)
	f(fwd, "Forwarded: for=\"[2a00::9]:99\"\n", "2a00::9, 192.0.2.7", `for="[2a00::9]", for=`+own)
	// Beyond the limit the client is a proxy, and the chain ends where that one stands first.
	f(xff, "X-Forwarded-For: "+strings.Repeat("10.0.0.1, 10.0.0.2, ", 20)+"10.9.9.9\n", "10.0.0.2, 10.9.9.9, 192.0.2.7",
		"for=10.0.0.2, for=10.9.9.9, for="+own)
}

func TestForwardedHost(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		g := rig{policy: spec.Policy{Forwarded: ptr(spec.ForwardedStandard)}}
		origin, _ := g.run(t, "GET / HTTP/1.1\nHost: "+host+"\n")
		if got := field(origin, "Forwarded"); got != "for=192.0.2.7;host="+want+";proto=https" {
			t.Errorf("%s: got %s", host, got)
		}
	}
	f("Shop.example.com", "shop.example.com")
	f("shop.example.com:444", `"shop.example.com:444"`)
	f("[2001:db8::1]", `"[2001:db8::1]"`)
	g := rig{policy: spec.Policy{Forwarded: ptr(spec.ForwardedStandard)}, peer: "fe80::1%eth0"}
	if origin, _ := g.run(t, "GET / HTTP/1.0\n"); field(origin, "Forwarded") != `for="[fe80::1]";proto=https` {
		t.Error(origin)
	}
}

func TestForwardedWithoutClient(t *testing.T) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nX-Real-IP: 1.1.1.1\n")
	defer x.Release()
	x.Conn = nil
	rewrite.NewClient(&rewrite.Env{Trusted: prefixes("0.0.0.0/0")}).Request(x)
	stage(t, spec.Policy{Forwarded: ptr(spec.ForwardedBoth)}).Request(x)
	if got, want := exchangetest.Dump(x), "GET /\nHost: a\nX-Forwarded-Host: a\nForwarded: host=a\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
