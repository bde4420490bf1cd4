// Command tally reads the output of one or more `go test -json` from standard input, prints what a reader wants of it
// (Go's closing line of every package, the output of what failed, every skipped test with its reason) and ends with one
// line: "N passed, N failed, N skipped". Lines that are not JSON, such as the headings of scripts/test, pass through.
//
// It exits with 1 if anything failed, or if anything was skipped and CI=true: there a skip is a failure.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see go doc test2json.
type event struct {
	Action, Package, Test, Output, ImportPath, FailedBuild string
}

// tally is the state of one reading.
type tally struct {
	out                     io.Writer
	output                  map[string][]string // by package, test: what it printed
	results                 map[string]string   // by package, test: pass, fail, skip
	passed, failed, skipped int
	skips                   []string
}

func main() { os.Exit(run(os.Stdin, os.Stdout, os.Getenv("CI") == "true")) }

// run reads everything and returns the exit code.
func run(in io.Reader, out io.Writer, ci bool) int {
	t := tally{out: out, output: map[string][]string{}, results: map[string]string{}}
	for r := bufio.NewReaderSize(in, 1<<20); ; {
		line, err := r.ReadString('\n')
		if line != "" {
			t.line(line)
		}
		if err != nil {
			return t.end(ci)
		}
	}
}

func (t *tally) line(line string) {
	var e event
	if line[0] != '{' || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, line)
		return
	}
	key := e.Package + "\x00" + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test != "" {
			t.results[key] = e.Action
		} else {
			t.packageEnds(e)
		}
	}
}

// packageEnds counts the tests of a package, prints what of its output matters and forgets it.
func (t *tally) packageEnds(e event) {
	failedBefore := t.failed
	var tests []string
	for key := range t.results {
		if strings.HasPrefix(key, e.Package+"\x00") {
			tests = append(tests, key)
		}
	}
	slices.Sort(tests)
	for _, key := range tests {
		t.count(key, t.results[key])
	}
	if e.Action == "fail" && t.failed == failedBefore {
		t.failed++ // it did not build, or ended outside a test: what had begun says where
		t.printBegun(e.Package)
	}
	for _, line := range t.output[e.Package+"\x00"] {
		if line != "PASS\n" && line != "FAIL\n" {
			fmt.Fprint(t.out, line)
		}
	}
	for _, key := range tests {
		delete(t.results, key)
	}
	for key := range t.output {
		if strings.HasPrefix(key, e.Package+"\x00") {
			delete(t.output, key)
		}
	}
}

// printBegun prints the output of tests that have no result: the process ended under them.
func (t *tally) printBegun(pkg string) {
	for key, lines := range t.output {
		if p, test, _ := strings.Cut(key, "\x00"); p == pkg && test != "" {
			fmt.Fprint(t.out, strings.Join(lines, ""))
		}
	}
}

// count counts a test, unless its subtests are counted instead.
func (t *tally) count(key, result string) {
	for other, r := range t.results {
		if strings.HasPrefix(other, key+"/") && (result != "fail" || r == "fail") {
			return
		}
	}
	switch result {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		fmt.Fprint(t.out, strings.Join(t.output[key], ""))
	case "skip":
		t.skipped++
		t.skips = append(t.skips, strings.ReplaceAll(key, "\x00", " ")+": "+reason(t.output[key]))
	}
}

// reason is what a skipped test said.
func reason(lines []string) string {
	var said []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); !strings.HasPrefix(l, "=== ") && !strings.HasPrefix(l, "--- ") {
			said = append(said, l)
		}
	}
	return strings.Join(said, " ")
}

// end prints the sum and returns the exit code.
func (t *tally) end(ci bool) int {
	for _, s := range t.skips {
		fmt.Fprintln(t.out, "SKIPPED", s)
	}
	code := 0
	if t.failed > 0 {
		code = 1
	}
	if t.skipped > 0 && ci {
		fmt.Fprintln(t.out, "CI=true: a skipped test is a failure; install what it names with scripts/services")
		code = 1
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return code
}
