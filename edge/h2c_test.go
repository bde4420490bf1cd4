package edge_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/meter"
)

// over returns a client of one protocol on plain TCP, HTTP/2 by prior knowledge.
func over(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(!http2)
	tr.Protocols.SetUnencryptedHTTP2(http2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// TestH2C: an address for it serves both protocols, told apart by the preface alone; one that is not for it says 505 to HTTP/2.
func TestH2C(t *testing.T) {
	url := origin(t, echoRelease)
	var log syncedBuffer
	e, plain := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, H2C: []string{"127.0.0.1:0"}, Log: &log, DrainTimeout: 10 * time.Second},
		fmt.Sprintf(released, url, 0, 0)+"  redirect: off\n")
	httpAddrs, httpsAddrs := e.Addrs()
	both := e.H2CAddrs()
	if len(httpAddrs) != 1 || len(httpsAddrs) != 1 || len(both) != 1 || httpsAddrs[0].String() == both[0].String() {
		t.Fatalf("addresses %v, %v, %v", httpAddrs, httpsAddrs, both)
	}
	addr := both[0].String()
	f := func(http2 bool, field, want string) {
		t.Helper()
		r, err := http.NewRequest("POST", "http://"+addr+"/", strings.NewReader("apples"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "shop.test"
		r.Header.Set("Content-Type", "text/plain")
		if field != "" {
			r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
			r.Header.Set("Upgrade", field)
			r.Header.Set("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")
		}
		a, err := over(t, http2).Do(r)
		if err != nil {
			t.Errorf("HTTP/2 %v: %v", http2, err)
			return
		}
		defer a.Body.Close()
		if body, err := io.ReadAll(a.Body); a.StatusCode != 200 || a.Proto != want || string(body) != "hello" || err != nil {
			t.Errorf("HTTP/2 %v: got %s %d %q, %v", http2, a.Proto, a.StatusCode, body, err)
		}
	}
	f(false, "", "HTTP/1.1")
	f(true, "", "HTTP/2.0")
	f(false, "h2c", "HTTP/1.1") // never by Upgrade

	c, err := dial(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	if a, _, err := c.do("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err != nil || a.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("the preface on a plain address: got %+v, %v", a, err)
	}
	if cut := e.Drain(); cut != 0 {
		t.Errorf("%d connections were cut off", cut)
	}
	if text := log.String(); strings.Count(text, `"proto":"h2"`) != 1 || strings.Count(text, `"proto":"h1"`) != 3 {
		t.Errorf("log:\n%s", text)
	}
}

// TestH2CDrains: who has not said which protocol it speaks holds no drain up, and an idle connection of HTTP/2 is told.
func TestH2CDrains(t *testing.T) {
	url := origin(t, echoRelease)
	set := meter.NewSet()
	opt := edge.Options{H2C: []string{"127.0.0.1:0"}, Meters: set, DrainTimeout: time.Minute}
	opt.Timeouts.Head = time.Hour // so long may a client be silent
	e, _ := start(t, opt, fmt.Sprintf(released, url, 0, 0))
	addr := e.H2CAddrs()[0].String()
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, err := http.NewRequest("GET", "http://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.test"
	a, err := over(t, true).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, a.Body)
	a.Body.Close()
	began := time.Now()
	if cut := e.Drain(); cut != 0 || time.Since(began) > 30*time.Second {
		t.Errorf("%d connections were cut off, after %v", cut, time.Since(began))
	}
	_ = silent.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(silent); len(b) > 0 || err != nil {
		t.Errorf("the silent client got %q, %v", b, err)
	}
}

// TestH2CFirstBytesInTime: the patience for them is that for a head.
func TestH2CFirstBytesInTime(t *testing.T) {
	opt := edge.Options{H2C: []string{"127.0.0.1:0"}, DrainTimeout: time.Second}
	opt.Timeouts.Head = 20 * time.Millisecond
	e, _ := start(t, opt, fmt.Sprintf(released, "http://127.0.0.1:9", 0, 0))
	defer e.Drain()
	c, err := net.Dial("tcp", e.H2CAddrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}
