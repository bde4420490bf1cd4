package schema

import (
	"strconv"

	"skerry.dev/skerry/spec"
)

// Kind is what stands at a place of a template.
type Kind uint8

// The kinds. Unknown is a value that nobody knows before the resources exist, or before somebody chooses a parameter.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
	Unknown
)

// String is the kind as findings name it.
func (k Kind) String() string {
	return [...]string{"nothing", "true or false", "a number", "text", "a list", "an object", "unknown"}[k]
}

// Node is one value of a template. All methods take nil for what is not there.
type Node struct {
	Kind  Kind
	Text  string  // of a scalar: without quotes, "true" or "false", the digits of a number
	Items []*Node // of a list
	// Fields are those of an object, in the order in which they stand.
	Fields []Field
	At     spec.Pos
	Call   *Call // why it is unknown; nil: no reason is known
}

// Field is one name of an object with its value.
type Field struct {
	Name  string
	At    spec.Pos
	Value *Node
}

// Call is the function of CloudFormation that makes a value unknown.
type Call struct {
	Name      string  // "Ref", "Fn::GetAtt", "Fn::Sub"; "resolve" for a dynamic reference
	Resource  string  // logical id, where it refers to one resource of the template
	Attr      string  // of that resource; empty: what Ref returns for it
	Parameter string  // its name, where Ref names a parameter or a pseudo parameter
	Parts     []*Node // of a text that is known in part; each is text or unknown
	From      *Node   // what Fn::Select and Fn::Split take a part of; the name of what Fn::ImportValue imports
	Choices   []*Node // of Fn::If: what stands there if the condition holds, and if not; nil: nothing
}

// Get returns the value of a name; nil: there is none, or n is no object.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Path follows names from object to object.
func (n *Node) Path(names ...string) *Node {
	for _, name := range names {
		n = n.Get(name)
	}
	return n
}

// Known is whether there is a value and all of it at this place is known; what stands below may not be.
func (n *Node) Known() bool { return n != nil && n.Kind != Unknown }

// Open is whether there is a value that is unknown.
func (n *Node) Open() bool { return n != nil && n.Kind == Unknown }

// String is a known scalar's text.
func (n *Node) String() string {
	text, _ := n.AsText()
	return text
}

// AsText is a known scalar's text; false: there is none.
func (n *Node) AsText() (string, bool) {
	if n == nil || n.Kind != Text && n.Kind != Number && n.Kind != Bool {
		return "", false
	}
	return n.Text, true
}

// AsNumber is a known number, also one that is written as text, as CloudFormation accepts it.
func (n *Node) AsNumber() (float64, bool) {
	if n == nil || n.Kind != Number && n.Kind != Text {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return f, err == nil
}

// AsBool is a known switch, also one that is written as text.
func (n *Node) AsBool() (value, known bool) {
	if n == nil || n.Kind != Bool && n.Kind != Text {
		return false, false
	}
	return n.Text == "true", n.Text == "true" || n.Text == "false"
}

// List is the items of a list; nil of what is none.
func (n *Node) List() []*Node {
	if n == nil || n.Kind != List {
		return nil
	}
	return n.Items
}

// Refers is whether a value is a reference to one resource of the template, and to which attribute of it.
func (n *Node) Refers() (resource, attr string, ok bool) {
	if n == nil || n.Call == nil || n.Call.Resource == "" {
		return "", "", false
	}
	return n.Call.Resource, n.Call.Attr, true
}
