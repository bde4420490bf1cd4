package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/load/rival"
)

// TestMain lets the test binary be the net/http peer, an origin or a load: the harness starts its own executable.
func TestMain(m *testing.M) {
	if isChild(os.Args) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestParseWrk(t *testing.T) {
	f := func(out string, requests int, failed string) {
		t.Helper()
		s := parseWrk(out)
		if s.requests != requests || s.failed != failed {
			t.Errorf("%d requests, failed %q, want %d, %q", s.requests, s.failed, requests, failed)
		}
	}
	good := "  1 threads and 64 connections\n  52342 requests in 2.00s, 61.2MB read\nRequests/sec:  26171.42\n"
	f(good, 52342, "")
	f(good+"  Socket errors: connect 0, read 3, write 0, timeout 0\n", 52342, "Socket errors: connect 0, read 3, write 0, timeout 0")
	f(good+"  Non-2xx or 3xx responses: 7\n", 52342, "Non-2xx or 3xx responses: 7")
	f("unable to connect", 0, "no request was completed")
}

func TestParseH2load(t *testing.T) {
	f := func(out string, requests int, failed string) {
		t.Helper()
		s := parseH2load(out, 1024)
		if s.requests != requests || s.failed != failed {
			t.Errorf("%d requests, failed %q, want %d, %q", s.requests, s.failed, requests, failed)
		}
	}
	line := "requests: 61230 total, 61390 started, 61230 done, 61230 succeeded, 0 failed, 0 errored, 0 timeout"
	good := "finished in 2.00s, 30615.00 req/s, 33.02MB/s\n" + line + "\nstatus codes: 61230 2xx, 0 3xx, 0 4xx, 0 5xx\n" +
		"traffic: 63.24MB (66312090) total, 2.10MB (2204280) headers (space savings 81.92%), 59.79MB (62699520) data\n"
	f(good, 61230, "")
	f(strings.Replace(good, "(62699520) data", "(62699519) data", 1), 61230, "62699519 bytes came, want 1024 for each of 61230")
	f(strings.Replace(good, "61230 2xx, 0 3xx", "61229 2xx, 1 3xx", 1), 61230, "61229 of 61230 answers are 2xx")
	bad := strings.Replace(line, "0 failed", "3 failed", 1)
	f(strings.Replace(good, line, bad, 1), 61230, bad)
	f("connection refused", 0, "no request was completed")
}

func TestParseSockets(t *testing.T) {
	f := func(out string, requests int, failed string) {
		t.Helper()
		s := parseSockets(out)
		if s.requests != requests || s.failed != failed {
			t.Errorf("%d round trips, failed %q, want %d, %q", s.requests, s.failed, requests, failed)
		}
	}
	f("round trips: 51234 done, 0 failed, 25617.0 a second\n", 51234, "")
	f("round trips: 51234 done, 2 failed, 25617.0 a second\nfirst failure: EOF\n", 51234, "2 connections failed: EOF")
	f("round trips: 0 done, 0 failed, 0.0 a second\n", 0, "no request was completed")
	f("connection refused", 0, "no request was completed")
}

// TestRun takes one short sample of the peers that start fast, with log and edits.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("six seconds of load")
	}
	if why := rival.Missing("wrk", "nginx", "haproxy"); why != "" {
		t.Skip(why)
	}
	path := filepath.Join(t.TempDir(), "compare.md")
	err := run(options{rounds: 1, seconds: 1, conns: 4, rows: []string{"edits"}, peers: []string{"nginx", "haproxy", "nethttp"}, out: path})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for _, want := range []string{"| nginx |", "| haproxy |", "| nethttp |", "× nginx"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("report lacks %q", want)
		}
	}
	if strings.Contains(string(text), "failed |") {
		t.Errorf("a peer failed:\n%s", text)
	}
}

// TestRunStreams takes one short sample of HTTP/2, gRPC and WebSocket through a real server, with the origins and the load of this
// program; h2o has a part in the first only.
func TestRunStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("eight seconds of load")
	}
	if why := rival.Missing("h2load", "nginx", "h2o"); why != "" {
		t.Skip(why)
	}
	path := filepath.Join(t.TempDir(), "compare.md")
	err := run(options{rounds: 1, seconds: 1, conns: 4, rows: []string{"h2", "grpc", "websocket"}, peers: []string{"nginx", "h2o"}, out: path})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for _, want := range []string{"requests/s", "calls/s", "round trips/s", "And: aim 1.00 × h2o. Not judged"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("report lacks %q", want)
		}
	}
	if n := strings.Count(string(text), "\n| nginx |"); n != 3 {
		t.Errorf("nginx is in %d rows, want 3", n)
	}
	if strings.Count(string(text), "\n| h2o |") != 1 || strings.Contains(string(text), "failed |") || strings.Contains(string(text), "left out") {
		t.Errorf("a peer failed, or h2o is not in one row:\n%s", text)
	}
}

// TestParseBench reads the lines that go test prints.
func TestParseBench(t *testing.T) {
	got := parseBench([]byte("goos: linux\nBenchmarkA/b=1-2   \t 10\t 12.5 ns/op\t 187.5 B/object\nBenchmarkA/b=1-2 5 1000 ns/op\nBenchmarkLog said 5 things\nPASS\n"))
	if runs := got["BenchmarkA/b=1 ns/op"]; len(got) != 2 || !slices.Equal(runs, []float64{12.5, 1000}) {
		t.Errorf("got %v", got)
	}
	if runs := got["BenchmarkA/b=1 B/object"]; !slices.Equal(runs, []float64{187.5}) {
		t.Errorf("got %v", got)
	}
	if got := benchPattern("./route"); got != "^(BenchmarkMatch10000x50|BenchmarkReferenceMap500000)$" {
		t.Errorf("got %s", got)
	}
}

// TestBenchLine prints figures of both kinds beside their budgets.
func TestBenchLine(t *testing.T) {
	f := func(r benchRow, own, ref float64, want string) {
		t.Helper()
		var b strings.Builder
		if r.line(&b, own, ref); b.String() != "| "+want+" |\n" {
			t.Errorf("got %s", b.String())
		}
	}
	f(benchRow{what: "a", reference: "BenchmarkR", against: "a map", atMost: 300 * time.Nanosecond}, 123.4, 246.8, "a | 123ns | 300ns met | a map | 246ns | 0.50")
	f(benchRow{what: "a", atMost: 300 * time.Nanosecond}, 301, 0, "a | 301ns | 300ns **missed** | – | – | –")
	f(benchRow{what: "a"}, 12_345_678, 0, "a | 12.3ms | – | – | – | –")
	f(benchRow{what: "a", unit: "B/object", bytesMost: 200}, 199.7, 0, "a | 200 B | 200 B met | – | – | –")
	f(benchRow{what: "a", unit: "B/object", bytesMost: 200}, 231, 0, "a | 231 B | 200 B **missed** | – | – | –")
	f(benchRow{what: "a", unit: "freed-ms", atMost: 50 * time.Millisecond}, 61e6, 0, "a | 61ms | 50ms **missed** | – | – | –")
}

// TestScale brings figures to ns or bytes.
func TestScale(t *testing.T) {
	for unit, want := range map[string]float64{"": 1, "overhead-B/object": 1, "force-µs": 1e3, "freed-ms": 1e6} {
		if got := (benchRow{unit: unit}).scale(); got != want {
			t.Errorf("%q: %v, want %v", unit, got, want)
		}
	}
}

// TestUnmeasured has a benchmark that was renamed.
func TestUnmeasured(t *testing.T) {
	medians := map[string]float64{}
	for _, r := range benchRows {
		medians[r.folder+r.bench+" "+r.metric()] = 1
		medians[r.folder+r.reference+" "+nsPerOp] = 1
	}
	if got := unmeasured("./route", medians); got != "" {
		t.Errorf("%q is missing of all", got)
	}
	delete(medians, "./exchange"+"BenchmarkNormalPath/normal ns/op")
	if got := unmeasured("./exchange", medians); got != "BenchmarkNormalPath/normal ns/op" {
		t.Errorf("%q is missing", got)
	}
}
