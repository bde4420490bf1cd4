package cdk_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "rewrite spec.ts")

// TestTypes holds the types of the package against the schema of the spec.
func TestTypes(t *testing.T) {
	want := types(t, spec.Schema())
	if *update {
		if err := os.WriteFile("spec.ts", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("spec.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("spec.ts is not what the schema says: go test ./aws/cdk -update rewrites it")
	}
}

// node is what is read of a schema: the rest narrows values further than types can.
type node struct {
	Ref         string           `json:"$ref"`
	Type        any              `json:"type"` // a name, or a list of some
	Const       any              `json:"const"`
	Enum        []any            `json:"enum"`
	AnyOf       []*node          `json:"anyOf"`
	Properties  map[string]*node `json:"properties"`
	Required    []string         `json:"required"`
	Additional  json.RawMessage  `json:"additionalProperties"`
	Items       *node            `json:"items"`
	Description string           `json:"description"`
	Default     any              `json:"default"`
	Defs        map[string]*node `json:"$defs"`
	AllOf       []struct {
		If, Then struct {
			Properties map[string]*node `json:"properties"`
		}
	} `json:"allOf"`
}

func types(t *testing.T, schema []byte) []byte {
	var root node
	if err := json.Unmarshal(schema, &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("// Code generated from the JSON Schema of the spec by `go test ./aws/cdk -update`. DO NOT EDIT.\n")
	for _, name := range slices.Sorted(maps.Keys(root.Defs)) {
		n := root.Defs[name]
		b.WriteString("\n" + comment("", n))
		if len(n.Properties) > 0 {
			fmt.Fprintf(&b, "export interface %s %s\n", typeName(name), n.object(""))
		} else {
			fmt.Fprintf(&b, "export type %s = %s;\n", typeName(name), n.text(""))
		}
	}
	b.WriteString("\n/** One document of a spec. */\nexport type Document =")
	for _, kind := range root.AllOf {
		head := fmt.Sprintf("readonly apiVersion: %s; readonly kind: %s", literal(root.Properties["apiVersion"].Const), literal(kind.If.Properties["kind"].Const))
		fmt.Fprintf(&b, "\n  | { %s; readonly metadata: %s; readonly spec: %s }", head, root.Properties["metadata"].text(""), kind.Then.Properties["spec"].text(""))
	}
	b.WriteString(";\n")
	return []byte(b.String())
}

// text is a schema as a type.
func (n *node) text(indent string) string {
	switch {
	case n.Ref != "":
		return typeName(strings.TrimPrefix(n.Ref, "#/$defs/"))
	case n.Const != nil:
		return literal(n.Const)
	case len(n.Enum) > 0:
		var out []string
		for _, v := range n.Enum {
			out = append(out, literal(v))
		}
		return strings.Join(out, " | ")
	case len(n.AnyOf) > 0:
		var out []string
		for _, a := range n.AnyOf {
			if s := a.text(indent); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return strings.Join(out, " | ")
	}
	if several, ok := n.Type.([]any); ok {
		var out []string
		for _, one := range several {
			alone := *n
			alone.Type = one
			out = append(out, alone.text(indent))
		}
		return strings.Join(out, " | ")
	}
	return n.named(indent)
}

// named is a schema that has the name of one type.
func (n *node) named(indent string) string {
	switch n.Type {
	case "string":
		return "string"
	case "integer", "number":
		return "number"
	case "boolean":
		return "boolean"
	case "null":
		return "null"
	case "array":
		if n.Items == nil {
			return "readonly unknown[]"
		}
		if item := n.Items.text(indent); strings.Contains(item, " ") {
			return "ReadonlyArray<" + item + ">"
		} else {
			return "readonly " + item + "[]"
		}
	case "object":
		if len(n.Properties) > 0 {
			return n.object(indent)
		}
		var values node
		if json.Unmarshal(n.Additional, &values) == nil {
			return "Readonly<Record<string, " + values.text(indent) + ">>"
		}
		return "Readonly<Record<string, unknown>>"
	}
	return "unknown"
}

func (n *node) object(indent string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		p, optional := n.Properties[name], "?"
		if slices.Contains(n.Required, name) {
			optional = ""
		}
		key := name
		if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			key = literal(name)
		}
		b.WriteString(comment(indent+"  ", p))
		fmt.Fprintf(&b, "%s  readonly %s%s: %s;\n", indent, key, optional, p.text(indent+"  "))
	}
	return b.String() + indent + "}"
}

func comment(indent string, n *node) string {
	text := n.Description
	if n.Default != nil {
		text += " Default: " + literal(n.Default) + "."
	}
	if text = strings.TrimSpace(strings.ReplaceAll(text, "*/", "*\\/")); text == "" {
		return ""
	}
	return indent + "/** " + text + " */\n"
}

func literal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("BUG: a value of JSON that is none: " + err.Error())
	}
	return strings.TrimSpace(b.String())
}

// typeName makes "cache key" CacheKey.
func typeName(def string) string {
	var b strings.Builder
	for _, word := range strings.Fields(def) {
		if word == "aws" {
			b.WriteString("AWS")
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
