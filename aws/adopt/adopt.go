package adopt

import (
	"fmt"
	"slices"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// File is a file of the input. Its form is recognised by its content; the name is for messages, and for what has no other name.
type File struct {
	Name string
	Data []byte
}

// Document is a file of the result.
type Document struct {
	Name string // "shop.yaml"; slashes between folders
	Data []byte
}

// Result is what the input says, as documents, and what has become of each attribute of it.
type Result struct {
	Documents []Document // of a spec; there may be some although findings are errors
	Files     []Document // code of functions, which no document says, kept for whoever goes on from here
	Ledger    []Row      // in the order of the input
	Findings  []finding.Finding
}

// Read reads all that is known of an edge on AWS, in one file or several, and says it as documents. What of it is not said, or
// not quite, is a finding of a rule: a note where the rule's id is in allow. It never fails: what cannot be read is a finding
// too.
func Read(files []File, allow []string) *Result {
	f := read(files)
	r := &Result{Documents: f.documents(), Files: f.files}
	f.ledger.close()
	f.ledger.printable()
	f.check(r.Documents)
	for _, row := range f.ledger.rows {
		row.Allowed = row.Rule != nil && slices.Contains(allow, row.Rule.ID)
		r.Ledger = append(r.Ledger, *row)
	}
	r.Findings = append(findings(r.Ledger), f.problems...)
	for i := range r.Findings {
		n := &r.Findings[i]
		n.Text, n.Subject, n.Path = oneLine(n.Text), oneLine(n.Subject), oneLine(n.Path)
		if slices.Contains(allow, r.Findings[i].Rule.ID) {
			r.Findings[i].Allow()
		}
	}
	r.Findings = finding.Sort(r.Findings)
	return r
}

// check has the documents read as the edge reads them: the input may have values that no spec takes.
func (f *found) check(documents []Document) {
	var files []spec.File
	for _, d := range documents {
		files = append(files, spec.File(d))
	}
	if len(files) == 0 {
		return
	}
	_, problems := spec.Parse(files)
	for _, p := range problems {
		text := p.Text
		if p.Fix != "" {
			text += " (" + p.Fix + ")"
		}
		f.problem(spec.Pos{File: p.File, Line: p.Line, Col: p.Col}, ruleInvalid, "", "%s", text)
	}
}

// findings are one for all rows of a resource that say the same by the same rule, at the first of them.
func findings(rows []Row) []finding.Finding {
	type cause struct {
		rule           *finding.Rule
		resource, text string
	}
	first, more := map[cause]int{}, map[cause]int{}
	var list []finding.Finding
	for i := range rows {
		row := &rows[i]
		c := cause{row.Rule, row.Resource, row.Text}
		if row.Rule == nil {
			continue
		}
		if n, known := first[c]; known {
			more[c]++
			list[n].Text = fmt.Sprintf("%s (and %d more of it)", row.Text, more[c])
			continue
		}
		first[c] = len(list)
		list = append(list, finding.Finding{
			Rule: row.Rule, Severity: row.Rule.Severity, At: row.At, Path: row.Pointer, Subject: row.Resource, Text: row.Text,
		})
	}
	return list
}
