package edge_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/memory"
	"skerry.dev/skerry/meter"
)

// TestMemoryShort: while too much memory is in use new requests get 503 and Retry-After, those that are open end well, and
// connections that only wait are closed; then all is as before.
func TestMemoryShort(t *testing.T) {
	shares, _, err := memory.Divide(memory.Limit{Bytes: 1 << 30, From: "--memory"}, memory.Wishes{Connections: memory.Wish{Most: 100}, Exchanges: memory.Wish{Most: 100}})
	if err != nil {
		t.Fatal(err)
	}
	there, release := make(chan bool, 1), make(chan bool)
	url := origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			there <- true
			<-release
		}
		_, _ = io.WriteString(w, "done")
	})
	var inUse atomic.Int64
	var log bytes.Buffer // complete after the drain
	set := meter.NewSet()
	e, addr := start(t, edge.Options{Meters: set, Memory: shares, Log: &log, DrainTimeout: 10 * time.Second,
		MemoryInUse: func() memory.Reading { return memory.Reading{InUse: inUse.Load()} }}, floodSpec(url))
	tr := &http.Transport{DisableKeepAlives: true}
	ask := func(path string) (status int, retry, body string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Host = "shop.test"
		resp, err := tr.RoundTrip(req)
		for give := time.Now().Add(10 * time.Second); (errors.Is(err, io.EOF) || isReset(err)) && time.Now().Before(give); {
			resp, err = tr.RoundTrip(req) // the connection had only waited, for a second: this client was slow
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, resp.Header.Get("Retry-After"), string(b)
	}
	if n := cacheBudget(set); n != shares.Cache {
		t.Errorf("the cache may have %d bytes, not %d", n, shares.Cache)
	}
	idle, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	open := make(chan string, 1)
	go func() {
		_, _, body := ask("/held")
		open <- body
	}()
	<-there
	inUse.Store(1 << 30)
	awaitMost(t, "looks at memory that find enough", 0, func() int { return 1 - int(set.Counter("skerry_memory_short_total", "").Value()) })
	if n := cacheBudget(set); n >= shares.Cache || n <= 0 {
		t.Errorf("the cache may still have %d bytes of %d", n, shares.Cache)
	}
	for range 3 {
		if status, retry, body := ask("/"); status != 503 || retry == "" || strings.Contains(body, "memory") {
			t.Errorf("while there is too little: %d, Retry-After %q, %s", status, retry, body)
		}
	}
	_ = idle.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF && !isReset(err) {
		t.Errorf("a connection that only waits is still there: %v", err)
	}
	close(release)
	if body := <-open; body != "done" {
		t.Errorf("the one that was open got %q", body)
	}
	inUse.Store(1 << 29)
	for give := time.Now().Add(10 * time.Second); ; {
		status, _, _ := ask("/")
		if status == 200 {
			break
		}
		if time.Now().After(give) {
			t.Fatalf("when there is enough again: %d", status)
		}
	}
	e.Drain()
	if n := set.Counter("skerry_memory_refused_total", "").Value(); n < 3 || !strings.Contains(log.String(), "it may have 1073741824 bytes (--memory)") {
		t.Errorf("%d were counted; the log: %s", n, log.String())
	}
}

// cacheBudget is how many bytes the cache may have.
func cacheBudget(set *meter.Set) int64 {
	for _, m := range set.All() {
		if m.Name == "skerry_cache_budget_bytes" {
			return int64(m.Func())
		}
	}
	return -1
}

// isReset reports whether a connection was reset.
func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

// TestMemoryShares: the numbers of the division hold where no others are said.
func TestMemoryShares(t *testing.T) {
	shares, _, err := memory.Divide(memory.Limit{Bytes: 1 << 30, From: "--memory"}, memory.Wishes{Connections: memory.Wish{Most: 100}, Exchanges: memory.Wish{Most: 1}})
	if err != nil {
		t.Fatal(err)
	}
	there, release := make(chan bool, 1), make(chan bool)
	url := origin(t, func(http.ResponseWriter, *http.Request) {
		there <- true
		<-release
	})
	e, addr := start(t, edge.Options{Memory: shares, DrainTimeout: 10 * time.Second}, floodSpec(url))
	defer e.Drain()
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	if _, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-there
	defer close(release)
	second, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer second.conn.Close()
	if _, err := io.WriteString(second.conn, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(second.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 503 {
		t.Errorf("the second of one: %d", resp.StatusCode)
	}
}
