package edge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// agedPolicy ends streams soon on every route but two. The gaps are the service and the age.
const agedPolicy = `  profile: api
  websocket: on
  compress: on
  bodyMax: 1MB
  streamAge: %[2]v
  routes:
    - {match: {prefix: /free}, service: %[1]s, streamAge: off}
    - {match: {prefix: /long}, service: %[1]s, streamAge: 1h}
`

// oldAge is how old streams get. It counts from the request's arrival, and until then the answer must have begun, of tens of requests
// that come at once.
const oldAge = 3 * time.Second

// agedOrigin says something and stays; under free and long it says something again when it is asked to.
type agedOrigin struct{ again chan struct{} }

func (o *agedOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/chat"):
		echoSocket(w, r)
	case strings.HasSuffix(path, "/Bidi"):
		grpcOrigin(w, r)
	case strings.HasSuffix(path, "/busy"): // never silent
		w.Header().Set("Content-Type", "application/octet-stream")
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
			flush(w)
			<-time.After(5 * time.Millisecond)
		}
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, oneEvent)
		flush(w)
		again := o.again
		if !strings.HasPrefix(path, "/free") && !strings.HasPrefix(path, "/long") {
			again = nil // it may hear later than its client that it has ended, and would take what is for another
		}
		select {
		case <-again:
			io.WriteString(w, oneEvent)
		case <-r.Context().Done():
		}
	}
}

// openAged starts a site whose streams get old.
func openAged(t *testing.T) (*crossings, *agedOrigin) {
	o := &agedOrigin{make(chan struct{})}
	c := &crossings{origins: map[string]string{}}
	text := ""
	for _, to := range bothProtocols {
		c.origins[to], _ = serveOrigin(t, to, o)
		text += fmt.Sprintf(wayDocs, to, fmt.Sprintf(agedPolicy, to, oldAge), to, c.origins[to], "")
	}
	c.site = open(t, edgeH2C(), map[string]string{"specs/live.yaml": text})
	for _, to := range bothProtocols {
		c.clients(to)
	}
	return c, o
}

// TestStreamAge: a stream of events, one that is never silent, a call and a socket end when they are as old as their policy allows:
// broken off, so that no client takes them for whole, but for calls, which end with UNAVAILABLE. Streams of other policies on the same connections go on.
func TestStreamAge(t *testing.T) {
	c, o := openAged(t)
	ctx, cancel := context.WithTimeout(t.Context(), oldAge+waiting)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	var free []*http.Response
	for _, w := range c.ways {
		for _, path := range []string{"/free/events", "/long/events"} {
			r := c.get(ctx, w.client, w.base+path, "gzip")
			must(t, readEvent(r.Body))
			free = append(free, r)
		}
		for _, path := range []string{"/events", "/busy"} {
			all.Go(func() {
				began := time.Now()
				r := c.get(ctx, w.client, w.base+"/"+w.name()+path, "gzip")
				n, err := io.Copy(io.Discard, r.Body)
				aged(t, w, path, began, n > 0, err)
			})
		}
		all.Go(func() {
			began := time.Now()
			k, err := w.begin(ctx, http.MethodPost, "/"+w.name()+"/Bidi", grpcHeader())
			if err != nil {
				t.Error(err)
				return
			}
			if err = k.says([]byte(message(0, "hello"))); err != nil {
				t.Error(err)
			}
			_, err = io.Copy(io.Discard, k.Body)
			if w.h1 { // no client of gRPC comes by HTTP/1.1
				aged(t, w, "/Bidi", began, k.Trailer.Get("Grpc-Status") == "", err)
				return
			}
			aged(t, w, "/Bidi", began, err == nil, errors.New("status "+k.Trailer.Get("Grpc-Status")))
			if k.Trailer.Get("Grpc-Status") != "14" {
				t.Errorf("%s: the call ends with %v, %v, want UNAVAILABLE", w.name(), k.Trailer, err)
			}
		})
		if w.to == "http1" {
			all.Go(func() { c.agedSocket(ctx, w) })
		}
	}
	all.Wait()
	for range free {
		await(t, "stream without an age", giving(o.again))
	}
	for _, r := range free {
		must(t, readEvent(r.Body))
		must(t, noMore(r.Body))
	}
	for path, e := range c.events() {
		if old := !strings.HasPrefix(path, "/free") && !strings.HasPrefix(path, "/long"); old != (e.Fault == "stream_age") || old && (e.All < milliseconds(oldAge) || e.Side != "edge" || e.Status != 200 && e.Status != 101) {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}

// agedSocket is a socket that gets old.
func (c *crossings) agedSocket(ctx context.Context, w crossing) {
	began := time.Now()
	socket, _, err := c.dialSocket(ctx, w, "/"+w.name()+"/chat")
	if err != nil {
		c.t.Error(err)
		return
	}
	if err := socket.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		c.t.Error(err)
	}
	if _, got, err := socket.Read(ctx); string(got) != "hello" {
		c.t.Errorf("%q, %v", got, err)
	}
	_, _, err = socket.Read(ctx)
	aged(c.t, w, "/chat", began, websocket.CloseStatus(err) == -1, err)
}

// aged says whether a stream has ended as an old one must.
func aged(t *testing.T, w crossing, path string, began time.Time, so bool, err error) {
	t.Helper()
	if took := time.Since(began); err == nil || !so || took < oldAge || took > waiting {
		t.Errorf("%s %s ended after %v: %v, %v", w.name(), path, took, so, err)
	}
}

// giving is a channel that tells that something was taken from to.
func giving(to chan<- struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		to <- struct{}{}
		close(done)
	}()
	return done
}

// readEvent reads one event.
func readEvent(r io.Reader) error {
	got := make([]byte, len(oneEvent))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != oneEvent {
		return fmt.Errorf("%q, %w", got, err)
	}
	return nil
}

// TestStreamAgeReset: on HTTP/2 an old stream, events or a socket, is reset, and its connection goes on.
func TestStreamAgeReset(t *testing.T) {
	c, _ := openAged(t)
	h := c.frames("http1.test", false)
	host := []string{":scheme", "https", ":authority", "http1.test", "user-agent", "t", "accept", "*/*"}
	events := h.Ask(true, append([]string{":method", "GET", ":path", "/events"}, host...)...)
	socket := h.Ask(false, append([]string{":method", "CONNECT", ":protocol", "websocket", ":path", "/chat"}, append(host, "sec-websocket-version", "13")...)...)
	free := h.Ask(true, append([]string{":method", "GET", ":path", "/free"}, host...)...)
	for _, id := range []uint32{events, socket} {
		a := h.Await(id)
		if a.Status != "200" || a.Reset == nil || *a.Reset == http2.ErrCodeNo || a.Ended {
			t.Errorf("stream %d: %v", id, a)
		}
		t.Logf("stream %d: %v", id, a)
	}
	a := h.Stream(free)
	h.Until(func() bool { return a.Body != "" || a.Over() })
	if a.Over() || a.Body != oneEvent || h.Closed != nil {
		t.Errorf("the stream beside them: %v, %v", a, h.Closed)
	}
	must(t, h.WriteRSTStream(free, http2.ErrCodeCancel))
}
