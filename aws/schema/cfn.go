package schema

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:embed cfn.json
var cfnJSON []byte

// Resource is what CloudFormation says of a resource type.
type Resource struct {
	Ref        []string            // the attributes that Ref returns; several are joined by |
	Attributes []string            // that Fn::GetAtt knows, sorted
	Properties map[string]Property // by name
}

// Property is what the schema says of one property.
type Property struct {
	Type     string   // string, integer, number, boolean, json, the name of a property type; with "list " or "map " before it
	Required bool     // it must be there
	Replaces bool     // a change of it makes a new resource
	Enum     []string // the texts that it may be, and the digits of numbers; empty: any
}

// object is a property type.
type object struct{ Properties map[string]Property }

type cfn struct {
	Source    string
	Resources map[string]*Resource
	Types     map[string]*object
}

// loadCFN reads the embedded schema once; it never changes after that.
var loadCFN = sync.OnceValue(func() *cfn {
	c := &cfn{}
	if err := json.Unmarshal(cfnJSON, c); err != nil {
		panic("BUG: cfn.json: " + err.Error())
	}
	return c
})

// UnmarshalJSON takes the values of an enumeration as texts, whatever they are.
func (p *Property) UnmarshalJSON(data []byte) error {
	var raw struct {
		Type               string
		Required, Replaces bool
		Enum               []json.RawMessage
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*p = Property{Type: raw.Type, Required: raw.Required, Replaces: raw.Replaces}
	for _, e := range raw.Enum {
		p.Enum = append(p.Enum, strings.Trim(string(e), `"`))
	}
	return nil
}

// ResourceType returns what the schema says of a type; nil: the type is not in it. It must not be changed.
func ResourceType(name string) *Resource { return loadCFN().Resources[name] }

// Source is what the CloudFormation schema was taken from, with its licence.
func Source() string { return loadCFN().Source }

// RefAttr is the attribute that Ref returns for a type; empty: no attribute is the same, or the type is not known.
func RefAttr(resourceType string) string {
	r := ResourceType(resourceType)
	if r == nil || len(r.Ref) != 1 {
		return ""
	}
	return r.Ref[0]
}

// HasAttribute is whether a type has an attribute. A type that is not in the schema may have any.
func HasAttribute(resourceType, attr string) bool {
	r := ResourceType(resourceType)
	if r == nil || attr == "" || attr == RefAttr(resourceType) {
		return true
	}
	_, found := slices.BinarySearch(r.Attributes, attr)
	return found
}
