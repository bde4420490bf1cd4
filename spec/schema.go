package spec

import (
	"encoding/json"
	"strings"
	"sync"
)

// A describer collects the schema of every object, the order of its fields, and the list of all fields, while the tables
// are walked.
type describer struct {
	defs  map[string]any
	order map[string][]string // names of the fields, by object
	rows  []string            // every field by the object whose table has it: "Policy.log", "match.path"
	// owners has the row of a field by the object that it stands in: "Entrypoint.log" is "Policy.log".
	owners map[string]string
	seen   map[string]bool
}

// row notes a field of an object; owner is the object whose table it was lifted from, if any.
func (d *describer) row(object, owner, name string) {
	d.order[object] = append(d.order[object], name)
	path := orElse(owner, object) + "." + name
	d.owners[object+"."+name] = path
	if !d.seen[path] {
		d.seen[path] = true
		d.rows = append(d.rows, path)
	}
}

// described is the outcome of one walk through every table, made once and never changed.
var described = sync.OnceValue(func() *description {
	d := &describer{defs: map[string]any{}, order: map[string][]string{}, owners: map[string]string{}, seen: map[string]bool{}}
	schema := d.document()
	return &description{schema, d}
})

type description struct {
	schema map[string]any
	*describer
}

// lastChoice is the schema itself, or the object of a choice between words and an object, which stands last, see switched.
func lastChoice(schema map[string]any) map[string]any {
	for {
		choice, ok := schema["anyOf"].([]any)
		if !ok {
			return schema
		}
		schema, _ = choice[len(choice)-1].(map[string]any)
	}
}

// objectIn is the name of the object that a schema is of, or is a choice of; empty: of none.
func objectIn(schema map[string]any) string {
	ref, _ := lastChoice(schema)["$ref"].(string)
	return strings.TrimPrefix(ref, "#/$defs/")
}

// document is the schema of a document of any kind.
func (d *describer) document() map[string]any {
	meta := metadataShape.describe(d)
	var names, cases []any
	for _, k := range kinds {
		names = append(names, k.name)
		cases = append(cases, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": k.name}}},
			"then": map[string]any{"properties": map[string]any{"spec": k.describe(d)}},
		})
	}
	values := map[string]map[string]any{
		"apiVersion": {"const": APIVersion}, "kind": {"enum": names}, "metadata": meta, "spec": {"type": "object"},
	}
	props, need := map[string]any{}, []string{}
	for _, e := range envelope {
		v := values[e.name]
		v["description"] = e.doc
		props[e.name] = v
		need = append(need, e.name)
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://skerry.dev/schema/v1.json",
		"title": "Skerry spec", "description": "One document of a Skerry spec.",
		"type": "object", "additionalProperties": false, "properties": props, "required": need,
		"allOf": cases, "$defs": d.defs,
	}
}

// Schema is the JSON Schema (2020-12) of one document of any kind, for editors. It knows fields, types and forms; what
// needs a look at other fields or documents is left to Parse.
func Schema() []byte {
	out, err := json.MarshalIndent(described().schema, "", "  ")
	if err != nil {
		panic("BUG: spec: the schema has no JSON form: " + err.Error())
	}
	return append(out, '\n')
}
