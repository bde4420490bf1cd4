package compress_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/wire/h1"
)

// ask is a last stage that asks an origin by net/http, as it is told: no header field and no coding of its own.
type ask struct {
	client *http.Client
	origin string
}

func (a *ask) Name() string { return "ask" }

func (a *ask) Request(x *exchange.Exchange) exchange.Verdict {
	q, err := http.NewRequest(string(x.Req.MethodName), a.origin+string(x.Req.Target), nil)
	if err != nil {
		return x.Fail(err)
	}
	for _, f := range x.Req.Fields {
		q.Header.Add(string(f.Name), string(f.Value))
	}
	r, err := a.client.Do(q)
	if err != nil {
		return x.Fail(err)
	}
	x.Answer(r.StatusCode)
	for name, values := range r.Header {
		for _, v := range values {
			if id := exchange.Intern([]byte(name)); !id.HopByHop() {
				x.Resp.Fields.AddNamed([]byte(name), []byte(v))
			}
		}
	}
	x.Resp.Body = &answer{Response: r}
	if r.Request.Method == http.MethodHead {
		r.Body.Close()
		x.Resp.Body, x.Resp.Length = nil, r.ContentLength
	}
	return exchange.Respond
}

// answer is a body that does not know whether it would wait.
type answer struct {
	*http.Response
	buf [4096]byte
}

func (a *answer) Next() ([]byte, error) {
	n, err := a.Body.Read(a.buf[:])
	if n > 0 {
		err = nil
	}
	return a.buf[:n], err
}

func (a *answer) Size() int64  { return a.ContentLength }
func (a *answer) Replay() bool { return false }
func (a *answer) Close() error { return a.Body.Close() }

// serve puts a real server of HTTP/1.1 with the stage in front of an origin, and returns its URL.
func serve(t *testing.T, origin string) string {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	path := exchange.NewPath(exchangetest.RenderText, &compress.Accept{}, stage(t, on()), &ask{&http.Client{Transport: transport, Timeout: 30 * time.Second}, origin})
	server := &h1.Server{Handler: path.Run}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { server.Serve(c, nil) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		server.Close()
		serving.Wait()
		transport.CloseIdleConnections()
	})
	return "http://" + l.Addr().String()
}

// get asks the edge and reads the answer as it is on the wire.
func get(t *testing.T, method, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Header.Set(name, value)
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

var modified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// startServeContent is an origin with validators and ranges of the standard library.
func startServeContent(t *testing.T, text string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		http.ServeContent(w, r, "page.html", modified, strings.NewReader(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// startNginx is an origin that serves a file.
func startNginx(t *testing.T, text string) string {
	if why := rival.Missing("nginx"); why != "" {
		t.Fatal(why)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, modified, modified); err != nil {
		t.Fatal(err)
	}
	addr, err := rival.FreeAddr() // of no connection's range: one of the kernel's choice could go to another test before nginx has it
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("access_log off; types { text/html html; } server { listen %s; root %s; }", addr, dir)
	p, err := rival.Nginx(rival.Options{Dir: dir, Conf: conf, Ready: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return "http://" + addr
}

// TestValidators: what a client does with the tag of a coded body does what it should at a real origin.
func TestValidators(t *testing.T) {
	text := page(30000)
	for name, start := range map[string]func(*testing.T, string) string{"ServeContent": startServeContent, "nginx": startNginx} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, start(t, text)) + "/page.html"
			strong := get1(t, url, "ETag")
			f := func(status int, tag, coding, body string, fields ...string) {
				t.Helper()
				r, got := get(t, "GET", url, fields...)
				if r.StatusCode != status || r.Header.Get("ETag") != tag || r.Header.Get("Content-Encoding") != coding {
					t.Errorf("%q: got %d, ETag %s, coding %q", fields, r.StatusCode, r.Header.Get("ETag"), r.Header.Get("Content-Encoding"))
				}
				if got, err := decode(coding, got); err != nil || got != body {
					t.Errorf("%q: %v, got %.60q", fields, err, got)
				}
			}
			weak, br := "W/"+strong, "Accept-Encoding: gzip, br"
			f(200, strong, "", text)
			f(200, weak, "br", text, br)
			f(304, weak, "", "", br, "If-None-Match: "+weak)
			f(304, strong, "", "", "If-None-Match: "+strong)
			f(200, weak, "br", text, br, `If-None-Match: W/"other"`)
			f(206, strong, "", text[10:20], br, "Range: bytes=10-19", "If-Range: "+strong)
			f(200, weak, "br", text, br, "Range: bytes=10-19", "If-Range: "+weak)
			f(200, weak, "br", text, br, "Range: bytes=10-19", "If-Range: "+modified.Format(http.TimeFormat))
			f(206, strong, "", text[10:20], "Range: bytes=10-19", "If-Range: "+modified.Format(http.TimeFormat))
			if r, _ := get(t, "GET", url, br, "If-Match: "+weak); r.StatusCode != 412 {
				t.Errorf("If-Match of a weak tag: got %d", r.StatusCode)
			}
			g, _ := get(t, "GET", url, br)
			h, _ := get(t, "HEAD", url, br)
			for _, name := range []string{"Content-Encoding", "ETag", "Vary", "Accept-Ranges", "Content-Type", "Last-Modified", "Content-Length"} {
				if g.Header.Get(name) != h.Header.Get(name) || strings.Contains("Content-Length Accept-Ranges", name) && h.Header.Get(name) != "" {
					t.Errorf("%s: GET %q, HEAD %q", name, g.Header.Get(name), h.Header.Get(name))
				}
			}
		})
	}
}

// get1 is one field of the plain answer.
func get1(t *testing.T, url, name string) string {
	r, _ := get(t, "GET", url)
	return r.Header.Get(name)
}

// TestFirstEvent: the client decodes an event before the origin makes the next one.
func TestFirstEvent(t *testing.T) {
	for _, kind := range []string{"application/x-ndjson", "text/event-stream"} {
		for _, coding := range allCodings {
			next := make(chan struct{})
			origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				for i := range 4 {
					fmt.Fprintf(w, "data: {\"event\": %d}\n\n", i)
					w.(http.Flusher).Flush()
					<-next
				}
			}))
			transport := &http.Transport{DisableCompression: true}
			q, _ := http.NewRequest("GET", serve(t, origin.URL), nil)
			q.Header.Set("Accept-Encoding", coding)
			answer, err := transport.RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			if got := answer.Header.Get("Content-Encoding"); got != map[string]string{"application/x-ndjson": coding}[kind] {
				t.Errorf("%s: coding %q, want %q", kind, got, coding)
			}
			r, done, err := reader(answer.Header.Get("Content-Encoding"), answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				want := fmt.Sprintf("data: {\"event\": %d}\n\n", i)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
					t.Fatalf("%s, %s: %v, %q", kind, coding, err, got)
				}
				next <- struct{}{}
			}
			if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
				t.Errorf("%s, %s: %v, %q at the end", kind, coding, err, rest)
			}
			done()
			answer.Body.Close()
			transport.CloseIdleConnections()
			origin.Close()
		}
	}
}

// TestCurl: a client that is not ours decodes every coding it knows.
func TestCurl(t *testing.T) {
	if why := rival.Missing("curl"); why != "" {
		t.Fatal(why)
	}
	for _, size := range []int{1024, 30000, 1 << 20} {
		text := page(size)
		url := serve(t, startServeContent(t, text))
		for _, coding := range append(allCodings, "identity") {
			if version, _ := exec.Command("curl", "--version").Output(); coding != "gzip" && coding != "identity" && !bytes.Contains(version, []byte(map[string]string{"br": "brotli", "zstd": "zstd"}[coding])) {
				t.Logf("this curl does not know %s", coding)
				continue
			}
			out, err := exec.Command("curl", "-sS", "--fail", "--compressed", "-H", "Accept-Encoding: "+coding, url).Output()
			if err != nil || string(out) != text {
				t.Errorf("%s, %d bytes: %v, got %d bytes", coding, size, err, len(out))
			}
		}
	}
}
