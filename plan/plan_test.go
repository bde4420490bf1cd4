package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse reads a spec from text, documents of entrypoints with a name, hosts and more lines.
func parse(t testing.TB, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: "spec.yaml", Data: []byte(text)}})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	return s
}

func keepers(t testing.TB) *plan.Keepers {
	t.Helper()
	k, err := plan.NewKeepers(plan.Setting{}, meter.NewSet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func compile(t testing.TB, text string) *plan.Plan {
	t.Helper()
	p, problems := plan.Compile(parse(t, text), keepers(t))
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	t.Cleanup(p.Release)
	return p
}

const head = "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: %s, owner: team}\nspec:\n"

func entrypoint(name, body string) string { return fmt.Sprintf(head, name) + body + "---\n" }

// TestStages: a route has the stages it uses and no others.
func TestStages(t *testing.T) {
	f := func(want, body string) {
		t.Helper()
		p := compile(t, entrypoint("e", "  hosts: [a.example]\n"+body))
		if got := strings.Join(p.Routes[0].Path.Names(), " "); got != want {
			t.Errorf("got stages %q, want %q", got, want)
		}
	}
	f("client rewrite limit waf accept cache compress upstream", "  service: http://127.0.0.1:9\n")
	f("client rewrite limit waf accept compress redirect", "  routes: [{name: r, redirect: {to: https://b.example/}}]\n")
	f("client rewrite limit waf accept compress respond", "  routes: [{name: r, respond: {status: 204}}]\n")
	f("client rewrite limit waf accept cache compress waf-answer upstream", "  waf: {responses: on}\n  service: http://127.0.0.1:9\n")
	f("client rewrite limit accept cache compress upstream", "  waf: off\n  service: http://127.0.0.1:9\n")
	f("client rewrite limit upstream", "  profile: plain\n  service: http://127.0.0.1:9\n")
}

// TestRefusedAddress: a literal address that no origin may have is a problem with its position, and nothing is held.
func TestRefusedAddress(t *testing.T) {
	s := parse(t, entrypoint("e", "  hosts: [a.example]\n  service: http://169.254.169.254/\n"))
	p, problems := plan.Compile(s, keepers(t))
	if p != nil || len(problems) != 1 {
		t.Fatalf("got %v, %v, want one problem", p, problems)
	}
	if got := problems[0].String(); !strings.Contains(got, "spec.yaml:6:") || !strings.Contains(got, "--origin-allow") {
		t.Errorf("the problem names neither place nor setting: %s", got)
	}
}

func match(p *plan.Plan, host, path string) (int, error) {
	x := exchange.Acquire()
	defer x.Release()
	x.Req.Host, x.Req.Method, x.Req.MethodName = []byte(host), exchange.MethodGet, []byte("GET")
	x.Req.RawPath = []byte(path)
	var err error
	if x.Req.Path, err = exchange.NormalPath(x.Req.RawPath, &x.Scratch); err != nil {
		return -2, err
	}
	_, i := p.Match(x)
	return i, x.Fault
}

// TestMatch: what no route takes is a fault of the right kind, and a raw path must lead where its normal form does.
func TestMatch(t *testing.T) {
	p := compile(t, entrypoint("e", "  hosts: [a.example]\n  routes:\n"+
		"  - {name: api, match: {prefix: /api}, service: 'http://127.0.0.1:9'}\n"+
		"  - {name: raw, match: {prefix: /raw}, path: raw, service: 'http://127.0.0.1:9'}\n"))
	f := func(host, path string, want int, kind fault.Kind) {
		t.Helper()
		i, err := match(p, host, path)
		if i != want || (err != nil || kind != fault.Internal) && fault.Of(err) != kind {
			t.Errorf("%s%s: got route %d, %v; want %d, %s", host, path, i, err, want, kind.Name())
		}
	}
	f("a.example", "/api/x", 0, fault.Internal) // Internal stands for: no fault
	f("a.example", "/other", plan.NoRoute, fault.NoRoute)
	f("b.example", "/api/x", plan.NoRoute, fault.NoEntrypoint)
	f("a.example", "/raw/%41", 1, fault.Internal)
	f("a.example", "/%72aw/x", 1, fault.BadRequest)
	f("a.example", "/x/../raw/y", 1, fault.BadRequest)
	f("a.example", "/x/../api/y", 0, fault.Internal)
}

// many returns a spec of n entrypoints with m routes each.
func many(t testing.TB, n, m int) *spec.Spec {
	var b strings.Builder
	for i := range n {
		var routes strings.Builder
		fmt.Fprintf(&routes, "  hosts: [host%d.example]\n  service: http://127.0.0.1:%d\n  routes:\n", i, 1000+i%50)
		for j := range m - 1 {
			fmt.Fprintf(&routes, "  - {name: r%d, match: {prefix: /part%d}, service: 'http://127.0.0.1:%d'}\n", j, j, 1000+j)
		}
		b.WriteString(entrypoint(fmt.Sprintf("e%d", i), routes.String()))
	}
	return parse(t, b.String())
}

// TestLarge: 10,000 hosts with 50 routes compile and match. The spec is copied in memory rather than parsed.
func TestLarge(t *testing.T) {
	one := many(t, 1, 50).Entrypoints[0]
	s := &spec.Spec{}
	for i := range 10_000 {
		e := *one
		e.Meta.Name = fmt.Sprintf("e%05d", i)
		e.Hosts = []string{fmt.Sprintf("host%d.example", i)}
		s.Entrypoints = append(s.Entrypoints, &e)
	}
	p, problems := plan.Compile(s, keepers(t))
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	defer p.Release()
	if len(p.Routes) != 500_000 {
		t.Fatalf("got %d routes", len(p.Routes))
	}
	for _, i := range []int{0, 1, 4999, 9999} {
		got, err := match(p, fmt.Sprintf("host%d.example", i), "/part7/x")
		if err != nil || got != i*50+7 {
			t.Errorf("host %d: got route %d, %v; want %d", i, got, err, i*50+7)
		}
	}
}

// BenchmarkCompile2000 compiles 2,000 entrypoints of five routes, parsed already.
func BenchmarkCompile2000(b *testing.B) {
	s := many(b, 2000, 5)
	keepers := keepers(b)
	for b.Loop() {
		p, _ := plan.Compile(s, keepers)
		p.Release()
	}
}
