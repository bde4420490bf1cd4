package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/load/rival"
)

// TestRunCache takes one short sample of every rival with a cache, plain and with TLS: each answer must be a hit.
func TestRunCache(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds of load")
	}
	if why := rival.Missing("wrk", "h2load", "nginx", "haproxy", "varnishd"); why != "" {
		t.Skip(why)
	}
	path := filepath.Join(t.TempDir(), "compare.md")
	if err := os.WriteFile(path, []byte(newFile), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(options{rounds: 1, seconds: 1, conns: 4, rows: []string{"hit", "hittls2"}, peers: []string{"nginx", "haproxy", "varnish"}, named: true, out: path})
	if err != nil {
		t.Fatal(err)
	}
	file, _ := os.ReadFile(path)
	head, rest, _ := strings.Cut(string(file), cacheBegin)
	text, tail, _ := strings.Cut(rest, cacheEnd)
	for _, want := range []string{"cache hit over H1, 1 KB", "cache hit over H2", "aim 0.50", "at most 0.90 × haproxy", "at most 0.25 × varnish", "varnish-"} {
		if !strings.Contains(text, want) {
			t.Errorf("section lacks %q:\n%s", want, text)
		}
	}
	for peer, want := range map[string]int{"nginx": 2, "haproxy": 2, "varnish": 1} {
		if n := strings.Count(text, "\n| "+peer+" |"); n != want {
			t.Errorf("%s is in %d rows, want %d", peer, n, want)
		}
	}
	for _, bad := range []string{"failed |", "left out |", "the origin was asked"} {
		if strings.Contains(text, bad) {
			t.Errorf("section has %q:\n%s", bad, text)
		}
	}
	if wantHead, wantTail, _ := strings.Cut(newFile, cacheBegin+"\n"+cacheEnd); head != wantHead || tail != wantTail {
		t.Errorf("another section was written:\n%s\n…\n%s", head, tail)
	}
}

// TestLargeIsCached starts every rival of the row with 100 KB, which has to give them from its cache before anything is measured.
func TestLargeIsCached(t *testing.T) {
	if why := rival.Missing("nginx", "haproxy", "varnishd"); why != "" {
		t.Skip(why)
	}
	b := &bench{ctx: context.Background(), o: options{peers: []string{"nginx", "haproxy", "varnish"}, named: true}, dir: t.TempDir()}
	if err := b.choose(allPeers); err != nil {
		t.Fatal(err)
	}
	r := cacheRows[slices.IndexFunc(cacheRows, func(r row) bool { return r.key == "hit100k" })]
	dir, origin, stop, err := b.prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	peers, absent, err := b.startPeers(r, dir, origin)
	defer stopAll(peers)
	if err != nil || len(absent) > 0 || len(peers) != 3 {
		t.Errorf("%d peers, absent %+v, %v, want three", len(peers), absent, err)
	}
}

// proxyTo is a peer that has no cache, in front of an origin.
func proxyTo(t *testing.T, o *cacheOrigin) string {
	t.Helper()
	target, err := url.Parse("http://" + o.addr)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httputil.NewSingleHostReverseProxy(target))
	t.Cleanup(server.Close)
	return server.URL
}

// newCacheOrigin starts an origin for a test.
func newCacheOrigin(t *testing.T) *cacheOrigin {
	t.Helper()
	o, err := startCacheOrigin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	return o
}

// TestFillNotices has a peer that does not cache, one that answers something else, and one that is down.
func TestFillNotices(t *testing.T) {
	f := func(url string, o *cacheOrigin, want string) {
		t.Helper()
		if err := o.fill(context.Background(), row{path: hitPath, cached: true}, url+hitPath); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	o := newCacheOrigin(t)
	f(proxyTo(t, o), o, "it does not cache: the origin was asked for each of 20 requests")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	f(other.URL, o, "answer 404 by HTTP/1.1, 19 bytes, want 200 and 1024 bytes of the origin")
	down := newCacheOrigin(t)
	down.stop()
	f("http://"+down.addr, o, "refused")
}

// TestProbeIsNoMiss asks an origin as the load would, and as Skerry's probe for leaks does.
func TestProbeIsNoMiss(t *testing.T) {
	f := func(cookie string, want int64) {
		t.Helper()
		o := newCacheOrigin(t)
		q := httptest.NewRequest(http.MethodGet, hitPath, nil)
		if cookie != "" {
			q.AddCookie(&http.Cookie{Name: cookie, Value: "x"})
		}
		if o.ServeHTTP(httptest.NewRecorder(), q); o.missed() != want {
			t.Errorf("cookie %q: want %d counted", cookie, want)
		}
	}
	f("", 1)
	f("session", 1)
	f(probeCookie, 0)
}

// TestMissFailsSample takes a sample of a peer that asks its origin: with every answer good, it may not be used.
func TestMissFailsSample(t *testing.T) {
	if why := rival.Missing("wrk"); why != "" {
		t.Skip(why)
	}
	proc, err := rival.Start(rival.Options{Dir: t.TempDir()}, "sleep", "60") // whose time is read
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Stop()
	o := newCacheOrigin(t)
	b := &bench{ctx: context.Background(), o: options{seconds: 1, conns: 2}}
	r := row{path: hitPath, cached: true, workers: 1}
	p := &running{proc: proc, url: proxyTo(t, o) + hitPath, ask: o}
	s, err := b.sample(r, p)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.failed, "not every answer was a hit") || s.requests == 0 {
		t.Errorf("%d requests, failed %q, want that the origin was asked", s.requests, s.failed)
	}
	if late := o.missed(); late > int64(b.o.conns) { // of each connection one may have been under way when the load ended
		t.Errorf("what was asked before the last look counts again: %d", late)
	}
	s.failed, p.ask = "", newCacheOrigin(t)
	if p.allHits(&s); s.failed != "" {
		t.Errorf("failed %q without a request", s.failed)
	}
}

// TestChoose looks for a peer that is not installed.
func TestChoose(t *testing.T) {
	f := func(named bool, name, want string) {
		t.Helper()
		b := &bench{o: options{peers: []string{name}, named: named}}
		if err := b.choose([]peer{{name: "no-such-server"}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(true, "no-such-server", "peer no-such-server cannot be measured: no-such-server is not installed: scripts/services installs it on Debian")
	f(false, "no-such-server", "no peer is left")
	f(true, "nginks", `no peer "nginks"`)
}
