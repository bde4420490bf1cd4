package interop_test

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// patience is how long a test waits for what must come. It is long, for a machine that does much else.
const patience = 60 * time.Second

// running is an edge in this process, open for HTTPS and for HTTP/2 with prior knowledge.
type running struct {
	*edge.Edge
	https, h2c net.Addr
}

// openEdge runs an edge until the test ends.
func openEdge(t testing.TB, opt edge.Options, spec string) *running {
	t.Helper()
	opt.HTTPS, opt.H2C, opt.DrainTimeout = []string{"127.0.0.1:0"}, []string{"127.0.0.1:0"}, patience
	e, err := edge.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Edge: e}
	r.activate(t, spec)
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Hurry()
		e.Drain()
	})
	_, https := e.Addrs()
	r.https, r.h2c = https[0], e.H2CAddrs()[0]
	return r
}

// activate puts the text of a spec in force.
func (r *running) activate(t testing.TB, text string) {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: "spec.yaml", Data: []byte(text)}})
	if len(problems) == 0 {
		problems = r.Activate(s)
	}
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
}

// roots is a client's TLS that trusts the edge's local CA.
func (r *running) roots() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.Root())
	return &tls.Config{RootCAs: roots}
}

// overTLS and overH2C are an entrypoint for clients of gRPC.
func (r *running) overTLS(name string) target {
	return target{addr: r.https.String(), host: name + ".test", tls: r.roots()}
}

func (r *running) overH2C(name string) target {
	return target{addr: r.h2c.String(), host: name + ".test"}
}

// entrypoint is one host with a service of its own, in the words of a spec.
type entrypoint struct {
	name     string
	host     string // empty: name.test
	profile  string // empty: plain
	protocol string // of the service; empty: http2
	endpoint string
	policy   string // more lines of the entrypoint
	service  string // more lines of the service
}

// String returns the documents. Nothing is counted against clients, which all have one address, and none is sent to HTTPS.
func (e entrypoint) String() string {
	return fmt.Sprintf(`---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: %[1]s, owner: interop}
spec:
  hosts: [%[7]s]
  profile: %[2]s
  limit: off
  redirect: off
  service: %[1]s
%[3]s---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: %[1]s, owner: interop}
spec:
  endpoints: [%[4]s]
  protocol: %[5]s
%[6]s`, e.name, cmp.Or(e.profile, "plain"), e.policy, e.endpoint, cmp.Or(e.protocol, "http2"), e.service, cmp.Or(e.host, e.name+".test"))
}

// origin serves HTTP/1.1 until the test ends.
func origin(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
