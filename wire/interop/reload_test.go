package interop_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// events is an origin of server-sent events: what is put into the channel that a path names is sent to who asks for it.
type events struct{ streams sync.Map }

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := e.streams.Load(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	for flush.Flush() == nil {
		select {
		case n, more := <-c.(chan int64):
			if !more {
				return
			}
			fmt.Fprintf(w, "data: %s\n\n", numbered(n)) // who does not get it says so
		case <-r.Context().Done():
			return
		}
	}
}

// flow opens a stream of events.
func (e *events) flow(t *testing.T, ctx context.Context, name string, to target, rt http.RoundTripper) *flow {
	t.Helper()
	path, c := "/"+strings.ReplaceAll(name, " ", "-"), make(chan int64)
	e.streams.Store(path, c)
	scheme := "http"
	if to.tls != nil {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+to.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = to.host
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	in := bufio.NewReader(resp.Body)
	f := &flow{name: name, send: func(n int64) error {
		select {
		case c <- n:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, close: func() error { close(c); return nil }, take: func() (n int64, err error) {
		text, err := in.ReadString('\n')
		if err == nil {
			_, err = fmt.Sscanf(text, "data: %d", &n)
		}
		if err == nil {
			_, err = in.ReadString('\n')
		}
		return n, err
	}}
	f.start()
	return f
}

// TestUntouchedByReloads: streams of gRPC, WebSockets and server-sent events, by every way, go on while other routes, entrypoints,
// services and profiles, the certificate of their host, their own route, and at last everything of theirs changes: 20 reloads in all,
// no message lost or doubled, and no other connection to the origin. Those of a removed route go on too; only who comes then is refused.
func TestUntouchedByReloads(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var begun, conns atomic.Int64
	source := new(events)
	counted := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		begun.Add(1)
		if q.URL.Path == "/chat" {
			echoSocket(w, q)
		} else {
			source.ServeHTTP(w, q)
		}
	}))
	counted.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	counted.Start()
	t.Cleanup(counted.Close)
	calls := serveGRPC(t, nil, &echoing{begun: &begun})
	ca, other := newAuthority(t), origin(t, http.NotFoundHandler())
	opt := edge.Options{Setting: ca.setting(t)}
	text := func(n int) string { return changed(n, "http://"+calls, counted.URL, other) }
	ca.renew(t, opt.Setting.Secrets.Dir, 0)
	e := openEdge(t, opt, text(0))
	secure := ca.client()
	plain := func(host string) target { return target{addr: e.h2c.String(), host: host} }
	overTLS := func(host string) target { return target{addr: e.https.String(), host: host, tls: secure} }
	all := []*flow{
		callFlow(t, ctx, "gRPC over TLS", overTLS("calls.test")),
		callFlow(t, ctx, "gRPC over h2c", plain("calls.test")),
	}
	for _, to := range []target{plain("streams.test"), overTLS("streams.test")} {
		way := map[bool]string{true: "TLS", false: "plain"}[to.tls != nil]
		all = append(all, socketFlow(t, ctx, "WebSocket over HTTP/1.1 "+way, to, false), socketFlow(t, ctx, "WebSocket over HTTP/2 "+way, to, true),
			source.flow(t, ctx, "events over HTTP/1.1 "+way, to, to.upgrades(t)), source.flow(t, ctx, "events over HTTP/2 "+way, to, to.http2(t)))
	}
	before := conns.Load()
	for n := 1; n <= reloads; n++ {
		ca.renew(t, opt.Setting.Secrets.Dir, n)
		e.activate(t, text(n))
		for _, f := range all {
			f.goesOn(t)
		}
		if got := shownSerial(t, overTLS("streams.test")); n < reloads && got != serial(n) {
			t.Errorf("after %d reloads certificate %d is shown, want %d", n, got, serial(n))
		}
	}
	if int(begun.Load()) != len(all) || conns.Load() != before {
		t.Errorf("%d streams at the origins, want %d; %d connections to that of HTTP/1.1, want %d", begun.Load(), len(all), conns.Load(), before)
	}
	if shown := shownSerial(t, overTLS("streams.test")); shown != 0 {
		t.Errorf("a host that was removed shows certificate %d", shown)
	}
	for _, f := range all {
		f.goesOn(t)
		f.finish(t)
	}
}

// changed is the spec after so many reloads: each changes something else, and the last takes away all that the streams came by.
func changed(n int, calls, streams, other string) string {
	if n == reloads {
		return entrypoint{name: "other", endpoint: other}.String()
	}
	text := entrypoint{name: "calls", endpoint: calls}.String()
	routes := fmt.Sprintf("  websocket: on\n  routes:\n  - {match: {prefix: /other}, respond: {body: \"%d\"}}\n  - {name: rest, service: streams}\n", n)
	if n%5 == 4 { // their own
		routes = strings.ReplaceAll(routes, "name: rest,", fmt.Sprintf("name: rest, headers: {response: {set: {X-Release: \"%d\"}}},", n))
	}
	text += strings.Replace(entrypoint{name: "streams", protocol: "http1", endpoint: streams}.String(), "  service: streams\n", routes, 1)
	text += "---\napiVersion: skerry.dev/v1\nkind: Certificate\nmetadata: {name: both, owner: interop}\nspec: {certificate: \"file:both.pem\", key: \"file:both.key\"}\n"
	profile := "plain"
	if n%10 == 5 { // not more often: its rules take time to compile
		profile = "api"
	}
	text += entrypoint{name: "other", profile: profile, protocol: "http1", endpoint: other + strings.Repeat(", http://127.0.0.1:9", n%2)}.String()
	if n%3 == 1 {
		text += entrypoint{name: fmt.Sprintf("new%d", n), endpoint: other}.String()
	}
	return text
}

// serial is that of the certificate after so many reloads: every fourth brings another one.
func serial(n int) int64 { return int64(10 + n/4) }

// renew writes the certificate of the hosts.
func (a *authority) renew(t *testing.T, dir string, n int) {
	t.Helper()
	if n%4 != 0 {
		return
	}
	key := newKey(t)
	c := certificate(t, &x509.Certificate{SerialNumber: big.NewInt(serial(n)), NotBefore: time.Now().Add(-time.Hour), NotAfter: a.cert.NotAfter,
		DNSNames: []string{"calls.test", "streams.test"}, KeyUsage: x509.KeyUsageDigitalSignature}, a.cert, key, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "both.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600),
		os.WriteFile(filepath.Join(dir, "both.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// shownSerial is the number of the certificate that a new connection gets; 0: none, or another CA's.
func shownSerial(t *testing.T, to target) int64 {
	t.Helper()
	c, err := tls.Dial("tcp", to.addr, to.config())
	if err != nil {
		return 0
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
