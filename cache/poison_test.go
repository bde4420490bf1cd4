package cache_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// TestPoisoning: each row is an attempt to have an answer stored that depends on something that is no part of the key. The origin is
// one that falls for it. The victim's request must get an answer that the attempt has not made.
func TestPoisoning(t *testing.T) {
	f := func(attempt, want, counted string, changes ...func(*setup)) {
		t.Helper()
		play(t, "", func(s *script) {
			s.p.origin.does(credulous)
			if g := s.p.ask(attempt); g.String() != want {
				t.Errorf("%q: got %q, want %q", attempt, g, want)
			}
			if counted != "" && s.p.metric("skerry_cache_suspects_total", "why", counted) != 1 {
				t.Errorf("%q was not counted", attempt)
			}
			if n := s.p.metric("skerry_cache_suspects_total"); counted == "" && n != 0 {
				t.Errorf("%q was counted", attempt)
			}
			for n := 1; ; n++ {
				victim := s.p.get("/a")
				if strings.Contains(victim.Body, "evil") || victim.Body == "" {
					t.Errorf("%q: the victim got %s %q", attempt, victim, victim.Body)
				}
				if victim.String() == "200 hit" {
					break
				}
				if n == 3 { // the first may meet the mark of the attempt, the second brings the answer
					t.Fatalf("%q: after it nothing is stored: %s", attempt, victim)
				}
			}
		}, changes...)
	}
	get := func(target string, lines ...string) string { return request("GET", target, lines...) }
	both := func(attempt, want, counted string) {
		t.Helper()
		f(attempt, want, counted)
		f(attempt, want, counted, standard)
	}
	// Fields that are no part of the key.
	for _, name := range []string{"X-Evil", "X-Forwarded-Hostname", "X-Host", "X-Requested-With", "Fastly-Client-IP", "X-Original-Foo", "Sec", "Sec-Evil", "X_Forwarded_Host"} {
		f(get("/a", name+": evil"), "200 pass unkeyed-field", "unkeyed-field")
	}
	f(get("/a", "X-Evil: evil"), "200 miss stored", "", with(func(c *spec.Cache) { c.Key.Headers = []string{"x-evil"} }))
	// Fields that mean something in answers, or that only servers and programs send, though the edge knows their names.
	for _, name := range []string{"Location", "Set-Cookie", "Via", "From", "Baggage", "Content-Type", "Surrogate-Control", "Idempotency-Key", "Max-Forwards"} {
		f(get("/a", name+": evil"), "200 pass unkeyed-field", "unkeyed-field")
	}
	// Fields that make frameworks take another method, host or path; in both modes.
	for _, name := range []string{"X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host",
		"X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Original-Method"} {
		both(get("/a", name+": evil"), "200 pass override", "override")
	}
	// A GET with a body, whose service reads it.
	both(get("/a")+"\nevil", "200 pass request-body", "request-body")
	both(request("HEAD", "/a")+"\nevil", "200 pass request-body", "request-body")
	// Parameters that do not count.
	f(get("/a?utm_content=evil"), "200 miss stored", "")
	f(get("/a?%75tm_content=evil"), "200 miss stored", "")
	f(get("/a?utm_content=x;q=evil"), "200 miss stored", "")
	// Cookies that do not count.
	f(get("/a", "Cookie: _ga=evil"), "200 miss stored", "")
	f(get("/a", "Cookie: _ga=evil\x01; consent=evil"), "200 miss stored", "")
	// Too much for a key.
	both(get("/a?"+strings.Repeat("evil", cache.KeyBytesMax/4)), "200 pass key", "key")
	both(get("/a?"+strings.Repeat("evil&", cache.ParametersMax)), "200 pass key", "key")
	// Another page's origin, reflected without Vary.
	f(get("/a", "Origin: https://evil.example"), "200 miss cors", "")
	// Other methods.
	both(request("POST", "/a")+"\nevil", "200 pass method", "")
	both(request("OPTIONS", "/a", "X-Evil: evil"), "200 pass method", "")
	both(request("get", "/a", "X-Evil: evil"), "200 pass method", "")
	both(get("/a", "Connection: upgrade", "Upgrade: websocket", "Origin: evil"), "200 pass upgrade", "")
	// An answer of a part, or for one client.
	f(get("/a", "Range: bytes=0-1", "Cookie: _ga=evil"), "206 miss stored", "")
}

// credulous is an origin whose page shows all that a request has.
func credulous(x *exchange.Exchange) exchange.Verdict {
	var all strings.Builder
	r := &x.Req
	all.WriteString("page ")
	all.Write(r.Query)
	for _, f := range r.Fields {
		all.WriteString(" " + string(f.Name) + "=" + string(f.Value))
	}
	if r.Body != nil {
		body, _ := r.Body.Next()
		all.Write(body)
	}
	head := "200\nCache-Control: public, max-age=60\n"
	if o := r.Fields.Get(exchange.NameOrigin); o != nil {
		head += "Access-Control-Allow-Origin: " + string(o) + "\n"
	}
	return say(x, head+"\n"+all.String())
}

// TestReflectedOrigin: an answer that allows one page's origin is stored if it says so in Vary, or allows all.
func TestReflectedOrigin(t *testing.T) {
	f := func(head, want string, lines ...string) {
		t.Helper()
		play(t, "200\nCache-Control: max-age=60\n"+head+"\n\nx", func(s *script) { s.ask(want, "/a", lines...) })
	}
	f("Access-Control-Allow-Origin: https://a.example", "200 miss cors", "Origin: https://a.example")
	f("Access-Control-Allow-Origin: https://b.example", "200 miss cors", "Origin: https://a.example")
	f("Access-Control-Allow-Origin: *", "200 miss stored", "Origin: https://a.example")
	f("Access-Control-Allow-Origin: https://a.example\nVary: Accept, Origin", "200 miss stored", "Origin: https://a.example")
	f("Access-Control-Allow-Origin: https://a.example\nVary: Origin2", "200 miss cors", "Origin: https://a.example")
	f("Access-Control-Allow-Origin: https://a.example", "200 miss stored")
}

// TestQuery: the body of a QUERY, and what says how to read it, are part of its key (RFC 10008 section 2.7).
func TestQuery(t *testing.T) {
	echo := func(x *exchange.Exchange) exchange.Verdict {
		body := "none"
		if x.Req.Body != nil {
			view, _ := x.Req.Body.Next()
			body = string(view)
		}
		return say(x, "200\nCache-Control: max-age=60\n\n"+string(x.Req.MethodName)+" "+body)
	}
	play(t, "", func(s *script) {
		s.p.origin.does(echo)
		f := func(want, body, target, text string, lines ...string) {
			t.Helper()
			g := s.p.ask(request("QUERY", target, lines...) + "\n" + text)
			if g.String() != want || g.Body != body {
				t.Errorf("%q: got %q %q, want %q %q", text, g, g.Body, want, body)
			}
		}
		f("200 miss stored", "QUERY one", "/a", "one")
		f("200 hit", "QUERY one", "/a", "one")
		f("200 miss stored", "QUERY two", "/a", "two")
		f("200 miss stored", "QUERY one", "/a", "one", "Content-Type: text/plain")
		f("200 hit", "QUERY one", "/a", "one", "Content-Type: text/plain")
		f("200 miss stored", "QUERY one", "/a", "one", "Content-Encoding: gzip")
		f("200 miss stored", "QUERY none", "/a", "")
		f("200 hit", "QUERY none", "/a", "")
		large := strings.Repeat("x", cache.QueryBodyBytesMax)
		f("200 miss stored", "QUERY "+large, "/a", large)
		f("200 pass request-body", "QUERY "+large+"x", "/a", large+"x")
		if n := s.p.metric("skerry_cache_suspects_total"); n != 0 {
			t.Errorf("%v QUERYs are suspects", n)
		}
		s.ask("200 miss stored", "/a") // and none of these is GET's
	})
}
