package main

import (
	"slices"
	"testing"
)

func TestMendChains(t *testing.T) {
	f := func(in, want string, n int) {
		t.Helper()
		got, mended, err := mendChains(in)
		if err != nil || got != want || mended != n {
			t.Errorf("mendChains(%q) = %q, %d, %v, want %q, %d", in, got, mended, err, want, n)
		}
	}
	const whole = "SecRule ARGS \"@rx a\\\"b\" \\\n    \"id:1,\\\n    chain\"\n"
	f(whole, whole, 0)
	f(whole+"    SecRule TX:A \"@eq 1\"\nSecRule B \"@eq 2\" \"id:2\"\n", whole+"    SecRule TX:A \"@eq 1\" \\\n    \"t:none\"\nSecRule B \"@eq 2\" \"id:2\"\n", 1)
	f("SecRule TX:A \"@eq 1\"", "SecRule TX:A \"@eq 1\" \\\n    \"t:none\"\n", 1)
	f("SecRule TX:A @unconditionalMatch\n", "SecRule TX:A @unconditionalMatch \\\n    \"t:none\"\n", 1)
	f("# SecRule A \"b\"\n\nSecMarker \"END\"\nSecAction \"id:3\"\n", "# SecRule A \"b\"\n\nSecMarker \"END\"\nSecAction \"id:3\"\n", 0)
	f("# a comment that ends so \\\nSecRule A \"@eq 1\"\n", "# a comment that ends so \\\nSecRule A \"@eq 1\" \\\n    \"t:none\"\n", 1)
	if _, _, err := mendChains("SecMarker A\nSecRule A \"b\n"); err == nil || err.Error() != "line 2: a quote is not closed" {
		t.Errorf("error %v, want one that names line 2", err)
	}
}

func TestSplitDirective(t *testing.T) {
	f := func(in string, want ...string) {
		t.Helper()
		if got, err := splitDirective(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("splitDirective(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	f("  SecRule ARGS|!ARGS:a \"@rx \\\"x y\" \\\n \"id:1, \\\n pass\"\n", "SecRule", "ARGS|!ARGS:a", `@rx \"x y`, "id:1, \\\n pass")
	f("SecMarker END\n", "SecMarker", "END")
	f("# comment\n")
	f("\n")
}

func TestCountRules(t *testing.T) {
	const text = "SecAction \"id:1,nolog\"\nSecRule A \"@rx 'chain'\" \"id:2,tag:'chained',\\\n chain\"\n SecRule B \"c\" \"t:none,chain\"\n SecRule C \"d\" \"t:none\"\nSecMarker X\nSecRule A b \"id:3\"\n"
	if rules, markers := countRules(text); rules != 3 || markers != 1 {
		t.Errorf("%d rules and %d markers, want 3 and 1", rules, markers)
	}
}

// TestWriteRules holds the rule set against what is known of 4.25.0. That Coraza counts the same, expectations checks.
func TestWriteRules(t *testing.T) {
	files, err := writeRules(t.TempDir(), policy{Paranoia: 1, Threshold: 5})
	if err != nil {
		t.Fatal(err)
	}
	if files.mended != 2 || files.rules != 625 || files.markers != 30 {
		t.Errorf("%+v, want 625 rules, 30 markers and 2 mended", files)
	}
}
