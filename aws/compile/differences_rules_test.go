package compile

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// elsewhere are the fields whose difference depends on what another pass makes of them: it reports them, with its numbers.
var elsewhere = map[string]bool{
	"metadata.owner": true, "metadata.labels": true, // tags, pack
	"Entrypoint.routes": true, "route.match": true, // how many behaviours they need, behaviors
	"Entrypoint.service": true, "route.service": true, "weighted service.service": true, // what the Service says
}

// TestEveryDifferenceHasARow: what is not exact is looked at by a row: its own, that of the object which has it, or those of
// its parts.
func TestEveryDifferenceHasARow(t *testing.T) {
	rows := map[string]bool{}
	all := differenceRows()
	for _, list := range [][]differs{all.entries, all.routes, all.policies, all.services, all.certificates} {
		for _, row := range list {
			if rows[row.field] {
				t.Errorf("%s has two rows", row.field)
			}
			if row.fit == spec.FitExact {
				t.Errorf("%s is exact, and has a row", row.field)
			}
			rows[row.path], rows[row.field] = true, true
		}
	}
	for field, d := range spec.Differences() {
		path := sourcePath(field)
		covered := d.Fit == spec.FitExact || elsewhere[field]
		for row := range rows {
			covered = covered || row == path || strings.HasPrefix(path, row+".") || strings.HasPrefix(row, path+".")
		}
		switch object, _, _ := strings.Cut(field, "."); object {
		// Their whole has one.
		case "redirects", "moved path", "redirect", "respond", "mirror", "weighted service", "edits", "headers", "tls", "Certificate":
			covered = true
		}
		if !covered {
			t.Errorf("%s: no row looks at it", field)
		}
	}
}

// TestEveryDifferenceHasARemedy: each id says what to do, and what shows it; and nothing is said of an id that is none.
func TestEveryDifferenceHasARemedy(t *testing.T) {
	for id, rule := range differenceRules() {
		if rule.ID != id || rule.Meaning != spec.DifferenceReason(id) || rule.Meaning == "" || rule.Remedy == "" || rule.Witness == "" {
			t.Errorf("the rule of %s is not whole: %+v", id, rule)
		}
		if rule.Source != "" && !strings.HasPrefix(rule.Source, "https://docs.aws.amazon.com/") {
			t.Errorf("%s: %s is no page of AWS", id, rule.Source)
		}
	}
	for id := range differenceRemedies {
		if spec.DifferenceReason(id) == "" {
			t.Errorf("%s: portability.yaml has no such id", id)
		}
	}
}

func TestDifferenceSeverity(t *testing.T) {
	f := func(fit spec.Fit, effect effect, author spec.Author, want finding.Severity) {
		t.Helper()
		s := said{row: &differs{fit: fit, effect: effect}, author: author}
		if got := s.severity(); got != want {
			t.Errorf("%s with effect %d by author %d is a %s, want %s", fit, effect, author, got, want)
		}
	}
	f(spec.FitNone, inside, spec.AuthorSpec, finding.Error)
	f(spec.FitNone, inside, spec.AuthorProfile, finding.Error)
	f(spec.FitNone, inside, spec.AuthorBuiltIn, finding.Warning)
	f(spec.FitNone, inside, spec.AuthorDefault, finding.Warning)
	f(spec.FitApproximate, outside, spec.AuthorSpec, finding.Warning)
	f(spec.FitApproximate, outside, spec.AuthorBuiltIn, finding.Note)
	f(spec.FitApproximate, inside, spec.AuthorSpec, finding.Note)
	f(spec.FitApproximate, protection, spec.AuthorDefault, finding.Warning)
}
