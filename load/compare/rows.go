package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"skerry.dev/skerry/load/rival"
)

// benchRow is an absolute figure that somebody may want to hold us to, beside a reference measured in the same run.
type benchRow struct {
	what      string
	folder    string
	bench     string // name of the benchmark, sub-benchmark included
	reference string // likewise, in the same folder
	against   string // what the reference is
	atMost    time.Duration
}

// benchRows is the list; a row without atMost has no budget.
var benchRows = []benchRow{
	{"match among 10,000 hosts × 50 routes, all entrypoints alike", "./route", "BenchmarkMatch10000x50/hosts=10000/alike", "BenchmarkReferenceMap500000", "one look-up in a Go map of 500,000 strings", 300 * time.Nanosecond},
	{"match among 10,000 hosts × 50 routes, every path different", "./route", "BenchmarkMatch10000x50/hosts=10000/different", "BenchmarkReferenceMap500000", "one look-up in a Go map of 500,000 strings", 300 * time.Nanosecond},
	{"match among 10,000 hosts × 50 routes, every path different, hosts by Zipf(1.1), the draw included", "./route", "BenchmarkMatch10000x50/hosts=10000/zipf", "BenchmarkReferenceMap500000", "one look-up in a Go map of 500,000 strings", 300 * time.Nanosecond},
	{"match among 100 hosts × 50 routes", "./route", "BenchmarkMatch10000x50/hosts=100/different", "BenchmarkReferenceMap500000", "one look-up in a Go map of 500,000 strings", 0},
	{"seven idle stages", "./exchange", "BenchmarkRunSevenIdleStages", "BenchmarkReferenceSevenHandlers", "seven nested http.Handlers", 200 * time.Nanosecond},
	{"normal form of a path that is in it", "./exchange", "BenchmarkNormalPath/normal", "BenchmarkReferencePathClean", "path.Clean of the same", 0},
	{"parse a browser's request head", "./wire/h1", "BenchmarkParseRequest", "BenchmarkReferenceReadRequest", "http.ReadRequest of the same", 0},
	{"a limit's check, 1,000,000 live addresses by Zipf(1.0)", "./limit", "BenchmarkLimitZipf1M", "BenchmarkReferenceMapZipf1M", "one look-up of the same in a Go map", 100 * time.Nanosecond},
	{"a limit's check, 1,000,000 live addresses, all alike", "./limit", "BenchmarkLimitUniform1M", "BenchmarkReferenceMap1M", "one look-up of the same in a Go map", 200 * time.Nanosecond},
	{"profile website: client and rewrite, both ways", "./rewrite", "BenchmarkWebsite", "BenchmarkWebsiteWithout", "the bare path", 0},
	{"choose a certificate among 10,000 hosts", "./cert", "BenchmarkChoose/exact", "", "", time.Microsecond},
	{"gzip of a page, with its stage", "./compress", "BenchmarkStage/gzip/30KB-html", "BenchmarkReference/gzip/30KB-html", "compress/gzip of the same", 0},
	{"one log event", "./observe", "BenchmarkLog", "BenchmarkReferenceSlog", "log/slog, JSON, the same fields", 0},
	{"balancing and pool, one endpoint: count, choose, take the kept connection, give back, note", "./upstream", "BenchmarkChoose/powerOfTwo/1", "", "", 300 * time.Nanosecond},
	{"the same, three endpoints, power of two choices", "./upstream", "BenchmarkChoose/powerOfTwo/3", "", "", 300 * time.Nanosecond},
	{"the same, three endpoints, round robin", "./upstream", "BenchmarkChoose/roundRobin/3", "", "", 300 * time.Nanosecond},
	{"the same, 100 endpoints, least requests", "./upstream", "BenchmarkChoose/leastRequests/100", "", "", 300 * time.Nanosecond},
	{"the same, 100 endpoints, Maglev by address", "./upstream", "BenchmarkChoose/maglev/100", "", "", 300 * time.Nanosecond},
	{"the same, three endpoints, adaptive concurrency", "./upstream", "BenchmarkChoose/adaptive/3", "", "", 300 * time.Nanosecond},
	{"kept connections, all processors at once", "./upstream/peer", "BenchmarkGetKeep/peer/parallel", "BenchmarkGetKeep/mutex/parallel", "a stack behind a mutex, without age and limits", 0},
	{"2,000 entrypoints of five routes: parse and compile", "./edge", "BenchmarkColdStart2000", "BenchmarkReferenceNginx2000", "nginx -t of 2,000 servers with five locations", 5 * time.Second},
	{"the same: reload with one changed", "./edge", "BenchmarkReload2000", "BenchmarkReferenceNginx2000", "nginx -t of 2,000 servers with five locations", 100 * time.Millisecond},
	{"the same, parsed already: compile", "./plan", "BenchmarkCompile2000", "", "", 0},
	{"firewall: make the Core Rule Set ready", "./waf/engine", "BenchmarkProgram", "", "", time.Second},
	{"firewall: a policy of one entrypoint", "./waf/engine", "BenchmarkPolicy", "", "", time.Millisecond},
	{"firewall: the first request of all", "./waf/engine", "BenchmarkCold", "", "", 0},
}

// benchCount is how many runs a median is of.
const benchCount = "5"

// measureRows runs the benchmarks of the list, folder by folder, and returns their section of the report.
func measureRows(ctx context.Context, progress io.Writer) (string, error) {
	before := rival.LoadAverage()
	medians := map[string]time.Duration{}
	var folders []string
	for _, r := range benchRows {
		if !slices.Contains(folders, r.folder) {
			folders = append(folders, r.folder)
		}
	}
	for _, folder := range folders {
		fmt.Fprintf(progress, "benchmarks of %s\n", folder)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", benchPattern(folder), "-count", benchCount, folder)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("benchmarks of %s: %w\n%s", folder, err, out)
		}
		for name, runs := range parseBench(out) {
			slices.Sort(runs)
			medians[folder+name] = runs[len(runs)/2]
		}
	}
	return rowsReport(medians, before), nil
}

// runRows measures the benchmark rows and writes them to a file, if one is named.
func runRows(out string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	text, err := measureRows(ctx, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(text)
	if out == "" {
		return nil
	}
	return rival.Section(out, rowsBegin, rowsEnd, newFile, text)
}

// benchPattern matches the folder's benchmarks of the list, without their sub-benchmarks.
func benchPattern(folder string) string {
	var names []string
	for _, r := range benchRows {
		for _, n := range []string{r.bench, r.reference} {
			if n, _, _ = strings.Cut(n, "/"); r.folder == folder && n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// parseBench reads the lines "BenchmarkX-2   100   123 ns/op …".
func parseBench(out []byte) map[string][]time.Duration {
	runs := map[string][]time.Duration{}
	for line := range bytes.Lines(out) {
		words := strings.Fields(string(line))
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") || words[3] != "ns/op" {
			continue
		}
		ns, err := strconv.ParseFloat(words[2], 64)
		if err != nil {
			continue
		}
		name := words[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		runs[name] = append(runs[name], time.Duration(ns))
	}
	return runs
}

func rowsReport(medians map[string]time.Duration, loadBefore string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s; load average %s before, %s after. Medians of %s runs: `make bench`.\n\n", time.Now().UTC().Format("2006-01-02 15:04 MST"),
		rival.Machine(), loadBefore, rival.LoadAverage(), benchCount)
	b.WriteString("| what | median | budget | reference in the same run | its median | × reference |\n|---|---|---|---|---|---|\n")
	for _, r := range benchRows {
		own, ref := rounded(medians[r.folder+r.bench]), rounded(medians[r.folder+r.reference])
		budget, against, of := "–", r.against, "–"
		if r.atMost > 0 {
			budget = r.atMost.String() + " met"
			if own > r.atMost {
				budget = r.atMost.String() + " **missed**"
			}
		}
		if r.reference != "" {
			of = ref.String()
		} else {
			against = "–"
		}
		fmt.Fprintf(&b, "| %s | %v | %s | %s | %s | %s |\n", r.what, own, budget, against, of, ratio(float64(own), float64(ref)))
	}
	return b.String()
}

// rounded keeps three digits: more would pretend to know.
func rounded(d time.Duration) time.Duration {
	step := time.Duration(1)
	for d/step >= 1000 {
		step *= 10
	}
	return d.Round(step)
}
