package adopt

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
)

// edgeWith is a template with one distribution: more of its config, of its origin, of its default behaviour, and further
// resources.
func edgeWith(config, origin, behavior, resources string) File {
	if origin == "" {
		origin = "DomainName: origin.example.net\n            CustomOriginConfig: {OriginProtocolPolicy: https-only}"
	}
	lines := []string{
		"Resources:", "  Edge:", "    Type: AWS::CloudFront::Distribution", "    Properties:", "      DistributionConfig:",
		"        Enabled: true", "        Aliases: [www.example.com]", "        " + config, "        Origins:",
		"          - Id: o", "            " + origin,
		"        DefaultCacheBehavior:", "          TargetOriginId: o", "          ViewerProtocolPolicy: redirect-to-https",
		"          " + behavior, resources,
	}
	return File{"edge.yaml", []byte(strings.Join(lines, "\n") + "\n")}
}

// ruled is a web ACL in front of it, with rules in YAML, each one a line.
func ruled(resources string, rules ...string) File {
	acl := "  Acl:\n    Type: AWS::WAFv2::WebACL\n    Properties:\n      Scope: CLOUDFRONT\n      DefaultAction: {Allow: {}}\n      Rules:\n"
	for _, r := range rules {
		acl += "        - {" + r + "}\n"
	}
	return edgeWith("WebACLId: !GetAtt Acl.Arn", "", "", acl+resources)
}

func errorsOf(r *Result) (ids []string) {
	for _, f := range r.Findings {
		if f.Severity == finding.Error {
			ids = append(ids, f.Rule.ID)
		}
	}
	return ids
}

// TestGuardsAreErrors loses one thing that protects in each input. Each is an error: never exact, and never a warning alone.
func TestGuardsAreErrors(t *testing.T) {
	const custom = "            CustomOriginConfig: {OriginProtocolPolicy: https-only}"
	f := func(name, id string, files ...File) {
		t.Helper()
		r := Read(files, nil)
		if !slices.Contains(errorsOf(r), id) {
			t.Errorf("%s: no error %s, but %v\n%s", name, id, errorsOf(r), outputs(r)["ledger.txt"])
		}
	}
	f("a web ACL that is not there", "import-web-acl-missing", edgeWith("WebACLId: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b'", "", "", ""))
	f("signed by key groups", "import-signed-paths", edgeWith("", "", "TrustedKeyGroups: [k]", ""))
	f("signed by accounts", "import-signed-paths", edgeWith("", "", "TrustedSigners: [self]", ""))
	f("countries", "import-countries", edgeWith("Restrictions: {GeoRestriction: {RestrictionType: whitelist, Locations: [DE]}}", "", "", ""))
	f("countries by parameter", "import-countries", edgeWith("Restrictions: {GeoRestriction: {RestrictionType: !ImportValue kind}}", "", "", ""))
	f("client certificates", "import-client-certificates", edgeWith("ViewerMtlsConfig: {Mode: required}", "", "", ""))
	f("client certificates by parameter", "import-client-certificates", edgeWith("ViewerMtlsConfig: {Mode: !ImportValue mode}", "", "", ""))
	f("a function", "import-function", edgeWith("", "", "FunctionAssociations: [{EventType: viewer-request, FunctionARN: x}]", ""))
	f("Lambda@Edge", "import-function", edgeWith("", "", "LambdaFunctionAssociations: [{EventType: viewer-request, LambdaFunctionARN: x}]", ""))
	f("an access control of what is no bucket", "import-origin-open",
		edgeWith("", "DomainName: media.example.net\n            OriginAccessControlId: !Ref Control\n"+custom, "",
			"  Control:\n    Type: AWS::CloudFront::OriginAccessControl\n    Properties: {OriginAccessControlConfig: {Name: c, OriginAccessControlOriginType: mediastore, "+
				"SigningBehavior: always, SigningProtocol: sigv4}}\n"))
	for _, host := range []string{"169.254.169.254", "127.0.0.1", "10.0.0.1", "127.1", "0x7f.1", "a.localhost", "metadata.google.internal"} {
		r := Read([]File{edgeWith("", "DomainName: "+host+"\n"+custom, "", "")}, nil)
		if len(errorsOf(r)) == 0 || strings.Contains(string(r.Documents[0].Data), host) {
			t.Errorf("origin %s: %v, in\n%s", host, errorsOf(r), r.Documents[0].Data)
		}
	}
	const block = "Action: {Block: {}}, "
	field := func(of, how, text, steps string) string {
		return "ByteMatchStatement: {FieldToMatch: {" + of + "}, PositionalConstraint: " + how + ", SearchString: " + text + ", TextTransformations: [{Priority: 0, Type: " + steps + "}]}"
	}
	regex := func(text, steps string) string {
		return "RegexMatchStatement: {FieldToMatch: {UriPath: {}}, RegexString: '" + text + "', TextTransformations: [" + steps + "]}"
	}
	f("a rule about a field", "import-waf-block", ruled("", "Name: r, Priority: 1, "+block+"Statement: {"+field("SingleHeader: {Name: a}", "EXACTLY", "x", "NONE")+"}"))
	f("a rule about dot segments", "import-waf-block", ruled("", "Name: r, Priority: 1, "+block+"Statement: {"+regex(undottedRegex, "{Priority: 0, Type: NONE}")+"}"))
	f("paths with other capitals", "import-waf-narrow", ruled("", "Name: r, Priority: 1, "+block+"Statement: {"+field("UriPath: {}", "EXACTLY", "/admin", "LOWERCASE")+"}"))
	f("extensions that the Core Rule Set lets pass", "import-waf-narrow", ruled("", "Name: r, Priority: 1, "+block+"Statement: {"+
		regex(`\.(?:php|bak)$`, "{Priority: 0, Type: URL_DECODE}, {Priority: 1, Type: LOWERCASE}")+"}"))
	group := func(name, more string) string {
		return "Name: " + name + ", Priority: 5, OverrideAction: {None: {}}, Statement: {ManagedRuleGroupStatement: {VendorName: AWS, Name: AWSManagedRules" + name + more + "}}"
	}
	f("bad addresses", "import-waf-managed-lost", ruled("", group("AmazonIpReputationList", "")))
	f("anonymous addresses", "import-waf-group", ruled("", group("AnonymousIpList", "")))
	f("what is labelled and nothing stands for", "import-waf-block",
		ruled("", group("CommonRuleSet", ", RuleActionOverrides: [{Name: SizeRestrictions_QUERYSTRING, ActionToUse: {Count: {}}}]"),
			"Name: r, Priority: 6, "+block+"Statement: {LabelMatchStatement: {Scope: LABEL, Key: 'awswaf:managed:aws:core-rule-set:SizeRestrictions_QueryString'}}"))
	label := func(name, of string) string {
		return "Name: " + name + ", Priority: 1, Action: {Count: {}}, RuleLabels: [{Name: 'l:x'}], Statement: {" + of + "}"
	}
	labelled := "Name: r, Priority: 3, " + block + "Statement: {LabelMatchStatement: {Scope: LABEL, Key: 'l:x'}}"
	f("a label of addresses and of a path", "import-waf-block",
		ruled("", label("a", "GeoMatchStatement: {CountryCodes: [DE]}"), label("b", field("UriPath: {}", "EXACTLY", "/b", "NONE")), labelled))
	if r := Read([]File{ruled("", label("a", field("UriPath: {}", "EXACTLY", "/a", "NONE")), label("b", field("UriPath: {}", "EXACTLY", "/b", "NONE")), labelled)}, nil); len(
		errorsOf(r)) > 0 || strings.Count(string(r.Documents[0].Data), "maintenance") != 2 {
		t.Errorf("a label of two paths: %v\n%s", errorsOf(r), r.Documents[0].Data)
	}
	f("rates of forwarded addresses", "import-waf-rate-lost", ruled("", "Name: r, Priority: 1, "+block+"Statement: {RateBasedStatement: {Limit: 100, AggregateKeyType: FORWARDED_IP}}"))
	f("a group that only counts where it is seen first", "import-waf-block", ruled(
		"  Group:\n    Type: AWS::WAFv2::RuleGroup\n    Properties:\n      Scope: CLOUDFRONT\n      Capacity: 10\n      Rules:\n        - {Name: inner, Priority: 1, "+
			block+"Statement: {"+field("SingleHeader: {Name: a}", "EXACTLY", "x", "NONE")+"}}\n",
		"Name: first, Priority: 1, OverrideAction: {Count: {}}, Statement: {RuleGroupReferenceStatement: {Arn: !GetAtt Group.Arn}}",
		"Name: again, Priority: 2, OverrideAction: {None: {}}, Statement: {RuleGroupReferenceStatement: {Arn: !GetAtt Group.Arn}}"))
}

// TestSharedPolicies has a policy that means nothing to the files of a bucket, and something to the server of another behaviour.
func TestSharedPolicies(t *testing.T) {
	file := edgeWith("", "DomainName: files.s3.eu-central-1.amazonaws.com\n            S3OriginConfig: {OriginAccessIdentity: ''}\n"+
		"          - Id: server\n            DomainName: origin.example.net\n            CustomOriginConfig: {OriginProtocolPolicy: https-only}",
		"CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad\n          OriginRequestPolicyId: !Ref Country\n        CacheBehaviors:\n"+
			"          - {PathPattern: /api/*, TargetOriginId: o, ViewerProtocolPolicy: https-only, OriginRequestPolicyId: !Ref Country}\n"+
			"          - {PathPattern: /server/*, TargetOriginId: server, ViewerProtocolPolicy: https-only, OriginRequestPolicyId: !Ref Country}",
		"  Country:\n    Type: AWS::CloudFront::OriginRequestPolicy\n    Properties:\n      OriginRequestPolicyConfig:\n        Name: country\n"+
			"        HeadersConfig: {HeaderBehavior: whitelist, Headers: [CloudFront-Viewer-Country]}\n        CookiesConfig: {CookieBehavior: none}\n"+
			"        QueryStringsConfig: {QueryStringBehavior: none}\n")
	if r := Read([]File{file}, nil); !slices.Contains(errorsOf(r), "import-cloudfront-fields") {
		t.Errorf("%v\n%s", errorsOf(r), outputs(r)["ledger.txt"])
	}
}

// TestSecretsAreNotShown has secrets in each place where they may stand, and looks for them in all that comes out.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2"
	f := func(name string, file File) {
		t.Helper()
		r := Read([]File{file}, nil)
		for what, data := range outputs(r) {
			if strings.Contains(string(data), secret) && !strings.HasPrefix(what, "functions/") {
				t.Errorf("%s: %s has the secret:\n%s", name, what, data)
			}
		}
	}
	const custom = "DomainName: origin.example.net\n            CustomOriginConfig: {OriginProtocolPolicy: https-only}\n            OriginCustomHeaders: "
	f("a field", edgeWith("", custom+"[{HeaderName: X-Custom-Header, HeaderValue: hunter2}]", "", ""))
	f("a field of a value put together", edgeWith("", custom+"[{HeaderName: X-A, HeaderValue: !Sub 'hunter2-${AWS::Region}'}]", "", ""))
	f("a field under a condition", edgeWith("", custom+"!If [Some, [{HeaderName: X-A, HeaderValue: hunter2}], !Ref AWS::NoValue]", "", ""))
	f("the code of a function", edgeWith("", "", "", "  Auth:\n    Type: AWS::CloudFront::Function\n    Properties: {Name: auth, FunctionCode: 'var a = `hunter2`'}\n"))
	f("code in a file", File{"auth.js", []byte("var a = `hunter2`")})
	compare := func(of, value string) string {
		return "Name: r, Priority: 1, Action: {Block: {}}, Statement: {NotStatement: {Statement: {ByteMatchStatement: {FieldToMatch: {" + of +
			"}, PositionalConstraint: EXACTLY, " + value + ", TextTransformations: [{Priority: 0, Type: NONE}]}}}}"
	}
	f("what a field has to be", ruled("", compare("SingleHeader: {Name: X-Api-Key}", "SearchString: hunter2")))
	f("what a field has to be, in base64", ruled("", compare("SingleHeader: {Name: X-Api-Key}", "SearchStringBase64: aHVudGVyMg==")))
	f("what a cookie has to be", ruled("", compare("Cookies: {MatchPattern: {All: {}}, MatchScope: VALUE, OversizeHandling: MATCH}", "SearchString: hunter2")))
	f("what a parameter has to be", ruled("", compare("SingleQueryArgument: {Name: key}", "SearchString: hunter2")))
	f("what is added to requests", ruled("", "Name: r, Priority: 1, Action: {Count: {CustomRequestHandling: {InsertHeaders: [{Name: a, Value: hunter2}]}}}, Statement: {GeoMatchStatement: {CountryCodes: [DE]}}"))
	f("a state of Terraform", File{"terraform.tfstate", []byte(`{"version": 4, "terraform_version": "1.9.0", "resources": [
		{"mode": "managed", "type": "aws_cloudfront_distribution", "name": "a", "instances": [{"attributes": {"aliases": ["www.example.com"], "enabled": true,
			"origin": [{"origin_id": "o", "domain_name": "origin.example.net", "custom_header": [{"name": "X-A", "value": "hunter2"}]}]}}]},
		{"mode": "managed", "type": "aws_wafv2_web_acl", "name": "b", "instances": [{"attributes": {"scope": "CLOUDFRONT", "rule": [{"name": "r", "priority": 1,
			"action": [{"block": [{}]}], "statement": [{"byte_match_statement": [{"positional_constraint": "EXACTLY", "search_string": "hunter2",
			"field_to_match": [{"single_header": [{"name": "x-api-key"}], "uri_path": []}], "text_transformation": [{"priority": 0, "type": "NONE"}]}]}]}]}}]}]}`)})
}

// TestSecretByReference has the ARN of a secret in a dynamic reference: nothing of it is lost.
func TestSecretByReference(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:edge-a1b2c3"
	r := Read([]File{edgeWith("", "DomainName: origin.example.net\n            CustomOriginConfig: {OriginProtocolPolicy: https-only}\n"+
		"            OriginCustomHeaders: [{HeaderName: X-Origin-Secret, HeaderValue: '{{resolve:secretsmanager:"+arn+":SecretString}}'}]", "", "")}, nil)
	for _, row := range r.Ledger {
		if strings.Contains(row.Pointer, "OriginCustomHeaders") && row.Verdict != Exact {
			t.Errorf("%s", row)
		}
	}
	if !strings.Contains(string(r.Documents[0].Data), `secret: "`+arn+`"`) {
		t.Errorf("no aws.secret in\n%s", r.Documents[0].Data)
	}
}

// TestSeveralRates has two rates for one path, neither of which is the stricter one.
func TestSeveralRates(t *testing.T) {
	rate := func(name, of string) string {
		return "Name: " + name + ", Priority: 1, Action: {Block: {}}, Statement: {RateBasedStatement: {AggregateKeyType: IP, " + of + "}}"
	}
	r := Read([]File{ruled("", rate("short", "Limit: 20, EvaluationWindowSec: 60"), rate("long", "Limit: 100, EvaluationWindowSec: 600"),
		rate("mild", "Limit: 5000, EvaluationWindowSec: 60"))}, nil)
	if text := string(r.Documents[0].Data); !strings.Contains(text, "limit: {perAddress: 10/m, burst: 20}") {
		t.Errorf("the smaller rate and the smaller burst are wanted in\n%s", text)
	}
	ledger := string(outputs(r)["ledger.txt"])
	for _, want := range []string{
		"where the rate long holds too, the limit has the smaller rate", "where the rate short holds too, the limit has the smaller rate",
		"of the rate mild become 5000/m with a burst of 5000, by token bucket; an IPv6 address counts by its /64; where the rate short holds too, that one is the limit",
	} {
		if !strings.Contains(ledger, want) {
			t.Errorf("%q is wanted in\n%s", want, ledger)
		}
	}
}

// TestBase64InTemplates reads what a template looks for in base64 as the same text without.
func TestBase64InTemplates(t *testing.T) {
	r := Read([]File{ruled("", "Name: r, Priority: 1, Action: {Block: {}}, Statement: {ByteMatchStatement: {FieldToMatch: {UriPath: {}}, PositionalConstraint: EXACTLY, "+
		"SearchStringBase64: L2FkbWlu, TextTransformations: [{Priority: 0, Type: NONE}]}}")}, nil)
	if text := string(r.Documents[0].Data); !strings.Contains(text, "path: /admin") {
		t.Errorf("no route for /admin in\n%s", text)
	}
}

// TestUnderstood has what templates often have and no document says: each has a reason of its own.
func TestUnderstood(t *testing.T) {
	for name, file := range map[string]File{
		"a certificate that depends": edgeWith("ViewerCertificate: !If [Some, {AcmCertificateArn: a, SslSupportMethod: sni-only}, !Ref AWS::NoValue]", "", "", ""),
		"tags of a certificate": edgeWith("ViewerCertificate: {AcmCertificateArn: !Ref C, SslSupportMethod: sni-only}", "", "",
			"  C:\n    Type: AWS::CertificateManager::Certificate\n    Properties: {DomainName: www.example.com, ValidationMethod: DNS, Tags: [{Key: a, Value: b}]}\n"),
		"a folder of an origin that nobody asks": edgeWith("", "DomainName: origin.example.net\n            CustomOriginConfig: {OriginProtocolPolicy: https-only}\n"+
			"          - {Id: other, DomainName: other.example.net, OriginPath: /a, CustomOriginConfig: {OriginProtocolPolicy: https-only}}", "", ""),
	} {
		if r := Read([]File{file}, nil); slices.Contains(errorsOf(r), ruleNotUnderstood.ID) {
			t.Errorf("%s:\n%s", name, outputs(r)["ledger.txt"])
		}
	}
}

// TestSameAlias has two distributions with one host: the second one says that it lacks it.
func TestSameAlias(t *testing.T) {
	second := edgeWith("", "", "", "")
	second.Name = "other.yaml"
	if r := Read([]File{edgeWith("", "", "", ""), second}, nil); !slices.Contains(errorsOf(r), "import-no-host") || slices.Contains(errorsOf(r), "import-invalid") {
		t.Errorf("%v\n%s", errorsOf(r), outputs(r)["ledger.txt"])
	}
}

// TestOneLine has line ends and codes of terminals in names: a row and a finding stay on one line each.
func TestOneLine(t *testing.T) {
	r := Read([]File{edgeWith("Comment: \"a\\nb\\e[2J\"", "", "", "  \"Na\\nme\\e[31m\":\n    Type: AWS::CloudFront::KeyGroup\n    Properties: {KeyGroupConfig: {Name: \"x\\ny\\e[2J\", Items: []}}\n")}, nil)
	for _, row := range r.Ledger {
		if strings.ContainsAny(row.String(), "\n\x1b") {
			t.Errorf("%q", row.String())
		}
	}
	for _, f := range r.Findings {
		if text := f.Text + f.Subject + f.Path; strings.ContainsAny(text, "\n\x1b") {
			t.Errorf("%q", text)
		}
	}
}

// TestStateFalse has switches that are off in a state: one that the provider's schema has is not set, an unknown one may mean
// something.
func TestStateFalse(t *testing.T) {
	r := Read([]File{{"show.json", []byte(`{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": [], "child_modules": [
		{"address": "module.edge", "resources": [{"address": "module.edge.aws_cloudfront_distribution.a", "mode": "managed", "type": "aws_cloudfront_distribution",
			"values": {"aliases": ["www.example.com"], "enabled": true, "retain_on_delete": false, "new_top": false, "new_list": [], "new_text": "",
				"default_cache_behavior": [{"target_origin_id": "o", "viewer_protocol_policy": "https-only", "new_guard": false}],
				"origin": [{"origin_id": "o", "domain_name": "origin.example.net", "new_limit": 0, "origin_path": ""}]}}]}]}}}`)}}, nil)
	for _, row := range r.Ledger {
		name := row.Pointer[strings.LastIndexByte(row.Pointer, '/')+1:]
		unknown := slices.Contains([]string{"new_top", "new_guard", "new_limit"}, name)
		if is := row.Rule == ruleNotUnderstood; is != unknown {
			t.Errorf("%s", row)
		}
	}
}
