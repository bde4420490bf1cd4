package edge_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// withCache is the policy of routes for streams: that of the default profile, whose cache everything goes through.
const withCache = "  cache: {probe: {every: 1h}}\n"

// TestCacheStreams: pages that come in pieces, events too, reach the client piece by piece, as the origin makes them, whether they may be stored or not;
// two who read one page that is being stored get each piece both.
func TestCacheStreams(t *testing.T) {
	const pieces = 4
	next := make(chan struct{})
	s := cross(t, bothProtocols, withCache, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		if control := r.URL.Query().Get("control"); control != "" {
			w.Header().Set("Cache-Control", control)
		}
		for i := range pieces {
			fmt.Fprintf(w, "piece %d\n", i)
			flush(w)
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	s.each(t, func(t *testing.T, w crossing) {
		f := func(contentType, control string, readers int) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), waiting)
			defer cancel()
			url := fmt.Sprintf("%s/%s/%s?type=%s&control=%s", w.base, w.name(), strconv.Itoa(readers), contentType, control)
			var bodies []io.Reader
			for range readers {
				bodies = append(bodies, s.get(ctx, w.client, url, "identity").Body)
			}
			for i := range pieces {
				want := fmt.Sprintf("piece %d\n", i)
				for n, body := range bodies {
					got := make([]byte, len(want))
					if _, err := io.ReadFull(body, got); err != nil || string(got) != want {
						t.Fatalf("%s, %s, reader %d, piece %d: %q, %v", contentType, control, n, i, got, err)
					}
				}
				select {
				case next <- struct{}{}:
				case <-ctx.Done():
					t.Fatalf("%s, %s: the origin has gone", contentType, control)
				}
			}
			for n, body := range bodies {
				if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
					t.Errorf("%s, %s, reader %d: %q, %v at the end", contentType, control, n, rest, err)
				}
			}
		}
		f("text/event-stream", "", 1)
		f("text/event-stream", "no-cache", 1)
		f("text/html", "private", 1)
		f("text/html", "max-age=60", 2)
	})
}

// TestCacheStreamGone: the origin hears that the client of a stream has gone, whatever the stream says of being stored as long as it is not.
func TestCacheStreamGone(t *testing.T) {
	begun, left := make(chan string), make(chan string, 1)
	s := cross(t, bothProtocols, withCache, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/silent" {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, oneEvent)
			flush(w)
		}
		begun <- r.URL.Path
		<-r.Context().Done()
		left <- r.URL.Path
	})
	s.each(t, func(t *testing.T, w crossing) {
		for _, path := range []string{"/silent", "/events"} {
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
				if err == nil {
					var r *http.Response
					if r, err = w.client.Do(q); err == nil {
						_, err = io.Copy(io.Discard, r.Body)
						r.Body.Close()
					}
				}
				ended <- err
			}()
			await(t, "request at the origin", begun)
			leave()
			if err := await(t, "end of the request", ended); err == nil {
				t.Errorf("%s: a stream without an end has ended", path)
			}
			await(t, "end of it at the origin", left)
		}
	})
}

// TestCacheEarlyHints: 103 reaches the client before the answer's head, on the way to be stored too; a hit has none.
func TestCacheEarlyHints(t *testing.T) {
	const hint = "</style.css>; rel=preload"
	s := cross(t, []string{"http1"}, withCache, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", hint)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", r.URL.Query().Get("control"))
		io.WriteString(w, "page")
	})
	s.each(t, func(t *testing.T, w crossing) {
		f := func(control string, hints ...int) {
			t.Helper()
			for i, want := range hints {
				n := 0
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					if code == http.StatusEarlyHints && h.Get("Link") == hint {
						n++
					}
					return nil
				}})
				q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/"+w.name()+"?control="+control, nil)
				must(t, err)
				r, err := w.client.Do(q)
				must(t, err)
				b, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || string(b) != "page" || n != want {
					t.Errorf("%s, request %d: %d hints, want %d; %q, %v", control, i, n, want, b, err)
				}
			}
		}
		f("no-store", 1, 1)
		f("max-age=60", 1, 0)
	})
}

// TestCacheTrailers: what comes behind a body is stored with it.
func TestCacheTrailers(t *testing.T) {
	s := cross(t, bothProtocols, withCache, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, strings.Repeat("x", 50_000))
		flush(w)
		w.Header().Set("X-Sum", "50000")
	})
	s.each(t, func(t *testing.T, w crossing) {
		for i := range 2 {
			q, err := http.NewRequest(http.MethodGet, w.base+"/"+w.name(), nil)
			must(t, err)
			q.Header.Set("Te", "trailers")
			r, err := w.client.Do(q)
			must(t, err)
			b, err := io.ReadAll(r.Body)
			r.Body.Close()
			hit := strings.Contains(r.Header.Get("Cache-Status"), "; hit")
			if err != nil || len(b) != 50_000 || r.Trailer.Get("X-Sum") != "50000" || hit != (i == 1) {
				t.Errorf("answer %d: %d bytes, %v, trailers %v; %v", i, len(b), err, r.Trailer, r.Header)
			}
		}
	})
}

// TestCacheDownloads: 20 MB that are too large for the store, or of a size that nobody knows, come whole to many at once, with little memory, and a slow
// reader does not hold up the others.
func TestCacheDownloads(t *testing.T) {
	const size = 20_000_000
	data := content(1, size)
	sum := sha256.Sum256(data)
	s := cross(t, []string{"http1"}, withCache, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "application/octet-stream")
		if r.URL.Query().Get("length") == "known" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = w.Write(data)
	})
	for _, length := range []string{"known", "unknown"} {
		stop, stopped := context.WithCancel(t.Context())
		slow, err := http.NewRequestWithContext(stop, http.MethodGet, s.ways[1].base+"/download?length="+length, nil)
		must(t, err)
		r, err := s.ways[1].client.Do(slow) // it reads nothing
		must(t, err)
		var all sync.WaitGroup
		for _, w := range s.ways[1:3] {
			for range 2 {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 3*waiting)
					defer cancel()
					q, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/download?length="+length, nil)
					if err != nil {
						t.Error(err)
						return
					}
					r, err := w.client.Do(q)
					if err != nil {
						t.Errorf("%s, %s: %v", w.name(), length, err)
						return
					}
					defer r.Body.Close()
					h := sha256.New()
					if n, err := io.Copy(h, r.Body); err != nil || n != size || [32]byte(h.Sum(nil)) != sum {
						t.Errorf("%s, %s: %d bytes, %v", w.name(), length, n, err)
					}
				})
			}
		}
		all.Wait()
		stopped()
		r.Body.Close()
	}
}

// TestCacheCallsAndSockets: calls and WebSockets go through routes with a cache as through those without.
func TestCacheCallsAndSockets(t *testing.T) {
	s := cross(t, []string{"http2"}, withCache, grpcOrigin)
	s.each(t, func(t *testing.T, w crossing) {
		if !w.h2 {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		w.unary(t, ctx, "Unary", "0")
	})
	ws := cross(t, []string{"http1"}, withCache, echoSocket)
	ws.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		c, r, err := websocket.Dial(ctx, w.base+"/chat", &websocket.DialOptions{HTTPClient: w.sockets(ws)})
		if err != nil {
			t.Fatalf("%v: %v", err, r)
		}
		defer c.CloseNow()
		for n := range 5 {
			echo(t, ctx, c, strings.Repeat("x", n*1000))
		}
	})
}

// TestCacheFirstByte: the first byte of a page that comes slowly is at the client as soon as through a route without a cache.
func TestCacheFirstByte(t *testing.T) {
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	s := cross(t, []string{"http1"}, withCache, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "x")
		flush(w)
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	s.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		began := time.Now()
		r := s.get(ctx, w.client, w.base+"/"+w.name(), "identity")
		if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		t.Logf("the first byte after %v", time.Since(began))
	})
}
