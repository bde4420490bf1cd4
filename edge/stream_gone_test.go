package edge_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// parked is longer than the silence after which the edge sets a watcher on the client. Nothing tells when it stands there,
// so a test that wants it waits this long.
const parked = 120 * time.Millisecond

// oneEvent is what an origin says in the phases in which its answer has begun.
const oneEvent = "data: 0\n\n"

// phases are what a request does when its client leaves, by the path that has the origin do the same.
var phases = []string{
	"/silent",  // waits for the head
	"/head",    // has the head, and waits for the body
	"/event",   // has some of the body
	"/upload",  // still sends
	"/taken",   // has sent everything, and waits for the head
	"/both",    // sends, and has some of the answer
	"/flooded", // takes nothing of an answer that never ends
}

// goneOrigin stays in the phase that the path says until it is told that the request has ended, and says so.
type goneOrigin struct{ entered, left chan string }

func (o *goneOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	duplex(w)
	phase := r.URL.Path
	w.Header().Set("Content-Type", "text/event-stream")
	switch phase {
	case "/head":
		flush(w)
	case "/event", "/both":
		io.WriteString(w, oneEvent)
		flush(w)
	case "/taken":
		io.Copy(io.Discard, r.Body)
	}
	switch phase {
	case "/upload", "/both":
		io.ReadFull(r.Body, make([]byte, len(oneEvent)))
	}
	o.entered <- phase
	switch phase {
	case "/upload", "/both":
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			phase += ", as if it were whole"
		}
	case "/flooded":
		for b := make([]byte, 64<<10); ; {
			if _, err := w.Write(b); err != nil {
				break
			}
		}
	default:
		<-r.Context().Done() // nobody writes: only a watcher can see that the client has gone
	}
	o.left <- phase
}

// goneClient begins a request in a phase, and ends when ctx does; tell hears when the client is in its phase.
func goneClient(ctx context.Context, w crossing, phase string, tell func()) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}, "User-Agent": {"t"}, "Accept": {"*/*"}}
	var body io.Reader
	var out *io.PipeWriter
	method := http.MethodGet
	switch phase {
	case "/taken":
		method, body = http.MethodPost, strings.NewReader(strings.Repeat("x", 300<<10))
	case "/upload", "/both":
		method = http.MethodPost
		body, out = io.Pipe()
		go func() { _, _ = io.WriteString(out, oneEvent) }() // ends with the pipe
		context.AfterFunc(ctx, func() { out.CloseWithError(ctx.Err()) })
	}
	q, err := http.NewRequestWithContext(ctx, method, w.base+phase, body)
	if err != nil {
		return err
	}
	q.Header = header
	headless := phase == "/silent" || phase == "/upload" || phase == "/taken"
	if headless {
		tell()
	}
	r, err := w.client.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return nil // it has left before there was an answer
		}
		return err
	}
	defer r.Body.Close()
	if phase == "/event" || phase == "/both" {
		if _, err := io.ReadFull(r.Body, make([]byte, len(oneEvent))); err != nil {
			return err
		}
	}
	if !headless {
		tell()
	}
	<-ctx.Done()
	return nil
}

// TestClientLeaves: a client that leaves ends the origin's request, whatever it was doing, by every way; before a watcher
// stands at the client and after. The connections that carried other requests, of clients and to origins, serve on.
func TestClientLeaves(t *testing.T) {
	o := &goneOrigin{entered: make(chan string, 1), left: make(chan string, 1)}
	c := cross(t, bothProtocols, strings.Replace(everyStage, "profile: api", "profile: website", 1), o.ServeHTTP)
	c.each(t, func(t *testing.T, w crossing) {
		slowest := time.Duration(0)
		for _, phase := range phases {
			for _, stay := range []time.Duration{0, parked} {
				ctx, leave := context.WithCancel(t.Context())
				done, there := make(chan error, 1), make(chan struct{}, 1)
				go func() { done <- goneClient(ctx, w, phase, func() { there <- struct{}{} }) }()
				await(t, "client in "+phase, there)
				if got := await(t, "request at the origin for "+phase, o.entered); got != phase {
					t.Fatalf("%s has come, want %s", got, phase)
				}
				<-time.After(stay)
				leave()
				began := time.Now()
				if err := await(t, "end of the client for "+phase, done); err != nil {
					t.Errorf("%s: %v", phase, err)
				}
				if got := await(t, "end of the origin's request for "+phase, o.left); got != phase {
					t.Errorf("%s has ended, want %s", got, phase)
				}
				slowest = max(slowest, time.Since(began))
			}
		}
		t.Logf("the origin knew after %v at the latest", slowest.Round(time.Millisecond))
	})
	for path, e := range c.events() {
		if e.Fault != "client_gone" || e.Side != "client" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}
