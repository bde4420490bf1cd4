package main

import (
	"bytes"
	"cmp"
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
	unit      string // of a figure that the benchmark reports itself; empty: ns/op. One with "B/" is of bytes, all others of time
	bytesMost int64  // likewise atMost, of bytes
}

// metric is the unit that go test prints behind the row's figure.
func (r benchRow) metric() string { return cmp.Or(r.unit, nsPerOp) }

// scale is how much one of the unit is, in ns or bytes.
func (r benchRow) scale() float64 {
	switch {
	case strings.HasSuffix(r.unit, "-µs"):
		return float64(time.Microsecond)
	case strings.HasSuffix(r.unit, "-ms"):
		return float64(time.Millisecond)
	}
	return 1
}

// nsPerOp is what every benchmark reports.
const nsPerOp = "ns/op"

// benchRows is the list; a row without atMost and bytesMost has no budget.
var benchRows = []benchRow{
	{what: "match among 10,000 hosts × 50 routes, all entrypoints alike", folder: "./route", bench: "BenchmarkMatch10000x50/hosts=10000/alike", reference: "BenchmarkReferenceMap500000", against: "one look-up in a Go map of 500,000 strings", atMost: 300 * time.Nanosecond},
	{what: "match among 10,000 hosts × 50 routes, every path different", folder: "./route", bench: "BenchmarkMatch10000x50/hosts=10000/different", reference: "BenchmarkReferenceMap500000", against: "one look-up in a Go map of 500,000 strings", atMost: 300 * time.Nanosecond},
	{what: "match among 10,000 hosts × 50 routes, every path different, hosts by Zipf(1.1), the draw included", folder: "./route", bench: "BenchmarkMatch10000x50/hosts=10000/zipf", reference: "BenchmarkReferenceMap500000", against: "one look-up in a Go map of 500,000 strings", atMost: 300 * time.Nanosecond},
	{what: "match among 100 hosts × 50 routes", folder: "./route", bench: "BenchmarkMatch10000x50/hosts=100/different", reference: "BenchmarkReferenceMap500000", against: "one look-up in a Go map of 500,000 strings"},
	{what: "seven idle stages", folder: "./exchange", bench: "BenchmarkRunSevenIdleStages", reference: "BenchmarkReferenceSevenHandlers", against: "seven nested http.Handlers", atMost: 200 * time.Nanosecond},
	{what: "normal form of a path that is in it", folder: "./exchange", bench: "BenchmarkNormalPath/normal", reference: "BenchmarkReferencePathClean", against: "path.Clean of the same"},
	{what: "parse a browser's request head", folder: "./wire/h1", bench: "BenchmarkParseRequest", reference: "BenchmarkReferenceReadRequest", against: "http.ReadRequest of the same"},
	{what: "a limit's check, 1,000,000 live addresses by Zipf(1.0)", folder: "./limit", bench: "BenchmarkLimitZipf1M", reference: "BenchmarkReferenceMapZipf1M", against: "one look-up of the same in a Go map", atMost: 100 * time.Nanosecond},
	{what: "a limit's check, 1,000,000 live addresses, all alike", folder: "./limit", bench: "BenchmarkLimitUniform1M", reference: "BenchmarkReferenceMap1M", against: "one look-up of the same in a Go map", atMost: 200 * time.Nanosecond},
	{what: "profile website: client and rewrite, both ways", folder: "./rewrite", bench: "BenchmarkWebsite", reference: "BenchmarkWebsiteWithout", against: "the bare path"},
	{what: "choose a certificate among 10,000 hosts", folder: "./cert", bench: "BenchmarkChoose/exact", atMost: time.Microsecond},
	{what: "choose a certificate among 15,000, for 10,000 hosts of which half have ECDSA and RSA", folder: "./cert", bench: "BenchmarkChoose10000", atMost: time.Microsecond},
	{what: "the same, with the key: a client that knows no ECDSA", folder: "./cert", bench: "BenchmarkFallback10000", atMost: time.Microsecond},
	{what: "gzip of a page, with its stage", folder: "./compress", bench: "BenchmarkStage/gzip/30KB-html", reference: "BenchmarkReference/gzip/30KB-html", against: "compress/gzip of the same"},
	{what: "one log event", folder: "./observe", bench: "BenchmarkLog", reference: "BenchmarkReferenceSlog", against: "log/slog, JSON, the same fields"},
	{what: "balancing and pool, one endpoint: count, choose, take the kept connection, give back, note", folder: "./upstream", bench: "BenchmarkChoose/powerOfTwo/1", atMost: 300 * time.Nanosecond},
	{what: "the same, three endpoints, power of two choices", folder: "./upstream", bench: "BenchmarkChoose/powerOfTwo/3", atMost: 300 * time.Nanosecond},
	{what: "the same, three endpoints, round robin", folder: "./upstream", bench: "BenchmarkChoose/roundRobin/3", atMost: 300 * time.Nanosecond},
	{what: "the same, 100 endpoints, least requests", folder: "./upstream", bench: "BenchmarkChoose/leastRequests/100", atMost: 300 * time.Nanosecond},
	{what: "the same, 100 endpoints, Maglev by address", folder: "./upstream", bench: "BenchmarkChoose/maglev/100", atMost: 300 * time.Nanosecond},
	{what: "the same, three endpoints, adaptive concurrency", folder: "./upstream", bench: "BenchmarkChoose/adaptive/3", atMost: 300 * time.Nanosecond},
	{what: "kept connections, all processors at once", folder: "./upstream/peer", bench: "BenchmarkGetKeep/peer/parallel", reference: "BenchmarkGetKeep/mutex/parallel", against: "a stack behind a mutex, without age and limits"},
	{what: "2,000 entrypoints of five routes: parse and compile", folder: "./edge", bench: "BenchmarkColdStart2000", reference: "BenchmarkReferenceNginx2000", against: "nginx -t of 2,000 servers with five locations", atMost: 5 * time.Second},
	{what: "the same: reload with one changed", folder: "./edge", bench: "BenchmarkReload2000", reference: "BenchmarkReferenceNginx2000", against: "nginx -t of 2,000 servers with five locations", atMost: 100 * time.Millisecond},
	{what: "the same, parsed already: compile", folder: "./plan", bench: "BenchmarkCompile2000"},
	{what: "cache: memory of each of 1,000,000 objects of 1 KB, beyond its head and body", folder: "./cache/storage", bench: "BenchmarkOverhead", unit: "overhead-B/object", bytesMost: 200},
	{what: "cache: purge a group of 100,000 objects of 1,000,000, until it is in force", folder: "./cache/storage", bench: "BenchmarkPurgeGroup/1000000", unit: "force-µs", atMost: 50 * time.Millisecond},
	{what: "the same, until its memory is free", folder: "./cache/storage", bench: "BenchmarkPurgeGroup/1000000", unit: "freed-ms"},
	{what: "the same, the longest that a hit took meanwhile", folder: "./cache/storage", bench: "BenchmarkPurgeGroup/1000000", unit: "longest-hit-µs"},
	{what: "cache: purge a group of 100,000 objects that are all there is, until its memory is free", folder: "./cache/storage", bench: "BenchmarkPurgeGroup/100000", unit: "freed-ms", atMost: 50 * time.Millisecond},
	{what: "CloudFront and AWS WAF: 500 entrypoints of ten routes: compile, lint and write templates", folder: "./aws", bench: "BenchmarkCompile500x10", atMost: 2 * time.Second},
	{what: "the same, one entrypoint changed", folder: "./aws", bench: "BenchmarkCompileOneChanged", atMost: 200 * time.Millisecond},
	{what: "firewall: make the Core Rule Set ready", folder: "./waf/engine", bench: "BenchmarkProgram", atMost: time.Second},
	{what: "firewall: a policy of one entrypoint", folder: "./waf/engine", bench: "BenchmarkPolicy", atMost: time.Millisecond},
	{what: "firewall: the first request of all", folder: "./waf/engine", bench: "BenchmarkCold", unit: "first-µs"},
}

// benchCount is how many runs a median is of.
const benchCount = "5"

// measureRows runs the benchmarks of the list, folder by folder, and returns their section of the report.
func measureRows(ctx context.Context, progress io.Writer) (string, error) {
	before := rival.LoadAverage()
	medians := map[string]float64{}
	var folders []string
	for _, r := range benchRows {
		if !slices.Contains(folders, r.folder) {
			folders = append(folders, r.folder)
		}
	}
	for _, folder := range folders {
		fmt.Fprintf(progress, "benchmarks of %s\n", folder)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", benchPattern(folder), "-count", benchCount, "-timeout", benchTimeout.String(), folder)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("benchmarks of %s: %w\n%s", folder, err, out)
		}
		for figure, runs := range parseBench(out) {
			slices.Sort(runs)
			medians[folder+figure] = runs[len(runs)/2]
		}
		if missing := unmeasured(folder, medians); missing != "" {
			return "", fmt.Errorf("benchmarks of %s printed nothing of %s: mend the list of rows", folder, missing)
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

// unmeasured is the first figure of a folder's rows that its benchmarks did not print; empty: there is none. References may lack a program.
func unmeasured(folder string, medians map[string]float64) string {
	for _, r := range benchRows {
		figure := r.bench + " " + r.metric()
		if _, ok := medians[folder+figure]; r.folder == folder && !ok {
			return figure
		}
	}
	return ""
}

// parseBench reads the lines "BenchmarkX-2   100   123 ns/op   45 B/object …" into the runs of "BenchmarkX ns/op", "BenchmarkX B/object" ….
func parseBench(out []byte) map[string][]float64 {
	runs := map[string][]float64{}
	for line := range bytes.Lines(out) {
		words := strings.Fields(string(line))
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") || !slices.Contains(words, nsPerOp) {
			continue
		}
		name := words[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		for figure := range slices.Chunk(words[2:], 2) {
			n, err := strconv.ParseFloat(figure[0], 64)
			if err != nil || len(figure) < 2 {
				continue
			}
			runs[name+" "+figure[1]] = append(runs[name+" "+figure[1]], n)
		}
	}
	return runs
}

func rowsReport(medians map[string]float64, loadBefore string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s; load average %s before, %s after. Medians of %s runs: `make bench`.\n\n", time.Now().UTC().Format("2006-01-02 15:04 MST"),
		rival.Machine(), loadBefore, rival.LoadAverage(), benchCount)
	b.WriteString("| what | median | budget | reference in the same run | its median | × reference |\n|---|---|---|---|---|---|\n")
	for _, r := range benchRows {
		r.line(&b, medians[r.folder+r.bench+" "+r.metric()]*r.scale(), medians[r.folder+r.reference+" "+nsPerOp])
	}
	return b.String()
}

// line prints a row of the table: its figure and its reference's, in ns or bytes.
func (r benchRow) line(b *strings.Builder, own, ref float64) {
	budget, against, of := "–", "–", "–"
	most, most64 := r.atMost.String(), float64(r.atMost)
	if r.bytesMost > 0 {
		most, most64 = r.text(float64(r.bytesMost)), float64(r.bytesMost)
	}
	switch {
	case most64 > 0 && own > most64:
		budget = most + " **missed**"
	case most64 > 0:
		budget = most + " met"
	}
	if ref > 0 {
		against, of = r.against, rounded(time.Duration(ref)).String()
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", r.what, r.text(own), budget, against, of, ratio(own, ref))
}

// text is a figure of the row in words.
func (r benchRow) text(n float64) string {
	if strings.Contains(r.unit, "B/") {
		return fmt.Sprintf("%.0f B", n)
	}
	return rounded(time.Duration(n)).String()
}

// rounded keeps three digits: more would pretend to know.
func rounded(d time.Duration) time.Duration {
	step := time.Duration(1)
	for d/step >= 1000 {
		step *= 10
	}
	return d.Round(step)
}
