package model

import (
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
)

// Deployment is everything that a spec becomes in one account.
type Deployment struct {
	Stacks   []*Stack          // in the order in which they can be deployed
	Packing  []Choice          // how entrypoints are spread over distributions, and why; what holds for all of them first
	Files    map[string][]byte // that are needed beside the resources, by name: what key value stores hold
	Deployer any               // the IAM policy of whoever deploys it, as free JSON; nil: unknown. It is no resource: it must be there before
}

// Choice is one decision about which entrypoints have a distribution together.
type Choice struct {
	Packing      string   // dedicated, shared or tenants
	Distribution string   // the logical id of the one distribution that it made; empty: it speaks of several
	Entrypoints  []string // by name
	Why          string   // a sentence, with the figures that led to it
}

// Stack is resources that are deployed together, all in one region.
type Stack struct {
	Name      string // letters, digits and hyphens
	Region    string
	Note      string // what it is for, one sentence
	Resources []*Resource
	Outputs   []Output
	After     []*Stack // that must be there before; what references go to is among them
}

// Output is a value that people and other tools need of a stack.
type Output struct {
	ID    string // letters and digits
	Note  string
	Value Value
}

// Properties are those of one resource: a pointer to one of the generated structs.
type Properties interface {
	// ResourceType is the type in CloudFormation: "AWS::CloudFront::Distribution".
	ResourceType() string
}

// Resource is one resource of a stack.
type Resource struct {
	ID        string // logical id: letters and digits, unique in the deployment, the same for the same thing whatever stands around it
	Props     Properties
	DependsOn []*Resource
	Retain    bool // it stays when it leaves the stack
	Stack     *Stack
	Owner     string   // of the entrypoint that it is for; empty: it is shared
	At        spec.Pos // where the spec asks for it
	marks     []mark
}

type mark struct {
	path string
	at   spec.Pos
}

// Mark notes where a property and all below it come from. path is names and indexes with dots: "DistributionConfig.CacheBehaviors.2".
func (r *Resource) Mark(path string, at spec.Pos) { r.marks = append(r.marks, mark{path, at}) }

// Unmark forgets what Mark noted.
func (r *Resource) Unmark() { r.marks = nil }

// Pos is where a property comes from: the place of the longest noted path that it is in, or that of the resource.
func (r *Resource) Pos(path string) spec.Pos {
	at, longest := r.At, -1
	for _, m := range r.marks {
		if within := path == m.path || strings.HasPrefix(path, m.path+"."); within && len(m.path) > longest {
			at, longest = m.at, len(m.path)
		}
	}
	return at
}

// Type is that of its properties.
func (r *Resource) Type() string { return r.Props.ResourceType() }

// Add puts resources into the stack.
func (s *Stack) Add(list ...*Resource) {
	for _, r := range list {
		r.Stack = s
	}
	s.Resources = append(s.Resources, list...)
}

// Resource finds a resource by its logical id; nil: there is none.
func (d *Deployment) Resource(id string) *Resource {
	for _, s := range d.Stacks {
		if i := slices.IndexFunc(s.Resources, func(r *Resource) bool { return r.ID == id }); i >= 0 {
			return s.Resources[i]
		}
	}
	return nil
}
