package stubprovider_test

import (
	"errors"
	"strings"
	"testing"
)

// TestMutations makes one mistake at a time; validate must catch it, and say what it is.
func TestMutations(t *testing.T) {
	h := prepare(t)
	files := golden(t)
	f := func(name, file, old, new, want string) {
		t.Helper()
		if strings.Count(string(files[file]), old) == 0 {
			t.Errorf("%s: no %q in %s", name, old, file)
			return
		}
		data := []byte(strings.ReplaceAll(string(files[file]), old, new))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := h.workspace(t, data).run("validate", "-no-color")
			var failed *failure
			if !errors.As(err, &failed) {
				t.Fatalf("nothing was found: %s", out)
			}
			if flat := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " "); !strings.Contains(flat, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		})
	}
	// what Terraform itself sees
	f("unknown attribute", "shop", `"price_class"`, `"price_klass"`, `price_klass`)
	f("unknown block", "shop", `"grpc_config"`, `"grpc_settings"`, `grpc_settings`)
	f("required attribute", "shop", `"target_origin_id": "app-2",`, ``, `The argument "target_origin_id" is required`)
	f("required block", "shop", `"restrictions"`, `"//"`, `restrictions`)
	f("type", "shop", `"priority": 1,`, `"priority": "first",`, `a number is required`)
	f("too many blocks", "shop", `"restrictions": {`, `"restrictions": [{"geo_restriction": {"restriction_type": "none"}}, {"geo_restriction": {"restriction_type": "none"}}], "//": {`, `No more than 1 "restrictions" blocks are allowed`)
	f("undeclared resource", "shop", `${aws_wafv2_web_acl.firewall_ab12.arn}`, `${aws_wafv2_web_acl.firewall.arn}`, `Reference to undeclared resource`)
	f("attribute that is none", "shop", `${aws_wafv2_web_acl.firewall_ab12.arn}`, `${aws_wafv2_web_acl.firewall_ab12.web_acl_arn}`, `web_acl_arn`)
	f("unknown resource type", "shop", `"aws_cloudfront_key_value_store": {`, `"aws_cloudfront_key_value_shop": {`, `aws_cloudfront_key_value_shop`)
	f("cycle", "canary", `"staging": true,`, `"staging": true, "comment": "${aws_cloudfront_distribution.distribution_shop.id}",`, `Cycle`)
	f("template", "shop", `"comment": "shop"`, `"comment": "${shop"`, `Unclosed template interpolation sequence`)
	// what the schema of AWS and the linter see
	f("enumeration", "shop", `"viewer_protocol_policy": "https-only"`, `"viewer_protocol_policy": "https"`, `ViewerProtocolPolicy`)
	f("dangling origin", "shop", `"target_origin_id": "app-2"`, `"target_origin_id": "app-3"`, `app-3`)
	f("rule_json", "deep", `\"Limit\":1000`, `\"Limit\":1`, `Limit`)
	f("rule_json that is none", "deep", `\"Limit\":1000`, `\"Limit\":`, `Rules: invalid character`)
	f("priority that stands twice", "shop", `"priority": 2,`, `"priority": 1,`, `riority`)
	f("destination of logs", "deep", `arn:aws:s3:::aws-waf-logs-edge`, `arn:aws:s3:::edge-logs`, `waf-log-name`)
	f("runtime", "shop", `cloudfront-js-2.0`, `cloudfront-js-1.0`, `cloudfront-js`)
}
