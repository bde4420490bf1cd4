package schema

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/finding"
)

// What a template says that its schema does not have. CloudFormation refuses all of it before it touches a resource.
var (
	unknownProperty = &finding.Rule{
		ID: "schema-property", Severity: finding.Error, Meaning: "CloudFormation refuses a property that the type does not have",
		Remedy: "take the name from the reference of the resource type", Witness: "DistributionConfig.Alias instead of Aliases",
	}
	missingProperty = &finding.Rule{
		ID: "schema-required", Severity: finding.Error, Meaning: "CloudFormation refuses a resource without a property that it needs",
		Remedy: "add it", Witness: "an origin without DomainName",
	}
	wrongType = &finding.Rule{
		ID: "schema-type", Severity: finding.Error, Meaning: "CloudFormation refuses a value of another type than the property has",
		Remedy: "write a value of that type", Witness: "Aliases: www.example.com instead of a list",
	}
	wrongValue = &finding.Rule{
		ID: "schema-value", Severity: finding.Error, Meaning: "the service refuses a value that is not among those that the property may have",
		Remedy: "write one of them, in the same case", Witness: "Scope: Cloudfront",
	}
	nullValue = &finding.Rule{
		ID: "schema-null", Severity: finding.Error, Meaning: "CloudFormation refuses null",
		Remedy: `leave the property out, or write {"Ref": "AWS::NoValue"}`, Witness: "Comment: null",
	}
)

// Rules are the rows of the catalogue that Check finds.
func Rules() []*finding.Rule {
	return []*finding.Rule{unknownProperty, missingProperty, wrongType, wrongValue, nullValue}
}

// Check holds the properties of a resource against the schema of its type. Findings have the place in the template, and a
// path below the properties in Path. A type that is not in the schema has none, nor has what is unknown.
func Check(id, resourceType string, properties *Node) []finding.Finding {
	r := ResourceType(resourceType)
	if r == nil {
		return nil
	}
	c := &checker{id: id, types: loadCFN().Types}
	c.object(r.Properties, properties)
	return c.found
}

type checker struct {
	id    string
	types map[string]*object
	path  []string
	found []finding.Finding
}

func (c *checker) find(rule *finding.Rule, n *Node, format string, args ...any) {
	c.found = append(c.found, finding.Finding{
		Rule: rule, Severity: rule.Severity, At: n.At, Path: strings.Join(c.path, "."), Subject: c.id, Text: fmt.Sprintf(format, args...),
	})
}

// within checks a value below a name or an index.
func (c *checker) within(name string, check func()) {
	c.path = append(c.path, name)
	check()
	c.path = c.path[:len(c.path)-1]
}

func (c *checker) object(of map[string]Property, n *Node) {
	if n.Kind == Unknown {
		return
	}
	if n.Kind != Map {
		c.find(wrongType, n, "an object is needed here, and this is %s", n.Kind)
		return
	}
	for i := range n.Fields {
		f := &n.Fields[i]
		p, known := of[f.Name]
		c.path = append(c.path, f.Name)
		if known {
			c.value(p, p.Type, f.Value)
		} else {
			at := Node{At: f.At}
			c.find(unknownProperty, &at, "there is no property %s here%s", f.Name, near(f.Name, of))
		}
		c.path = c.path[:len(c.path)-1]
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if of[name].Required && n.Get(name) == nil {
			c.find(missingProperty, n, "%s is missing", name)
		}
	}
}

// near names the property that was meant, if one is like it.
func near(name string, of map[string]Property) string {
	for _, p := range slices.Sorted(maps.Keys(of)) {
		a, b := strings.ToLower(name), strings.ToLower(p)
		if a == b || strings.TrimSuffix(a, "s") == strings.TrimSuffix(b, "s") || len(a) > 5 && (strings.Contains(a, b) || strings.Contains(b, a)) {
			return "; there is " + p
		}
	}
	return ""
}

func (c *checker) value(p Property, kind string, n *Node) {
	switch n.Kind {
	case Unknown:
		for _, choice := range choices(n) {
			c.value(p, kind, choice)
		}
		return
	case Null:
		c.find(nullValue, n, "null stands here")
		return
	}
	of, rest, _ := strings.Cut(kind, " ")
	switch of {
	case "json":
	case "list":
		c.list(p, rest, n)
	case "map":
		if n.Kind != Map {
			c.find(wrongType, n, "an object is needed here, and this is %s", n.Kind)
			return
		}
		for _, f := range n.Fields {
			c.within(f.Name, func() { c.value(Property{}, rest, f.Value) })
		}
	case "string", "integer", "number", "boolean":
		c.scalar(p, of, n)
	default:
		c.object(c.types[kind].Properties, n)
	}
}

// choices are what an unknown value may be, where a condition decides.
func choices(n *Node) (list []*Node) {
	if n.Call != nil {
		for _, choice := range n.Call.Choices {
			if choice != nil {
				list = append(list, choice)
			}
		}
	}
	return list
}

func (c *checker) list(p Property, of string, n *Node) {
	if n.Kind != List {
		c.find(wrongType, n, "a list is needed here, and this is %s", n.Kind)
		return
	}
	for i, item := range n.Items {
		c.within(strconv.Itoa(i), func() { c.value(Property{Enum: p.Enum}, of, item) })
	}
}

// scalar takes text for numbers and switches and the other way round, as CloudFormation does.
func (c *checker) scalar(p Property, kind string, n *Node) {
	text, ok := n.AsText()
	if !ok {
		c.find(wrongType, n, "%s is needed here, and this is %s", scalarNames[kind], n.Kind)
		return
	}
	switch kind {
	case "boolean":
		if _, known := n.AsBool(); !known {
			c.find(wrongType, n, "true or false is needed here, and this is %q", short(text))
		}
	case "integer", "number":
		f, isNumber := n.AsNumber()
		if !isNumber || kind == "integer" && f != math.Trunc(f) {
			c.find(wrongType, n, "%s is needed here, and this is %q", scalarNames[kind], short(text))
			return
		}
	}
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, text) {
		c.find(wrongValue, n, "%q is not one of %s", short(text), strings.Join(p.Enum, ", "))
	}
}

var scalarNames = map[string]string{"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}

// short is a value as findings show it.
func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
