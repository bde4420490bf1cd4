package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/terraform"
	"skerry.dev/skerry/spec"
)

// Target is what a deployment is written for.
type Target string

// The targets.
const (
	CloudFormation     Target = "cfn"       // a JSON template for each stack
	CloudFormationYAML Target = "cfn-yaml"  // the same in YAML
	Terraform          Target = "terraform" // one main.tf.json
	CDK                Target = "cdk"       // one manifest, which the construct SkerryEntrypoint takes
)

// Targets are all of them, in the order in which they are shown.
var Targets = []Target{CloudFormation, CloudFormationYAML, Terraform, CDK}

// File is one file of what was written.
type File struct {
	Name string // with slashes where it is in a folder: what belongs into a bucket
	Data []byte
}

// Output is a compiled spec.
type Output struct {
	Files    []File            // none where a finding is an error
	Findings []finding.Finding // the worst first
	Kept     int               // resources of what is deployed that stay until stacks that import them have changed
	Packing  []model.Choice    // how entrypoints were spread over distributions, and why
}

// Compile compiles a spec for a target and judges the result as Lint does. The error is about the compiler itself: what is wrong with the
// spec is a finding.
//
// deployed are the templates of CloudFormation that are deployed now, none for the first time or for other targets. What they share and
// nothing new uses stays in its stack, since CloudFormation removes nothing that a stack which comes later still imports: deploy the
// stacks in their order, then compile and deploy once more without it.
func Compile(s *spec.Spec, t Target, deployed []*cfn.Template) (*Output, error) {
	return new(Compiler).compile(s, t, deployed)
}

func (c *Compiler) compile(s *spec.Spec, t Target, deployed []*cfn.Template) (*Output, error) {
	if !slices.Contains(Targets, t) {
		return nil, fmt.Errorf("unknown target %q: it is none of %v", t, Targets)
	}
	d, findings, err := c.build(s)
	if err != nil {
		return nil, err
	}
	out := &Output{Findings: findings, Packing: d.Packing}
	for _, j := range c.stacks {
		out.Kept += j.file.Keep(deployed, d)
	}
	if t == Terraform {
		main, found, err := terraform.Emit(d)
		if err != nil {
			return nil, err
		}
		out.Findings = finding.Sort(append(out.Findings, found...))
		out.Files = []File{{"main.tf.json", main}}
	}
	if finding.Errors(out.Findings) > 0 {
		out.Files = nil
		return out, nil
	}
	switch t {
	case CloudFormation:
		out.Files = c.files(".json", cfn.File.JSON)
	case CloudFormationYAML:
		out.Files = c.files(".yaml", cfn.File.YAML)
	case CDK:
		out.Files = []File{{"skerry.manifest.json", c.manifest()}}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Files)) {
		out.Files = append(out.Files, File{name, d.Files[name]})
	}
	if d.Deployer != nil {
		out.Files = append(out.Files, File{"deployer-policy.json", indented(d.Deployer)})
	}
	return out, nil
}

func indented(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("BUG: what is written is no JSON: " + err.Error())
	}
	return append(data, '\n')
}

// manifest is what the construct of the CDK reads: the templates of the stacks and the order among them.
func (c *Compiler) manifest() []byte {
	type entry struct {
		Name     string          `json:"name"`
		Region   string          `json:"region"`
		After    []string        `json:"after"`
		Template json.RawMessage `json:"template"`
	}
	list := []entry{}
	for _, j := range c.stacks {
		f := j.file
		e := entry{Name: f.Stack.Name, Region: f.Stack.Region, After: []string{}, Template: f.JSON()}
		for _, a := range f.Stack.After {
			e.After = append(e.After, a.Name)
		}
		list = append(list, e)
	}
	return indented(map[string]any{"stacks": list})
}
