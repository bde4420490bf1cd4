package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// This file keeps out of the ledger what may be a secret, wherever and in whatever form it stands: fields that CloudFront and AWS
// WAF add to requests, what a rule compares a part of a request with that may be a credential, the code of functions, private
// keys.

// hiddenNames are values that are never shown, as the API and CloudFormation call them, and as Terraform does.
var hiddenNames = []string{
	"HeaderValue", "header_value", "FunctionCode", "code", "rule_json", "rules_json", "private_key", "certificate_body", "PrivateKey",
	"Passphrase", "SecretString",
}

// hiddenBelow are objects whose value is never shown: what is added to requests.
var hiddenBelow = []string{"InsertHeaders", "insert_header", "custom_header"}

// comparedNames are what a rule looks for.
var comparedNames = []string{"SearchString", "SearchStringBase64", "RegexString", "search_string", "regex_string"}

// publicFields are fields of requests in which no credential stands.
var publicFields = []string{
	"accept", "accept-encoding", "accept-language", "cloudfront-viewer-country", "content-encoding", "content-length", "content-type", "expect",
	"host", "if-modified-since", "origin", "range", "referer", "transfer-encoding", "upgrade", "user-agent", "via", "x-forwarded-for",
	"x-forwarded-host", "x-forwarded-proto", "x-http-method-override", "x-requested-with",
}

// secrets hides what may be a secret at and below a value.
func (s *source) secrets(n *schema.Node, below string) {
	compared := n.Get("FieldToMatch")
	if compared == nil {
		compared = lone(n.Get("field_to_match"))
	}
	for _, f := range n.Fields {
		switch {
		case slices.Contains(hiddenNames, f.Name), slices.Contains(hiddenBelow, below) && strings.EqualFold(f.Name, "value"),
			compared != nil && mayBeCredential(compared) && slices.Contains(comparedNames, f.Name):
			s.hide(f.Value)
		default:
			s.secrets(f.Value, f.Name)
		}
	}
	for _, item := range n.Items {
		s.secrets(item, below)
	}
}

// lone is a block of Terraform, which is a list of one in a state.
func lone(n *schema.Node) *schema.Node {
	if len(n.List()) == 1 {
		return n.Items[0]
	}
	return n
}

// mayBeCredential reports whether credentials may stand in the part of a request that a rule looks at: in doubt they do.
func mayBeCredential(part *schema.Node) bool {
	for _, f := range part.Fields {
		if isEmpty(f.Value) && f.Value.Kind != schema.Map {
			continue // a block of a state that is not there
		}
		switch strings.ReplaceAll(strings.ToLower(f.Name), "_", "") {
		case "uripath", "method", "uri", "ja3fingerprint", "ja4fingerprint", "body", "jsonbody":
			return false
		case "singleheader":
			return !slices.Contains(publicFields, strings.ToLower(nameIn(f.Value)))
		}
	}
	return true
}

// nameIn is the name that an object has, in the spelling of either side.
func nameIn(n *schema.Node) string {
	n = lone(n)
	if name := n.Get("name").String(); name != "" {
		return name
	}
	return n.Get("Name").String()
}
