package finding_test

import (
	"encoding/json"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

var (
	loose  = finding.Rule{ID: "origin-open", Severity: finding.Warning, Meaning: "m", Remedy: "close it", Witness: "GET /", Source: "https://docs.aws.amazon.com/"}
	strict = finding.Rule{ID: "quota-behaviors", Severity: finding.Error, Remedy: "use fewer"}
)

func TestSort(t *testing.T) {
	at := func(line int) spec.Pos { return spec.Pos{File: "a.yaml", Line: line, Col: 1} }
	f := func(r *finding.Rule, line int, text string) finding.Finding {
		return finding.Finding{Rule: r, Severity: r.Severity, At: at(line), Text: text}
	}
	list := finding.Sort([]finding.Finding{f(&loose, 9, "b"), f(&loose, 2, "a"), f(&strict, 5, "c"), f(&loose, 9, "b")})
	var lines []string
	for _, l := range list {
		lines = append(lines, l.String())
	}
	want := "a.yaml:5:1: error quota-behaviors: c; use fewer\na.yaml:2:1: warning origin-open: a; close it\na.yaml:9:1: warning origin-open: b; close it"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := finding.Errors(list); n != 1 {
		t.Errorf("%d errors", n)
	}
	list[0].Allow()
	if n := finding.Errors(list); n != 0 || list[0].String() != "a.yaml:5:1: note quota-behaviors: c; allowed" {
		t.Errorf("allowed: %d errors, %s", n, list[0])
	}
}

func TestJSON(t *testing.T) {
	f := finding.Finding{Rule: &loose, Severity: finding.Warning, Subject: "shop", Path: "spec.service", Text: "open"}
	got, err := json.Marshal(f)
	want := `{"id":"origin-open","severity":"warning","path":"spec.service","subject":"shop","text":"open","meaning":"m","remedy":"close it","witness":"GET /","source":"https://docs.aws.amazon.com/"}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
