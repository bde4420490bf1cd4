package spec_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/spec"
)

// TestHugeInput feeds what took the parser minutes, or its stack: it must be refused, and at once (the test's own time
// limit is what fails otherwise).
func TestHugeInput(t *testing.T) {
	const n = 50_000
	f := func(want, text string) {
		t.Helper()
		_, problems := spec.Parse([]spec.File{yaml(text)})
		if len(problems) == 0 || !strings.Contains(problems[0].Text, want) {
			t.Errorf("%.20q…: got %.1v, want a problem with %q", text, problems, want)
		}
	}
	f("nest deeper than 32", strings.Repeat("[", n))
	f("nest deeper than 32", strings.Repeat("{a: ", n))
	f("nest deeper than 32", strings.Repeat("- ", n))
	f("item with - stands in brackets", strings.Repeat("- [", n))
	f("item with - stands in brackets", "a: ["+strings.Repeat("- ", n))
	f("more than 2000 keys", strings.Repeat("a: b\n", n))
	f("more than 2000 keys", "{"+strings.Repeat("a: b,", n)+"}")
	f("empty lines in a row", "a: |\n  "+strings.Repeat("\n", n))
	f("the limit is 1048576", "a: \""+strings.Repeat("x", 2<<20)+"\"")
	f("larger than 16 MiB", strings.Repeat("#", 17<<20))
	f("more than 20000 documents", strings.Repeat("---\n", n))

	_, problems := spec.Parse([]spec.File{{Name: "x.json", Data: []byte(strings.Repeat("[", n))}})
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "deeper") {
		t.Errorf("JSON: got %v", problems)
	}
	_, problems = spec.Parse([]spec.File{{Name: "x.json", Data: []byte(strings.Repeat(`{"b": 1}`, 1000))}})
	if len(problems) != 201 || problems[200].Text != "and 4800 problems more; the first 200 are shown" {
		t.Errorf("got %d problems, the last %v", len(problems), problems[len(problems)-1])
	}
}
