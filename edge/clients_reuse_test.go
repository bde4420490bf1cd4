package edge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/edge"
)

// oneCertificateSpec is two entrypoints behind one certificate, the second of which asks more of a handshake, and one with
// a certificate of the local CA. Its gap is the origin.
const oneCertificateSpec = `apiVersion: skerry.dev/v1
kind: Certificate
metadata: {name: both, owner: team-shop}
spec: {certificate: file:both.pem, key: file:both.key}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec: {hosts: [shop.test, www.shop.test], service: "%[1]s"}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: api, owner: team-shop}
spec: {hosts: [api.test], service: "%[1]s", tls: {minVersion: "1.3"}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: other, owner: team-shop}
spec: {hosts: [other.test], service: "%[1]s"}
`

// TestReusedConnection: browsers use a connection of HTTP/2 for every host that its certificate covers (RFC 9113 section
// 9.1.1). It serves those whose policy its handshake has enforced; the others get 421, after which the connection goes
// on and a connection made for the host is served.
func TestReusedConnection(t *testing.T) {
	asked := make(chan string, 1)
	url := origin(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host })
	root, chain, key := issue(t, "shop.test", "www.shop.test", "api.test")
	s := open(t, edge.Options{}, map[string]string{"specs/two.yaml": fmt.Sprintf(oneCertificateSpec, url), "secrets/both.pem": chain, "secrets/both.key": key})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(root))
	connect := func(host string) *http2.ClientConn {
		c, err := tls.Dial("tcp", s.https, &tls.Config{RootCAs: roots, ServerName: host, NextProtos: []string{"h2"}})
		must(t, err)
		t.Cleanup(func() { c.Close() })
		h2, err := new(http2.Transport).NewClientConn(c)
		must(t, err)
		return h2
	}
	f := func(c *http2.ClientConn, host string, want int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), waiting)
		defer cancel()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("https", host, "/"), nil)
		must(t, err)
		r, err := c.RoundTrip(q)
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		got := ""
		select {
		case got = <-asked:
		default:
		}
		if r.StatusCode != want || (got != "") != (want == http.StatusOK) {
			t.Errorf("%s: status %d, want %d; the origin was asked for %q", host, r.StatusCode, want, got)
		}
	}
	shop := connect("shop.test")
	f(shop, "shop.test", 200)
	f(shop, "www.shop.test", 200) // covered, and of the same policy
	f(shop, "api.test", 421)      // covered, but its policy asks more
	f(shop, "other.test", 421)    // not covered
	f(shop, "nobody.test", 404)
	f(shop, "shop.test", 200) // and the connection goes on
	f(connect("api.test"), "api.test", 200)
}
