package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

//go:embed terraform.json
var terraformJSON []byte

// TerraformSchema is what the AWS provider of Terraform takes and gives, for what the emitter writes.
type TerraformSchema struct {
	Source    string // what it was taken from, with its licence
	Version   string // of the provider
	ByHand    string // what of it nobody has checked against the provider
	Resources map[string]*TerraformBlock
	Data      map[string]*TerraformBlock
	Ephemeral map[string]*TerraformBlock
}

// TerraformBlock is the content of a block.
type TerraformBlock struct {
	Attributes map[string]*TerraformAttribute
	Blocks     map[string]*TerraformNested
}

// TerraformAttribute is a name with a value.
type TerraformAttribute struct {
	Collection string // list, set, map; empty: it is one value
	Type       string // string, number, bool; empty: objects, which are in Object
	Object     []TerraformField
	Required   bool
	Optional   bool
	Computed   bool // the provider fills it in where it is not written
	WriteOnly  bool // it is in no plan and in no state
}

// TerraformField is an attribute of an object. Terraform needs all of them there, with null for what is absent.
type TerraformField struct{ Name, Type string }

// TerraformNested is a block inside a block.
type TerraformNested struct {
	Nesting  string // list or set
	Min, Max int    // how often it stands there; Max 0: any number of times
	Block    *TerraformBlock
}

// Terraform is the embedded schema. It must not be changed.
func Terraform() *TerraformSchema { return loadTerraform() }

var loadTerraform = sync.OnceValue(func() *TerraformSchema {
	raw := struct {
		Source, Version, ByHand           string
		Resources, Data, Ephemeral, Types map[string]*terraformRaw
	}{}
	if err := json.Unmarshal(terraformJSON, &raw); err != nil {
		panic("BUG: terraform.json: " + err.Error())
	}
	b := terraformBuilder{types: raw.Types, made: map[string]*TerraformBlock{}}
	return &TerraformSchema{
		Source: raw.Source, Version: raw.Version, ByHand: raw.ByHand,
		Resources: b.all(raw.Resources), Data: b.all(raw.Data), Ephemeral: b.all(raw.Ephemeral),
	}
})

// terraformRaw is a block as it stands in the file. An attribute is its type and ! (required), ? (optional), = (computed), ~ (write only).
type terraformRaw struct {
	Nesting    string
	Min, Max   int
	Of         string // a type that stands in several places
	Attributes map[string]string
	Blocks     map[string]*terraformRaw
}

// terraformBuilder makes blocks; those of the same type are one.
type terraformBuilder struct {
	types map[string]*terraformRaw
	made  map[string]*TerraformBlock
}

func (b *terraformBuilder) all(raw map[string]*terraformRaw) map[string]*TerraformBlock {
	out := map[string]*TerraformBlock{}
	for name, r := range raw {
		out[name] = b.block(r)
	}
	return out
}

func (b *terraformBuilder) block(raw *terraformRaw) *TerraformBlock {
	if raw.Of != "" {
		if b.made[raw.Of] == nil {
			b.made[raw.Of] = b.block(b.types[raw.Of])
		}
		return b.made[raw.Of]
	}
	out := &TerraformBlock{Attributes: map[string]*TerraformAttribute{}, Blocks: map[string]*TerraformNested{}}
	for name, text := range raw.Attributes {
		a, err := terraformAttribute(text)
		if err != nil {
			panic("BUG: terraform.json: " + name + ": " + err.Error())
		}
		out.Attributes[name] = a
	}
	for name, r := range raw.Blocks {
		out.Blocks[name] = &TerraformNested{Nesting: r.Nesting, Min: r.Min, Max: r.Max, Block: b.block(r)}
	}
	return out
}

// terraformAttribute reads "set string ?=" and "list {a bool, b string} ?".
func terraformAttribute(text string) (*TerraformAttribute, error) {
	at := strings.LastIndexByte(text, ' ')
	if at < 0 {
		return nil, fmt.Errorf("%q has no flags", text)
	}
	flags := text[at+1:]
	a := &TerraformAttribute{
		Required: strings.Contains(flags, "!"), Optional: strings.Contains(flags, "?"),
		Computed: strings.Contains(flags, "="), WriteOnly: strings.Contains(flags, "~"),
	}
	of := text[:at]
	for _, c := range []string{"list", "set", "map"} {
		if rest, ok := strings.CutPrefix(of, c+" "); ok {
			a.Collection, of = c, rest
		}
	}
	if inner, ok := strings.CutPrefix(of, "{"); ok {
		for _, f := range strings.Split(strings.TrimSuffix(inner, "}"), ", ") {
			name, kind, _ := strings.Cut(f, " ")
			a.Object = append(a.Object, TerraformField{name, kind})
		}
		return a, nil
	}
	if of != "string" && of != "number" && of != "bool" {
		return nil, fmt.Errorf("%q: type %q", text, of)
	}
	a.Type = of
	return a, nil
}
