// Package finding is what the AWS target says about a spec, a template or an import: one diagnostic with a stable id.
//
// It owns the form and the printing; the rows of the catalogue stand with who finds them: compile, lint, adopt.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
)

// Severity is how bad a finding is.
type Severity uint8

// The severities. An error fails the command unless its id is allowed.
const (
	Note Severity = iota
	Warning
	Error
)

// String is the word that is printed.
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// Rule is a row of a catalogue: what holds for every finding with its id.
type Rule struct {
	ID       string // lower case with hyphens; never reused for something else
	Severity Severity
	Meaning  string // one sentence: what happens, or does not, on AWS
	Remedy   string // what to do about it
	Witness  string // a request, or a value, that shows it: "GET /a?b=1 with Cache-Control: no-cache"
	Source   string // where AWS says so; a URL, empty for what follows from the schema
}

// Finding is one diagnostic.
type Finding struct {
	Rule     *Rule
	Severity Severity // the rule's, unless the finder knows better
	Allowed  bool     // its id is allowed: it is a note, whatever the rule says
	At       spec.Pos // in the spec, or in the file that was linted; zero: unknown
	Path     string   // in the spec or in the template: "Resources.Distribution.Properties.DistributionConfig.Aliases"
	Subject  string   // the entrypoint, or the resource's logical id
	Text     string   // what is the matter here, with the values and the limit
}

// String is the finding in one line: place, severity, id, subject, text and remedy.
func (f Finding) String() string {
	var b strings.Builder
	if f.At.File != "" {
		fmt.Fprintf(&b, "%s: ", f.At)
	}
	fmt.Fprintf(&b, "%s %s", f.Severity, f.Rule.ID)
	if f.Subject != "" {
		fmt.Fprintf(&b, " %s", f.Subject)
	}
	fmt.Fprintf(&b, ": %s", f.Text)
	if f.Path != "" {
		fmt.Fprintf(&b, " (%s)", f.Path)
	}
	if f.Allowed {
		b.WriteString("; allowed")
	} else if f.Rule.Remedy != "" {
		fmt.Fprintf(&b, "; %s", f.Rule.Remedy)
	}
	return b.String()
}

// Sort orders findings by severity, the worst first, then by place, id and subject, and takes out those that are the same.
func Sort(list []Finding) []Finding {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Col, b.At.Col), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(list)
}

// Errors are how many findings fail a command.
func Errors(list []Finding) int {
	n := 0
	for _, f := range list {
		if f.Severity == Error {
			n++
		}
	}
	return n
}

// Allow makes the finding a note, since its id is allowed.
func (f *Finding) Allow() { f.Severity, f.Allowed = Note, true }
