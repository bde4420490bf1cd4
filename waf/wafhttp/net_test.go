package wafhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"skerry.dev/skerry/waf/wafhttp"
)

// patience is how long a test waits for what takes no time unless something is broken.
const patience = 10 * time.Second

// dial opens a connection to a server.
func dial(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c, bufio.NewReader(c)
}

// A client that asks first gets 100 only if its head passes and its length is within the limit.
func TestContinue(t *testing.T) {
	r := newRig(t, wafhttp.Options{BodyBytesMax: 100})
	for _, c := range []struct{ path, length, kind, want string }{
		{"/", "7", "application/json", "HTTP/1.1 100 Continue"},
		{"/?q=<script>alert(1)</script>", "7", "application/json", "HTTP/1.1 100 Continue"}, // scores are looked at when the body is there
		{"/", "7", "application/pdf", "HTTP/1.1 415"},
		{"/", "101", "application/json", "HTTP/1.1 413"},
	} {
		conn, in := dial(t, r.URL)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a.example\r\nUser-Agent: t\r\nAccept: */*\r\nContent-Type: %s\r\nContent-Length: %s\r\nExpect: 100-continue\r\n\r\n", c.path, c.kind, c.length)
		line, err := in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, c.want) {
			t.Errorf("%s, %s bytes: the answer begins with %q, error %v, want %q", c.path, c.length, line, err, c.want)
			continue
		}
		if !strings.Contains(line, "100") {
			continue
		}
		_, _ = in.ReadString('\n')
		fmt.Fprint(conn, `{"a":1}`)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := map[bool]int{true: 403, false: 200}[strings.Contains(c.path, "script")]; resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", c.path, resp.StatusCode, want)
		}
	}
}

// What breaks off while it is held does not arrive.
func TestBrokenOff(t *testing.T) {
	reported := make(chan wafhttp.Result, 1)
	f, err := wafhttp.New(wafhttp.Options{Report: func(_ *http.Request, r wafhttp.Result) { reported <- r }})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(f.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it arrived") })))
	defer s.Close()
	conn, _ := dial(t, s.URL)
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: t\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":")
	_ = conn.Close()
	if r := <-reported; r.Status != 400 || !strings.Contains(r.Reason, "could not be read") {
		t.Errorf("reported %+v", r)
	}
}

// Trailers are not handed on: nobody has inspected them.
func TestTrailers(t *testing.T) {
	r := newRig(t, wafhttp.Options{})
	for _, kind := range []string{"application/json", "application/octet-stream"} {
		conn, in := dial(t, r.URL)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: t\r\nAccept: */*\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n2\r\n{}\r\n0\r\nX-Late: <script>\r\n\r\n", kind)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got, ok := r.last(); !ok || got.body != "{}" || len(got.trailers) > 0 || kind == "application/json" && (got.length != 2 || len(got.codings) > 0) {
			t.Errorf("%s: the handler got %+v, %v", kind, got, ok)
		}
	}
}

// Memory of bodies is bounded over all requests: one more gets 503, and is served when another has gone.
func TestHeld(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	f, err := wafhttp.New(wafhttp.Options{BodyBytesMax: 16 << 10, HeldBytesMax: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(f.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-leave
		}
	})))
	defer s.Close()
	post := func(path string) int {
		resp, err := s.Client().Post(s.URL+path, "application/json", strings.NewReader(`"`+strings.Repeat("a ", 6<<10)+`"`))
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		if resp.StatusCode == 503 && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return resp.StatusCode
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if status := post("/slow"); status != 200 {
			t.Errorf("the first gets %d", status)
		}
	})
	<-entered
	if status := post("/"); status != 503 {
		t.Errorf("the second gets %d, %d bytes held", status, f.Held())
	}
	leave <- struct{}{}
	wg.Wait()
	if status := post("/"); status != 200 || f.Held() != 0 {
		t.Errorf("the third gets %d, %d bytes held", status, f.Held())
	}
}

// Pass lets a body beyond the limit go on, whole, judged by its beginning.
func TestPass(t *testing.T) {
	r := newRig(t, wafhttp.Options{OnLimit: wafhttp.Pass, BodyBytesMax: 1 << 10})
	tail := strings.Repeat("tea ", 1<<10)
	status, _, _ := r.send(t, "POST", "/", "application/json", strings.NewReader(`{"a":"`+tail+`"}`))
	if got, _ := r.last(); status != 200 || len(got.body) != len(tail)+8 {
		t.Errorf("status %d, the handler got %d bytes", status, len(got.body))
	}
	if res := r.result(); res.Verdict != wafhttp.Detected || res.Status != 413 || res.Body != wafhttp.BodyPart {
		t.Errorf("reported %+v", res)
	}
	if status, _, _ = r.send(t, "POST", "/", "application/json", strings.NewReader(`{"a":"`+sqli+`","b":"`+tail+`"}`)); status != 403 {
		t.Errorf("an attack at the beginning: status %d", status)
	}
	if status, _, _ = r.send(t, "POST", "/", "application/json", strings.NewReader(`{"a":1}{`)); status != 400 {
		t.Errorf("a malformed body: status %d", status)
	}
}

// A stream of events comes through as it is written, and the writer is the server's own.
func TestEvents(t *testing.T) {
	next := make(chan struct{})
	f, err := wafhttp.New(wafhttp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(f.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d <script>\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})))
	defer s.Close()
	resp, err := s.Client().Get(s.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if want := fmt.Sprintf("data: %d <script>\n", i); err != nil || line != want {
			t.Fatalf("event %d is %q, error %v", i, line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- struct{}{} // the handler has not gone on before this event was read
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("%q behind the last event, error %v", rest, err)
	}
}

// A WebSocket is not held, its handshake is judged.
func TestWebSocket(t *testing.T) {
	f, err := wafhttp.New(wafhttp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(f.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		if kind, text, err := c.Read(r.Context()); err == nil {
			_ = c.Write(r.Context(), kind, text)
		}
		_ = c.Close(websocket.StatusNormalClosure, "")
	})))
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, s.URL+"/talk", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(ctx, websocket.MessageText, []byte(sqli)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.Read(ctx); err != nil || string(text) != sqli {
		t.Errorf("read %q, error %v", text, err)
	}
	_, _, _ = c.Read(ctx) // its closing
	_, resp, err := websocket.Dial(ctx, s.URL+"/talk?q=%3Cscript%3Ealert(1)%3C/script%3E", nil)
	if err == nil || resp == nil || resp.StatusCode != 403 {
		t.Errorf("an attack in a handshake: %v, %v", resp, err)
	}
}

// A stream of gRPC over HTTP/2 goes both ways at once.
func TestStreamBothWays(t *testing.T) {
	f, err := wafhttp.New(wafhttp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(f.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1)
		for {
			if _, err := r.Body.Read(b); err != nil {
				return
			}
			_, _ = w.Write(b)
			w.(http.Flusher).Flush()
		}
	})))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pr, pw := io.Pipe()
	q, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/svc/Method", pr)
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("Te", "trailers")
	first := make(chan struct{})
	go func() {
		_, _ = pw.Write([]byte("a"))
		<-first
		_, _ = pw.Write([]byte("b"))
		_ = pw.Close()
	}()
	resp, err := s.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, b); err != nil || b[0] != 'a' || resp.ProtoMajor != 2 {
		t.Fatalf("%q, error %v, %s", b, err, resp.Proto)
	}
	close(first)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "b" {
		t.Errorf("%q, error %v", rest, err)
	}
}

// A proxy behind the firewall sends what was held, with its length.
func TestReverseProxy(t *testing.T) {
	type arrived struct {
		body    string
		length  int64
		codings []string
	}
	got := make(chan arrived, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- arrived{string(b), r.ContentLength, r.TransferEncoding}
	}))
	defer origin.Close()
	to, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	f, err := wafhttp.New(wafhttp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	s := httptest.NewServer(f.Middleware(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: transport}))
	defer s.Close()
	resp, err := s.Client().Post(s.URL+"/", "application/json", io.MultiReader(strings.NewReader(`{"a":"tea"}`)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if a := <-got; a.body != `{"a":"tea"}` || a.length != 11 || len(a.codings) > 0 {
		t.Errorf("the origin got %+v", a)
	}
}

// Many requests at once, with verdicts of their own, under the race detector.
func TestConcurrent(t *testing.T) {
	r := newRig(t, wafhttp.Options{Exclude: []wafhttp.Exclude{{Rule: "tag:attack-sqli", Target: "ARGS:note", Path: "/notes"}}})
	client := r.Client()
	post := func(path, form string) (int, error) {
		resp, err := client.Post(r.URL+path, "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for n := range 8 {
		wg.Go(func() {
			for k := range 20 {
				path, name, want := "/notes", "note", 200
				if (n+k)%2 == 0 {
					path, want = "/other", 403
				}
				status, err := post(path, name+"="+url.QueryEscape("1' or '1'='1"))
				if err == nil && status != want {
					err = fmt.Errorf("%s: status %d, want %d", path, status, want)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if n := r.firewall.Held(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// An answer of one's own gets what the client may know; a body that the server bounds itself is refused as such.
func TestAnswer(t *testing.T) {
	f, err := wafhttp.New(wafhttp.Options{
		RequestID: func(r *http.Request) string { return r.Header.Get("X-Request-Id") },
		Answer: func(w http.ResponseWriter, _ *http.Request, x wafhttp.Refusal) {
			http.Error(w, "see "+x.ID, x.Status)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	inner := f.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Error("it arrived") }))
	w := httptest.NewRecorder()
	q := httptest.NewRequest("POST", "http://a.example/", strings.NewReader(`{"a":"tea"}`))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("X-Request-Id", "r1")
	q.Body = http.MaxBytesReader(w, q.Body, 3)
	inner.ServeHTTP(w, q)
	if w.Code != 413 || w.Body.String() != "see r1\n" {
		t.Errorf("answered %d %q", w.Code, w.Body.String())
	}
	w = httptest.NewRecorder()
	q = httptest.NewRequest("POST", "http://a.example/", errReader{})
	q.Header.Set("Content-Type", "application/json")
	if inner.ServeHTTP(w, q); w.Code != 400 {
		t.Errorf("answered %d", w.Code)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("torn") }
