package compile

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/spec"
)

var updateDocs = flag.Bool("update", false, "rewrite the table in docs/aws.md")

// docsLinesMax keeps the page short enough to be read.
const docsLinesMax = 300

// TestDocsOfDifferences: the table in docs/aws.md is what portability.yaml and the rules say.
func TestDocsOfDifferences(t *testing.T) {
	const page, begin, end = "../../docs/aws.md", "do not edit -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + differenceTable() + end + after
	if *updateDocs {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("the table in %s is not that of portability.yaml and the rules: run this test with -update", page)
	}
	if n := strings.Count(want, "\n"); n > docsLinesMax {
		t.Errorf("%s has %d lines, more than %d", page, n, docsLinesMax)
	}
}

// differenceTable has a line for each id, with its fields, and those that are exact.
func differenceTable() string {
	fields := map[string][]string{}
	var exact []string
	for field, d := range spec.Differences() {
		switch d.Fit {
		case spec.FitExact:
			exact = append(exact, field)
		case spec.FitNone:
			fields[d.ID] = append(fields[d.ID], "**"+field+"**")
		default:
			fields[d.ID] = append(fields[d.ID], field)
		}
	}
	var out strings.Builder
	out.WriteString("\n| id | fields | on CloudFront with AWS WAF | what to do |\n|---|---|---|---|\n")
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		rule := differenceRules()[id]
		cells := []string{strings.Join(fields[id], ", "), rule.Meaning, rule.Remedy}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", "\\|")
		}
		fmt.Fprintf(&out, "| `%s` | %s |\n", id, strings.Join(cells, " | "))
	}
	fmt.Fprintf(&out, "\nExact: %s.\n\n", strings.Join(exact, ", "))
	return out.String()
}
