package adopt

import (
	"skerry.dev/skerry/aws/schema"
)

// resource is one resource of the input, whatever form it had, with the properties that CloudFormation has for its type.
type resource struct {
	Type  string // "AWS::CloudFront::Distribution"
	Name  string // as messages name it: a logical id, Terraform's address, a name in AWS
	Props *schema.Node
	Code  *schema.Node // of a function: its code as text, where the form has it outside of the properties
	names []string     // by which other resources refer to it: ids, ARNs, logical ids
}

// found is all that the input says, in the shape of CloudFormation.
type found struct {
	resources []*resource // in the order of the files
	ledger    *ledger
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

// target is the resource of a type that a value refers to, by whatever name; nil: the input does not have it. A resource that only
// the value's own text identifies, as one that AWS manages, is none of the input.
func (f *found) target(n *schema.Node, resourceType string) *resource {
	name := n.String()
	if id, _, ok := n.Refers(); ok {
		name = id
	}
	if name == "" {
		return nil
	}
	for _, r := range f.resources {
		if r.Type != resourceType {
			continue
		}
		for _, known := range r.names {
			if known == name {
				return r
			}
		}
	}
	return nil
}
