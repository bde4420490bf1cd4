package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/load/rival"
)

// browserSpec is a site of files with an API below /api, and an API of its own that pages of the site may call, but for
// /closed. Its gaps are the origin and the port of HTTPS.
const browserSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: {perAddress: 10000/s, burst: 10000}
  redirects: {list: [{from: /start, to: /}]}
  errorPages: {404: {html: "<p>gone {request_id}"}}
  headers:
    response:
      set: {Content-Security-Policy: "default-src 'self'; connect-src 'self' https://api.test:%[2]s wss://shop.test:%[2]s; img-src data:"}
  service: site
  routes:
    - {match: {prefix: /api}, service: "%[1]s", rewrite: {prefix: /}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: api, owner: team-shop}
spec:
  hosts: [api.test]
  profile: api
  cors: {origins: ["https://shop.test:%[2]s"], methods: [GET, PUT], headers: [X-Token], expose: [X-Request-Id]}
  service: "%[1]s"
  routes:
    - {match: {prefix: /closed}, service: "%[1]s", cors: off}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: site, owner: team-shop}
spec: {directory: {path: site}}
`

const browserPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>not yet</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script src="app.js" defer></script>
<h1 id="h">a shop</h1>
`

// browserStyle is large enough to be compressed by the edge.
var browserStyle = "h1 { color: rgb(1, 2, 3) }\n" + strings.Repeat("p { margin: 0 }\n", 500)

// packed are copies of a script in each coding, each of which says which one it is.
func packed(t *testing.T) map[string]string {
	t.Helper()
	script := func(name string) string { return "document.title = 'shop'; window.packed = '" + name + "'" }
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.WriteString(w, script("gzip"))
	must(t, w.Close())
	// A stream of br and a frame of zstd that hold their content as it is (RFC 7932 section 9.2, RFC 8878 section 3.1.1).
	br, zstd := script("br"), script("zstd")
	head := uint32(len(br)-1)<<4 | 1<<20
	return map[string]string{
		"web/site/app.js": script("no"), "web/site/app.js.gz": zipped.String(),
		"web/site/app.js.br":  string([]byte{byte(head), byte(head >> 8), byte(head >> 16)}) + br + "\x03",
		"web/site/app.js.zst": "\x28\xb5\x2f\xfd\x20" + string([]byte{byte(len(zstd)), 1 | byte(len(zstd)<<3), byte(len(zstd) >> 5), 0}) + zstd,
	}
}

// browserOrigin answers scripts; next lets an event follow the first one, left hears of a stream whose reader is gone.
type browserOrigin struct{ next, left chan struct{} }

func (o *browserOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/chat":
		echoSocket(w, r)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 1; ; i++ {
			fmt.Fprintf(w, "data: event %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-o.next:
			case <-r.Context().Done():
				o.left <- struct{}{}
				return
			}
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"method": r.Method, "path": r.URL.Path, "token": r.Header.Get("X-Token"),
			"proto": r.Header.Get("X-Forwarded-Proto"), "client": r.Header.Get("X-Forwarded-For")})
	}
}

// browser is a tab, and what its console says.
type browser struct {
	t       *testing.T
	ctx     context.Context
	mu      sync.Mutex
	console []string
	closed  chan struct{} // the console has said its last word
}

// lastWord ends the console's messages.
const lastWord = "that was all"

// newBrowser starts a browser that finds every host on this machine and believes the keys of these hosts.
func newBrowser(t *testing.T, s *site, hosts ...string) *browser {
	t.Helper()
	var keys []string
	for _, host := range hosts {
		c, err := tls.Dial("tcp", s.https, &tls.Config{RootCAs: s.roots, ServerName: host})
		must(t, err)
		sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
		keys = append(keys, base64.StdEncoding.EncodeToString(sum[:]))
		c.Close()
	}
	path, err := rival.Path("chromium")
	must(t, err)
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"), chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(keys, ",")))
	alloc, end := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(end)
	ctx, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(closeTab)
	b := &browser{t: t, ctx: ctx, closed: make(chan struct{})}
	must(t, chromedp.Do(ctx))
	messages := chromedp.Console(ctx)
	go func() {
		defer close(b.closed)
		for m, err := range messages {
			if err != nil || m.Text == lastWord {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

// open goes to a URL.
func (b *browser) open(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, toolPatience)
	defer cancel()
	must(b.t, chromedp.Do(ctx, chromedp.Navigate(url)))
}

// says evaluates a script, waits for what it promises, and wants this as JSON.
func (b *browser) says(want, script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waiting)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](script, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil || string(got) != want {
		b.t.Errorf("%s\nsays %s, %v\nwant %s", script, got, err, want)
	}
}

// errors are the errors and warnings of the console up to now.
func (b *browser) errors() (all []string) {
	b.t.Helper()
	b.says("1", `console.log("`+lastWord+`"), 1`)
	await(b.t, "end of the console", b.closed)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.console {
		if !strings.HasPrefix(m, "log:") && !strings.HasPrefix(m, "info:") && !strings.HasPrefix(m, "debug:") {
			all = append(all, m)
		}
	}
	return all
}

// TestBrowser: a page over HTTP/2 through every stage, with all that a page does: files, calls, calls of another origin,
// a stream of events, a WebSocket.
func TestBrowser(t *testing.T) {
	needs(t, "chromium")
	o := &browserOrigin{next: make(chan struct{}), left: make(chan struct{}, 1)}
	addr, err := rival.FreeAddr()
	must(t, err)
	_, port, _ := net.SplitHostPort(addr)
	files := packed(t)
	files["specs/shop.yaml"] = fmt.Sprintf(browserSpec, origin(t, o.ServeHTTP), port)
	files["web/site/index.html"], files["web/site/style.css"] = browserPage, browserStyle
	s := open(t, edge.Options{HTTPS: []string{addr}}, files)
	b := newBrowser(t, s, "shop.test", "api.test")
	api := s.url("https", "api.test", "")

	b.open(s.url("http", "shop.test", "/start")) // to HTTPS, and from there by a bulk redirect
	b.says(`"`+s.url("https", "shop.test", "/")+`"`, `location.href`)
	b.says(`["shop","rgb(1, 2, 3)"]`, `[document.title, getComputedStyle(document.querySelector('h1')).color]`)
	b.says(`["h2","h2","h2"]`, `['navigation', 'resource'].flatMap(type => performance.getEntriesByType(type)).filter(e => e.name.startsWith('https:')).map(e => e.nextHopProtocol)`)
	b.says(`true`, `['br', 'zstd', 'gzip'].includes(window.packed)`)
	b.says(`["nosniff","SAMEORIGIN","strict-origin-when-cross-origin",null,true]`, `fetch('/style.css').then(r => [
		r.headers.get('x-content-type-options'), r.headers.get('x-frame-options'), r.headers.get('referrer-policy'),
		r.headers.get('strict-transport-security'), ['br', 'zstd', 'gzip'].includes(r.headers.get('content-encoding'))])`)
	b.says(`{"client":"127.0.0.1","method":"POST","path":"/hello","proto":"https","token":"t"}`,
		`fetch('/api/hello', {method: 'POST', body: 'x', headers: {'X-Token': 't', 'X-Forwarded-For': '6.6.6.6'}}).then(r => r.json())`)
	b.says(`["PUT","t",true]`, `fetch('`+api+`/hello', {method: 'PUT', body: 'x', headers: {'X-Token': 't'}}).then(async r => {
		const got = await r.json(); return [got.method, got.token, r.headers.get('x-request-id').length == 32] })`)
	b.says(`"TypeError: Failed to fetch"`, `fetch('`+api+`/closed').then(r => r.text(), e => String(e))`)
	b.streams(o)
	refused := 0
	for _, m := range b.errors() { // two for the one call that was refused
		switch {
		case strings.Contains(m, api+"/closed") && strings.Contains(m, "blocked by CORS policy"):
			refused++
		case !strings.Contains(m, "net::ERR_FAILED"):
			t.Errorf("the console says %s", m)
		}
	}
	if refused != 1 {
		t.Errorf("the browser has refused %d calls of another origin, want 1", refused)
	}
	s.ended()
	for path, proto := range map[string]string{"/start": "h2", "/api/events": "h2", "/api/chat": "h2"} {
		if line := s.lastLine(path); !strings.Contains(line, `"proto":"`+proto+`"`) {
			t.Errorf("%s went not over %s: %s", path, proto, line)
		}
	}
}

// streams: the page has the first event before the origin makes a second one, and the origin knows when the page lets go; a
// WebSocket, which the browser opens on its connection of HTTP/2 (RFC 8441), carries messages.
func (b *browser) streams(o *browserOrigin) {
	b.t.Helper()
	b.says(`"event 1"`, `new Promise((ok, bad) => {
		window.source = new EventSource('/api/events');
		source.onerror = () => bad(new Error('the stream broke'));
		source.onmessage = e => {
			window.second = new Promise(ok => { source.onmessage = e => ok(e.data) });
			ok(e.data);
		};
	})`)
	select {
	case o.next <- struct{}{}:
	case <-time.After(waiting):
		b.t.Fatal("the origin does not wait between two events")
	}
	b.says(`"event 2"`, `second`)
	b.says(`2`, `source.close(), source.readyState`)
	await(b.t, "end of the stream at the origin", o.left)
	b.says(`["hello",70000]`, `new Promise((ok, bad) => {
		const socket = new WebSocket('wss://' + location.host + '/api/chat'), got = [];
		socket.onopen = () => { socket.send('hello'); socket.send('x'.repeat(70000)) };
		socket.onerror = () => bad(new Error('the socket broke'));
		socket.onmessage = e => {
			got.push(e.data);
			if (got.length == 2) { socket.close(); ok([got[0], got[1].length]) }
		};
	})`)
}
