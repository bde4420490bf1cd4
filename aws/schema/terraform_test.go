package schema_test

import (
	"slices"
	"testing"

	"skerry.dev/skerry/aws/schema"
)

// block follows names of nested blocks.
func block(t *testing.T, resource string, names ...string) *schema.TerraformBlock {
	t.Helper()
	b := schema.Terraform().Resources[resource]
	for _, n := range names {
		if b == nil || b.Blocks[n] == nil {
			t.Fatalf("%s has no %v", resource, names)
		}
		b = b.Blocks[n].Block
	}
	return b
}

// TestTerraform holds a few lines of the extract to what the provider's documentation says.
func TestTerraform(t *testing.T) {
	s := schema.Terraform()
	if s.Version != "6.25.0" {
		t.Errorf("provider %s", s.Version)
	}
	attribute := func(b *schema.TerraformBlock, name string, want schema.TerraformAttribute) {
		t.Helper()
		a := b.Attributes[name]
		if a == nil {
			t.Errorf("no %s", name)
			return
		}
		if a.Collection != want.Collection || a.Type != want.Type || a.Required != want.Required || a.Optional != want.Optional || a.Computed != want.Computed ||
			a.WriteOnly != want.WriteOnly || !slices.Equal(a.Object, want.Object) {
			t.Errorf("%s is %+v, want %+v", name, *a, want)
		}
	}
	d := block(t, "aws_cloudfront_distribution")
	attribute(d, "enabled", schema.TerraformAttribute{Type: "bool", Required: true})
	attribute(d, "aliases", schema.TerraformAttribute{Collection: "set", Type: "string", Optional: true})
	attribute(d, "domain_name", schema.TerraformAttribute{Type: "string", Computed: true})
	attribute(block(t, "aws_secretsmanager_secret_version"), "secret_string_wo", schema.TerraformAttribute{Type: "string", Optional: true, WriteOnly: true})
	attribute(block(t, "aws_cloudwatch_log_delivery"), "s3_delivery_configuration", schema.TerraformAttribute{Collection: "list", Optional: true, Computed: true,
		Object: []schema.TerraformField{{Name: "enable_hive_compatible_path", Type: "bool"}, {Name: "suffix_path", Type: "string"}}})
	if o := d.Blocks["origin"]; o.Nesting != "set" || o.Min != 1 || o.Max != 0 {
		t.Errorf("origin is %+v", o)
	}
	if o := d.Blocks["ordered_cache_behavior"]; o.Nesting != "list" {
		t.Errorf("behaviours are a %s: their order counts", o.Nesting)
	}
}

// TestTerraformStatements holds the nesting of statements to three.
func TestTerraformStatements(t *testing.T) {
	for _, resource := range []string{"aws_wafv2_web_acl", "aws_wafv2_rule_group"} {
		b := block(t, resource, "rule", "statement", "and_statement", "statement", "or_statement", "statement", "not_statement", "statement")
		if b.Blocks["byte_match_statement"] == nil || b.Blocks["not_statement"] != nil {
			t.Errorf("%s: the fourth level holds %d kinds of statements", resource, len(b.Blocks))
		}
		b = block(t, resource, "rule", "statement", "rate_based_statement", "scope_down_statement", "not_statement", "statement", "and_statement", "statement")
		if b.Blocks["not_statement"] != nil {
			t.Errorf("%s: a scope-down statement nests too deep", resource)
		}
	}
	if block(t, "aws_wafv2_rule_group", "rule", "statement").Blocks["managed_rule_group_statement"] != nil {
		t.Error("a rule group holds managed groups")
	}
}
