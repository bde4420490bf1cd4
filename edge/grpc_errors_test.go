package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/load/rival"
	"skerry.dev/skerry/wire/wiretest"
)

// refusingDocs are entrypoints that refuse calls, each in its own way; the gaps are an endpoint where nobody listens, and the URL
// of an origin.
const refusingDocs = `---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: dead, owner: team-live}
spec: {hosts: [dead.test], profile: api, redirect: off, service: "http://%[1]s"}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: secure, owner: team-live}
spec: {hosts: [secure.test], profile: api, service: "http://%[1]s"}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: rules, owner: team-live}
spec:
  hosts: [rules.test]
  profile: api
  redirect: off
  errors: html
  routes:
    - {match: {prefix: /shut}, service: "http://%[1]s", maintenance: on}
    - {match: {prefix: /few}, respond: {}, limit: {perAddress: 1/h, burst: 1}}
    - {match: {prefix: /read}, service: "http://%[1]s", methods: [GET]}
    - {match: {prefix: /waf}, service: "http://%[1]s"}
    - {match: {prefix: /small}, service: "%[2]s", bodyMax: 1KB, headMax: 1KB, waf: {bodyBytesMax: 1KB}}
`

// openRefusing starts a site of these entrypoints, whose origin answers a call when it has read it to its end.
func openRefusing(t *testing.T) *site {
	t.Helper()
	dead, err := rival.FreeAddr()
	must(t, err)
	reads, _ := serveOrigin(t, "http1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	return open(t, edgeH2C(), map[string]string{"specs/calls.yaml": fmt.Sprintf(refusingDocs, dead, reads)})
}

// startCall begins a call of a host.
func startCall(h *wiretest.H2, plain bool, host, path string, fields ...string) (id uint32) {
	scheme := map[bool]string{true: "http", false: "https"}[plain]
	return h.Ask(false, append([]string{":method", "POST", ":scheme", scheme, ":path", path, ":authority", host, "content-type", "application/grpc", "te", "trailers"}, fields...)...)
}

// refusedCall is what a client of gRPC hears of a call that has a head and nothing behind it.
func refusedCall(t *testing.T, h *wiretest.H2, id uint32) (code, message string, a *wiretest.H2Answer) {
	t.Helper()
	a = h.Stream(id)
	h.Until(func() bool { return a.Status != "" || a.Over() })
	message, err := url.PathUnescape(a.Field("grpc-message"))
	if a.Status != "200" || !a.Ended || a.Body != "" || a.Field("content-type") != "application/grpc" || a.Field("content-length") != "" || err != nil {
		t.Errorf("%v (%v)\n%s", a, err, a.Header)
	}
	return a.Field("grpc-status"), message, a
}

// TestCallsRefused: what the edge says itself is a head with a status that clients of gRPC know, in one frame, over TLS and in clear, and
// a failure for whoever reads the log or looks at the metrics.
func TestCallsRefused(t *testing.T) {
	s := openRefusing(t)
	c := &crossings{site: s}
	want := map[string]string{} // by path: the log's status and fault
	for _, plain := range []bool{false, true} {
		over := map[bool]string{false: "tls", true: "h2c"}[plain]
		conns := map[string]*wiretest.H2{}
		f := func(host, path, code, message, status, pushback, body string, fields ...string) {
			t.Helper()
			h := conns[host]
			if h == nil {
				h = c.frames(host, plain)
				conns[host] = h
			}
			bare, query, _ := strings.Cut(path, "?")
			id := startCall(h, plain, host, bare+"/"+over+"?"+query, fields...)
			h.Data(id, true, body)
			gotCode, gotMessage, a := refusedCall(t, h, id)
			if gotCode != code || !strings.HasPrefix(gotMessage, message) || a.Field("grpc-retry-pushback-ms") != pushback ||
				a.Field("x-content-type-options") != "nosniff" || a.Field("x-request-id") == "" || a.Field("proxy-status") == "" ||
				strings.HasPrefix(status, "503") != (a.Field("retry-after") != "") && !strings.HasPrefix(status, "429") {
				t.Errorf("%s%s over %s: got %s %q\n%s", host, path, over, gotCode, gotMessage, a.Header)
			}
			want[bare+"/"+over] = status
		}
		hello := message(0, "hello")
		f("dead.test", "/dead", "14", "The service cannot be reached. (request ", "502 origin_refused", "", hello)
		f("rules.test", "/shut", "14", "The service is down for maintenance.", "503 maintenance", "-1", hello)
		f("rules.test", "/none", "12", "There is nothing here. (request ", "404 no_route", "", hello)
		f("rules.test", "/read", "12", "The method is not allowed here.", "405 method_not_allowed", "", hello)
		f("rules.test", "/waf?q=<script>alert(1)</script>", "7", "The request was refused.", "403 blocked", "", hello)
		f("rules.test", "/small", "8", "The request body is too large.", "413 body_too_large", "", message(0, strings.Repeat("x", 1025)))
		f("rules.test", "/small/head", "8", "The request header fields are too large.", "431 head_too_large", "", hello, "x-long", strings.Repeat("x", 1024))
		f("rules.test", "/small/text", "8", "The request body is too large.", "413 body_too_large", "", strings.Repeat("text ", 300))
	}
	h := c.frames("secure.test", true)
	if code, message, _ := refusedCall(t, h, startCall(h, true, "secure.test", "/secure")); code != "9" || message != "This host takes calls over TLS only." {
		t.Errorf("a call in clear: %s %q", code, message)
	}
	h = c.frames("rules.test", false)
	if a := h.Await(startCall(h, false, "rules.test", "/few")); a.Status != "200" || a.Field("grpc-status") != "" {
		t.Errorf("the first call: %v", a)
	}
	if code, _, a := refusedCall(t, h, startCall(h, false, "rules.test", "/few/more")); code != "8" || a.Field("retry-after") == "" || a.Field("grpc-retry-pushback-ms") != "-1" {
		t.Errorf("a call too many: %s\n%s", code, a.Header)
	}
	want["/secure"], want["/few/more"] = "421 misdirected", "429 rate_limited"
	events := c.events()
	for path, status := range want {
		if e := events[path]; fmt.Sprint(e.Status, " ", e.Fault) != status {
			t.Errorf("%s: want %s, the log says %s", path, status, e.text)
		}
	}
}

// TestLongCalls: bodyMax is that of a message. Messages pass that together are larger, one by one and both ways at once, and however
// small it is; one that is larger ends its call, with a status while there is no head, by a reset behind it.
func TestLongCalls(t *testing.T) {
	c := cross(t, bothProtocols, "  profile: api\n  bodyMax: 1KB\n  waf: {bodyBytesMax: 1KB}\n", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/Silent") {
			io.Copy(io.Discard, r.Body)
			return
		}
		grpcOrigin(w, r)
	})
	want, broken := map[string]string{}, []string{}
	for _, to := range bothProtocols {
		for _, plain := range []bool{false, true} {
			h := c.frames(to+".test", plain)
			name := fmt.Sprint("/", to, plain)
			if to == "http1" { // there is no gRPC: the sum counts, whatever the type says
				id := startCall(h, plain, to+".test", name+"/Silent")
				h.Data(id, false, message(0, strings.Repeat("x", 1000)))
				h.Data(id, false, message(0, strings.Repeat("x", 1000)))
				if code, _, _ := refusedCall(t, h, id); code != "8" {
					t.Errorf("%s: the sum is too large: %s", name, code)
				}
				continue
			}
			full, more := message(0, strings.Repeat("x", 1024)), message(0, strings.Repeat("x", 1025))
			id := startCall(h, plain, to+".test", name+"/Bidi")
			a := h.Stream(id)
			for n := range 20 {
				h.Data(id, false, full)
				if !h.Until(func() bool { return len(a.Body) == (n+1)*len(full) || a.Over() }) || a.Over() {
					t.Fatalf("%s: message %d: %v", name, n, a)
				}
			}
			h.Data(id, false, more[:7])
			if h.Await(id); a.Reset == nil || *a.Reset == http2.ErrCodeNo || a.Trailers != "" {
				t.Errorf("%s: behind a message that is too large: %v", name, a)
			}
			broken = append(broken, name+"/Bidi")

			id = startCall(h, plain, to+".test", name+"/Unary")
			for range 5 {
				h.Data(id, false, full)
			}
			h.Data(id, true, "")
			if a := h.Await(id); a.Status != "200" || len(a.Body) != 5*len(full) || a.Trailers != "grpc-status: 0\n" {
				t.Errorf("%s: five messages: %v", name, a)
			}
			want[name+"/Unary"] = "200 "

			id = startCall(h, plain, to+".test", name+"/Silent")
			h.Data(id, false, full)
			h.Data(id, false, more[:3])
			h.Data(id, false, more[3:])
			if code, message, _ := refusedCall(t, h, id); code != "8" || !strings.HasPrefix(message, "The request body is too large.") {
				t.Errorf("%s: before the head: %s %q", name, code, message)
			}
			want[name+"/Silent"] = "413 body_too_large"
		}
	}
	events := c.events()
	for path, status := range want {
		if e := events[path]; fmt.Sprint(e.Status, " ", e.Fault) != status {
			t.Errorf("%s: want %s, the log says %s", path, status, e.text)
		}
	}
	for _, path := range broken {
		if e := events[path]; e.Status != 200 || e.Fault != "body_too_large" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}

// TestCallCancelledByOrigin: an origin that resets a call with CANCEL has cancelled it, or has found before its client that the call's
// time is up.
func TestCallCancelledByOrigin(t *testing.T) {
	o := newFrameOrigin(t)
	s := open(t, edgeH2C(), map[string]string{"specs/live.yaml": fmt.Sprintf(wayDocs, "calls", everyStage, "http2", o.url, "")})
	c := &crossings{site: s}
	h := c.frames("calls.test", false)
	f := func(timeout, code string) {
		t.Helper()
		id := startCall(h, false, "calls.test", "/s/"+timeout, "grpc-timeout", timeout)
		h.Data(id, true, message(0, "hello"))
		at := await(t, "call at the origin", o.calls)
		if timeout == "1n" {
			<-time.After(time.Millisecond) // it is what the call has waited for
		}
		at.writes <- func(f *http2.Framer) { _ = f.WriteRSTStream(at.id, http2.ErrCodeCancel) }
		if got, _, _ := refusedCall(t, h, id); got != code {
			t.Errorf("timeout %s: code %s, want %s", timeout, got, code)
		}
	}
	f("1n", "4")
	f("1H", "1")
	f("never", "1")
	for path, e := range c.events() {
		if e.Status != http.StatusBadGateway || e.Fault != "origin_cancelled" || e.Side != "origin" {
			t.Errorf("%s: the log says %s", path, e.text)
		}
	}
}
