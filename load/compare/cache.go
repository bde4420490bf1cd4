package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"skerry.dev/skerry/load/rival"
)

// cacheRows are answers that a peer has in its cache: the origin has been asked before the first sample, and never again.
var cacheRows = []row{
	{key: "hit", title: "cache hit over H1, 1 KB, keep-alive", path: hitPath, cached: true, workers: 1, atMost: 0.65, aim: 0.5,
		also: []budget{{peer: "haproxy", atMost: 0.9}, {peer: "varnish", atMost: 0.25}}},
	{key: "hit100k", title: "cache hit over H1, 100 KB, keep-alive", path: hitLargePath, cached: true, workers: 1, atMost: 1},
	{key: "hittls2", title: "cache hit over H2 with TLS 1.3, 1 KB, 16 connections × 10 streams", path: hitPath, kind: overH2, secure: true, cached: true, workers: 1,
		answer: hitBytes, atMost: 0.8},
}

// What rows about caches ask for, and how many bytes the answers have.
const (
	hitPath       = "/1k"
	hitLargePath  = "/100k"
	hitBytes      = 1024
	hitLargeBytes = 100 * 1024
)

// varnishMask takes out of Varnish's log all that a hit would write to it. The log is memory that other programs read and cannot be turned
// off, but the other peers log nothing either.
const varnishMask = "-Begin,-End,-SessOpen,-SessClose,-Link,-Timestamp,-ReqStart,-ReqMethod,-ReqURL,-ReqProtocol,-ReqHeader,-ReqUnset,-ReqAcct," +
	"-RespProtocol,-RespStatus,-RespReason,-RespHeader,-RespUnset,-VCL_call,-VCL_return,-VCL_use,-Hit,-Filters"

// startVarnish starts Varnish.
func startVarnish(o rival.Options, v values) (*rival.Proc, error) {
	o.Conf = rival.Fill(varnishConf, v)
	o.Args = []string{"-s", "malloc,256m", "-p", "vsl_mask=" + varnishMask}
	return rival.Varnish(o)
}

// probeCookie is in the requests by which Skerry looks for leaks of its own cache, beside the traffic: they ask the origin, as they have to,
// and are no miss of the load's, which sends no cookie.
const probeCookie = "skerry_probe_session"

// cacheOrigin is the origin of one peer with a cache, in this process: it has nothing to do while samples are taken, and knows if it had.
type cacheOrigin struct {
	addr   string
	asked  atomic.Int64
	seen   int64 // of asked, at the last look
	server *http.Server
	ended  chan struct{}
}

// startCacheOrigin starts one on a free port.
func startCacheOrigin() (*cacheOrigin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &cacheOrigin{addr: l.Addr().String(), ended: make(chan struct{})}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: cachePatience}
	go func() {
		defer close(o.ended)
		_ = o.server.Serve(l) // its end is stop's
	}()
	return o, nil
}

// stop ends it; of none, it does nothing.
func (o *cacheOrigin) stop() {
	if o == nil {
		return
	}
	o.server.Close()
	<-o.ended
}

// ServeHTTP answers with the bytes of hitBody, which any shared cache may keep for an hour.
func (o *cacheOrigin) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if _, err := q.Cookie(probeCookie); err != nil {
		o.asked.Add(1)
	}
	body := hitBody(q.URL.Path)
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Content-Type", "text/plain")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Etag", `"5f3b1c"`)
	h.Set("Last-Modified", "Mon, 06 Jul 2026 10:00:00 GMT")
	_, _ = w.Write(body) // who did not get it will say so
}

// hitBody is the body for a path.
func hitBody(path string) []byte {
	if path == hitLargePath {
		return bytes.Repeat([]byte("0123456789abcdef"), hitLargeBytes/16)
	}
	return bytes.Repeat([]byte("x"), hitBytes)
}

// missed is how often the origin was asked since the last look; of none, 0.
func (o *cacheOrigin) missed() int64 {
	if o == nil {
		return 0
	}
	asked := o.asked.Load()
	n := asked - o.seen
	o.seen = asked
	return n
}

// fill asks a peer until an answer comes that the origin was not asked for. Some peers have stored an answer a moment after it was sent.
func (o *cacheOrigin) fill(ctx context.Context, r row, url string) error {
	ctx, cancel := context.WithTimeout(ctx, cachePatience)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: r.kind == overH2, DisableCompression: true}
	defer transport.CloseIdleConnections()
	want := hitBody(r.path)
	for range fillTries {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		a, err := transport.RoundTrip(q)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if err != nil {
			return err
		}
		if a.StatusCode != http.StatusOK || !bytes.Equal(body, want) || (a.ProtoMajor == 2) != (r.kind == overH2) {
			return fmt.Errorf("answer %d by %s, %d bytes, want 200 and %d bytes of the origin", a.StatusCode, a.Proto, len(body), len(want))
		}
		if o.missed() == 0 {
			return nil
		}
	}
	return fmt.Errorf("it does not cache: the origin was asked for each of %d requests for the same", fillTries)
}

// allHits fails a sample in which not every answer was a hit.
func (p *running) allHits(s *sample) {
	if n := p.ask.missed(); n > 0 && s.failed == "" {
		s.failed = fmt.Sprintf("the origin was asked %d times: not every answer was a hit", n)
	}
}
