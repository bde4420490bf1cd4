package compress_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

func TestOff(t *testing.T) {
	for _, p := range []*spec.Policy{{}, {Compress: &spec.Compress{}}, {Compress: &spec.Compress{Identified: true}}} {
		if s, problems := compress.New(p, compress.NewEncoders(0)); s != nil || problems != nil {
			t.Errorf("%+v: got %v, %v", p.Compress, s, problems)
		}
		if s, problems := compress.NewAccept(p); s != nil || problems != nil {
			t.Errorf("%+v: got %v, %v", p.Compress, s, problems)
		}
	}
}

func TestRequest(t *testing.T) {
	s := stage(t, on())
	f := func(fields, origin, accept string) {
		t.Helper()
		saw, _, facts := through(s, "GET / HTTP/1.1\nHost: a\n"+fields, "204", nil)
		if got := strings.TrimPrefix(saw, "GET /\nHost: a\n"); got != origin || facts.Accept != accept {
			t.Errorf("%q: the origin got %q, want %q; accept %s, want %s", fields, got, origin, facts.Accept, accept)
		}
	}
	f("", "Accept-Encoding: identity\n", "identity")
	f("accept-encoding: gzip, deflate, br\n", "accept-encoding: br\n", "br")
	f("Accept-Encoding: gzip\nAccept: a\nAccept-Encoding: br;q=0.2\n", "Accept-Encoding: gzip\nAccept: a\n", "gzip")
	f("Accept-Encoding: br;q=2\n", "Accept-Encoding: identity\n", "identity")
	// A range of a coded body is of no use.
	f("Accept-Encoding: br\nRange: bytes=0-9\n", "Accept-Encoding: identity\nRange: bytes=0-9\n", "identity")
	f("Accept-Encoding: br\nRange: bytes=0-9\nIf-Range: \"x\"\n", "Accept-Encoding: identity\nRange: bytes=0-9\nIf-Range: \"x\"\n", "identity")
	f("Accept-Encoding: br\nRange: bytes=0-9\nIf-Range: W/\"x\"\n", "Accept-Encoding: br\n", "br")
	f("Range: bytes=0-9\nIf-Range: W/\"x\"\n", "Accept-Encoding: identity\n", "identity")
	f("Accept-Encoding: gzip\nRange: bytes=0-9\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT\n", "Accept-Encoding: gzip\n", "gzip")
	f("Range: bytes=0-9\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT\n", "Range: bytes=0-9\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT\nAccept-Encoding: identity\n", "identity")
}

// edit is a stage in front that changes what the origin gets.
type edit struct{ value string }

func (edit) Name() string { return "edit" }
func (e edit) Request(x *exchange.Exchange) exchange.Verdict {
	if x.Req.Fields.Del(exchange.NameAcceptEncoding); e.value != "" {
		x.Req.Fields.Add(exchange.NameAcceptEncoding, []byte(e.value))
	}
	return exchange.Next
}

// TestEditedRequest: what an operator sends to the origin is no statement about the client.
func TestEditedRequest(t *testing.T) {
	f := func(client, edited, origin, accept string) {
		t.Helper()
		x := exchangetest.Request("GET / HTTP/1.1\nHost: a\n" + client)
		defer x.Release()
		exchange.NewPath(exchangetest.RenderText, edit{edited}, &compress.Accept{}, stage(t, on()), &exchangetest.Origin{Answer: exchangetest.Say(200, "")}).Run(x)
		if got := string(x.Req.Fields.Get(exchange.NameAcceptEncoding)); got != origin || x.Facts.Encoding.Accept != accept {
			t.Errorf("%q, edited to %q: got %s at the origin, %s for the client", client, edited, got, x.Facts.Encoding.Accept)
		}
	}
	f("Accept-Encoding: br\n", "", "identity", "br")
	f("Accept-Encoding: br\n", "identity", "identity", "br")
	f("Accept-Encoding: gzip\n", "br", "gzip", "gzip")
	f("", "gzip", "identity", "identity")
}

// TestDetached: an exchange without a client has only the working copy of the fields.
func TestDetached(t *testing.T) {
	x := exchangetest.Request("GET /?q HTTP/1.1\nHost: a\nAccept-Encoding: gzip\nCookie: c\n")
	defer x.Release()
	d := exchangetest.Detach(x)
	defer d.Release()
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, stage(t, on()), &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
		x.Resp.Status, x.Resp.Body = 200, x.InMemory([]byte(page(4000)))
		return exchange.Respond
	}}).Run(d)
	if e := d.Facts.Encoding; e.Accept != "gzip" || e.Made != "" {
		t.Errorf("got %+v", e)
	}
}

const html = "Content-Type: text/html\n"

func TestWhat(t *testing.T) {
	s := stage(t, on())
	f := func(request, answer string, size int, coding, vary string) {
		t.Helper()
		_, client, facts := through(s, request, answer, exchange.NewBytes([]byte(page(size))))
		if got := field(client.Head, "Content-Encoding"); got != coding || field(client.Head, "Vary") != vary {
			t.Errorf("%q, %q, %d bytes: got coding %s, Vary %s", request, answer, size, got, field(client.Head, "Vary"))
		}
		if made := strings.TrimPrefix(coding, "-"); made != facts.Made && !strings.Contains(answer, "Content-Encoding") {
			t.Errorf("%q, %q: the log says %+v", request, answer, facts)
		}
		want := page(size)
		if got, err := decode(facts.Made, client.Body); err != nil || got != want {
			t.Errorf("%q, %q: %v, got %.40q", request, answer, err, got)
		}
	}
	const ask, varies = "GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n", "Accept-Encoding"
	f(ask, "200\n"+html, 4000, "gzip", varies)
	f("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip, br\n", "200\n"+html, 4000, "br", varies)
	f("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip, zstd\n", "200\n"+html, 4000, "zstd", varies)
	f("GET / HTTP/1.1\nHost: a\n", "200\n"+html, 4000, "-", varies)
	f("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\nRange: bytes=0-1\n", "200\n"+html, 4000, "-", varies)
	f("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\nCache-Control: no-transform\n", "200\n"+html, 4000, "-", "-")
	f("POST / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\nContent-Length: 1\n\nx", "200\n"+html, 4000, "gzip", varies)
	// Size.
	f(ask, "200\n"+html, compress.SizeMin, "gzip", varies)
	f(ask, "200\n"+html, compress.SizeMin-1, "-", "-")
	f(ask, "200\n"+html, 0, "-", "-")
	f(ask, "200\n"+html, compress.WholeBytesMax, "gzip", varies)
	f(ask, "200\n"+html, compress.WholeBytesMax+1, "gzip", varies)
	f(ask, "200\n"+html, 1<<20, "gzip", varies)
	// Status.
	for _, status := range []int{200, 201, 202, 203, 207, 400, 401, 403, 404, 410, 422, 500, 502, 503, 599} {
		f(ask, fmt.Sprint(status)+"\n"+html, 4000, "gzip", varies)
	}
	for _, status := range []int{206, 226, 300, 301, 302, 307, 308} {
		f(ask, fmt.Sprint(status)+"\n"+html, 4000, "-", "-")
	}
	f(ask, "200\nContent-Range: bytes 0-9/10\n"+html, 4000, "-", "-")
	f(ask, "416\nContent-Range: bytes */10\n"+html, 4000, "-", "-")
	// What the origin did or forbids.
	f(ask, "200\nContent-Encoding: gzip\n"+html, 4000, "gzip", varies)
	f(ask, "200\nContent-Encoding: br\n"+html, 400, "br", varies)
	f(ask, "200\nContent-Encoding:\n"+html, 4000, "", varies)
	f(ask, "200\nCache-Control: max-age=1, No-Transform\n"+html, 4000, "-", "-")
	f(ask, "200\nCache-Control: max-age=1\nCache-Control: no-transform\n"+html, 4000, "-", "-")
	// Type.
	for _, kind := range []string{"text/html; charset=utf-8", "TEXT/HTML", "text/plain", "text/css", " text/x-unknown ;a=b", "application/json",
		"application/problem+json", "image/svg+xml", "application/rss+xml", "application/manifest+json", "text/javascript", "application/javascript",
		"application/wasm", "application/x-ndjson", "font/ttf", "application/openapi+yaml"} {
		f(ask, "200\nContent-Type: "+kind, 4000, "gzip", varies)
	}
	for _, kind := range []string{"", "text", "image/png", "image/jpeg", "application/octet-stream", "application/zip", "application/gzip", "font/woff2",
		"video/mp4", "application/pdf", "text/event-stream", "Text/Event-Stream; charset=utf-8", "multipart/mixed", "application/grpc",
		"application/x+zip", "application/x+", "application/+json+", "+json/x", "application/" + strings.Repeat("a", 64) + "+json"} {
		f(ask, "200\nContent-Type: "+kind, 4000, "-", "-")
	}
	f(ask, "200\n", 4000, "-", "-")
}

func TestHead(t *testing.T) {
	s := stage(t, on())
	f := func(answer, name, want string) {
		t.Helper()
		_, client, _ := through(s, "GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n", "200\n"+html+answer, exchange.NewBytes([]byte(page(4000))))
		if got := field(client.Head, name); got != want || field(client.Head, "Content-Encoding") != "gzip" {
			t.Errorf("%q: got %s: %s, want %s", answer, name, got, want)
		}
	}
	f("ETag: \"x\"", "ETag", `W/"x"`)
	f("ETag: \"\"", "ETag", `W/""`)
	f("ETag: W/\"x\"", "ETag", `W/"x"`)
	f("ETag: \"x\"\nETag: \"y\"", "ETag", `W/"x"`)
	for _, bad := range []string{"x", "\"x", "x\"", "\"x\", \"y\"", "\"", "w/\"x\"", "W/", "W/x"} {
		f("ETag: "+bad, "ETag", "-")
	}
	f("", "ETag", "-")
	f("Accept-Ranges: bytes", "Accept-Ranges", "-")
	f("Last-Modified: Fri, 02 Jan 2026 03:04:05 GMT", "Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
	for _, name := range []string{"Content-MD5", "Digest", "Content-Digest", "repr-digest"} {
		f(name+": a\nX-A: b\n"+name+": c", name, "-")
		f(name+": a\nX-A: b\n"+name+": c", "X-A", "b")
	}
	f("", "Vary", "Accept-Encoding")
	f("Vary: Origin", "Vary", "Origin, Accept-Encoding")
	f("Vary:", "Vary", "Accept-Encoding")
	f("Vary: Origin\nVary: Cookie", "Vary", "Origin, Accept-Encoding|Cookie")
	f("Vary: accept-ENCODING", "Vary", "accept-ENCODING")
	f("Vary: Origin\nVary: Cookie ,Accept-Encoding", "Vary", "Origin|Cookie ,Accept-Encoding")
	f("Vary: X-Accept-Encoding", "Vary", "X-Accept-Encoding, Accept-Encoding")
	f("Vary: *", "Vary", "*")
	f("Vary: Origin\nVary: *", "Vary", "Origin|*")
	f("Vary: "+strings.Repeat("a", 5000), "Vary", strings.Repeat("a", 5000)+", Accept-Encoding")
}

// TestIdentityHeadIsUntouched: without a coding only Vary is added.
func TestIdentityHeadIsUntouched(t *testing.T) {
	_, client, _ := through(stage(t, on()), "GET / HTTP/1.1\nHost: a\n", "200\n"+html+"ETag: \"x\"\nAccept-Ranges: bytes\nDigest: d\n", exchange.NewBytes([]byte(page(4000))))
	if want := html + "ETag: \"x\"\nAccept-Ranges: bytes\nDigest: d\nVary: Accept-Encoding\n"; client.Head != want {
		t.Errorf("got\n%swant\n%s", client.Head, want)
	}
}

// TestHEAD: the head of GET, without a length.
func TestHEAD(t *testing.T) {
	s := stage(t, on())
	f := func(accept string, length int64, body exchange.Body, want string) {
		t.Helper()
		x := exchangetest.Request("HEAD / HTTP/1.1\nHost: a\nAccept-Encoding: " + accept + "\n")
		defer x.Release()
		exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, s, &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
			x.Answer(200)
			x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
			x.Resp.Fields.Add(exchange.NameETag, []byte(`"x"`))
			x.Resp.Length, x.Resp.Body = length, body
			return exchange.Respond
		}}).Run(x)
		if got := exchangetest.Of(x).String(); got != want || x.Facts.Encoding.Made != "" {
			t.Errorf("%s, %d: got\n%swant\n%s", accept, length, got, want)
		}
	}
	const plain, packed = "200\n" + html + "ETag: \"x\"\n", "200\n" + html + "ETag: W/\"x\"\nVary: Accept-Encoding\nContent-Encoding: br\n"
	f("br", 4000, nil, packed)
	f("br", -1, nil, packed)
	f("br", -1, exchange.NewBytes([]byte(page(4000))), packed)
	f("br", 100, nil, plain+"(length 100)\n")
	f("identity", 4000, nil, plain+"Vary: Accept-Encoding\n(length 4000)\n")
}

func TestNotModified(t *testing.T) {
	s := stage(t, on())
	f := func(request, answer, tag, vary string) {
		t.Helper()
		_, client, _ := through(s, "GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n"+request, "304\n"+answer, nil)
		if got := field(client.Head, "ETag"); got != tag || field(client.Head, "Vary") != vary || field(client.Head, "Content-Encoding") != "-" {
			t.Errorf("%q, %q: got\n%s", request, answer, client)
		}
	}
	f("If-None-Match: W/\"x\"\n", "ETag: \"x\"", `W/"x"`, "Accept-Encoding")
	f("If-None-Match: \"x\"\n", "ETag: \"x\"", `"x"`, "Accept-Encoding")
	f("If-None-Match: W/\"y\", W/\"x\"\n", "ETag: \"x\"", `W/"x"`, "Accept-Encoding")
	f("If-None-Match: W/\"y\"\nIf-None-Match: W/\"x\"\n", "ETag: \"x\"\nVary: A", `W/"x"`, "A, Accept-Encoding")
	f("If-None-Match: W/\"x\", \"x\"\n", "ETag: \"x\"", `"x"`, "Accept-Encoding")
	f("If-None-Match: W/\"x\"\n", "ETag: W/\"x\"", `W/"x"`, "Accept-Encoding")
	f("If-None-Match: W/x\n", "ETag: x", "x", "Accept-Encoding")
	f("If-None-Match: *\n", "ETag: \"x\"", `"x"`, "Accept-Encoding")
	f("If-Modified-Since: x\n", "", "-", "Accept-Encoding")
	f("If-None-Match: W/\"x\"\n", "ETag: \"x\"\nContent-Type: image/png", `"x"`, "-")
	f("If-None-Match: W/\"x\"\n", "ETag: \"x\"\nContent-Type: text/css", `W/"x"`, "Accept-Encoding")
	f("If-None-Match: W/\"x\"\n", "ETag: \"x\"\nCache-Control: no-transform", `"x"`, "-")
}

func TestRevealing(t *testing.T) {
	identified, certified := on(), on()
	identified.Compress.Identified = true
	certified.TLS = &spec.TLS{ClientCertificates: spec.ClientAuthOptional}
	f := func(p *spec.Policy, request, answer, coding string) {
		t.Helper()
		request = strings.Replace(request, "\n", "\nHost: a\nAccept-Encoding: gzip\n", 1)
		saw, client, _ := through(stage(t, p), request, answer, exchange.NewBytes([]byte(page(4000))))
		if got := field(client.Head, "Content-Encoding"); got != coding || field(client.Head, "Vary") != "Accept-Encoding" {
			t.Errorf("%q, %q: got\n%s", request, answer, client.Head)
		}
		if !strings.Contains(saw, "Accept-Encoding: gzip\n") {
			t.Errorf("%q: the origin is asked differently:\n%s", request, saw)
		}
	}
	const anonymous, cookie, key = "GET /?q=1 HTTP/1.1\n", "GET /?q=1 HTTP/1.1\nCookie: c\n", "GET /?q=1 HTTP/1.1\nauthorization: Basic x\n"
	f(on(), anonymous, "200\n"+html, "gzip")
	f(on(), cookie, "200\n"+html, "-")
	f(on(), key, "200\n"+html, "-")
	f(on(), "GET /?q=1 HTTP/1.1\nX-Api-Key: k\n", "200\n"+html, "gzip")
	f(identified, cookie, "200\n"+html, "gzip")
	f(certified, anonymous, "200\n"+html, "-")
	// What can be reflected.
	f(on(), "GET / HTTP/1.1\nCookie: c\n", "200\n"+html, "gzip")
	f(on(), "GET /? HTTP/1.1\nCookie: c\n", "200\n"+html, "gzip")
	f(on(), "GET /secret HTTP/1.1\nCookie: c\n", "404\n"+html, "-")
	f(on(), "POST / HTTP/1.1\nCookie: c\nContent-Length: 1\n\nx", "200\n"+html, "-")
	// What is meant for everybody.
	f(on(), cookie, "200\nContent-Type: text/css", "gzip")
	f(on(), cookie, "200\nContent-Type: application/javascript", "gzip")
	f(on(), cookie, "200\nContent-Type: image/svg+xml", "-")
	f(on(), cookie, "200\nContent-Type: application/json", "-")
	f(on(), cookie, "200\nCache-Control: Public, max-age=60\n"+html, "gzip")
	f(on(), cookie, "200\nCache-Control: max-age=60, immutable\n"+html, "gzip")
	f(on(), cookie, "200\nCache-Control: s-maxage=60\n"+html, "gzip")
	f(on(), cookie, "200\nCache-Control: max-age=60\n"+html, "-")
	f(on(), cookie, "200\nCache-Control: private, x=public\n"+html, "-")
}

// TestCertificateOnPlain: without TLS no certificate was asked for.
func TestCertificateOnPlain(t *testing.T) {
	p := on()
	p.TLS = &spec.TLS{ClientCertificates: spec.ClientAuthRequired}
	x := exchangetest.Request("GET /?q HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n")
	defer x.Release()
	x.Conn.TLS = nil
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, stage(t, p), &exchangetest.Origin{Answer: func(x *exchange.Exchange) exchange.Verdict {
		x.Resp.Fields.Add(exchange.NameContentType, []byte("text/html"))
		x.Resp.Status, x.Resp.Body = 200, x.InMemory([]byte(page(4000)))
		return exchange.Respond
	}}).Run(x)
	if x.Facts.Encoding.Made != "gzip" {
		t.Errorf("got %+v", x.Facts.Encoding)
	}
}

// TestFault: an answer of the edge itself is not compressed, and a tunnel is no body.
func TestFault(t *testing.T) {
	x := exchangetest.Request("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n")
	defer x.Release()
	exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, stage(t, on()), &exchangetest.Origin{Answer: exchangetest.Break(fault.OriginRefused)}).Run(x)
	if got := exchangetest.Of(x).String(); got != "502\n\nfault origin_refused" {
		t.Errorf("got\n%s", got)
	}
	_, client, _ := through(stage(t, on()), "GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip\n", "101\n"+html, nil)
	if client.Head != html {
		t.Errorf("got\n%s", client.Head)
	}
}
