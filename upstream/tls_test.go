package upstream_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// TestMain makes the certificate of httptest's servers the only one that is trusted: the roots are read once.
func TestMain(m *testing.M) {
	s := httptest.NewTLSServer(nil)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.Close()
	dir, err := os.MkdirTemp("", "roots")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(file, roots, 0o600); err != nil {
		panic(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// TestTLSOrigin: an https:// endpoint is asked over TLS, its connections are kept, and a name its certificate does not
// have is refused before a byte of the request leaves.
func TestTLSOrigin(t *testing.T) {
	var asked atomic.Int32 // the race detector does not see what raw sockets order
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, r.TLS.ServerName)
	}))
	defer s.Close()
	named := func(name string) *spec.Service {
		svc := service("s", s.Listener.Addr().String())
		svc.Endpoints[0].TLS = true
		svc.Host, svc.HostName = spec.HostName, name
		return svc
	}
	r := newRig(t, spec.Weighted{Service: named("example.com"), Weight: 1})
	for i := range 3 {
		status, body, facts, err := r.get(localhost)
		if err != nil || status != 200 || body != "example.com" {
			t.Fatalf("got %d %q, %v", status, body, err)
		}
		if facts.Reused != (i > 0) {
			t.Errorf("request %d: reused is %v", i, facts.Reused)
		}
	}
	s.CloseClientConnections()
	if status, _, _, err := r.get(localhost); err != nil || status != 200 {
		t.Errorf("after the origin closed the kept connection: %d, %v", status, err)
	}
	s.CloseClientConnections()
	// What TLS says before the FIN is there before the next request, or the request finds the FIN.
	if status, _, facts, err := r.do(localhost, "POST"); err != nil || status != 200 || facts.Tries != 1 {
		t.Errorf("a POST after the origin closed the kept connection: %d, %v, %d tries", status, err, facts.Tries)
	}
	was := asked.Load()
	r = newRig(t, spec.Weighted{Service: named("other.example"), Weight: 1})
	if _, _, _, err := r.get(localhost); fault.Of(err) != fault.OriginTLS {
		t.Errorf("got %v, want a TLS fault", err)
	}
	if asked.Load() != was {
		t.Error("the origin got a request under a name it does not have")
	}
}
