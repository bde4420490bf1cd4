package terraform

import (
	"reflect"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// shape is how a property is written.
type shape uint8

// The shapes. Each can be read back.
const (
	plain    shape = iota // a value is an attribute, an object a block, objects are blocks, anything in free JSON an empty block
	inline                // the properties of an object stand in the block around it
	counted               // of {Items, Quantity} only the list
	items                 // a list is a block with the attribute items
	number                // text that has only digits is a number
	digits                // a number is the text of its digits
	single                // of a list of objects with one property only its values
	each                  // each value of a list is a block with one attribute
	tags                  // a list of Key and Value is a map
	keyed                 // a map is blocks that name their key
	cases                 // a map is a block that has one for each key
	jsonText              // free JSON is its text
	bucket                // what says only that an origin is a bucket is nothing at all
	implied               // the type of resource says it
	aside                 // it becomes resources of its own
)

// field is a row of the tables: where a property goes, and how.
type field struct {
	to    string // the name; with dots, the blocks that it stands in
	shape shape
	inner string // of items: a count that stands beside it; of each: the attribute; of implied: the value
}

// fieldsOf are the properties of one struct of the model that are not plainly the same in snake case.
type fieldsOf map[string]field

// kind is a row of the resource types.
type kind struct {
	cfn, tf string
	attrs   map[string]string // of CloudFormation, to those of Terraform; "" is what Ref returns
	shared  bool              // others refer to it and its name changes with its content: the new one is made before the old one goes
	variant string            // its structs have rows of their own below this name
}

// kindOf finds the row of a resource; nil: Terraform has no such type, or nobody has mapped it.
func kindOf(p model.Properties) *kind {
	if d, ok := p.(*model.Distribution); ok && tenantOnly(d) {
		return &multitenant
	}
	for i := range kinds {
		if kinds[i].cfn == p.ResourceType() {
			return &kinds[i]
		}
	}
	return nil
}

func kindNamed(tf string) *kind {
	if tf == multitenant.tf {
		return &multitenant
	}
	for i := range kinds {
		if kinds[i].tf == tf {
			return &kinds[i]
		}
	}
	return nil
}

func tenantOnly(d *model.Distribution) bool {
	return d.DistributionConfig != nil && d.DistributionConfig.ConnectionMode == model.Text(connectionTenants)
}

// connectionTenants is how CloudFormation says that a distribution is multi-tenant.
const connectionTenants = "tenant-only"

// row is what the tables say of a property.
func row(variant string, of reflect.Type, f reflect.StructField) field {
	for _, name := range rowNames(variant, of.Name()) {
		if r, ok := properties[name][f.Name]; ok {
			return r
		}
	}
	if f.Type == tagsType {
		return field{to: "tags", shape: tags}
	}
	return field{to: snake(f.Name)}
}

var tagsType = reflect.TypeFor[[]*model.Tag]()

// rowNames are the rows of a struct, the most special first. Rules of web ACLs and of rule groups are the same.
func rowNames(variant, name string) []string {
	list := []string{name}
	for _, prefix := range []string{"WebACL", "RuleGroup"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && (prefix != "RuleGroup" || rest != "ReferenceStatement") {
			list = append(list, "Rules."+rest)
		}
	}
	if variant != "" {
		list = append([]string{variant + "." + name}, list...)
	}
	return list
}
