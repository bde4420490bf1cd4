package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	endpoint "skerry.dev/skerry/load/origin"
)

// outageSpec is an entrypoint whose service says nothing of being stored; the gap is its endpoints.
const outageSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  service: app
  cache: {ttl: {default: 1s}, stale: {ifError: 1h}, probe: {every: 1h}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: team-shop}
spec:
  timeouts: {connect: 4s, firstByte: 4s}
%s`

// failures are ways in which all of a service fails.
var failures = []struct {
	name string
	mode endpoint.Mode
}{
	{name: "killed"}, // the processes end
	{name: "errors", mode: endpoint.Mode{Status: 503, Body: 100}},
	{name: "garbage", mode: endpoint.Mode{Answer: endpoint.AnswerGarbage}},
	{name: "closes", mode: endpoint.Mode{Answer: endpoint.AnswerClose}},
	{name: "silent", mode: endpoint.Mode{Answer: endpoint.AnswerNever}},
}

// TestCacheOutage: while all endpoints fail, whichever way, what is stored is given, stale as it is, to clients of both protocols; what is
// not stored fails. When they are back new answers come within a moment.
func TestCacheOutage(t *testing.T) {
	const pages, body = 10, 20_000
	good := endpoint.Mode{Body: body}
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			all := processes(t, 1, good)
			c := openCached(t, edge.Options{}, fmt.Sprintf(outageSpec, listOf(all)))
			page := func(i int) string { return "/" + f.name + "/" + strconv.Itoa(i%pages) }
			for i := range pages {
				if g := c.ask(c.h1, "GET", page(i)); g.status != 200 || len(g.body) != body {
					t.Fatal(&g)
				}
			}
			for _, p := range all {
				if f.name == "killed" {
					p.Kill()
				} else {
					must(t, p.Mode(f.mode))
				}
			}
			time.Sleep(1100 * time.Millisecond) // after which all that is stored is stale
			var clients sync.WaitGroup
			for i := range pages * 3 {
				clients.Go(func() {
					if g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", page(i)); g.status != 200 || len(g.body) != body || g.header.Get("Age") == "0" {
						t.Errorf("%s in the outage: %s, %v", page(i), g.from(), &g)
					}
				})
			}
			clients.Wait()
			if g := c.ask(c.h2, "GET", "/"+f.name+"/new"); g.status < 500 {
				t.Errorf("what is not stored: %v", &g)
			}
			for _, p := range all {
				if f.name == "killed" {
					must(t, p.Restart())
				}
				must(t, p.Mode(good))
			}
			for i := range pages {
				become(t, "new answers", func() bool {
					g := c.ask(c.h2, "GET", page(i))
					return g.status == 200 && len(g.body) == body && g.from() == "stored"
				})
			}
		})
	}
}

// TestCacheWhileRevalidate: who asks for what is a little stale gets it at once, and one request alone goes to the origin behind it, however
// many ask; then the new one is there. Who says who asks sees to it too.
func TestCacheWhileRevalidate(t *testing.T) {
	var asked atomic.Int64
	held := make(chan struct{}, 1)
	held <- struct{}{}
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		select {
		case v := <-held:
			held <- v
		case <-r.Context().Done():
		}
		w.Header().Set("Cache-Control", "public, max-age=1, stale-while-revalidate=60")
		if n == 1 {
			w.Header().Set("Age", "1")
		}
		fmt.Fprintf(w, "answer %d", n)
	})
	for n, fields := range [][]string{nil, {"Cookie: sid=anna"}} {
		asked.Store(0)
		c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, url, patient))
		c.want(c.h1, "/page", "", "answer 1")
		<-held
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", "/page", fields...); g.body != "answer 1" || g.from() != "stale" && g.from() != "hit" {
					t.Errorf("%d: %s, %v %s", n, g.from(), &g, g.body)
				}
			})
		}
		all.Wait()
		become(t, "the one behind it", func() bool { return asked.Load() == 2 })
		held <- struct{}{}
		become(t, "the new one", func() bool { g := c.ask(c.h2, "GET", "/page", fields...); return g.body == "answer 2" })
		if got := asked.Load(); got > 3 { // a third one, if this machine took a second
			t.Errorf("%d: the origin was asked %d times", n, got)
		}
	}
}

// TestCacheBreaks: an answer that breaks off is not stored, breaks off at everybody who reads it, and the next one is whole.
func TestCacheBreaks(t *testing.T) {
	var asked, broken atomic.Int64
	begun, cut := make(chan struct{}), make(chan struct{})
	c := openCached(t, edge.Options{}, fmt.Sprintf(cachedSpec, origin(t, func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", strconv.Itoa(2*half))
		io.WriteString(w, slowText(n)[:half])
		flush(w)
		if n == 1 {
			close(begun)
			<-cut
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, slowText(n)[half:])
	}), patient))
	var all sync.WaitGroup
	all.Go(func() {
		if g := c.ask(c.h1, "GET", "/page"); g.err == nil {
			t.Errorf("who began it has a whole answer: %v", &g)
		}
	})
	await(t, "the first half", begun)
	for i := range 20 {
		all.Go(func() {
			switch g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", "/page"); {
			case g.err != nil:
				broken.Add(1)
			case g.body != slowText(2): // one that had come, and had not looked yet when all broke off
				t.Errorf("who reads on has a whole answer: %v", &g)
			}
		})
	}
	become(t, "all requests", func() bool { return c.open() == 21 })
	close(cut)
	all.Wait()
	if broken.Load() == 0 {
		t.Error("it broke off at nobody")
	}
	c.want(c.h2, "/page", "", slowText(2))
	c.want(c.h1, "/page", "", slowText(2))
}
