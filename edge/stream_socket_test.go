package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// socketOrigin opens sockets, and answers otherwise where a path says so.
type socketOrigin struct {
	ended  chan error // of a socket, from the service's view
	opened chan *websocket.Conn
}

func newSocketOrigin() *socketOrigin {
	return &socketOrigin{ended: make(chan error, 1), opened: make(chan *websocket.Conn, 1)}
}

func (o *socketOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/forbidden"):
		w.Header().Set("X-Reason", "not you")
		http.Error(w, "not you", http.StatusForbidden)
		return
	case strings.HasSuffix(path, "/ordinary"):
		io.WriteString(w, "a page")
		return
	case strings.HasSuffix(path, "/wrong"):
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: d3JvbmcsIGFsdG9nZXRoZXIgd3Jv\r\n\r\n"+
				strings.Repeat("what comes behind it is nobody's. ", 100))
			_, err = io.Copy(io.Discard, c)
			c.Close()
		}
		o.ended <- err
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover, Subprotocols: []string{"chat"},
		InsecureSkipVerify: true}) // the test's origin has no name that clients know
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(4 << 20)
	o.opened <- c
	for {
		kind, b, err := c.Read(r.Context())
		if err == nil {
			err = c.Write(r.Context(), kind, b)
		}
		if err != nil {
			o.ended <- err
			return
		}
	}
}

// dialSocket opens a WebSocket by a way.
func (c *crossings) dialSocket(ctx context.Context, w crossing, path string) (*websocket.Conn, *http.Response, error) {
	socket, r, err := websocket.Dial(ctx, w.base+path, &websocket.DialOptions{HTTPClient: w.sockets(c), Subprotocols: []string{"chat"},
		CompressionMode: websocket.CompressionContextTakeover, HTTPHeader: http.Header{"Origin": {"https://app.test"}, "Accept-Encoding": {"br, gzip"}, "User-Agent": {"t"}}})
	if err == nil {
		socket.SetReadLimit(4 << 20)
		c.t.Cleanup(func() { socket.CloseNow() })
	}
	return socket, r, err
}

// crossSockets starts a site before an origin of WebSockets. Beside the way to it by HTTP/1.1 there is one by HTTP/2: through a
// second edge, which is an origin that takes an extended CONNECT.
func crossSockets(t *testing.T, policy string, h http.Handler) *crossings {
	t.Helper()
	behind := cross(t, []string{"http1"}, "  profile: plain\n", h.ServeHTTP)
	far := fmt.Sprintf(wayDocs, "far", policy, "http2", "http://"+behind.edge.H2CAddrs()[0].String(), "  host: http1.test\n")
	c := &crossings{site: open(t, edgeH2C(), map[string]string{
		"specs/http1.yaml": fmt.Sprintf(wayDocs, "http1", policy, "http1", behind.origins["http1"], ""), "specs/far.yaml": far})}
	c.clients("http1")
	c.clients("far")
	return c
}

// TestSockets: WebSockets by every protocol of clients and origins: what the two ends agree on, messages of every size, the
// close handshake, and what the log says. The firewall, compression and the rest are on.
func TestSockets(t *testing.T) {
	o := newSocketOrigin()
	c := crossSockets(t, everyStage, o)
	const large = 200 << 10
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		socket, r, err := c.dialSocket(ctx, w, "/"+w.name())
		must(t, err)
		<-o.opened
		if socket.Subprotocol() != "chat" || !strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") || r.Header.Get("X-Served-By") != "edge" {
			t.Errorf("agreed on %q and %v", socket.Subprotocol(), r.Header)
		}
		for _, n := range []int{0, 1, 125, 126, 65_536, large} {
			echo(t, ctx, socket, strings.Repeat("x", n))
		}
		if err := socket.Close(4321, "enough"); err != nil {
			t.Errorf("close handshake: %v", err)
		}
		if err := await(t, "end of the socket", o.ended); websocket.CloseStatus(err) != 4321 {
			t.Errorf("the service saw %v", err)
		}
	})
	all := c.events()
	for _, w := range c.ways {
		e := all["/"+w.name()]
		// A client of Go's resets its side if the service ends its own first, as it should (RFC 6455 section 7.1.1).
		if e.Status != 101 && e.Status != 200 || e.Tunnel != "websocket" || e.Fault != "" && !(w.h2 && e.Fault == "client_gone") || e.In == 0 || e.In > large/10 || e.Out == 0 || e.Out > large/10 {
			t.Errorf("%s: the log says %s", w.name(), e.text) // compressed by both ends, so far less went through
		}
	}
}

// TestSocketBreaks: an end that leaves without a word is the end for the other.
func TestSocketBreaks(t *testing.T) {
	o := newSocketOrigin()
	c := crossSockets(t, everyStage, o)
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		socket, _, err := c.dialSocket(ctx, w, "/client")
		must(t, err)
		<-o.opened
		echo(t, ctx, socket, "hello")
		socket.CloseNow()
		if err := await(t, "end of the socket", o.ended); websocket.CloseStatus(err) != -1 {
			t.Errorf("the service saw %v", err)
		}
		socket, _, err = c.dialSocket(ctx, w, "/service")
		must(t, err)
		far := <-o.opened
		echo(t, ctx, socket, "hello")
		far.CloseNow()
		if _, _, err := socket.Read(ctx); err == nil || ctx.Err() != nil || websocket.CloseStatus(err) != -1 {
			t.Errorf("the client saw %v", err)
		}
		await(t, "end of the socket", o.ended)
	})
}

// TestSocketReset: on HTTP/2 it is the stream that ends, by RST_STREAM from either side, and the connection goes on.
func TestSocketReset(t *testing.T) {
	o := newSocketOrigin()
	c := crossSockets(t, everyStage, o)
	for _, to := range []string{"http1", "far"} {
		for _, plain := range []bool{false, true} {
			h := c.frames(to+".test", plain)
			connect := func(path string, more ...string) (id uint32) {
				scheme := map[bool]string{false: "https", true: "http"}[plain]
				return h.Ask(false, append([]string{":method", "CONNECT", ":protocol", "websocket", ":scheme", scheme, ":path", path, ":authority", to + ".test",
					"sec-websocket-version", "13", "user-agent", "t", "accept", "*/*"}, more...)...)
			}
			if !h.Until(func() bool { return h.Settings != nil && h.Settings[http2.SettingEnableConnectProtocol] == 1 }) {
				t.Fatalf("%s, plain %v: no SETTINGS_ENABLE_CONNECT_PROTOCOL", to, plain)
			}
			id := connect("/client")
			if a := h.Stream(id); !h.Until(func() bool { return a.Status != "" }) || a.Status != "200" || a.Ended || strings.Contains(a.Header, "sec-websocket-accept") || strings.Contains(a.Header, "upgrade") {
				t.Fatalf("%s, plain %v: %v\n%s", to, plain, a, a.Header)
			}
			<-o.opened
			must(t, h.WriteRSTStream(id, http2.ErrCodeCancel))
			await(t, "end of the socket", o.ended)
			id = connect("/service")
			far := await(t, "socket", o.opened)
			h.Data(id, false, "\x81\x85\x00\x00\x00\x00hello")
			if a := h.Stream(id); !h.Until(func() bool { return len(a.Body) >= 7 }) || a.Body != "\x81\x05hello" {
				t.Errorf("%s, plain %v: %v", to, plain, a)
			}
			far.CloseNow()
			await(t, "end of the socket", o.ended)
			if a := h.Await(id); !a.Over() {
				t.Errorf("%s, plain %v: the service has gone, and the stream is open: %v", to, plain, a)
			}
			id = connect("/forbidden")
			if a := h.Await(id); a.Status != "403" || a.Body != "not you\n" || a.Field("x-reason") != "not you" {
				t.Errorf("%s, plain %v: the connection does not go on: %v, %v", to, plain, a, h.Closed)
			}
		}
	}
}

// TestNoSocket: what is no WebSocket opens no tunnel: a refusal passes as it is; a service that takes the request for an ordinary
// one answers 501 in the end on HTTP/2, where 200 would be a socket, and so does a route without sockets; an answer to another key is
// nobody's.
func TestNoSocket(t *testing.T) {
	o := newSocketOrigin()
	on := crossSockets(t, everyStage, o)
	off := crossSockets(t, strings.Replace(everyStage, "websocket: on", "websocket: off", 1), o)
	f := func(c *crossings, path string, h1, far, h2 int, body string) {
		t.Helper()
		c.each(t, func(t *testing.T, w crossing) {
			ctx, cancel := context.WithTimeout(t.Context(), waiting)
			defer cancel()
			_, r, err := c.dialSocket(ctx, w, path)
			if err == nil || r == nil {
				t.Fatalf("%s: %v, %v", path, r, err)
			}
			got, _ := io.ReadAll(r.Body) // the client keeps the first 1 KB of an answer that it does not want
			want := h1
			switch {
			case w.h2:
				want = h2
			case w.to == "far":
				want = far
			}
			if r.StatusCode != want || body != "" && want == h1 && string(got) != body {
				t.Errorf("%s: status %d, want %d; %q", path, r.StatusCode, want, got)
			}
			if path == "/forbidden" && r.Header.Get("X-Reason") != "not you" {
				t.Errorf("%s: %v", path, r.Header)
			}
		})
	}
	f(on, "/forbidden", 403, 403, 403, "not you\n")
	f(on, "/ordinary", 200, 501, 501, "a page")
	f(off, "/ordinary", 200, 200, 501, "a page")
	f(off, "/forbidden", 403, 403, 403, "not you\n")
	f(off, "/chat", 426, 426, 426, "") // by the service, which wanted an upgrade
	if len(o.opened) > 0 {
		t.Error("a socket was opened")
	}
}

// TestSocketWrongKey: a service whose Sec-WebSocket-Accept is no answer to the key has not understood (RFC 6455 section 4.1). Where the
// key is the edge's, it says so; where it is the client's, the client sees.
func TestSocketWrongKey(t *testing.T) {
	o := newSocketOrigin()
	c := crossSockets(t, everyStage, o)
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		if _, r, err := c.dialSocket(ctx, w, "/"+w.name()+"/wrong"); err == nil {
			t.Errorf("a socket: %v", r)
		}
		await(t, "end of the connection", o.ended)
	})
	all := c.events()
	for _, w := range c.ways {
		e := all["/"+w.name()+"/wrong"]
		if (w.h2 || w.to == "far") && (e.Fault == "" || e.Side != "origin") {
			t.Errorf("%s: the log says %s", w.name(), e.text)
		}
	}
}

// TestSocketToHTTP2: an origin of HTTP/2 that does not know RFC 8441 is no place for a WebSocket, and the answer says what to do.
func TestSocketToHTTP2(t *testing.T) {
	c := cross(t, []string{"http2"}, everyStage, func(http.ResponseWriter, *http.Request) { t.Error("the origin was asked") })
	c.each(t, func(t *testing.T, w crossing) {
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		_, r, err := c.dialSocket(ctx, w, "/"+w.name())
		if err == nil || r == nil || r.StatusCode != 502 {
			t.Fatalf("%v, %v", r, err)
		}
	})
	for path, e := range c.events() {
		if !strings.Contains(e.Error, "protocol http1") || e.Fault != "origin_protocol" || e.Side != "origin" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}

// TestOtherUpgrades: no other protocol is an upgrade, by neither way of asking.
func TestOtherUpgrades(t *testing.T) {
	asked := make(chan string, 1)
	c := cross(t, []string{"http1"}, everyStage, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Upgrade") })
	conn, err := net.Dial("tcp", c.http)
	must(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: http1.test\r\nUser-Agent: t\r\nAccept: */*\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n")
	if r, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || r.StatusCode != 200 {
		t.Errorf("got %v, %v", r, err)
	}
	if got := await(t, "request", asked); got != "" {
		t.Errorf("the origin was asked to upgrade to %q", got)
	}
	h := c.frames("http1.test", false)
	if a := h.Await(h.Ask(false, ":method", "CONNECT", ":protocol", "connect-udp", ":scheme", "https", ":path", "/", ":authority", "http1.test", "user-agent", "t", "accept", "*/*")); a.Status != "501" {
		t.Errorf("an extended CONNECT for another protocol: %v", a)
	}
	if a := h.Await(h.Ask(false, ":method", "CONNECT", ":authority", "http1.test:443")); a.Status != "405" && a.Status != "400" {
		t.Errorf("CONNECT: %v", a)
	}
	if len(asked) > 0 {
		t.Error("the origin was asked")
	}
}
