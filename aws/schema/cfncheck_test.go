package schema_test

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/schema"
)

// text, list and object make values of a template.
func text(s string) *schema.Node { return &schema.Node{Kind: schema.Text, Text: s} }

func list(items ...*schema.Node) *schema.Node { return &schema.Node{Kind: schema.List, Items: items} }

func object(fields ...any) *schema.Node {
	n := &schema.Node{Kind: schema.Map}
	for i := 0; i < len(fields); i += 2 {
		n.Fields = append(n.Fields, schema.Field{Name: fields[i].(string), Value: fields[i+1].(*schema.Node)})
	}
	return n
}

func TestCheck(t *testing.T) {
	unknown := &schema.Node{Kind: schema.Unknown, Call: &schema.Call{Choices: []*schema.Node{nil, text("IPV5")}}}
	f := func(resourceType string, properties *schema.Node, want string) {
		t.Helper()
		var got []string
		for _, x := range schema.Check("A", resourceType, properties) {
			got = append(got, x.Rule.ID+" "+x.Path+": "+x.Text)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, want %q", resourceType, strings.Join(got, "; "), want)
		}
	}
	good := []any{"Addresses", list(text("192.0.2.0/24")), "IPAddressVersion", text("IPV4"), "Scope", text("CLOUDFRONT")}
	with := func(more ...any) *schema.Node { return object(append(more, good...)...) }
	f("AWS::WAFv2::IPSet", with(), "")
	f("AWS::Nobody::Knows", object("A", text("b")), "")
	f("AWS::WAFv2::IPSet", object("Scope", text("CLOUDFRONT")), "schema-required : Addresses is missing; schema-required : IPAddressVersion is missing")
	f("AWS::WAFv2::IPSet", with("name", text("a")), "schema-property name: there is no property name here; there is Name")
	f("AWS::WAFv2::IPSet", with("Tags", list(object("Key", text("a"), "Value", list()))), "schema-type Tags.0.Value: text is needed here, and this is a list")
	f("AWS::WAFv2::IPSet", with("Description", &schema.Node{}), "schema-null Description: null stands here")
	f("AWS::WAFv2::IPSet", with("Name", &schema.Node{Kind: schema.Number, Text: "1"}), "") // CloudFormation makes it text
	f("AWS::WAFv2::IPSet", object("Addresses", unknown, "IPAddressVersion", unknown, "Scope", &schema.Node{Kind: schema.Unknown}),
		`schema-type Addresses: a list is needed here, and this is text; schema-value IPAddressVersion: "IPV5" is not one of IPV4, IPV6`)
	f("AWS::WAFv2::IPSet", text("x"), "schema-type : an object is needed here, and this is text")
	f("AWS::CloudFront::Function", object("Name", text("a"), "FunctionCode", text("a"), "AutoPublish", text("true"), "FunctionConfig",
		object("Comment", text(""), "Runtime", text("cloudfront-js-2.0"))), "")
	f("AWS::Logs::LogGroup", object("RetentionInDays", text("7.5")), `schema-type RetentionInDays: a whole number is needed here, and this is "7.5"`)
}

func TestAttributes(t *testing.T) {
	f := func(resourceType, attr string, want bool) {
		t.Helper()
		if got := schema.HasAttribute(resourceType, attr); got != want {
			t.Errorf("%s.%s: %v", resourceType, attr, got)
		}
	}
	f("AWS::CloudFront::Distribution", "DomainName", true)
	f("AWS::CloudFront::Distribution", "Arn", false)
	f("AWS::CloudFront::Distribution", "", true)
	f("AWS::CloudFront::Function", "FunctionMetadata.FunctionARN", true)
	f("AWS::IAM::ManagedPolicy", "PolicyArn", true)
	f("AWS::Nobody::Knows", "Arn", true)
	if schema.RefAttr("AWS::CloudFront::KeyValueStore") != "Name" || schema.RefAttr("AWS::WAFv2::WebACL") != "" || schema.Source() == "" {
		t.Error("Ref of a type")
	}
}
