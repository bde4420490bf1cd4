package rewrite_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

// clientOf is the client that the stage finds in one field of a trusted peer.
func clientOf(c *rewrite.Client, name, value string) netip.Addr {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n")
	defer x.Release()
	x.Req.Fields.AddNamed([]byte(name), []byte(value))
	c.Request(x)
	return x.Facts.Client.Addr
}

func isTrusted(a netip.Addr) bool {
	for _, p := range prefixes("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32") {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// referenceNode is the address of an element of X-Forwarded-For by net/netip.
func referenceNode(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		host, port, found := s, "", false
		if strings.HasPrefix(s, "[") {
			if host, port, found = strings.Cut(s[1:], "]"); !found || !strings.Contains(host, ":") || port != "" && !strings.HasPrefix(port, ":") {
				return a, false
			}
			port, found = strings.CutPrefix(port, ":")
		} else {
			host, port, found = strings.Cut(s, ":")
		}
		digits := port != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
		obfuscated := len(port) > 1 && port[0] == '_' && strings.Trim(port, tokens) == ""
		if found && !digits && !obfuscated {
			return a, false
		}
		if a, err = netip.ParseAddr(host); err != nil {
			return a, false
		}
	}
	return a.Unmap().WithZone(""), true
}

const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// referenceWalk is the client by X-Forwarded-For.
func referenceWalk(value string) netip.Addr {
	client := exchangetest.Client.Addr()
	items := strings.Split(value, ",")
	for i := len(items) - 1; i >= 0 && i > len(items)-1-16; i-- {
		a, ok := referenceNode(strings.Trim(items[i], " \t"))
		if !ok {
			break
		}
		if client = a; !isTrusted(a) {
			break
		}
	}
	return client
}

func FuzzXForwardedFor(f *testing.F) {
	for _, s := range []string{"203.0.113.5", "6.6.6.6, 10.0.0.1", "[2a00::1]:80, 2001:db8::1", "::ffff:1.2.3.4", "1::2:3.4.5.6%a", "unknown", ",", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7", "010.1.1.1"} {
		f.Add(s, "6.6.6.6")
	}
	c := rewrite.NewClient(&rewrite.Env{Trusted: prefixes("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32")})
	f.Fuzz(func(t *testing.T, value, left string) {
		got := clientOf(c, "X-Forwarded-For", value)
		if want := referenceWalk(value); got != want {
			t.Fatalf("%q: got %v, want %v", value, got, want)
		}
		if more := clientOf(c, "X-Forwarded-For", left+","+value); !isTrusted(got) && more != got {
			t.Fatalf("%q: got %v, with %q on the left %v", value, got, left, more)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"for=203.0.113.5", `for="[2a00::1]:80";proto=https, for=10.0.0.1`, `for=_x;host="a,b;c"`, `for="`, `for=1.1.1.1;;by="\""`, "FOR = 1.1.1.1", ";,;"} {
		f.Add(s, `for="6.6.6.6`)
	}
	env := rewrite.Env{Trusted: prefixes("192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"), ClientFrom: rewrite.FromForwarded}
	c := rewrite.NewClient(&env)
	f.Fuzz(func(t *testing.T, value, left string) {
		got := clientOf(c, "Forwarded", value)
		if more := clientOf(c, "Forwarded", left+","+value); !isTrusted(got) && more != got {
			t.Fatalf("%q: got %v, with %q on the left %v", value, got, left, more)
		}
		// What a proxy appends to it decides, whatever it is.
		if got := clientOf(c, "Forwarded", value+`, for="[2a00::7]:1";host="x, y";proto=https`); got != netip.MustParseAddr("2a00::7") {
			t.Fatalf("%q: got %v", value, got)
		}
		// What we make of it is read back by the next edge as the same.
		x := exchangetest.Request("GET / HTTP/1.1\nHost: [2001:db8::1]:444\n")
		defer x.Release()
		x.Req.Fields.AddNamed([]byte("Forwarded"), []byte(value))
		c.Request(x)
		s, _ := rewrite.New(&spec.Policy{Forwarded: ptr(spec.ForwardedStandard)}, &env)
		s.Request(x)
		sent := string(x.Req.Fields.Get(exchange.NameForwarded))
		if again := clientOf(c, "Forwarded", sent); again != got && !isTrusted(got) || strings.ContainsAny(sent, "\r\n") {
			t.Fatalf("%q became %q: got %v, then %v", value, sent, got, again)
		}
	})
}

func FuzzLocation(f *testing.F) {
	for _, s := range []string{"/", "//evil.example", "/\\evil.example", "/a?b", "/@evil.example", "/:80", "/a\r\nb", "/%0d%0a", "/a?//evil", "http://inside.example//x", "//inside.example\\@evil.example"} {
		f.Add(s, "q=1")
	}
	https, _ := rewrite.New(&spec.Policy{}, &rewrite.Env{HTTPSPort: 8443})
	s, _ := rewrite.NewMoved(&spec.Entrypoint{CanonicalHost: "www.a.example", Moved: []spec.Moved{{From: "/", To: "/new"}}})
	template, _ := rewrite.NewRedirect(&spec.Redirect{To: "/{path}?{query}"}, spec.PathMatch{})
	cases := []struct {
		stage  exchange.Stage
		origin string
	}{{https, "https://a.example:8443"}, {s, "http://www.a.example"}, {template, ""}}
	out, _ := rewrite.NewOut(route("/*", spec.Rewrite{Host: "inside.example", Prefix: "/"}))
	f.Fuzz(func(t *testing.T, path, query string) {
		for _, c := range cases {
			x := exchangetest.Request("GET / HTTP/1.1\nHost: a.example\n")
			(&rig{plain: true}).connect(x)
			x.Req.RawPath, x.Req.Query = []byte(path), []byte(query)
			if normal, err := exchange.NormalPath(x.Req.RawPath, &x.Scratch); err == nil {
				x.Req.Path = normal
			}
			c.stage.Request(x)
			staysOn(t, string(x.Resp.Fields.Get(exchange.NameLocation)), c.origin)
			x.Release()
		}
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a.example\n")
		defer x.Release()
		x.Resp.Fields.Add(exchange.NameLocation, []byte(path))
		out.Response(x)
		if got := string(x.Resp.Fields.Get(exchange.NameLocation)); got != path {
			if strings.HasPrefix(got, "http") {
				staysOn(t, got, "http://a.example")
			} else {
				staysOn(t, got, "")
			}
		}
	})
}

// staysOn fails unless a Location, if there is one, begins with this origin and then a path that is no host.
func staysOn(t *testing.T, location, origin string) {
	t.Helper()
	if location == "" {
		return
	}
	path, ok := strings.CutPrefix(location, origin)
	if !ok || !strings.HasPrefix(path, "/") || origin == "" && (strings.HasPrefix(path, "//") || strings.HasPrefix(path, "/\\")) {
		t.Fatalf("%q does not stay on %q", location, origin)
	}
	if u, err := url.Parse(location); err == nil && origin != "" && u.Scheme+"://"+u.Host != origin {
		t.Fatalf("%q is on %s, want %q", location, u.Host, origin)
	}
}
