package edge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// patient lets requests wait for each other longer than a busy machine takes to make a thousand connections, and keeps the probe from asking.
const patient = "  cache: {collapse: 60s, probe: {every: 1h}}\n"

// slowOrigin holds each answer in the middle, and counts.
type slowOrigin struct {
	asked   atomic.Int64
	control string        // Cache-Control of the answers
	head    chan struct{} // closed: heads and the first half of bodies may leave
	rest    chan struct{} // closed: so may the rest
	left    chan string   // hears of requests that end before their answer
}

func newSlowOrigin(control string) *slowOrigin {
	return &slowOrigin{control: control, head: make(chan struct{}), rest: make(chan struct{}), left: make(chan string, 1)}
}

// half is what comes before the rest, and as much as that.
const half = 40_000

func slowText(n int64) string {
	return strings.Repeat(fmt.Sprintf("answer %d ", n), half/4)[:2*half]
}

func (o *slowOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := o.asked.Add(1)
	wait := func(c chan struct{}) bool {
		select {
		case <-c:
			return true
		case <-r.Context().Done():
			o.left <- r.URL.Path
			return false
		}
	}
	if !wait(o.head) {
		return
	}
	w.Header().Set("Cache-Control", o.control)
	w.Header().Set("Content-Type", "application/octet-stream")
	body := slowText(n)
	io.WriteString(w, body[:half])
	flush(w)
	if wait(o.rest) {
		io.WriteString(w, body[half:])
	}
}

// open is how many requests of clients are open.
func (c *cached) open() int { return int(c.total("skerry_exchanges_open")) }

// TestCacheCollapse: a thousand clients of both protocols that ask at the same time for what is not stored cost the origin one request, also
// if the one who came first leaves, and if the answer comes slowly: then all have its first half before the origin sends the rest.
func TestCacheCollapse(t *testing.T) {
	const crowd, overH1, batch = 1000, 100, 20
	o := newSlowOrigin("max-age=60")
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient))
	leave, gone := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { g := c.askIn(leave, c.h2, "GET", "/slow"); first <- g.err }()
	become(t, "the first request at the origin", func() bool { return o.asked.Load() == 1 })
	var all sync.WaitGroup
	var halves atomic.Int64
	for i := range crowd {
		if i%batch == 0 { // more handshakes at once than these have no time to end on a slow machine
			become(t, "a batch of clients", func() bool { return c.open() == i+1 || t.Failed() })
		}
		all.Go(func() {
			client := c.h2
			if i < overH1 {
				client = c.h1
			}
			q, err := c.request(t.Context(), "GET", "/slow")
			if err != nil {
				t.Error(err)
				return
			}
			r, err := client.Do(q)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			b := make([]byte, half)
			if _, err := io.ReadFull(r.Body, b); err != nil {
				t.Error(err)
			}
			halves.Add(1)
			rest, err := io.ReadAll(r.Body)
			if got := string(b) + string(rest); err != nil || got != slowText(1) {
				t.Errorf("%v; %d bytes, %s", err, len(got), brief(got))
			}
		})
	}
	become(t, "a thousand and one open requests", func() bool { return c.open() == crowd+1 })
	gone()
	if err := <-first; err == nil {
		t.Error("the first client has an answer")
	}
	become(t, "the first client away", func() bool { return c.open() == crowd })
	close(o.head)
	become(t, "the first half at everybody", func() bool { return halves.Load() == crowd || t.Failed() })
	close(o.rest)
	all.Wait()
	if n := o.asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	c.want(c.h2, "/slow", "hit", slowText(1))
}

// TestCacheAbandoned: when everybody has left, the origin's answer is read to its end if it is for the store, and cancelled if it is not, or
// if nobody knows yet.
func TestCacheAbandoned(t *testing.T) {
	f := func(control string, begun, stored bool) {
		t.Helper()
		o := newSlowOrigin(control)
		c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient))
		if begun {
			close(o.head)
		}
		var all sync.WaitGroup
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		var heads atomic.Int64
		clients := []*http.Client{c.h1, c.h2}
		if begun && !stored {
			clients = clients[:1]
		}
		for _, client := range clients {
			all.Go(func() {
				q, err := c.request(ctx, "GET", "/slow")
				if err != nil {
					t.Error(err)
					return
				}
				if r, err := client.Do(q); err == nil {
					heads.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
			})
		}
		become(t, "the requests", func() bool { return c.open() == len(clients) && o.asked.Load() == 1 })
		if begun {
			become(t, "heads", func() bool { return heads.Load() == int64(len(clients)) })
		}
		leave()
		all.Wait()
		if !stored {
			await(t, "end of the origin's request", o.left)
			return
		}
		become(t, "no open request", func() bool { return c.open() == 0 })
		close(o.rest)
		c.want(c.h2, "/slow", "", slowText(1))
		if n := o.asked.Load(); n != 1 {
			t.Errorf("%s: the origin was asked %d times", control, n)
		}
	}
	f("max-age=60", false, false)
	f("max-age=60", true, true)
	f("private", true, false)
}

// TestCacheReleases: an answer that is not for the store makes nobody wait for it a second time: all who waited ask for their own at once, and
// each gets its own.
func TestCacheReleases(t *testing.T) {
	const crowd = 60
	o := newSlowOrigin("private, max-age=60")
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient))
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for i := range crowd {
		all.Go(func() {
			g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", "/mine")
			mu.Lock()
			defer mu.Unlock()
			if g.err != nil || seen[g.body] {
				t.Errorf("%v: %s came before", &g, brief(g.body))
			}
			seen[g.body] = true
		})
	}
	become(t, "all requests", func() bool { return c.open() == crowd && o.asked.Load() == 1 })
	close(o.head)
	become(t, "all at the origin at once", func() bool { return o.asked.Load() == crowd })
	close(o.rest)
	all.Wait()
	// Later ones do not wait for each other at all.
	if g := c.ask(c.h1, "GET", "/mine"); g.from() != "pass marked" && g.from() != "pass private" {
		t.Errorf("the next one: %s", g.from())
	}
}

// TestCacheJoinsNothingOld: who asks after a POST has succeeded does not get the answer that was under way before.
func TestCacheJoinsNothingOld(t *testing.T) {
	o := newSlowOrigin("max-age=60")
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		o.ServeHTTP(w, r)
	}), patient))
	close(o.rest)
	answers := make(chan served, 2)
	go func() { answers <- c.ask(c.h1, "GET", "/page") }()
	become(t, "the first at the origin", func() bool { return o.asked.Load() == 1 })
	if g := c.ask(c.h2, "POST", "/page"); g.status != http.StatusNoContent {
		t.Fatal(&g)
	}
	go func() { answers <- c.ask(c.h2, "GET", "/page") }()
	become(t, "the second request", func() bool { return c.open() == 2 })
	give := time.Now().Add(2 * time.Second)
	for o.asked.Load() < 2 && time.Now().Before(give) {
		time.Sleep(time.Millisecond)
	}
	close(o.head)
	<-answers
	<-answers
	if n := o.asked.Load(); n != 2 {
		t.Errorf("the origin was asked %d times: who came after the POST joined what was asked for before it", n)
	}
	c.want(c.h1, "/page", "hit", slowText(2))
}
