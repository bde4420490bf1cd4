package edge_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"skerry.dev/skerry/edge"
)

// This file is the bench of the tests of the firewall on the edge: an origin that counts what reaches it, and clients.

// walledSpec is an entrypoint behind the firewall. Its gaps are the origin, and what it says beside it, indented by two.
const walledSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  service: %s
%s`

// wellSeen is what an origin was told.
type wellSeen struct {
	method, target string
	header         http.Header
	length         int64
	body           string
	trailer        http.Header
}

// walled is an edge with a firewall before an origin that counts the bytes that reach it.
type walled struct {
	*behind
	addr  string
	url   string        // of the origin
	bytes atomic.Int64  // that the origin has read from its connections
	seen  chan wellSeen // whole requests; nobody need take them
}

// countedConn counts what is read from it.
type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

type countedListener struct {
	net.Listener
	n *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c, l.n}, nil
}

// echoBody answers with the request's body.
func echoBody(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(b)
}

// wall starts an origin with a handler, and an edge with a spec of says before it.
func wall(t *testing.T, opt edge.Options, handler http.HandlerFunc, says string) *walled {
	t.Helper()
	w := &walled{seen: make(chan wellSeen, 100)}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && r.Header.Get("Upgrade") != "" || strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			handler(rw, r) // never whole
			return
		}
		var all bytes.Buffer
		if _, err := all.ReadFrom(r.Body); err != nil {
			return
		}
		select {
		case w.seen <- wellSeen{r.Method, r.RequestURI, r.Header, r.ContentLength, all.String(), r.Trailer}:
		default:
		}
		r.Body = io.NopCloser(&all)
		handler(rw, r)
	}))
	s.Listener = countedListener{s.Listener, &w.bytes}
	s.Start()
	t.Cleanup(s.Close)
	w.url = s.URL
	w.behind = openBehind(t, opt, fmt.Sprintf(walledSpec, s.URL, says))
	w.addr = strings.TrimPrefix(w.urls[0], "http://")
	return w
}

// dial opens a connection for raw requests.
func (w *walled) dial() *client {
	w.t.Helper()
	c, err := dial(w.addr)
	must(w.t, err)
	w.t.Cleanup(func() { c.conn.Close() })
	return c
}

// raw sends a request on a connection of its own and returns the status of the answer and its body.
func (w *walled) raw(request string) (status int, header http.Header, body string) {
	w.t.Helper()
	c := w.dial()
	resp, body, err := c.do(request)
	if err != nil {
		w.t.Fatalf("%v, of %.200q", err, request)
	}
	c.conn.Close()
	return resp.StatusCode, resp.Header, body
}

// chunked is a text in chunks of a size.
func chunked(text string, size int) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return b.String() + "0\r\n\r\n"
}

// post is a POST of a type and a body with its length, to a path.
func post(path, media, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: t\r\nAccept: */*\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, media, len(body), body)
}

// postChunked is the same in chunks.
func postChunked(path, media, body string, size int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: t\r\nAccept: */*\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%s", path, media, chunked(body, size))
}

// get is a GET of a path, with further lines.
func get(target string, lines ...string) string {
	text := "GET " + target + " HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: t\r\nAccept: */*\r\n"
	for _, l := range lines {
		text += l + "\r\n"
	}
	return text + "\r\n"
}

// h2 asks over HTTP/2.
func (w *walled) h2(method, path, media string, body io.Reader, fields ...string) (status int, answer string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.urls[2]+path, body)
	must(w.t, err)
	req.Host = "shop.test"
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	req.Header.Set("Accept", "*/*")
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	resp, err := w.clients[2].Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, string(text)
}

// none fails the test if a byte has reached the origin.
func (w *walled) none(what string) {
	w.t.Helper()
	if n := w.bytes.Load(); n != 0 {
		w.t.Errorf("%s: %d bytes reached the origin", what, n)
		w.bytes.Store(0)
	}
}

// heldBytes is the memory of held bodies now.
func (w *walled) heldBytes() float64 { return w.total("skerry_firewall_held_bytes") }

// wafEvent is what a log event says of the firewall.
type wafEvent struct {
	Mode, Verdict, Limit, Inspected, Of string
	Score                               int
	Rules                               []struct {
		ID   int
		Vars []string
		Msg  string
	}
}

// walledEvent is a log event.
type walledEvent struct {
	Path, Query, Fault, Error string
	Status                    int
	WAF                       wafEvent
	text                      string
}

// walledEvents ends the edge and returns its log events of exchanges, by path.
func (w *walled) walledEvents() map[string]walledEvent {
	w.t.Helper()
	w.end()
	all := map[string]walledEvent{}
	for text := range strings.Lines(w.log.String()) {
		e := walledEvent{text: text}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			w.t.Fatalf("%v in %q", err, text)
		}
		if e.Path != "" {
			all[e.Path] = e
		}
	}
	return all
}

// filled is a body of a kind with a number of bytes; with an attack it ends in one.
func filled(media string, size int, attack bool) string {
	last := "harmless"
	if attack {
		last = "1' UNION SELECT password FROM users--"
	}
	var head, tail string
	switch media {
	case "application/json":
		head, tail = `{"text":"`, `","last":"`+last+`"}`
	case "application/x-www-form-urlencoded":
		head, tail = "text=", "&last="+strings.ReplaceAll(last, " ", "+")
	case "text/xml":
		head, tail = "<a><b>", "</b><last>"+last+"</last></a>"
	default:
		panic(media)
	}
	if len(head)+len(tail) > size {
		return cmp.Or(head+tail, "")
	}
	words := strings.Repeat("words and more of them ", size/20+1)
	if media == "application/x-www-form-urlencoded" {
		words = strings.ReplaceAll(words, " ", "+")
	}
	return head + words[:size-len(head)-len(tail)] + tail
}
