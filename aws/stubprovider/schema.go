package stubprovider

import (
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"skerry.dev/skerry/aws/schema"
)

// block is one of the schema's blocks as the protocol has it. Blocks of the same type are made once.
type blocks map[*schema.TerraformBlock]*tfprotov5.SchemaBlock

func (b blocks) all(of map[string]*schema.TerraformBlock) map[string]*tfprotov5.Schema {
	out := map[string]*tfprotov5.Schema{}
	for name, block := range of {
		out[name] = &tfprotov5.Schema{Version: 0, Block: b.block(block)}
	}
	return out
}

func (b blocks) block(of *schema.TerraformBlock) *tfprotov5.SchemaBlock {
	if made := b[of]; made != nil {
		return made
	}
	out := &tfprotov5.SchemaBlock{}
	for name, a := range of.Attributes {
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: typeOf(a), Required: a.Required, Optional: a.Optional, Computed: a.Computed, WriteOnly: a.WriteOnly,
		})
	}
	for name, n := range of.Blocks {
		nesting := tfprotov5.SchemaNestedBlockNestingModeList
		if n.Nesting == "set" {
			nesting = tfprotov5.SchemaNestedBlockNestingModeSet
		}
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Nesting: nesting, MinItems: int64(n.Min), MaxItems: int64(n.Max), Block: b.block(n.Block),
		})
	}
	b[of] = out
	return out
}

var scalars = map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool}

func typeOf(a *schema.TerraformAttribute) tftypes.Type {
	of := scalars[a.Type]
	if a.Object != nil {
		fields := map[string]tftypes.Type{}
		for _, f := range a.Object {
			fields[f.Name] = scalars[f.Type]
		}
		of = tftypes.Object{AttributeTypes: fields}
	}
	switch a.Collection {
	case "list":
		return tftypes.List{ElementType: of}
	case "set":
		return tftypes.Set{ElementType: of}
	case "map":
		return tftypes.Map{ElementType: of}
	}
	return of
}
