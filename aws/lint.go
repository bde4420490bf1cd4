package aws

import (
	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/spec"
)

// LintSpec compiles a spec and returns what is to be said about it.
func LintSpec(s *spec.Spec) ([]finding.Finding, error) {
	return new(Compiler).Lint(s)
}

// LintTemplates judges templates of CloudFormation that belong into one account, of anybody: each, and what they are together.
func LintTemplates(list []*cfn.Template) []finding.Finding { return lint.Together(list, nil) }

// Templates are those that a spec becomes, errors or not.
func Templates(s *spec.Spec) ([]*cfn.Template, error) {
	c := new(Compiler)
	_, _, err := c.build(s)
	var out []*cfn.Template
	for _, s := range c.stacks {
		out = append(out, s.template)
	}
	return out, err
}
