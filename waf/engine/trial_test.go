package engine_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/waftest"
)

var update = flag.Bool("update", false, "rewrite what the tests expect: testdata/trials, docs/firewall.md")

// TestTrials runs small rule sets on small requests: as a program with the compiled engine and with the reference, as the own
// rules of a policy on a program without any, and with Coraza. The files of testdata/trials have rules, requests (a line each:
// request line, fields, then "body" and text, with " | " between; behind " >> " the response) and what is wanted: of each
// request what matched of the rules that log, with the values that operators saw, and the verdict. Where Coraza says something else, a
// last part has that too, and the first line of it the reason; it must not be empty.
func TestTrials(t *testing.T) {
	files, err := filepath.Glob("testdata/trials/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no trials: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runTrial(t, file) })
	}
}

// trial is one file.
type trial struct {
	rules, requests, want, coraza string
	detect                        bool
	alone                         bool // Coraza is not asked, as it panics
}

func readTrial(t *testing.T, file string) (tr trial) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		switch part, text := f.Name, string(f.Data); part {
		case "rules":
			tr.rules = text
		case "rules detect":
			tr.rules, tr.detect = text, true
		case "rules alone":
			tr.rules, tr.alone = text, true
		case "requests":
			tr.requests = text
		case "want":
			tr.want = text
		case "coraza":
			tr.coraza = text
		default:
			t.Fatalf("%s has a part %q", file, part)
		}
	}
	return tr
}

func runTrial(t *testing.T, file string) {
	tr := readTrial(t, file)
	engines := tr.engines(t)
	last := engines[len(engines)-1]
	got := engines[0].judge(tr.lines())
	if !tr.alone {
		engines = engines[:len(engines)-1]
	}
	for _, e := range engines[1:] {
		if other := e.judge(tr.lines()); other != got {
			t.Errorf("%s and %s differ: %s", engines[0].name, e.name, firstDifference(got, other))
		}
	}
	oracle := got
	if !tr.alone {
		oracle = last.judge(tr.lines())
	}
	reason, expected, _ := strings.Cut(tr.coraza, "\n")
	if oracle == got {
		reason, oracle = "", ""
	}
	if *update {
		rewriteTrial(t, file, got, reason, oracle)
		return
	}
	if got != tr.want {
		t.Errorf("want and got differ: %s", firstDifference(tr.want, got))
	}
	if oracle != expected {
		t.Errorf("Coraza differs from what is known of it: %s\nCoraza:\n%s", firstDifference(expected, oracle), oracle)
	}
	if oracle != "" && len(reason) < 20 {
		t.Errorf("Coraza differs, and the first line of the part coraza does not say why")
	}
}

// rewriteTrial puts what was got into a file. The reason for what Coraza does otherwise is for people to write.
func rewriteTrial(t *testing.T, file, got, reason, oracle string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a.Files = append(a.Files[:2], txtar.File{Name: "want", Data: []byte(got)})
	if oracle != "" {
		a.Files = append(a.Files, txtar.File{Name: "coraza", Data: []byte(reason + "\n" + oracle)})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// trialEngine judges a request and its response.
type trialEngine struct {
	name string
	ask  func(waftest.Request, *waftest.Response) waftest.Judgement
}

func (tr *trial) engines(t *testing.T) []trialEngine {
	p, problems := engine.New(parsed(t, tr.rules))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	empty, problems := engine.New(&seclang.Set{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	ours := func(y *engine.Policy) func(waftest.Request, *waftest.Response) waftest.Judgement {
		return func(r waftest.Request, answer *waftest.Response) waftest.Judgement { return judge(y, r, answer) }
	}
	mode := ""
	if tr.detect {
		mode = "SecRuleEngine DetectionOnly\n"
	}
	all := []trialEngine{
		{"the compiled engine", ours(policyOf(t, p, engine.Options{Detect: tr.detect}))},
		{"the reference", ours(policyOf(t, p, engine.Options{Detect: tr.detect, Reference: true}))},
		{"a policy's own rules", ours(policyOf(t, empty, engine.Options{Detect: tr.detect, Before: parsed(t, tr.rules)}))},
	}
	if rules, edits := tr.edits(); edits != "" {
		p, problems := engine.New(parsed(t, rules))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		all = append(all,
			trialEngine{"a policy's edits", ours(policyOf(t, p, engine.Options{Detect: tr.detect, After: parsed(t, edits)}))},
			trialEngine{"a policy's edits, reference", ours(policyOf(t, p, engine.Options{Detect: tr.detect, Reference: true, Before: parsed(t, edits)}))})
	}
	if tr.alone {
		return all
	}
	oracle := waftest.NewCorazaOf(t, mode+tr.rules)
	return append(all, trialEngine{"Coraza", func(r waftest.Request, answer *waftest.Response) waftest.Judgement {
		if answer == nil {
			return oracle.Judge(r)
		}
		return oracle.JudgeBoth(r, *answer)
	}})
}

// edits are the directives among the rules that edit others, by themselves.
func (tr *trial) edits() (rules, edits string) {
	for line := range strings.Lines(tr.rules) {
		if strings.HasPrefix(line, "SecRuleRemove") || strings.HasPrefix(line, "SecRuleUpdate") {
			edits += line
		} else {
			rules += line
		}
	}
	return rules, edits
}

// lines are the requests.
func (tr *trial) lines() []string {
	return slices.DeleteFunc(strings.Split(tr.requests, "\n"), func(l string) bool { return l == "" })
}

// judge is all requests with what became of them.
func (e trialEngine) judge(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		r, answer := trialRequest(line)
		j := e.ask(r, answer)
		fmt.Fprintf(&b, "%s\n", line)
		for _, f := range inOrder(j.Found) {
			if slices.Contains(j.Logged, f.Rule) && f.Rule < 200000 {
				fmt.Fprintf(&b, "\t%v %q\n", f.Match, f.Value)
			}
		}
		if j.Interrupted {
			fmt.Fprintf(&b, "\t%s %d by %d%s\n", j.Action, j.Status, j.By, strings.TrimRight(" "+j.Location, " "))
		}
	}
	return b.String()
}

// inOrder orders what one link matched in one collection by key, as Coraza's collections have no order.
func inOrder(found []waftest.Found) []waftest.Found {
	collection := func(m waftest.Match) string { v, _, _ := strings.Cut(m.Var, ":"); return v }
	for from := 0; from < len(found); {
		to := from + 1
		for to < len(found) && found[to].Rule == found[from].Rule && found[to].Link == found[from].Link && collection(found[to].Match) == collection(found[from].Match) {
			to++
		}
		slices.SortStableFunc(found[from:to], func(a, b waftest.Found) int { return strings.Compare(a.Var, b.Var) })
		from = to
	}
	return found
}

// trialRequest reads one line of requests.
func trialRequest(line string) (r waftest.Request, answer *waftest.Response) {
	line, response, answered := strings.Cut(line, " >> ")
	first, headers, text := trialParts(line)
	method, target, _ := strings.Cut(first, " ")
	r = waftest.Request{Method: method, URI: target, Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}
	if text != "" {
		headers = append(headers, [2]string{"Content-Length", strconv.Itoa(len(text))})
	}
	r.Headers, r.Body = append(r.Headers, headers...), []byte(text)
	if answered {
		status, headers, text := trialParts(response)
		code, err := strconv.Atoi(status)
		if err != nil {
			code = http.StatusInternalServerError
		}
		answer = &waftest.Response{Status: code, Headers: headers, Body: []byte(text)}
	}
	return r, answer
}

// trialParts takes a message apart: first line, fields, body. \r, \n and \x00 are written so.
func trialParts(s string) (first string, headers [][2]string, text string) {
	parts := strings.Split(s, " | ")
	for _, p := range parts[1:] {
		if b, ok := strings.CutPrefix(p, "body "); ok {
			text = strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\x00`, "\x00").Replace(b)
			continue
		}
		name, value, _ := strings.Cut(p, ": ")
		headers = append(headers, [2]string{name, value})
	}
	return parts[0], headers, text
}

// firstDifference is where two texts part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		var l, r string
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			return fmt.Sprintf("line %d: %q against %q", i+1, l, r)
		}
	}
	return "nowhere"
}
