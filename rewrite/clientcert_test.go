package rewrite_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"skerry.dev/skerry/rewrite"
	"skerry.dev/skerry/spec"
)

// TestClientCert: a service learns what the policy tells it, of the certificate that this edge saw, and never what anybody else says,
// whatever the route says of forwarding fields and however far the peer is trusted.
func TestClientCert(t *testing.T) {
	const said = "Client-Cert: :ZXZpbA==:\nclient-cert: :ZXZpbDI=:\nClient-Cert-Chain: :ZXZpbA==:, :ZXZpbDI=:\n"
	leaf, mid, upper := []byte("leaf"), []byte("middle"), bytes.Repeat([]byte{0xff, 0, 1}, 3000)
	of := func(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
	f := func(what string, g rig, wantLeaf, wantChain string) {
		t.Helper()
		for _, mode := range []spec.Forwarded{spec.ForwardedSet, spec.ForwardedStandard, spec.ForwardedBoth, spec.ForwardedRemove, spec.ForwardedKeep} {
			for _, traces := range []bool{false, true} {
				g.policy.Forwarded = ptr(mode)
				g.policy.Trace = &spec.Trace{On: traces}
				g.env = rewrite.Env{Trusted: prefixes("192.0.2.0/24")}
				origin, _ := g.run(t, "GET / HTTP/1.1\nHost: a\n"+said+"Traceparent: "+peersTrace+"\n")
				if got := field(origin, "Client-Cert"); got != wantLeaf {
					t.Errorf("%s, forwarded: %s, trace %v: Client-Cert is %.100q, want %.100q", what, mode, traces, got, wantLeaf)
				}
				if got := field(origin, "Client-Cert-Chain"); got != wantChain {
					t.Errorf("%s, forwarded: %s, trace %v: Client-Cert-Chain is %.100q, want %.100q", what, mode, traces, got, wantChain)
				}
			}
		}
	}
	policy := func(forward spec.ForwardClient) spec.Policy {
		return spec.Policy{TLS: &spec.TLS{ClientCertificates: spec.ClientAuthOptional, Forward: forward}}
	}
	shown := [][]byte{leaf, mid, upper}
	f("no policy", rig{client: shown}, "", "")
	f("nothing said", rig{policy: policy(""), client: shown}, "", "")
	f("off", rig{policy: policy(spec.ForwardClientOff), client: shown}, "", "")
	f("leaf", rig{policy: policy(spec.ForwardClientLeaf), client: shown}, of(leaf), "")
	f("chain", rig{policy: policy(spec.ForwardClientChain), client: shown}, of(leaf), of(mid)+", "+of(upper))
	f("chain of one", rig{policy: policy(spec.ForwardClientChain), client: shown[:1]}, of(leaf), "")
	f("none shown", rig{policy: policy(spec.ForwardClientChain)}, "", "")
	f("plain HTTP", rig{policy: policy(spec.ForwardClientChain), plain: true, client: shown}, "", "")
	f("HTTP/2", rig{policy: policy(spec.ForwardClientChain), h2: true, client: shown[:2]}, of(leaf), of(mid))
}
