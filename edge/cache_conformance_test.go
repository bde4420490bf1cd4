package edge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"skerry.dev/skerry/cache/cachetest"
	"skerry.dev/skerry/edge"
)

// conformingSpec is an entrypoint for each kind of route that the cases of the cache want, each under two hosts. The
// probe would ask the origin in between, which cases count.
const conformingSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: standard, owner: team-shop}
spec: {hosts: [standard.test, standard.example], profile: plain, service: %[1]s, cache: {mode: standard, probe: {every: 1h}}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: private, owner: team-shop}
spec:
  hosts: [private.test, private.example]
  profile: plain
  service: %[1]s
  cache: {mode: private, key: {queryExcept: [utm_*, gclid], headers: [X-Tenant]}, anonymousCookies: [anon, consent*], probe: {every: 1h}}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: tuned, owner: team-shop}
spec:
  hosts: [tuned.test, tuned.example]
  profile: plain
  service: %[1]s
  cache: {mode: private, ttl: {default: 1h, negative: 1h}, stale: {whileRevalidate: 1h, ifError: 1h}, probe: {every: 1h}}
`

// cacheDiffers is what the cache does otherwise than a row says, and why.
var cacheDiffers = map[string]string{
	"method: POST whose answer is for GET":                  "who may write through the cache what others read is the origin's to decide by PUT, not a form's",
	"ranges: a part is stored, and used for the same range": onlyWholes,
	"ranges: a part of a part":                              onlyWholes,
	"ranges: a part of a part, open at the end":             onlyWholes,
	"ranges: a part of a part, the last":                    onlyWholes,
	"ranges: a part is completed":                           onlyWholes,
	"vary: languages in another order":                      "to many services the order of languages is what their readers prefer",
	"vary: a language that the stored one is in":            "which of its languages a service gives to whom is not for a cache to guess",
}

const onlyWholes = "only whole answers are stored, and parts made of them"

// TestCacheConforms plays the table of the cache over HTTP/1.1 and over HTTP/2.
func TestCacheConforms(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel() // its cases wait for seconds to pass
			o, err := cachetest.NewOrigin()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = o.Close() })
			e, addr := start(t, edge.Options{HTTPS: []string{"127.0.0.1:0"}, Log: io.Discard}, fmt.Sprintf(conformingSpec, o.URL()))
			_, secure := e.Addrs()
			scheme := "http"
			tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, Protocols: new(http.Protocols)}
			if protocol == "HTTP/2" {
				scheme, addr = "https", secure[0].String()
				roots := x509.NewCertPool()
				roots.AppendCertsFromPEM(e.Root())
				tr.TLSClientConfig = &tls.Config{RootCAs: roots}
			}
			tr.Protocols.SetHTTP1(scheme == "http")
			tr.Protocols.SetHTTP2(scheme == "https")
			tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
			t.Cleanup(func() {
				tr.CloseIdleConnections()
				e.Drain()
			})
			target := cachetest.Target{Name: "skerry over " + protocol, Origin: o, Client: &http.Client{Transport: tr}, CacheStatus: "skerry", Ages: true, Differs: cacheDiffers,
				Purge: func(url, group string) error {
					_, err := e.PurgeCache(edge.CachePurge{Kind: "group", Host: url, Value: group}, t.Name())
					return err
				}}
			for i, name := range []string{cachetest.Standard: "standard", cachetest.Private: "private", cachetest.Tuned: "tuned"} {
				target.Routes[i], target.Others[i] = scheme+"://"+name+".test", scheme+"://"+name+".example"
			}
			cachetest.Run(t, target)
		})
	}
}
