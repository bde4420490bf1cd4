package main

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"skerry.dev/skerry/load/origin"
	"skerry.dev/skerry/load/rival"
)

// TestMain lets the test binary be an endpoint.
func TestMain(m *testing.M) {
	if origin.IsChild() {
		origin.Main()
		return
	}
	goleak.VerifyTestMain(m)
}

// TestSchedule checks rate, mix and order, and that a seed gives one schedule.
func TestSchedule(t *testing.T) {
	const seed = 1
	phases := []phase{{1000, 10 * time.Second}, {100, 10 * time.Second}}
	all := schedule(seed, overloadMix, phases)
	counts := make([]int, len(overloadMix))
	first := 0
	for i, a := range all {
		if i > 0 && a.at < all[i-1].at {
			t.Fatalf("arrival %d is before the one before", i)
		}
		counts[a.kind]++
		if a.at < 10*time.Second {
			first++
		}
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 4*math.Sqrt(want) { // four standard deviations of a Poisson count
			t.Errorf("%s: %v, want about %v", what, got, want)
		}
	}
	near("first phase", float64(first), 10_000)
	near("second phase", float64(len(all)-first), 1000)
	for i, k := range overloadMix {
		near(k.name, float64(counts[i]), k.share*11_000)
	}
	again := schedule(seed, overloadMix, phases)
	if len(again) != len(all) || again[100] != all[100] {
		t.Error("the same seed gave another schedule")
	}
	if other := schedule(seed+1, overloadMix, phases); other[100] == all[100] {
		t.Error("another seed gave the same schedule")
	}
}

// TestMixes checks that shares add up.
func TestMixes(t *testing.T) {
	for _, mix := range [][]kind{outageMix, overloadMix} {
		sum := 0.0
		for _, k := range mix {
			sum += k.share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("the shares of %s and others add up to %v", mix[0].name, sum)
		}
	}
}

func at(ms, took, kind, status int, endpoint string) result {
	return result{arrival: arrival{time.Duration(ms) * time.Millisecond, kind}, took: time.Duration(took) * time.Millisecond, answer: answer{status, endpoint}}
}

func TestFiguresOfFault(t *testing.T) {
	const began, over, healed = 1000 * time.Millisecond, 2000 * time.Millisecond, 2010 * time.Millisecond
	all := []result{
		at(100, 900, 0, 500, "b"), // warm-up: counts for nothing
		at(600, 1, 0, 200, "a"), at(700, 2, 1, 200, "b"), at(800, 3, 0, 200, "b"),
		at(995, 10, 1, 0, ""), // under way when the fault begins
		at(1000, 5, 0, 200, "b"), at(1100, 7, 0, 0, ""), at(1200, 9, 1, 502, ""), at(1999, 11, 0, 200, "b"),
		at(2005, 1, 0, 200, "a"), at(2500, 1, 0, 503, "a"), at(2700, 1, 0, 200, "a"), at(2600, 1, 0, 200, "a"),
	}
	got := figuresOf(all, began, over, healed, "a")
	want := faultLine{
		get: 2.0 / 3, post: 0, before: [2]time.Duration{2e6, 3e6}, during: [3]time.Duration{9e6, 11e6, 11e6},
		failing: 1500 * time.Millisecond, back: 590 * time.Millisecond,
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if at(0, 1, 0, 200, "").good() {
		t.Error("a 200 that the proxy made up is good")
	}
	none := figuresOf([]result{at(1500, 1, 0, 200, "b")}, began, over, healed, "a")
	if none.get != 1 || none.post != 1 || none.failing != -1 || none.back != -1 {
		t.Errorf("without failures and without return: %+v", none)
	}
	if early := figuresOf([]result{at(600, 1, 0, 500, "b")}, began, over, healed, "a"); len(early.failedBefore) != 1 || early.failing != -1 {
		t.Errorf("a failure before the fault: %+v", early)
	}
}

func TestFiguresOfOverload(t *testing.T) {
	const began, over = time.Second, 3 * time.Second
	all := []result{
		at(500, 1, 0, 200, "a"), at(1500, 1, 0, 200, "a"), // before what counts
		at(2000, 100, 0, 200, "a"), at(2100, 300, 0, 200, "a"), at(2200, 1, 1, 503, ""), at(2300, 1001, 1, 200, "a"), at(2400, 500, 1, 200, "a"),
		at(2990, 100, 2, 200, "a"),  // good, but not done within the overload
		at(4000, 10, 0, 200, "a"),   // calm
		at(4500, 251, 0, 200, "a"),  // slow still
		at(4600, 250, 1, 200, "a"),  // calm
		at(3100, 10_000, 2, 0, ""),  // failed
		at(4490, 10, 2, 503, "any"), // failed
		at(7000, 10, 2, 200, "a"),   // the end
	}
	got := overloadOf(all, began, over)
	if want := 3 / capacity; got.goodput != want {
		t.Errorf("goodput %v, want %v", got.goodput, want)
	}
	if c := got.classes; c[0] != 1 || math.Abs(c[1]-1.0/3) > 1e-9 || c[2] != 1 {
		t.Errorf("classes %v", c)
	}
	if got.critical != 300*time.Millisecond || got.refused != 1001*time.Millisecond || got.recovery != 2*time.Second || got.ordered() {
		t.Errorf("critical %v, refused %v, recovery %v", got.critical, got.refused, got.recovery)
	}
	if calm := overloadOf(append(all[:9:9], at(6000, 1, 0, 200, "a")), began, over); calm.recovery != 0 {
		t.Errorf("recovery %v of a calm end", calm.recovery)
	}
	if short := recoveryOf(all[:9], over); short != -1 {
		t.Errorf("recovery %v of a run that ends too soon to tell", short)
	}
	if l := (overloadLine{classes: []float64{0.99, 0.4, 0.1}}); !l.ordered() {
		t.Error("critical, normal, crawlers is not the order")
	}
}

// TestTiming checks that a late generator is noticed, and its run made again, but not for ever.
func TestTiming(t *testing.T) {
	late := at(0, 1, 0, 200, "")
	late.late, late.unsent = lateMax+1, true
	if got := timingOf([]result{late}); got.late != lateMax+1 || got.unsent != 1 {
		t.Errorf("timing %+v", got)
	}
	f := func(goodRun, want int) {
		t.Helper()
		runs := 0
		b := &bench{peers: []peer{{name: "a"}}}
		lines, err := each(t.Context(), b, "a case", func(peer) (stormLine, error) {
			if runs++; runs == goodRun {
				return stormLine{tries: runs}, nil
			}
			return stormLine{tries: runs, timing: timing{late: lateMax + 1}}, nil
		})
		if err != nil || runs != want || len(lines) != 1 || lines[0].tries != want {
			t.Errorf("%d runs, lines %+v, %v, want %d runs and the line of the last", runs, lines, err, want)
		}
	}
	f(1, 1)
	f(2, 2)
	f(attempts+1, attempts)
	var b strings.Builder
	timing{late: lateMax + 1, unsent: 3}.note(&b, "x")
	if got := b.String(); !strings.Contains(got, "late with requests to x") || !strings.Contains(got, "3 requests to x failed unsent") {
		t.Errorf("note %q", got)
	}
}

// TestClient checks what is a failure, and that connections are kept, but none that has ended.
func TestClient(t *testing.T) {
	e, err := origin.Start(origin.Mode{Body: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	c := &client{addr: e.Addr()}
	defer c.close()
	f := func(m origin.Mode, status int, fails bool) {
		t.Helper()
		if err := e.Mode(m); err != nil {
			t.Fatal(err)
		}
		wait := clientWait
		if m.Answer == origin.AnswerNever { // long enough for the request to be there before its client gives up
			wait = 3 * time.Second
		}
		a, err := c.do(outageMix[1], "1", time.Now().Add(wait))
		if a.status != status || (err != nil) != fails {
			t.Errorf("%+v: status %d, %v", m, a.status, err)
		}
		if status != 0 && a.endpoint != e.Addr() {
			t.Errorf("endpoint %q", a.endpoint)
		}
	}
	f(origin.Mode{Body: 100}, 200, false)
	f(origin.Mode{Status: 503}, 503, false)
	if s, _ := e.Seen(); s.Conns != 1 {
		t.Errorf("%d connections for two requests", s.Conns)
	}
	f(origin.Mode{Answer: origin.AnswerCut}, 0, true)
	f(origin.Mode{Answer: origin.AnswerGarbage}, 0, true)
	f(origin.Mode{Answer: origin.AnswerNever}, 0, true)
	f(origin.Mode{}, 200, false)
	e.Kill()
	if err := e.Restart(); err != nil {
		t.Fatal(err)
	}
	f(origin.Mode{}, 200, false) // the kept connection has ended: it is not used
	if s, _ := e.Seen(); s.Times(http.MethodPost, "1") != 7 || s.Broken != 0 {
		t.Errorf("saw %v, %d broken, want what was sent and no more", s.IDs, s.Broken)
	}
}

// TestOpenLoop checks that time counts from when a request was to be made: a server that stalls once delays all that come meanwhile.
func TestOpenLoop(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it never accepts: nothing is answered
	c := &client{addr: l.Addr().String()}
	g := &load{client: c, mix: outageMix, begin: time.Now().Add(-clientWait - time.Second)}
	results := g.run(t.Context(), []arrival{{0, 0}, {time.Second / 2, 1}}, nil)
	if len(results) != 2 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.good() || r.took < clientWait+time.Second/2 || r.late < clientWait {
			t.Errorf("%+v: want that all of its lateness counts", r)
		}
	}
}

func TestCheck(t *testing.T) {
	f := func(o options, want string) {
		t.Helper()
		if err := run(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", o, err, want)
		}
	}
	f(options{cases: []string{"flood"}, time: time.Second, rate: 1}, `no case "flood"`)
	f(options{cases: []string{"kill"}, time: time.Millisecond, rate: 1}, "-time 1ms")
	f(options{cases: []string{"kill"}, peers: []string{"x"}, time: time.Second, rate: 1}, `no peer "x"`)
}

// TestRun takes a short run of some cases with the peers that need no build.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of load")
	}
	if why := rival.Missing("nginx", "haproxy"); why != "" {
		t.Skip(why)
	}
	path := filepath.Join(t.TempDir(), "outage.md")
	o := options{cases: []string{"pause", "500", "storm"}, peers: []string{"haproxy", "nginx"}, time: 400 * time.Millisecond, rate: 100, seed: 1, out: path}
	if err := run(o); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for _, want := range []string{"### Paused (SIGSTOP)", "### Answers 500", "## All endpoints fail", "| haproxy | 100 % |", "| nginx | ", "-seed 1"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "Not to be used: requests to ") {
		t.Errorf("requests failed before a fault:\n%s", text)
	}
}
