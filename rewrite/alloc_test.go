//go:build !race && !poison

package rewrite_test

import (
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

// replay returns a function that runs the same request again and again along a path, as a connection does.
func replay(t testing.TB, request string, plain, h2 bool, stages ...exchange.Stage) (run func()) {
	base := exchangetest.Request(request)
	(&rig{plain: plain, h2: h2}).connect(base)
	t.Cleanup(base.Release)
	p := exchange.NewPath(rewrite.Render, stages...)
	label := []byte("s")
	return func() {
		x := exchange.Acquire()
		x.Conn, x.Now = base.Conn, base.Now
		from, to := &base.Req, &x.Req
		to.Method, to.MethodName, to.Host, to.Port, to.Authority = from.Method, from.MethodName, from.Host, from.Port, from.Authority
		to.Path, to.RawPath, to.Query = from.Path, from.RawPath, from.Query
		to.Fields, to.Sent = append(to.Fields, from.Fields...), append(to.Sent, from.Sent...)
		x.Facts.Entry.Params = append(x.Facts.Entry.Params, exchange.Param{Value: label})
		p.Run(x)
		x.Release()
	}
}

// answers is a last stage whose answer has the fields that services send.
type answers struct{}

var answered = exchange.Fields{
	{ID: exchange.NameServer, Name: []byte("Server"), Value: []byte("nginx")},
	{ID: exchange.NameDate, Name: []byte("Date"), Value: []byte("Thu, 01 Jan 2026 00:00:00 GMT")},
	{ID: exchange.NameContentType, Name: []byte("Content-Type"), Value: []byte("text/html")},
	{ID: exchange.NameETag, Name: []byte("ETag"), Value: []byte(`"abc"`)},
	{ID: exchange.NameVary, Name: []byte("Vary"), Value: []byte("Accept")},
	{ID: exchange.NameLocation, Name: []byte("Location"), Value: []byte("http://inside.example/v2/x")},
	{ID: exchange.NameXPoweredBy, Name: []byte("X-Powered-By"), Value: []byte("php")},
}

func (answers) Name() string { return "answers" }
func (answers) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(200)
	x.Resp.Fields = append(x.Resp.Fields, answered...)
	return exchange.Respond
}

var errRefused = fault.New(fault.OriginRefused, "a test")

type fails struct{}

func (fails) Name() string                                  { return "fails" }
func (fails) Request(x *exchange.Exchange) exchange.Verdict { return x.Fail(errRefused) }

func TestStagesDoNotAllocate(t *testing.T) {
	env := rewrite.Env{HTTPSPort: 443}
	proxied := rewrite.Env{HTTPSPort: 443, Trusted: trusted}
	const head = "Cookie: c\nX-Forwarded-For: 6.6.6.6, 2a00::1, 10.0.0.1\nX-Forwarded-Proto: https\nTraceparent: " + peersTrace + "\nAccept: text/html\nOrigin: https://app.example.com\n"
	const get = "GET /s/x?q HTTP/1.1\nHost: a\n" + head
	redirect, _ := rewrite.NewRedirect(&spec.Redirect{To: "https://{s}.example.com{path}?{query}"}, spec.PathMatch{Kind: spec.PathPattern, Path: "/{s}"})
	respond, _ := rewrite.NewRespond(&spec.Respond{Body: "hello"})
	out, _ := rewrite.NewOut(route("/s*", spec.Rewrite{Host: "inside.example", Prefix: "/v2"}))
	filled, _ := rewrite.NewOut(route("/s/{x}", spec.Rewrite{Path: "/{x}/y"}))
	canonical := moved(t, spec.Entrypoint{CanonicalHost: "b", Moved: []spec.Moved{{From: "/s", To: "/new"}}})
	h2 := false
	f := func(name string, env *rewrite.Env, request string, plain bool, stages ...exchange.Stage) {
		t.Helper()
		policy := website()
		policy.CORS, policy.Methods, policy.WebSocket = &personal, &[]string{"GET"}, ptr(spec.Switch(true))
		s, _ := rewrite.New(&policy, env)
		run := replay(t, request, plain, h2, append([]exchange.Stage{rewrite.NewClient(env), s}, stages...)...)
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f("proxied", &env, get, false, answers{})
	f("behind a proxy", &proxied, get, false, answers{})
	f("respond", &env, get, false, respond)
	f("redirect", &env, get, false, redirect)
	f("render", &env, get, false, fails{})
	f("to HTTPS", &env, get, true, answers{})
	f("preflight", &env, "OPTIONS / HTTP/1.1\nHost: a\n"+head+"Access-Control-Request-Method: GET\n", false, answers{})
	f("canonical", &env, get, false, canonical)
	f("moved", &env, "GET /s?q HTTP/1.1\nHost: a\n"+head, false, canonical)
	f("out", &env, get, false, out, answers{})
	f("out, filled", &env, get, false, filled, answers{})
	h2 = true
	f("render a call", &env, "POST /s HTTP/1.1\nHost: a\nContent-Type: application/grpc\nGrpc-Timeout: 1S\n"+head, false, fails503("3"))
}

// website is what the profile of that name says of this folder's matters.
func website() spec.Policy {
	on := ptr(spec.Switch(true))
	return spec.Policy{
		Trace: &spec.Trace{On: true, Sample: 0.01}, RequestID: on, Forwarded: ptr(spec.ForwardedSet), Redirect: ptr(spec.PlainToHTTPS), HSTS: &spec.HSTS{MaxAge: 31536000e9},
		WebSocket: on, Headers: &spec.Headers{Response: &spec.Edits{
			Default: map[string]string{"Referrer-Policy": "strict-origin-when-cross-origin", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN"},
			Remove:  []string{"X-AspNet-Version", "X-AspNetMvc-Version", "X-Generator", "X-Powered-By", "X-Runtime"},
		}},
	}
}

const browser = "GET /s HTTP/1.1\nHost: shop.example.com\nCookie: c\nUser-Agent: Mozilla/5.0\nAccept: text/html\nAccept-Encoding: gzip\nAccept-Language: de\n" +
	"Sec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nUpgrade-Insecure-Requests: 1\n"

// BenchmarkWebsite is client and rewrite, request and response, under the profile of most entrypoints. What Acquire, the copy
// of the fields and the path cost alone is BenchmarkWebsiteWithout.
func BenchmarkWebsite(b *testing.B) {
	policy, env := website(), rewrite.Env{HTTPSPort: 443}
	s, _ := rewrite.New(&policy, &env)
	benchmark(b, rewrite.NewClient(&env), s, answers{})
}

func BenchmarkWebsiteWithout(b *testing.B) { benchmark(b, answers{}) }

func BenchmarkWebsiteBehindProxy(b *testing.B) {
	policy, env := website(), rewrite.Env{HTTPSPort: 443, Trusted: trusted}
	s, _ := rewrite.New(&policy, &env)
	benchmark(b, rewrite.NewClient(&env), s, answers{})
}

func benchmark(b *testing.B, stages ...exchange.Stage) {
	run := replay(b, browser+"X-Forwarded-For: 6.6.6.6, 203.0.113.5, 10.0.0.1\n", false, false, stages...)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkClient(b *testing.B) {
	f := func(name string, env rewrite.Env) {
		b.Run(name, func(b *testing.B) {
			x := exchangetest.Request(browser + "X-Forwarded-For: 6.6.6.6, 203.0.113.5, 10.0.0.1\n")
			defer x.Release()
			c := rewrite.NewClient(&env)
			b.ReportAllocs()
			for b.Loop() {
				c.Request(x)
			}
		})
	}
	f("direct", rewrite.Env{})
	f("stranger", rewrite.Env{Trusted: prefixes("10.0.0.0/8", "2001:db8::/32")})
	f("proxy", rewrite.Env{Trusted: trusted})
}
