package edge_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	endpoint "skerry.dev/skerry/load/origin"
)

// keptSpec is two services: one with an ejection, one with a breaker and a limit. Its gaps are a field, endpoints and the ejection's share.
const keptSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  profile: plain
  headers: {response: {set: {X-Release: "%[1]d"}}}
  service: app
  routes:
    - {match: {prefix: /tripped}, service: tripped}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: team-shop}
spec:
%[2]s  ejection: {failures: 2, time: 1h, share: %[4]s}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: tripped, owner: team-shop}
spec:
%[3]s  breaker: {share: 0.5, requests: 2, open: 10m}
  concurrency: {adaptive: on}
`

// TestReloadKeepsWhatWasLearned: a reload that does not touch a service leaves its endpoints out and its breaker open; one that does
// begins anew with that service alone.
func TestReloadKeepsWhatWasLearned(t *testing.T) {
	t.Parallel()
	p := processes(t, 3, endpoint.Mode{})
	broken := processes(t, 1, endpoint.Mode{Status: 500})
	text := func(release int, share string) string {
		return fmt.Sprintf(keptSpec, release, listOf(p), listOf(broken), share)
	}
	b := openBehind(t, edge.Options{}, text(1, "0.5"))
	p[0].Kill()
	asked := 0
	ask := func(path string, n int) (last reply) {
		for range n {
			asked++
			last = b.ask(asked%3, question{id: "x", method: "GET", path: path})
		}
		return last
	}
	for range 100 {
		if b.count("ejected", p[0]) > 0 {
			break
		}
		ask("", 1)
	}
	b.told("ejected", p[0].Addr())
	ask("/tripped", 2)
	b.told("service", "breaker is open")
	tries := func(p *endpoint.Process) float64 { return b.total("skerry_endpoint_tries_total", "endpoint", p.Addr()) }
	had, hadBroken := tries(p[0]), tries(broken[0])
	activate := func(text string) {
		t.Helper()
		if problems := b.edge.Activate(parse(t, text)); len(problems) > 0 {
			t.Fatal(fault.Problems(problems))
		}
	}
	for release := 2; release < 5; release++ {
		activate(text(release, "0.5"))
		r := ask("", 30)
		if !r.good() || r.fields.Get("X-Release") != fmt.Sprint(release) {
			t.Errorf("release %d: %v, of release %s", release, &r, r.fields.Get("X-Release"))
		}
		if r := ask("/tripped", 5); r.status != 503 {
			t.Errorf("release %d: %v, want 503 of the open breaker", release, &r)
		}
	}
	if n := tries(p[0]) - had; n > 0 {
		t.Errorf("an endpoint that was out was tried %.0f times after reloads", n)
	}
	if n := tries(broken[0]) - hadBroken; n > 0 {
		t.Errorf("a service whose breaker was open was tried %.0f times after reloads", n)
	}
	if back := b.eventsOf("returned"); len(back) > 0 {
		t.Errorf("a reload brought back %v", back)
	}
	must(t, p[0].Restart())
	activate(text(5, "0.4"))
	for range 200 {
		if r := ask("", 1); r.endpoint == p[0].Addr() {
			break
		}
	}
	if n := tries(p[0]); n == 0 {
		t.Error("the endpoint of a service that has changed is still out")
	}
	if r := ask("/tripped", 5); r.status != 503 || !strings.Contains(r.body, "not available") {
		t.Errorf("%v %s, want 503: that service has not changed", &r, r.body)
	}
}
