package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/wire/wiretest"
)

// This file is the bench of the tests of streams: one origin in every protocol, an edge before it, and clients of every protocol.

// wayDocs are the documents of one way to the origin, whose name is also its host's. The gaps are the name, the entrypoint's
// policy with its indentation, the protocol, the endpoint, and what the service says beside them.
const wayDocs = `---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: %[1]s, owner: team-live}
spec:
  hosts: [%[1]s.test]
  limit: off
  redirect: off
  service: %[1]s
%[2]s---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: %[1]s, owner: team-live}
spec:
  protocol: %[3]s
  endpoints: ["%[4]s"]
%[5]s`

// everyStage is a policy under which every stage has something to do.
const everyStage = `  profile: api
  compress: on
  trace: on
  bodyMax: 100MB
  websocket: on
  cors: {origins: ["https://app.test"], methods: [GET, POST, PUT], headers: [Content-Type, X-Grpc-Web, Grpc-Timeout], expose: [Grpc-Status, Grpc-Message]}
  headers: {request: {set: {X-Team: live}}, response: {set: {X-Served-By: edge}}}
`

// bothProtocols and tlsToo are ways to origins: in clear, by both protocols; and by both over TLS, told apart by ALPN.
var (
	bothProtocols = []string{"http1", "http2"}
	tlsToo        = []string{"http1", "http2", "http1tls", "http2tls"}
)

// crossing is a way through the edge: what the client speaks to it, and how it asks the origin.
type crossing struct {
	client *http.Client
	base   string // scheme and authority of the host
	host   string
	to     string // the name of the way to the origin
	by     string // that of the client's way
	h1, h2 bool   // the client speaks it
	plain  bool   // without TLS
}

// crossings is a site with every way to one origin, and clients of every protocol.
type crossings struct {
	*site
	origins map[string]string // by the name of the way
	ways    []crossing
}

// serveOrigin serves by one of the ways until the test ends, and returns the root of its certificate, if it has one.
func serveOrigin(t *testing.T, way string, h http.Handler) (url, root string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(way == "http1" || way == "http1tls")
	s.Config.Protocols.SetUnencryptedHTTP2(way == "http2")
	s.Config.Protocols.SetHTTP2(way == "http2tls")
	s.EnableHTTP2 = way == "http2tls"
	if strings.HasSuffix(way, "tls") {
		s.StartTLS()
		root = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, root
}

// cross starts a site whose entrypoints have one policy and lead to an origin, each by another way.
func cross(t *testing.T, tos []string, policy string, h http.HandlerFunc) *crossings {
	t.Helper()
	c := &crossings{origins: map[string]string{}}
	files := map[string]string{}
	var text strings.Builder
	for _, to := range tos {
		url, root := serveOrigin(t, to, h)
		c.origins[to] = url
		service := ""
		if root != "" {
			files["secrets/"+to+".pem"] = root
			service = "  tls: {ca: \"file:" + to + ".pem\"}\n"
		}
		fmt.Fprintf(&text, wayDocs, to, policy, strings.TrimSuffix(to, "tls"), url, service)
	}
	files["specs/live.yaml"] = text.String()
	c.site = open(t, edgeH2C(), files)
	for _, to := range tos {
		c.clients(to)
	}
	return c
}

// edgeH2C are the options of an edge that speaks HTTP/2 in clear too.
func edgeH2C() edge.Options { return edge.Options{H2C: []string{"127.0.0.1:0"}} }

// clients adds a client of every protocol for a way to the origin.
func (c *crossings) clients(to string) {
	host := to + ".test"
	h2c := c.edge.H2CAddrs()[0].String()
	_, port, _ := net.SplitHostPort(h2c) // it is one of ours
	prior := over(c.t, true)
	prior.Timeout = 0
	prior.Transport.(*http.Transport).DisableCompression = true
	prior.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, h2c)
	}
	c.ways = append(c.ways,
		crossing{client: c.client("http/1.1"), base: c.url("http", host, ""), host: host, to: to, by: "plain", h1: true, plain: true},
		crossing{client: c.client("http/1.1"), base: c.url("https", host, ""), host: host, to: to, by: "tls", h1: true},
		crossing{client: c.client("h2"), base: c.url("https", host, ""), host: host, to: to, by: "h2", h2: true},
		crossing{client: prior, base: "http://" + host + ":" + port, host: host, to: to, by: "h2c", h2: true, plain: true})
}

// each runs f by every way.
func (c *crossings) each(t *testing.T, f func(t *testing.T, w crossing)) {
	for _, w := range c.ways {
		t.Run(w.name(), func(t *testing.T) { f(t, w) })
	}
}

// name is that of a way; it may stand in a path, so that the log's line of a request can be found.
func (w crossing) name() string { return w.by + "-" + w.to }

// frames is a client of frames on a new connection that a handshake for a host made; plain: with prior knowledge.
func (c *crossings) frames(host string, plain bool) *wiretest.H2 {
	c.t.Helper()
	if plain {
		conn, err := net.Dial("tcp", c.edge.H2CAddrs()[0].String())
		must(c.t, err)
		c.t.Cleanup(func() { conn.Close() })
		return framesOn(conn)
	}
	return c.site.frames(&tls.Config{RootCAs: c.roots, ServerName: host, NextProtos: []string{"h2"}})
}

// frames is a client of frames on a new connection over TLS.
func (s *site) frames(config *tls.Config) *wiretest.H2 {
	s.t.Helper()
	conn, err := tls.Dial("tcp", s.https, config)
	must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	return framesOn(conn)
}

func framesOn(conn net.Conn) *wiretest.H2 {
	h := wiretest.NewH2(conn)
	h.Patience = waiting
	return h
}

// event is the log event of a request, as far as these tests read it.
type event struct {
	Path, Proto, Fault, Side, Error, Tunnel, Encoding, Endpoint string
	Status                                                      int
	In                                                          int64    `json:"bytes_in"`
	Out                                                         int64    `json:"bytes_out"`
	All                                                         float64  `json:"ms"`
	FirstByte                                                   float64  `json:"first_byte_ms"`
	Edge                                                        *float64 `json:"edge_ms"`
	Origin                                                      *float64 `json:"origin_ms"`
	GRPC                                                        *int     `json:"grpc_status"`
	text                                                        string
}

// open is how many exchanges have begun and are not over.
func (s *site) open() int64 { return s.set.Gauge("skerry_exchanges_open", "").Value() }

// events ends the site and returns the log events of exchanges by path, the last one of each. A client has its answer before the
// exchange is over: what ends by itself is given its time, and what the end of the site would cut is not taken for that.
func (s *site) events() map[string]event {
	s.t.Helper()
	return s.eventsBut(0)
}

// eventsBut is events where so many exchanges only end with the site.
func (s *site) eventsBut(stay int) map[string]event {
	s.t.Helper()
	awaitMost(s.t, "exchanges", stay, func() int { return int(s.open()) })
	s.ended()
	all := map[string]event{}
	for text := range strings.Lines(s.log.String()) {
		e := event{text: text}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			s.t.Fatalf("%v in %q", err, text)
		}
		if e.Path != "" {
			all[e.Path] = e
		}
	}
	return all
}

// duplex lets a handler of HTTP/1.1 answer while the request still comes; those of HTTP/2 always may.
func duplex(w http.ResponseWriter) { _ = http.NewResponseController(w).EnableFullDuplex() }

// flush sends what was written.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// talk is a request whose body is written while its answer is read.
type talk struct {
	*http.Response
	out *io.PipeWriter
}

// begin sends a request with a body that is yet to come, and waits for the answer's head. The request ends with ctx.
func (w crossing) begin(ctx context.Context, method, path string, header http.Header) (talk, error) {
	body, out := io.Pipe()
	context.AfterFunc(ctx, func() { out.CloseWithError(ctx.Err()) }) // otherwise a client of HTTP/1.1 waits for who writes
	q, err := http.NewRequestWithContext(ctx, method, w.base+path, body)
	if err != nil {
		return talk{}, err
	}
	for name, values := range header {
		q.Header[name] = values
	}
	r, err := w.client.Do(q)
	if err != nil {
		out.CloseWithError(err)
		return talk{}, err
	}
	return talk{r, out}, nil
}

// says sends a piece, beside reading, and wants it back.
func (k talk) says(piece []byte) error {
	sent := make(chan error, 1)
	go func() {
		_, err := k.out.Write(piece)
		sent <- err
	}()
	got := make([]byte, len(piece))
	n, err := io.ReadFull(k.Body, got)
	if err == nil {
		err = <-sent
	}
	switch {
	case err != nil:
		return fmt.Errorf("%d of %d bytes came back: %w", n, len(piece), err)
	case !bytes.Equal(got, piece):
		return errors.New("other bytes came back than were sent")
	}
	return nil
}

// connects makes an extended CONNECT (RFC 8441) of the upgrade that a WebSocket client asks for, and an upgrade of its answer.
type connects struct{ http2 http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c connects) RoundTrip(upgrade *http.Request) (*http.Response, error) {
	theirs, ours := io.Pipe()
	r := upgrade.Clone(upgrade.Context())
	r.Method, r.Body, r.ContentLength = http.MethodConnect, theirs, -1
	for _, name := range []string{"Connection", "Upgrade", "Sec-WebSocket-Key"} {
		r.Header.Del(name)
	}
	r.Header[":protocol"] = []string{"websocket"}
	a, err := c.http2.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case a.StatusCode != http.StatusOK:
		return a, nil
	case a.Header.Get("Sec-WebSocket-Accept") != "":
		a.Body.Close()
		return nil, errors.New("the answer to an extended CONNECT has Sec-WebSocket-Accept (RFC 8441 section 5)")
	}
	a.StatusCode = http.StatusSwitchingProtocols
	a.Header.Set("Connection", "Upgrade")
	a.Header.Set("Upgrade", "websocket")
	accept := sha1.Sum([]byte(upgrade.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	a.Header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(accept[:]))
	a.Body = socketStream{a.Body, ours}
	return a, nil
}

// socketStream is both ways of a stream.
type socketStream struct {
	io.ReadCloser
	out *io.PipeWriter
}

func (s socketStream) Write(b []byte) (int, error) { return s.out.Write(b) }

// Close ends our side and waits for the other: to close the body before its end would reset the stream.
func (s socketStream) Close() error {
	err := s.out.Close()
	_, _ = io.Copy(io.Discard, s.ReadCloser) // it may break off, as a socket may
	return errors.Join(err, s.ReadCloser.Close())
}

// sockets is a client for WebSockets by this way.
func (w crossing) sockets(c *crossings) *http.Client {
	if w.h1 {
		return w.client
	}
	tr := &http2.Transport{AllowHTTP: w.plain, TLSClientConfig: &tls.Config{RootCAs: c.roots, ServerName: w.host, NextProtos: []string{"h2"}}}
	tr.DialTLSContext = func(ctx context.Context, network, _ string, config *tls.Config) (net.Conn, error) {
		if w.plain {
			return new(net.Dialer).DialContext(ctx, network, c.edge.H2CAddrs()[0].String())
		}
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, c.https)
	}
	c.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: connects{tr}}
}

// gunzip reads all of a body in gzip.
func gunzip(r io.Reader) (string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(z)
	return string(b), err
}
