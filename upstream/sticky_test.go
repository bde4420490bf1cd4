package upstream_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
)

// secured is a stage that believes a request's word that its client speaks TLS.
type secured struct{}

func (secured) Name() string { return "secured" }
func (secured) Request(x *exchange.Exchange) exchange.Verdict {
	x.Facts.Client.HTTPS = x.Req.Sent.Find([]byte("X-TLS")) != nil
	return exchange.Next
}

// stickyEdge is an edge with so many endpoints that are told apart by a cookie; each answers with its address.
func stickyEdge(t *testing.T, n int, maxAge time.Duration) (*edge, map[string]*origin) {
	t.Helper()
	var addrs []string
	origins := map[string]*origin{}
	for range n {
		var o *origin
		o = newOrigin(t, func(c *call) bool { return c.say(answer(c.conn.LocalAddr().String())) })
		addrs, origins[o.addr] = append(addrs, o.addr), o
	}
	s := service("s", addrs...)
	s.Balance.Sticky = &spec.Sticky{Cookie: "stick", MaxAge: maxAge}
	s.RetryBudget.PerSecond = 1000
	return newEdge(t, upstream.Options{}, policy(), []spec.Weighted{only(s)}, secured{}), origins
}

// TestSticky: a client is told once where it is, and stays there; when that endpoint is gone it is told of another.
func TestSticky(t *testing.T) {
	e, origins := stickyEdge(t, 3, 0)
	r, n := e.do("GET /")
	told := r.header.Values("Set-Cookie")
	if len(told) != 1 || !regexp.MustCompile(`^stick=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax$`).MatchString(told[0]) || n.Picked != 0 {
		t.Fatalf("set %q, picked %q", told, n.Picked.Append(nil))
	}
	at, cookie := r.body, told[0][:len("stick=")+16]
	for range 10 {
		r, n = e.do("GET /", "Cookie: a=b; "+cookie+"; xstick=0123456789abcdef")
		if r.body != at || r.header.Get("Set-Cookie") != "" || n.Picked != exchange.PickedSticky {
			t.Fatalf("moved from %s to %s, set %q, picked %q", at, r.body, r.header.Get("Set-Cookie"), n.Picked.Append(nil))
		}
	}
	if got := e.value("skerry_picks_total", "service", "s", "how", "sticky"); got != 10 {
		t.Errorf("%v picks were counted as sticky, want 10", got)
	}
	origins[at].stop()
	r, n = e.do("GET /", "Cookie: "+cookie)
	other := r.header.Get("Set-Cookie")
	if r.status != 200 || r.body == at || !strings.HasPrefix(other, "stick=") || strings.HasPrefix(other, cookie) || n.Picked&exchange.PickedFailover == 0 {
		t.Fatalf("after %s went: %d from %s, set %q, picked %q", at, r.status, r.body, other, n.Picked.Append(nil))
	}
	at = r.body
	for range 5 {
		if r, _ = e.do("GET /", "Cookie: "+other[:len(cookie)]); r.body != at || r.header.Get("Set-Cookie") != "" {
			t.Errorf("moved from %s to %s", at, r.body)
		}
	}
}

// TestStickyCookie: the attributes of the cookie, and what is no cookie of ours.
func TestStickyCookie(t *testing.T) {
	e, _ := stickyEdge(t, 2, time.Minute)
	const plain, secure = "; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", "; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
	f := func(want string, fields ...string) {
		t.Helper()
		r, _ := e.do("GET /", fields...)
		if got := r.header.Get("Set-Cookie"); r.status != 200 || len(got) < 22 || got[22:] != want {
			t.Errorf("%q: %d, set %q", fields, r.status, got)
		}
	}
	f(plain)
	f(secure, "X-TLS: 1")
	for _, value := range []string{"", "0", "0000000000000000", "ffffffffffffffff", "0123456789abcdeg", "0123456789abcdef0", `"0123456789abcdef"`,
		"0123456789ABCDEF", "%30123456789abcde", strings.Repeat("a", 4000)} {
		f(plain, "Cookie: stick="+value)
	}
	f(plain, "Cookie: Stick=0123456789abcdef")
	f(plain, "Cookie: stick")
	f(plain, "Cookie: ;;;=;")
}

// TestStickyCookies: the first cookie of the name counts, in whatever field it stands, and the case of its digits does not.
func TestStickyCookies(t *testing.T) {
	e, _ := stickyEdge(t, 4, 0)
	r, _ := e.do("GET /")
	at, cookie := r.body, r.header.Get("Set-Cookie")[:22]
	for _, fields := range [][]string{
		{"Cookie: " + cookie}, {"Cookie: a=1;" + cookie + ";b=2"}, {"Cookie: a=1", "Cookie: " + cookie}, {"cookie: " + cookie + "; stick=ffffffffffffffff"},
		{"Cookie: \t " + cookie + " \t"}, {"Cookie: stick=" + strings.ToUpper(cookie[6:])},
	} {
		for range 3 {
			if r, _ := e.do("GET /", fields...); r.body != at || r.header.Get("Set-Cookie") != "" {
				t.Errorf("%q: moved from %s to %s, set %q", fields, at, r.body, r.header.Get("Set-Cookie"))
			}
		}
	}
}

// TestMaglev: requests with the same key go to the same endpoint; those without it go by address; keys are spread.
func TestMaglev(t *testing.T) {
	f := func(key spec.BalanceKey, with func(i int) string) {
		t.Run(string(key), func(t *testing.T) {
			_, addrs := several(t, 4, func(c *call) bool { return c.say(answer(c.conn.LocalAddr().String())) })
			s := service("s", addrs...)
			s.KeepAlive.Max = 10
			s.Balance = spec.Balance{By: spec.ByMaglev, Key: key}
			r := newRig(t, only(s))
			used := map[string]int{}
			at := func(client netip.Addr, fields ...string) string {
				t.Helper()
				_, body, _, err := r.do(client, "GET", fields...)
				if err != nil {
					t.Fatal(err)
				}
				used[body]++
				return body
			}
			address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
			const keys = 250 // of fewer, one endpoint of four gets less than a tenth too often
			for i := range keys {
				var first string
				for j := range 3 {
					client, fields := address(j), []string{}
					if with == nil {
						client = address(i)
					} else {
						fields = append(fields, with(i))
					}
					if got := at(client, fields...); first == "" {
						first = got
					} else if got != first {
						t.Fatalf("key %d moved from %s to %s", i, first, got)
					}
				}
			}
			for _, addr := range addrs {
				if used[addr] < 3*keys/10 || used[addr] > 3*keys*45/100 {
					t.Errorf("%s got %d of %d requests", addr, used[addr], 3*keys)
				}
			}
			used = map[string]int{}
			for i := range 50 { // without the key, or with an empty one, by address
				if first := at(address(i)); with != nil && first != at(address(i), strings.TrimRight(with(0), "0123456789")) {
					t.Errorf("client %d moved without a key", i)
				}
			}
			if len(used) < 2 {
				t.Error("requests without a key all went to one endpoint")
			}
		})
	}
	f("header X-User", func(i int) string { return fmt.Sprintf("x-user: %d", i) })
	f("header Authorization", func(i int) string { return fmt.Sprintf("Authorization: %d", i) })
	f("cookie user", func(i int) string { return fmt.Sprintf("Cookie: a=b; user=%d", i) })
	f(spec.KeyAddress, nil)
}
