package aws

import (
	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/spec"
)

// LintSpec compiles a spec and returns what is to be said about it.
func LintSpec(s *spec.Spec) ([]finding.Finding, error) {
	_, _, findings, err := build(s)
	return findings, err
}

// LintTemplates judges templates of CloudFormation that belong together, of anybody.
func LintTemplates(list []*cfn.Template) []finding.Finding {
	var out []finding.Finding
	for _, t := range list {
		out = append(out, lint.Check(t, nil)...)
	}
	return finding.Sort(out)
}

// Templates are those that a spec becomes, errors or not.
func Templates(s *spec.Spec) ([]*cfn.Template, error) {
	_, stacks, _, err := build(s)
	var out []*cfn.Template
	for _, f := range stacks {
		out = append(out, f.Template())
	}
	return out, err
}
