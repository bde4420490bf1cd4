package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// resource is one resource of the input, whatever form it had, with the properties that CloudFormation has for its type.
type resource struct {
	Type  string // "AWS::CloudFront::Distribution"
	Name  string // as messages name it: a logical id, Terraform's address, a name in AWS
	Props *schema.Node
	Code  *schema.Node // of a function: its code as text, where the form has it outside of the properties
	// names are those by which other resources refer to it: ids, ARNs, logical ids; the first is its id in AWS, where that is known.
	names  []string
	lookup bool // it is not managed here: a data source of Terraform
}

// found is all that the input says, in the shape of CloudFormation.
type found struct {
	resources []*resource // in the order of the files
	ledger    *ledger
	files     []Document        // that are kept beside the documents
	problems  []finding.Finding // that are about no attribute
	templates []*cfn.Template
	leaves    int // that were read so far
}

// of are the resources of a type.
func (f *found) of(resourceType string) []*resource {
	var list []*resource
	for _, r := range f.resources {
		if r.Type == resourceType {
			list = append(list, r)
		}
	}
	return list
}

// target is the resource of a type that a value refers to, by whatever name; nil: the input does not have it. A resource that
// only the value's own text identifies, as one that AWS manages, is none of the input.
func (f *found) target(n *schema.Node, resourceType string) *resource {
	name := n.String()
	if id, _, ok := n.Refers(); ok {
		name = id
		if !strings.Contains(id, "#") { // a logical id is one of its own template
			name = logical(n.At.File, id)
		}
	}
	if name == "" {
		return nil
	}
	for _, r := range f.resources {
		if r.Type != resourceType {
			continue
		}
		if slices.Contains(r.names, name) || r.Type == typeFunction && r.Code != nil && strings.HasSuffix(name, ":function/"+r.names[0]) {
			return r
		}
	}
	return nil
}

// logical is a logical id as a name that tells templates apart.
func logical(file, id string) string { return file + "#" + id }
