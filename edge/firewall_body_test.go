package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"skerry.dev/skerry/edge"
)

// TestFirewallPassesLimits: onLimit: pass and mode: detect forward what is too large as it was sent, and pass still refuses what it
// sees at the beginning.
func TestFirewallPassesLimits(t *testing.T) {
	for _, says := range []string{"  waf: {onLimit: pass}\n", "  waf: detect\n"} {
		w := wall(t, edge.Options{}, echoBody, says)
		c := w.dial()
		for _, size := range []int{129 << 10, 300 << 10} {
			body := filled(jsonType, size, false)
			for name, request := range map[string]string{
				"length": post("/", jsonType, body), "chunks": postChunked("/", jsonType, body, 5000), "large chunks": postChunked("/", jsonType, body, 150<<10),
			} {
				resp, answer, err := c.do(request)
				if err != nil || resp.StatusCode != 200 || answer != body {
					t.Fatalf("%s%d bytes, %s: %v %v, %d bytes came back", says, size, name, err, resp, len(answer))
				}
				if got := <-w.seen; name == "length" && got.length != int64(size) || got.body != body {
					t.Errorf("%s%d bytes, %s: the origin got length %d", says, size, name, got.length)
				}
			}
		}
		picture := strings.Repeat("\xff\x00JPEG", 50<<10)
		for media, body := range map[string]string{
			"multipart/form-data; boundary=b": "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nme\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n" +
				"Content-Type: image/jpeg\r\n\r\n" + picture + "\r\n--b--\r\n",
			"text/xml": filled("text/xml", 200<<10, false),
			formType:   filled(formType, 200<<10, false),
		} {
			if status, _, answer := w.raw(post("/", media, body)); status != 200 || answer != body {
				t.Errorf("%s%s: status %d, %d bytes", says, media, status, len(answer))
			}
		}
		want := map[bool]int{true: 200, false: 403}[strings.Contains(says, "detect")]
		for media, body := range map[string]string{
			formType: filled(formType, 100, true) + "&more=" + strings.Repeat("x", 200<<10),
			jsonType: `{"a":"1' UNION SELECT password FROM users--","more":"` + strings.Repeat("x", 200<<10) + `"}`,
		} {
			if status, _, _ := w.raw(postChunked("/attack", media, body, 1000)); status != want {
				t.Errorf("%san attack at the beginning of %s: status %d, want %d", says, media, status, want)
			}
		}
		w.until("nothing is held", func() bool { return w.heldBytes() == 0 })
		events := w.walledEvents()
		if e := events["/"].WAF; e.Limit != "body_bytes" || e.Inspected != "head" {
			t.Errorf("%sthe event: %s", says, events["/"].text)
		}
	}
}

// TestFirewallNeverPassesAmbiguity: onLimit: pass is about limits; what has two readings, or is of no type that is allowed, is
// refused all the same.
func TestFirewallNeverPassesAmbiguity(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "  waf: {onLimit: pass, exclude: [{rule: 920420}]}\n")
	f := func(name, request string, want int) {
		t.Helper()
		if status, _, body := w.raw(request); status != want {
			t.Errorf("%s: status %d, want %d: %s", name, status, want, body)
		}
		w.none(name)
	}
	f("broken JSON", post("/", jsonType, `{"a":1`), 400)
	f("an unknown type", post("/", "application/evil", "x=1"), 415)
	f("two types", strings.Replace(post("/", jsonType, "{}"), "Content-Length", "Content-Type: text/plain\r\nContent-Length", 1), 400)
	many := strings.TrimSuffix(strings.Repeat("a=1&", 1001), "&")
	f("broken JSON behind too many arguments", post("/?"+many, jsonType, `{"a":1`), 400)
}

// TestFirewallTypes: which types are read as what, and which are not let in.
func TestFirewallTypes(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "  routes:\n    - {match: {prefix: /untyped}, service: http://127.0.0.1:1, waf: detect}\n")
	f := func(media, body string, want int) {
		t.Helper()
		w.bytes.Store(0)
		status, _, answer := w.raw(post("/", media, body))
		if status != want || want == 200 && answer != body {
			t.Errorf("%s, %.60q: status %d, want %d: %s", media, body, status, want, answer)
		}
		if want != 200 {
			w.none(media)
		}
	}
	const sqli = "1' UNION SELECT password FROM users--"
	f(jsonType, `{"a":1}`, 200)
	f("application/vnd.api+json", `{"a":1}`, 200)
	f("application/vnd.api+json", `{"a":"`+sqli+`"}`, 403)
	f("application/problem+json; charset=utf-8", `{"a":"`+sqli+`"}`, 403)
	f("application/csp-report", `{"csp-report":{"blocked-uri":"inline"}}`, 200)
	f("application/csp-report", `{"a":"`+sqli+`"}`, 403)
	f("application/reports+json", `[{"type":"csp-violation","body":{"blockedURL":"inline"}}]`, 200)
	f("text/plain;charset=UTF-8", `{"event":"leave","ms":1200}`, 200)
	f("text/plain;charset=UTF-8", `{"event":"`+sqli+`"}`, 403)
	f("application/octet-stream", "\x00\x01\x02"+sqli, 200) // uninspected, and logged so
	f("APPLICATION/JSON", `{"a":1}`, 200)
	f("text/html", "<p>", 415)
	f("application/javascript", "x", 415)
	f("application/evil", "x", 415)
	f("application/grpcevil+json", `{"a":"`+sqli+`"}`, 403) // none of gRPC's: read as JSON
	f(jsonType+"; charset=utf-7", `{"a":1}`, 403)
	f(jsonType+"; charset=utf-8; charset=utf-16", `{"a":1}`, 400)
	f(`multipart/form-data; boundary="a"; boundary=b`, "--a\r\n\r\n", 400)
	f("multipart/form-data", "--a\r\n\r\n", 400)
	f("json", "{}", 400)
	for name, lines := range map[string]string{
		"two types":            "Content-Type: application/json\r\nContent-Type: text/plain",
		"the same twice":       "Content-Type: application/json\r\nContent-Type: application/json",
		"an empty one and one": "Content-Type:\r\nContent-Type: application/json",
	} {
		w.bytes.Store(0)
		if status, _, body := w.raw(strings.Replace(post("/", "x", "{}"), "Content-Type: x", lines, 1)); status != 400 {
			t.Errorf("%s: status %d: %s", name, status, body)
		}
		w.none(name)
	}
	// gRPC's frames are none: the origin may have got the head, and nothing of the body.
	if status, _, _ := w.raw(post("/", "application/grpc+json", `{"a":"`+sqli+`"}`)); status != 400 {
		t.Errorf("JSON as gRPC: status %d", status)
	}
	// Without a type it is read as a form.
	untyped := strings.Replace(post("/untyped", "x", "q="+strings.ReplaceAll(sqli, " ", "+")), "Content-Type: x\r\n", "", 1)
	if status, _, _ := w.raw(untyped); status != 502 { // there is no such service
		t.Errorf("an attack without a type, where it is only watched: status %d", status)
	}
	w.raw(post("/octets", "application/octet-stream", "abc"))
	events := w.walledEvents()
	if e := events["/octets"].WAF; e.Inspected != "head" {
		t.Errorf("an uninspected body: %s", events["/octets"].text)
	}
	if text := events["/untyped"].text; !strings.Contains(text, "ARGS:q") {
		t.Errorf("a body without a type: %s", text)
	}
}

// TestFirewallMultipart: what two services could read in two ways is refused.
func TestFirewallMultipart(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	f := func(name, head, tail string, want int) {
		t.Helper()
		w.bytes.Store(0)
		body := "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\nx\r\n" + tail
		if status, _, answer := w.raw(post("/", "multipart/form-data; boundary=b", body)); status != want {
			t.Errorf("%s: status %d, want %d: %s", name, status, want, answer)
		}
		if want != 200 {
			w.none(name)
		}
	}
	f("plain", `name="a"`, "--b--\r\n", 200)
	f("name twice", `name="a"; name="b"`, "--b--\r\n", 400)
	f("filename twice", `name="a"; filename="a"; filename="b.php"`, "--b--\r\n", 400)
	f("filename in two forms", `name="a"; filename="a"; filename*=utf-8''b.php`, "--b--\r\n", 400)
	f("no end", `name="a"`, "", 400)
	f("bare LF", "name=\"a\"\n", "--b--\r\n", 400)
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	must(t, err)
	must(t, z.Close())
	return b.String()
}

// unbase64 is what a text in base64 stands for.
func unbase64(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	return string(b)
}

// numbers is JSON of about that size which a coding halves at most.
func numbers(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(`{"n":"`)
	for b.Len() < size {
		fmt.Fprintf(&b, "%d ", random.Uint64())
	}
	return b.String() + `"}`
}

// TestFirewallCodings: a coded body is read without its coding, and forwarded as it was sent.
func TestFirewallCodings(t *testing.T) {
	w := wall(t, edge.Options{}, echoBody, "")
	good, bad := `{"q":"shoes"}`, `{"q":"1' UNION SELECT password FROM users--"}`
	f := func(name, lines, body string, want int) {
		t.Helper()
		w.bytes.Store(0)
		for framing, request := range map[string]string{
			"length": post("/", jsonType+"\r\n"+lines, body), "chunks": postChunked("/", jsonType+"\r\n"+lines, body, 700),
		} {
			status, _, answer := w.raw(request)
			if status != want || want == 200 && answer != body {
				t.Errorf("%s, %s: status %d, want %d: %.200q", name, framing, status, want, answer)
			}
			if want != 200 || status != 200 {
				w.none(name)
				continue
			}
			if got := <-w.seen; got.body != body || got.header.Get("Content-Encoding") == "" {
				t.Errorf("%s, %s: the origin got %d bytes, %v", name, framing, len(got.body), got.header)
			}
		}
	}
	f("gzip", "Content-Encoding: gzip", gzipped(t, good), 200)
	f("br", "Content-Encoding: br", unbase64(t, "CwaAeyJxIjoic2hvZXMifQM="), 200)
	f("identity", "Content-Encoding: identity", good, 200)
	f("a large one", "Content-Encoding: gzip", gzipped(t, numbers(120<<10)), 200)
	f("gzip, an attack", "Content-Encoding: gzip", gzipped(t, bad), 403)
	f("br, an attack", "Content-Encoding: br", unbase64(t, "GywAAETdlupYeXqwWuWCoD+opmAWU5RZoCotnR4vM5PgeAvHsm5lYx0L6owBIlV+"), 403)
	f("identity, an attack", "Content-Encoding: identity", bad, 403)
	f("a bomb", "Content-Encoding: gzip", gzipped(t, `{"q":"`+strings.Repeat("0", 50<<20)+`"}`), 413)
	f("a small bomb", "Content-Encoding: gzip", gzipped(t, `{"q":"`+strings.Repeat("0", 100<<10)+`"}`), 413)
	f("beyond what is held", "Content-Encoding: gzip", gzipped(t, numbers(130<<10)), 413)
	f("unknown", "Content-Encoding: snappy", good, 415)
	f("two codings", "Content-Encoding: gzip, gzip", gzipped(t, gzipped(t, good)), 415)
	f("two fields", "Content-Encoding: gzip\r\nContent-Encoding: gzip", gzipped(t, bad), 415)
	f("an empty field and one", "Content-Encoding:\r\nContent-Encoding: gzip", gzipped(t, bad), 415)
	f("damaged", "Content-Encoding: gzip", gzipped(t, good)[:20], 400)
	f("something behind it", "Content-Encoding: gzip", gzipped(t, good)+gzipped(t, bad), 415)
	w.until("nothing is held", func() bool { return w.heldBytes() == 0 })
}

// TestFirewallNeverHoldsStreams: gRPC and WebSocket carry what comes when it comes.
func TestFirewallNeverHoldsStreams(t *testing.T) {
	w := wall(t, edge.Options{}, func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			echoSocket(rw, r)
			return
		}
		must(t, http.NewResponseController(rw).EnableFullDuplex())
		rw.Header().Set("Content-Type", "application/grpc")
		frame := make([]byte, 8)
		for {
			if _, err := io.ReadFull(r.Body, frame); err != nil {
				return
			}
			rw.Write(frame)
			rw.(http.Flusher).Flush()
		}
	}, "")
	ctx, cancel := context.WithTimeout(t.Context(), behindPatience)
	defer cancel()
	for _, media := range []string{"application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc-web+proto"} {
		out, in := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, "POST", w.urls[2]+"/shop.Cart/Watch", out)
		must(t, err)
		req.Host = "shop.test"
		req.Header = http.Header{"Content-Type": {media}, "Te": {"trailers"}, "User-Agent": {"grpc-go/1.70.0"}}
		go in.Write([]byte("\x00\x00\x00\x00\x03abc"))
		resp, err := w.clients[2].Do(req)
		must(t, err)
		for n := range 3 {
			got := make([]byte, 8)
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != "\x00\x00\x00\x00\x03abc" {
				t.Fatalf("%s: message %d: %q %v, status %d", media, n, got, err, resp.StatusCode)
			}
			if n < 2 {
				_, err := in.Write([]byte("\x00\x00\x00\x00\x03abc"))
				must(t, err)
			}
		}
		must(t, in.Close())
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
		resp.Body.Close()
	}
	c, _, err := websocket.Dial(ctx, "ws://"+w.addr+"/chat", &websocket.DialOptions{Host: "shop.test", HTTPHeader: http.Header{"Origin": {"http://shop.test"}}})
	must(t, err)
	echo(t, ctx, c, "1' UNION SELECT password FROM users--")
	must(t, c.Close(websocket.StatusNormalClosure, ""))
	// What is no WebSocket is no way past: the edge takes the upgrade for none, and the body for a body.
	bad := strings.Replace(post("/", jsonType, `{"q":"1' UNION SELECT password FROM users--"}`), "Accept", "Connection: upgrade\r\nUpgrade: h2c\r\nAccept", 1)
	if status, _, _ := w.raw(bad); status != 403 {
		t.Errorf("an upgrade to something else with a body: status %d", status)
	}
	if status, _, _ := w.raw(strings.Replace(bad, "h2c", "websocket", 1)); status != 400 {
		t.Errorf("a WebSocket handshake with a body: status %d", status)
	}
	if status, _, _ := w.raw("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n"); status != 501 && status != 405 && status != 400 {
		t.Errorf("CONNECT: status %d", status)
	}
}

// TestFirewallFieldsOfConnection: what the edge consumes itself the rules do not see, and HTTP/2 has a Host.
func TestFirewallFieldsOfConnection(t *testing.T) {
	var rules strings.Builder
	for i, name := range []string{"Expect", "Keep-Alive", "TE", "Trailer", "Proxy-Connection", "Upgrade"} {
		fmt.Fprintf(&rules, `          SecRule &REQUEST_HEADERS:%s "@gt 0" "id:%d,phase:2,deny,status:404"`+"\n", name, i+1)
	}
	rules.WriteString(`          SecRule &REQUEST_HEADERS:Host "!@eq 1" "id:20,phase:1,deny,status:405"` + "\n")
	rules.WriteString(`          SecRule REQUEST_HEADERS:Host|SERVER_NAME "!@rx ^shop.test(?::[0-9]+)?$" "id:21,phase:1,deny,status:405"` + "\n")
	w := wall(t, edge.Options{}, echoBody, "  waf:\n    rules:\n      - file: own.conf\n        text: |\n"+rules.String())
	status, _, body := w.raw(get("/", "Keep-Alive: timeout=5", "TE: trailers", "Trailer: X-A", "Proxy-Connection: keep-alive", "Connection: keep-alive, TE", "Upgrade: h2c"))
	if status != 200 {
		t.Errorf("fields of the connection: status %d: %s", status, body)
	}
	c := w.dial()
	c.conn.SetDeadline(time.Now().Add(behindPatience))
	if resp, _, err := c.do("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"); err != nil || resp.StatusCode != 100 {
		t.Fatalf("Expect: %v %v", resp, err)
	}
	if resp, _, err := c.do("{}"); err != nil || resp.StatusCode != 200 {
		t.Errorf("Expect: %v %v", resp, err)
	}
	if status, body := w.h2("GET", "/", "", nil); status != 200 {
		t.Errorf("HTTP/2: status %d: %s", status, body)
	}
}
