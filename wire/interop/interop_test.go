package interop_test

import (
	"testing"

	"skerry.dev/skerry/edge"
)

// TestInterop runs gRPC's cases through the edge: clients over TLS and over plain TCP, origins over both, with the firewall and
// without.
func TestInterop(t *testing.T) {
	ca := newAuthority(t)
	clear, secure := "http://"+interopServer(t, nil), "https://"+interopServer(t, ca.server(t))
	e := openEdge(t, edge.Options{Setting: ca.setting(t)},
		entrypoint{name: "plain-clear", profile: "plain", endpoint: clear}.String()+
			entrypoint{name: "plain-secure", profile: "plain", endpoint: secure, service: originTLS}.String()+
			entrypoint{name: "api-clear", profile: "api", endpoint: clear}.String()+
			entrypoint{name: "api-secure", profile: "api", endpoint: secure, service: originTLS}.String())
	for _, name := range []string{"plain-clear", "plain-secure", "api-clear", "api-secure"} {
		t.Run(name+"/tls", func(t *testing.T) { runInterop(t, e.overTLS(name)) })
		t.Run(name+"/h2c", func(t *testing.T) { runInterop(t, e.overH2C(name)) })
	}
}
