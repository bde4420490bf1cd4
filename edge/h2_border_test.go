package edge_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/edge"
)

// rawOrigin is an origin of HTTP/2 without TLS that answers each request with a header block, well-formed or not, and keeps what it
// was asked.
type rawOrigin struct {
	url    string
	mu     sync.Mutex
	answer []string // name, value, name, value; END_STREAM stands on it
	asked  []hpack.HeaderField
}

func openRawOrigin(t *testing.T) *rawOrigin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &rawOrigin{url: "http://" + l.Addr().String()}
	var wg sync.WaitGroup
	var conns sync.Map
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(c, nil)
			wg.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return o
}

func (o *rawOrigin) serve(c net.Conn) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	fr := http2.NewFramer(c, c)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.AllowIllegalWrites = true
	_ = fr.WriteSettings()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		head, ok := f.(*http2.MetaHeadersFrame)
		if !ok {
			continue
		}
		o.mu.Lock()
		o.asked = append([]hpack.HeaderField(nil), head.Fields...)
		var block bytes.Buffer
		enc := hpack.NewEncoder(&block)
		for i := 0; i < len(o.answer); i += 2 {
			_ = enc.WriteField(hpack.HeaderField{Name: o.answer[i], Value: o.answer[i+1], Sensitive: true}) // in no table
		}
		o.mu.Unlock()
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: head.StreamID, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	}
}

func (o *rawOrigin) answers(fields ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = fields
}

// rawSite is an edge before such an origin, and a client of HTTP/1.1.
func rawSite(t *testing.T) (*rawOrigin, *edge.Edge, *client) {
	t.Helper()
	o := openRawOrigin(t)
	e, addr := start(t, edge.Options{H2C: []string{"127.0.0.1:0"}}, strings.TrimPrefix(fmt.Sprintf(wayDocs, "raw", "", "http2", o.url, ""), "---\n"))
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	return o, e, c
}

// TestH2OriginSplits: nothing that an origin of HTTP/2 puts into its head becomes a line of its own in HTTP/1.1.
func TestH2OriginSplits(t *testing.T) {
	o, e, c := rawSite(t)
	defer e.Drain()
	f := func(name string, want int, fields ...string) {
		t.Helper()
		o.answers(fields...)
		r, body, err := c.do("GET / HTTP/1.1\r\nHost: raw.test\r\n\r\n")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.StatusCode != want || r.Header.Get("X-Injected") != "" || strings.Contains(body, "X-Injected") {
			t.Errorf("%s: got %s, %v, %q; want %d", name, r.Status, r.Header, body, want)
		}
	}
	f("a head that is right", 200, ":status", "200", "x-a", "b")
	for _, bad := range []string{"\x00", "\r", "\n", "\r\nX-Injected: 1", "a\nX-Injected: 1", "a\x00b", "\x7f", " a", "a\t"} {
		f(fmt.Sprintf("the value %q", bad), 502, ":status", "200", "x-a", bad)
	}
	for _, bad := range []string{"X-A", "x a", "x:a", "x\r\nx-injected", "x\x00", "", "\xff"} {
		f(fmt.Sprintf("the name %q", bad), 502, ":status", "200", bad, "1")
	}
	for _, bad := range []string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"} {
		f(bad, 502, ":status", "200", bad, "chunked")
	}
	for _, bad := range []string{"", "20", "2000", "099", "600", "2 0", "+20", "101", "200\r\nX-Injected: 1"} {
		f(fmt.Sprintf("the status %q", bad), 502, ":status", bad)
	}
	f("no status", 502, "x-a", "b")
	f("two of them", 502, ":status", "200", ":status", "200")
	f("one behind a field", 502, "x-a", "b", ":status", "200")
	f("a pseudo field of requests", 502, ":status", "200", ":path", "/")
	f("two lengths", 502, ":status", "200", "content-length", "0", "content-length", "0")
	f("a length with a sign", 502, ":status", "200", "content-length", "+0")
	f("a field of 40 KB", 502, ":status", "200", "x-a", strings.Repeat("a", 40<<10))
	f("a head that is right, again", 200, ":status", "200", "content-length", "0")
	o.answers(":status", "200", "content-length", "3") // last: the answer may break off, but must not be whole
	if r, body, err := c.do("GET / HTTP/1.1\r\nHost: raw.test\r\n\r\n"); err == nil && r.StatusCode != 502 {
		t.Errorf("a length and no body: got %s, %q", r.Status, body)
	}
}

// TestH2OriginGetsNoConnection: an origin of HTTP/2 gets no field that concerns a connection, no Host, and no capitals, from clients
// of either protocol (RFC 9113 section 8.2).
func TestH2OriginGetsNoConnection(t *testing.T) {
	o, e, c := rawSite(t)
	defer e.Drain()
	o.answers(":status", "204")
	held := func(name string, want ...string) {
		t.Helper()
		o.mu.Lock()
		defer o.mu.Unlock()
		got := map[string]string{}
		for _, f := range o.asked {
			if _, twice := got[f.Name]; twice {
				t.Errorf("%s: %s came twice", name, f.Name)
			}
			got[f.Name] = f.Value
			switch f.Name {
			case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host", "x-nominated", "expect", "http2-settings":
				t.Errorf("%s: the origin got %s: %s", name, f.Name, f.Value)
			case "te":
				if f.Value != "trailers" {
					t.Errorf("%s: the origin got TE: %s", name, f.Value)
				}
			}
			if f.Name != strings.ToLower(f.Name) {
				t.Errorf("%s: the origin got the name %s", name, f.Name)
			}
		}
		for i := 0; i < len(want); i += 2 {
			if got[want[i]] != want[i+1] {
				t.Errorf("%s: %s is %q, want %q", name, want[i], got[want[i]], want[i+1])
			}
		}
	}
	r, _, err := c.do("GET /a?b HTTP/1.1\r\nHost: raw.test\r\nX-Kept: 1\r\nConnection: X-Nominated, TE\r\nX-Nominated: 1\r\nTE: trailers, deflate\r\n" +
		"Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n")
	if err != nil || r.StatusCode != 204 {
		t.Fatalf("got %v, %v", r, err)
	}
	held("HTTP/1.1", ":method", "GET", ":path", "/a?b", ":authority", "raw.test", ":scheme", "http", "x-kept", "1")
	if r, _, err = c.do("POST / HTTP/1.1\r\nHost: raw.test\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"); err != nil || r.StatusCode != 204 {
		t.Fatalf("got %v, %v", r, err)
	}
	held("chunks", ":method", "POST")

	g := &h2Target{t: t, addr: e.H2CAddrs()[0].String()}
	a, err := g.dial(false, http2.ClientPreface)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { a.conn.Close(); <-a.over }()
	a.id += 2
	block := a.block(":method", "GET", ":scheme", "http", ":authority", "RAW.test", ":path", "/", "host", "raw.test", "te", "trailers", "x-kept", "1")
	_ = a.WriteHeaders(http2.HeadersFrameParam{StreamID: a.id, BlockFragment: block, EndStream: true, EndHeaders: true})
	a.await(1)
	held("HTTP/2", ":authority", "raw.test", "x-kept", "1")
}
