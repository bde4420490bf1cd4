package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/load/rival"
)

// TestExpectations checks that the control set has both kinds of requests, and that what is said to be benign is.
func TestExpectations(t *testing.T) {
	files, err := writeRules(t.TempDir(), blocking)
	if err != nil {
		t.Fatal(err)
	}
	all, err := expectations(files)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, e := range all {
		if slices.Contains(benign, e.name) && (e.refused || len(e.ids) > 0) {
			t.Errorf("%s is refused or logs %v", e.name, e.ids)
		}
		if e.refused {
			refused++
		}
	}
	if refused < 15 {
		t.Errorf("%d of %d requests are refused, want at least 15", refused, len(all))
	}
}

// TestControl lets real firewalls judge the control set: those that are as they should be pass, those without rules do not.
func TestControl(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of Coraza")
	}
	if why := rival.Missing("nginx", "wrk"); why != "" {
		t.Skip(why)
	}
	if _, err := rival.NginxModule(modSecurityModule); err != nil {
		t.Skip(err)
	}
	b := &bench{ctx: context.Background(), dir: t.TempDir()}
	c, stop, err := b.newControlSet()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	f := func(want string, p peer) {
		t.Helper()
		if got := c.ask(p); got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%s is unfit: %q, want %q", p.name, got, want)
		}
		if err := os.RemoveAll(filepath.Join(c.dir, p.name)); err != nil {
			t.Fatal(err)
		}
	}
	of := func(name string) peer {
		return allPeers[slices.IndexFunc(allPeers, func(p peer) bool { return p.name == name })]
	}
	without := func(name string, start func(rival.Options, values) (*rival.Proc, error)) peer {
		return peer{name: name, where: inFirewall | asFirewall, start: func(_ *bench, o rival.Options, v values) (*rival.Proc, error) {
			return start(o, v)
		}}
	}
	f("", of("modsecurity"))
	f("", of("coraza"))
	f("not be loaded", without("modsecurity", func(rival.Options, values) (*rival.Proc, error) { return nil, errors.New("it could not be loaded") }))
	f("ModSecurity loaded", without("modsecurity", startModSecurity))
	f("xss_form is answered 200", without("coraza", startNetHTTP))
}

func TestModSecurityLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "errors")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const start = "[notice] 1#1: ModSecurity-nginx v1.0.3 (rules loaded inline/local/remote: 0/842/0)\n"
	write(start)
	log := modSecurityLog{path: path}
	if why := log.rulesDiffer(ruleFiles{rules: 625, setup: 7, markers: 30}); why != "" {
		t.Error(why)
	}
	write(start + `ModSecurity: Warning. Matched [id "942100"] [msg "a"]` + "\n" + `ModSecurity: Warning. [id "941100"] [id "942100"] [id "200001"]` + "\n")
	if ids, err := log.ids(); err != nil || !slices.Equal(ids, []int{941100, 942100}) {
		t.Errorf("ids %v, %v", ids, err)
	}
	if ids, err := log.ids(); err != nil || len(ids) > 0 {
		t.Errorf("ids %v, %v of nothing new", ids, err)
	}
}

// fixed is an engine that always says the same, and takes some time for it: in a bubble that is all the time that passes.
type fixed struct {
	status int
	asked  atomic.Int64
}

func (f *fixed) Judge(*request) (int, error) {
	f.asked.Add(1)
	time.Sleep(100 * time.Microsecond)
	return f.status, nil
}

func (f *fixed) Rules() int { return 1 }

func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := []*request{{name: "a"}, {name: "b"}}
		e := &fixed{}
		use, err := ask(e, engineCase{requests: requests, benign: true}, 2)
		if err != nil || e.asked.Load() < 1000 || use.micros <= 0 || use.micros > 1000 {
			t.Errorf("%+v after %d requests, %v", use, e.asked.Load(), err)
		}
		if _, err := ask(&fixed{status: 403}, engineCase{requests: requests, benign: true}, 1); err == nil {
			t.Error("a refused benign request is no error")
		}
		if _, err := ask(&fixed{status: 403}, engineCase{requests: requests}, 1); err != nil {
			t.Error(err)
		}
	})
}

func TestEngineTable(t *testing.T) {
	of := func(micros float64) engineResult {
		return engineResult{samples: []engineUse{{micros: micros, allocs: 5, size: 2048}}}
	}
	f := func(want string, l engineLine) {
		t.Helper()
		var b strings.Builder
		engineTableResult{engineTable: engineTables[0], lines: []engineLine{l}}.table(&b)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	c := engineCase{name: "a", atMost: 1. / 58}
	f("| a | 580 | 580–580 | 5, 2.0 KB | 10.0 | 10.0–10.0 | 5, 2.0 KB | 58 | 1/58 of Coraza: met |", engineLine{c, of(580), of(10)})
	f("1/58 of Coraza: **missed**", engineLine{c, of(580), of(10.1)})
	f("1000 µs: **missed**", engineLine{engineCase{micros: 1000}, of(580), of(1001)})
	f("| not measured | – | – | – | 1/58 of Coraza |", engineLine{c, of(580), engineResult{absent: "why"}})
	f("Skerry's engine is left out: why.", engineLine{c, of(580), engineResult{absent: "why"}})
}

// TestFirewallTable holds the words of a row about firewalls.
func TestFirewallTable(t *testing.T) {
	of := func(peer string, judges bool, micros float64) result {
		return result{peer: peer, judges: judges, samples: []sample{{requests: 1, user: micros}}}
	}
	r := rowResult{firewallRows[0], []result{of("skerry", true, 50), of("modsecurity", true, 3000), of("caddy", false, 90), of("nethttp", false, 60),
		{peer: "coraza", judges: true, absent: "why"}}}
	var b strings.Builder
	r.table(&b)
	r.withoutFirewall(&b)
	for _, want := range []string{"| skerry | 50.00 |", "| 0.0167 |", "| caddy, no firewall |", "| coraza | left out |", "at most 0.0200 × nginx with ModSecurity",
		"Measured 0.0167: met.", "costs 0.56 × Caddy and 0.83 × net/http without one: below both."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}
