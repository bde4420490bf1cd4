package edge_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"skerry.dev/skerry/edge"
)

// streamSpec streams through every stage, and has a route whose answers change with each release. Its gaps are the
// origin and the release.
const streamSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: live, owner: team-live}
spec:
  hosts: [live.test]
  redirect: off
  limit: {perAddress: 10000/s, burst: 10000}
  compress: on
  trace: on
  cors: {origins: ["https://app.test"]}
  headers: {request: {set: {X-Team: live}}, response: {set: {X-Served-By: edge}}}
  routes:
    - {match: {prefix: /live}, service: "%[1]s", rewrite: {prefix: /}}
    - {match: {prefix: /other}, service: "%[1]s", headers: {response: {set: {X-Release: "%[2]d"}}}}
`

// openLive starts a site with streamSpec before an origin.
func openLive(t *testing.T, h http.HandlerFunc) (s *site, url string) {
	t.Helper()
	url = origin(t, h)
	return open(t, edge.Options{}, map[string]string{"specs/live.yaml": fmt.Sprintf(streamSpec, url, 0)}), url
}

// get sends a request as a page of another origin would, and fails the test if there is no answer.
func (s *site) get(ctx context.Context, c *http.Client, url, codings string) *http.Response {
	s.t.Helper()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(s.t, err)
	q.Header.Set("Accept-Encoding", codings)
	q.Header.Set("Origin", "https://app.test")
	r, err := c.Do(q)
	must(s.t, err)
	s.t.Cleanup(func() { r.Body.Close() })
	return r
}

// waiting is how long anything may take in these tests. Nothing takes that long unless it is broken.
const waiting = 20 * time.Second

// await fails the test if nothing comes.
func await[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(waiting):
		t.Fatalf("after %v: no %s", waiting, what)
	}
	return v
}

// TestEvents: by every way, with every stage on, a client decodes each event before the origin makes the next one. Server-sent events are
// never compressed; other streams of text are.
func TestEvents(t *testing.T) {
	const events = 4
	next := make(chan struct{})
	s := cross(t, tlsToo, everyStage, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		for i := range events {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	s.each(t, func(t *testing.T, w crossing) {
		f := func(contentType, codings, coding string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), waiting)
			defer cancel()
			r := s.get(ctx, w.client, w.base+"/events?type="+contentType, codings)
			defer r.Body.Close()
			if got := r.Header.Get("Content-Encoding"); r.StatusCode != 200 || got != coding || r.Header.Get("X-Served-By") != "edge" ||
				r.Header.Get("Access-Control-Allow-Origin") != "https://app.test" {
				t.Fatalf("%s: status %d, coding %q, want %q; %v", contentType, r.StatusCode, got, coding, r.Header)
			}
			var body io.Reader = r.Body
			if coding == "gzip" {
				z, err := gzip.NewReader(body)
				must(t, err)
				body = z
			}
			for i := range events {
				want := fmt.Sprintf("data: %d\n\n", i)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(body, got); err != nil || string(got) != want {
					t.Fatalf("%s, event %d: %q, %v", contentType, i, got, err)
				}
				select {
				case next <- struct{}{}:
				case <-ctx.Done():
					t.Fatalf("%s: the origin has gone", contentType)
				}
			}
			if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
				t.Errorf("%s: %q, %v at the end", contentType, rest, err)
			}
		}
		f("text/event-stream", "br, gzip", "")
		f("application/x-ndjson", "gzip", "gzip")
		f("text/plain", "gzip;q=0.5, identity;q=0.1", "gzip")
	})
}

// TestSocketHeld: a WebSocket over TLS carries messages through 20 reloads that change another route.
func TestSocketHeld(t *testing.T) {
	s, url := openLive(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chat" {
			echoSocket(w, r)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), waiting)
	defer cancel()
	h1 := s.client("http/1.1")
	c, r, err := websocket.Dial(ctx, s.url("https", "live.test", "/live/chat"), &websocket.DialOptions{HTTPClient: h1,
		CompressionMode: websocket.CompressionContextTakeover, HTTPHeader: http.Header{"Accept-Encoding": {"br, gzip"}}})
	if err != nil {
		t.Fatalf("%v: %v", err, r)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	other := s.client("h2")
	for n := range 20 {
		echo(t, ctx, c, strings.Repeat("x", n*n*n*20))
		if problems := s.edge.Activate(parse(t, fmt.Sprintf(streamSpec, url, n+1))); len(problems) > 0 {
			t.Fatal(problems)
		}
		if got, want := s.get(ctx, other, s.url("https", "live.test", "/other"), "identity").Header.Get("X-Release"), fmt.Sprint(n+1); got != want {
			t.Fatalf("the other route is at release %q, want %s", got, want)
		}
	}
	echo(t, ctx, c, "still there")
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close handshake: %v", err)
	}
}
