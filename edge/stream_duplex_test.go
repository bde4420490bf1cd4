package edge_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// echoDuplex answers with what comes, as it comes.
func echoDuplex(w http.ResponseWriter, r *http.Request) {
	duplex(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	flush(w)
	b := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(b)
		w.Write(b[:n])
		flush(w)
		if err != nil {
			return
		}
	}
}

// TestUploadWhileAnswered: an upload larger than every buffer and window together goes on while its answer already flows. In
// lockstep, each piece comes back before the next is sent; then all at once, as fast as both sides can.
func TestUploadWhileAnswered(t *testing.T) {
	const upload = 5 << 20
	noise := make([]byte, upload)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	c := cross(t, tlsToo, everyStage, echoDuplex)
	c.each(t, func(t *testing.T, w crossing) {
		for _, piece := range []int{32<<10 + 1, upload} {
			ctx, cancel := context.WithTimeout(t.Context(), waiting)
			defer cancel()
			k, err := w.begin(ctx, http.MethodPost, fmt.Sprintf("/%s/%d", w.name(), piece), http.Header{"Content-Type": {"application/octet-stream"}})
			must(t, err)
			for rest := noise; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if err := k.says(rest[:min(piece, len(rest))]); err != nil {
					t.Fatalf("pieces of %d bytes, with %d bytes left: %v", piece, len(rest), err)
				}
			}
			k.out.Close()
			if rest, err := io.ReadAll(k.Body); len(rest) > 0 || err != nil {
				t.Errorf("pieces of %d bytes: %d bytes more than were sent, %v", piece, len(rest), err)
			}
		}
	})
	for path, e := range c.events() {
		if e.In != upload || e.Out != upload || e.Status != 200 || e.Fault != "" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}

// TestEarlyHints: interim responses reach the client one by one, each before the origin makes the next, with the firewall
// and compression on.
func TestEarlyHints(t *testing.T) {
	const hints = 3
	body := strings.Repeat("a page that is worth compressing. ", 200)
	next := make(chan struct{})
	c := cross(t, tlsToo, everyStage, func(w http.ResponseWriter, r *http.Request) {
		for i := range hints {
			w.Header().Set("Link", fmt.Sprintf("</%d.css>; rel=preload; as=style", i))
			w.WriteHeader(http.StatusEarlyHints)
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, body)
	})
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		var links []string
		r := c.get(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code != http.StatusEarlyHints {
				return fmt.Errorf("interim status %d", code)
			}
			links = append(links, h.Get("Link"))
			select {
			case next <- struct{}{}:
				return nil
			case <-ctx.Done():
				return errors.New("the origin has gone on without us")
			}
		}}), w.client, w.base+"/page", "gzip")
		defer r.Body.Close()
		if len(links) != hints || links[0] != "</0.css>; rel=preload; as=style" || links[2] != "</2.css>; rel=preload; as=style" {
			t.Errorf("hints %q", links)
		}
		text, err := gunzip(r.Body)
		if err != nil || text != body || r.Header.Get("X-Served-By") != "edge" || r.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%d bytes, %v; %v", len(text), err, r.Header)
		}
	})
}

// TestEarlyHintsUnknown: who speaks HTTP/1.0 knows no interim responses, and gets none (RFC 9110 section 15.2).
func TestEarlyHintsUnknown(t *testing.T) {
	c := cross(t, bothProtocols, everyStage, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "page")
	})
	for _, to := range bothProtocols {
		one, err := dial(c.http)
		must(t, err)
		defer one.conn.Close()
		r, body, err := one.do("GET / HTTP/1.0\r\nHost: " + to + ".test\r\nAccept: */*\r\nUser-Agent: t\r\n\r\n")
		if err != nil || r.StatusCode != 200 || body != "page" {
			t.Errorf("%s: %v, %v, %q", to, err, r, body)
		}
	}
}

// TestPageInChunks: a page that is rendered while it is sent: each chunk is with the client, decoded, before the origin makes
// the next one, whatever the coding. The log splits the time to its first byte.
func TestPageInChunks(t *testing.T) {
	chunks := []string{"<!doctype html><title>a shop</title>", "<h1>a lamp</h1>", strings.Repeat("<p>a chair, a table</p>", 2000), "<p>the end</p>"}
	next := make(chan struct{})
	c := cross(t, tlsToo, everyStage, func(w http.ResponseWriter, r *http.Request) {
		<-time.After(thinking)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for _, chunk := range chunks {
			io.WriteString(w, chunk)
			flush(w)
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	c.each(t, func(t *testing.T, w crossing) {
		for _, coding := range []string{"identity", "gzip"} {
			ctx, cancel := context.WithTimeout(t.Context(), waiting)
			defer cancel()
			r := c.get(ctx, w.client, w.base+"/"+w.name()+"/"+coding, coding)
			defer r.Body.Close()
			if got := r.Header.Get("Content-Encoding"); r.StatusCode != 200 || got != strings.TrimPrefix(coding, "identity") {
				t.Fatalf("status %d, coding %q, want %q", r.StatusCode, got, coding)
			}
			body := io.Reader(r.Body)
			if coding == "gzip" {
				z, err := gzip.NewReader(body)
				must(t, err)
				body = z
			}
			for i, chunk := range chunks {
				got := make([]byte, len(chunk))
				if n, err := io.ReadFull(body, got); err != nil || string(got) != chunk {
					t.Fatalf("%s, chunk %d: %d of %d bytes, %v", coding, i, n, len(chunk), err)
				}
				select {
				case next <- struct{}{}:
				case <-ctx.Done():
					t.Fatalf("%s: the origin has gone", coding)
				}
			}
			if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
				t.Errorf("%s: %q, %v at the end", coding, rest, err)
			}
		}
	})
	all := c.events()
	if want := 2 * len(c.ways); len(all) != want {
		t.Errorf("%d events of %d requests", len(all), want)
	}
	for path, e := range all {
		if err := e.split(); err != nil || *e.Origin < milliseconds(thinking) {
			t.Errorf("%s: %v, in %s", path, err, e.text)
		}
	}
}

// thinking is how long an origin, or a client, takes in tests of where the time goes.
const thinking = 30 * time.Millisecond

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// split says whether the parts of the time to first byte are there and come to the whole.
func (e event) split() error {
	const rounding = 0.0021 // milliseconds: three numbers of three digits
	switch {
	case e.Edge == nil || e.Origin == nil:
		return errors.New("a part is missing")
	case *e.Edge <= 0 || *e.Origin < 0:
		return errors.New("a part is no time")
	case *e.Edge+*e.Origin > e.FirstByte+rounding || *e.Edge+*e.Origin < e.FirstByte-rounding:
		return errors.New("the parts are not the whole")
	case e.FirstByte > e.All:
		return errors.New("the first byte came after the last")
	}
	return nil
}

// slowBody is a body whose second half comes a while after the edge has begun on it.
type slowBody struct {
	begun func()
	step  int
}

func (b *slowBody) Read(p []byte) (int, error) {
	b.step++
	switch b.step {
	case 1:
		return copy(p, "half"), nil
	case 2:
		b.begun()
		<-time.After(thinking)
		return copy(p, "half"), io.EOF
	}
	return 0, io.EOF
}

// TestTimeOfSlowClient: what a client takes to send its body is not the origin's time. A machine that does much else notes late that
// a request has left, when the origin already thinks: of some requests that are alike the best counts.
func TestTimeOfSlowClient(t *testing.T) {
	const alike = 4
	c := cross(t, bothProtocols, everyStage, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-time.After(thinking) // an answer at the very end of the request leaves nothing to tell apart
	})
	c.each(t, func(t *testing.T, w crossing) {
		for _, length := range []int64{-1, 8} {
			awaitMost(t, "exchanges", 0, func() int { return int(c.open()) })
			begun := sync.OnceFunc(func() { awaitMost(t, "requests to come", 0, func() int { return alike - int(c.open()) }) })
			var all sync.WaitGroup
			for i := range alike {
				all.Go(func() {
					q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("%s/%s/%d/%d", w.base, w.name(), length, i), &slowBody{begun: begun})
					if err != nil {
						t.Error(err)
						return
					}
					q.ContentLength = length
					q.Header.Set("Content-Type", "application/octet-stream")
					r, err := w.client.Do(q)
					if err != nil {
						t.Error(err)
						return
					}
					r.Body.Close()
				})
			}
			all.Wait()
		}
	})
	best := map[string]float64{} // of the origin's time, by what is alike
	for path, e := range c.events() {
		if err := e.split(); err != nil || *e.Edge < milliseconds(thinking) {
			t.Errorf("%s: %v, in %s", path, err, e.text)
			continue
		}
		kind := path[:strings.LastIndexByte(path, '/')]
		best[kind] = max(best[kind], *e.Origin)
	}
	if len(best) != 2*len(c.ways) {
		t.Errorf("%d kinds of requests, want %d", len(best), 2*len(c.ways))
	}
	for kind, origin := range best {
		if origin < milliseconds(thinking/2) {
			t.Errorf("%s: the origin has taken %v ms, at the best", kind, origin)
		}
	}
}
