//go:build !race && !poison

package waf

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// The most that a policy may take beyond its program, in bytes, and 500 of them together.
const (
	policyBytesMost   = 10_000
	policiesBytesMost = 20 << 20
)

// TestPolicyMemory: 500 entrypoints with exclusions of their own take little beyond the rules that they share.
func TestPolicyMemory(t *testing.T) {
	k := keeperOf(t, Options{})
	stageOf(t, k, "")
	const entrypoints = 500
	f := func(most int64, exclude string) {
		t.Helper()
		specs := make([]*spec.Policy, entrypoints)
		stages := make([]*Stage, entrypoints)
		for i := range specs {
			specs[i] = policyOf(t, "  waf: {exclude: ["+strings.ReplaceAll(exclude, "#", strconv.Itoa(i))+"]}\n")
		}
		before := heap()
		for i, p := range specs {
			var problems []fault.Problem
			if stages[i], problems = New(p, k); len(problems) > 0 {
				t.Fatal(fault.Problems(problems))
			}
		}
		each := (heap() - before) / entrypoints
		t.Logf("%d bytes for each of %d policies that exclude %s", each, entrypoints, exclude)
		if each > most {
			t.Errorf("%d bytes for each policy, want %d at most", each, most)
		}
		runtime.KeepAlive(stages)
		runtime.KeepAlive(specs)
	}
	f(policyBytesMost, `{rule: 942100, target: "ARGS:q#"}, {rule: 942130, target: "ARGS:q#"}, {rule: 941100, path: "/p#"}, {rule: 920420}`)
	f(policiesBytesMost/entrypoints, `{rule: "942000-942999", target: "ARGS:q#"}, {rule: "tag:attack-xss", target: "ARGS:h#"}`)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAllocations: what a harmless request costs through the stage alone: nothing, but for what captures a form's or JSON's type.
func TestAllocations(t *testing.T) {
	s := stageOf(t, keeperOf(t, Options{}), "  waf: {shadow: 0}\n")
	f := func(text string, want float64) {
		t.Helper()
		x := exchangetest.Request(text)
		defer x.Release()
		x.Facts.Client.Addr = exchangetest.Client.Addr()
		once := func() {
			if v := s.Request(x); v != exchange.Next {
				t.Fatalf("%.40q: refused: %v", text, x.Fault)
			}
			s.Response(x)
			s.Done(x)
			x.Facts.Firewall = exchange.FirewallFacts{}
			x.Scratch = exchange.Scratch{}
		}
		for range 20 {
			once()
		}
		if n := testing.AllocsPerRun(200, once); n > want {
			t.Errorf("%.40q: %v allocations, want %v at most", text, n, want)
		} else {
			t.Logf("%.40q: %v allocations", text, n)
		}
	}
	f("GET /search?q=shoes&page=2 HTTP/1.1\nHost: shop.test\nUser-Agent: curl/8.5.0\nAccept: */*\n", 0)
	f(jsonHead+"Content-Length: 24\n\n{\"name\":\"ann\",\"age\":\"30\"}", 5)
	f("POST / HTTP/1.1\nHost: shop.test\nUser-Agent: t\nAccept: */*\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 7\n\na=b&c=d", 5)
}

// BenchmarkStage is the stage alone on a small GET.
func BenchmarkStage(b *testing.B) {
	s := stageOf(b, keeperOf(b, Options{}), "  waf: {shadow: 0}\n")
	x := exchangetest.Request("GET /search?q=shoes&page=2 HTTP/1.1\nHost: shop.test\nUser-Agent: curl/8.5.0\nAccept: */*\n")
	defer x.Release()
	x.Facts.Client.Addr = exchangetest.Client.Addr()
	b.ReportAllocs()
	for b.Loop() {
		s.Request(x)
		s.Done(x)
		x.Facts.Firewall = exchange.FirewallFacts{}
		x.Scratch = exchange.Scratch{}
	}
}
