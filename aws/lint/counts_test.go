package lint_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/lint"
)

type object = map[string]any

// repeated is n values.
func repeated(n int, value func(i int) any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = value(i)
	}
	return out
}

// distribution is a good one, with some properties more.
func distribution(more object) object {
	config := object{
		"Enabled": true, "Origins": []any{customOrigin(0)},
		"ViewerCertificate":    object{"AcmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/a", "SslSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"},
		"DefaultCacheBehavior": object{"TargetOriginId": "o0", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "x"},
	}
	for k, v := range more {
		config[k] = v
	}
	return object{"D": object{"Type": "AWS::CloudFront::Distribution", "Properties": object{"DistributionConfig": config}}}
}

func customOrigin(i int) object {
	return object{"Id": fmt.Sprint("o", i), "DomainName": fmt.Sprintf("o%d.example.com", i), "CustomOriginConfig": object{"OriginProtocolPolicy": "https-only"}}
}

// acl is a web ACL with rules of one statement each.
func acl(n int, statement func(i int) object) object {
	visibility := object{"CloudWatchMetricsEnabled": true, "SampledRequestsEnabled": true, "MetricName": "m"}
	return object{"A": object{"Type": "AWS::WAFv2::WebACL", "Properties": object{
		"Scope": "CLOUDFRONT", "DefaultAction": object{"Allow": object{}}, "VisibilityConfig": visibility,
		"Rules": repeated(n, func(i int) any {
			return object{"Name": fmt.Sprint("r", i), "Priority": i, "Action": object{"Block": object{}}, "VisibilityConfig": visibility, "Statement": statement(i)}
		}),
	}}}
}

// TestCounts holds what there can be too much of against its limit: as many as there may be, and one more.
func TestCounts(t *testing.T) {
	f := func(id string, most int, make func(n int) object) {
		t.Helper()
		for _, n := range []int{most, most + 1} {
			data, err := json.Marshal(object{"Resources": make(n)})
			if err != nil {
				t.Fatal(err)
			}
			template, err := cfn.Read("a.json", data)
			if err != nil {
				t.Fatal(err)
			}
			got, want := idsOf(lint.Check(template, nil), nil), []string(nil)
			if n > most {
				want = []string{id}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d: found %v, want %v", n, got, want)
			}
		}
	}
	f("many-behaviors", 75, func(n int) object {
		return distribution(object{"CacheBehaviors": repeated(n-1, func(i int) any {
			return object{"PathPattern": fmt.Sprintf("/%d", i), "TargetOriginId": "o0", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "x"}
		})})
	})
	f("many-aliases", 100, func(n int) object {
		return distribution(object{"Aliases": repeated(n, func(i int) any { return fmt.Sprintf("a%d.example.com", i) })})
	})
	f("many-origins", 100, func(n int) object {
		return distribution(object{"Origins": repeated(n, func(i int) any { return customOrigin(i) })})
	})
	f("many-groups", 10, func(n int) object {
		members := object{"Quantity": 2, "Items": []any{object{"OriginId": "o0"}, object{"OriginId": "o1"}}}
		return distribution(object{"Origins": []any{customOrigin(0), customOrigin(1)}, "OriginGroups": object{"Quantity": n, "Items": repeated(n, func(i int) any {
			return object{"Id": fmt.Sprint("g", i), "Members": members, "FailoverCriteria": object{"StatusCodes": object{"Quantity": 1, "Items": []any{500}}}}
		})}})
	})
	f("waf-rates", 10, func(n int) object {
		return acl(n, func(i int) object {
			return object{"RateBasedStatement": object{"Limit": 100 + i, "AggregateKeyType": "IP"}}
		})
	})
	f("waf-references", 50, func(n int) object {
		return acl(n, func(i int) object {
			return object{"IPSetReferenceStatement": object{"Arn": fmt.Sprintf("arn:aws:wafv2:us-east-1:1:global/ipset/a/%d", i)}}
		})
	})
	f("cidr-many", 10_000, func(n int) object {
		return object{"S": object{"Type": "AWS::WAFv2::IPSet", "Properties": object{"Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4",
			"Addresses": repeated(n, func(i int) any { return fmt.Sprintf("10.0.%d.%d/32", i/250, i%250) })}}}
	})
	f("certificate-names", 10, func(n int) object {
		return object{"C": object{"Type": "AWS::CertificateManager::Certificate", "Properties": object{"DomainName": "a0.example.com", "ValidationMethod": "DNS",
			"SubjectAlternativeNames": repeated(n, func(i int) any { return fmt.Sprintf("a%d.example.com", i) })}}}
	})
	f("many-resources", 500, func(n int) object {
		out := object{}
		for i := range n {
			out[fmt.Sprint("T", i)] = object{"Type": "Custom::Thing"}
		}
		return out
	})
	policy := func(i int) object {
		return object{"Type": "AWS::CloudFront::CachePolicy", "Properties": object{"CachePolicyConfig": object{"Name": fmt.Sprint("p", i),
			"MinTTL": 0, "DefaultTTL": 60, "MaxTTL": 60, "ParametersInCacheKeyAndForwardedToOrigin": object{"EnableAcceptEncodingGzip": true,
				"CookiesConfig": object{"CookieBehavior": "none"}, "HeadersConfig": object{"HeaderBehavior": "none"}, "QueryStringsConfig": object{"QueryStringBehavior": "none"}}}}}
	}
	f("account-quota", 20, func(n int) object {
		out := object{}
		for i := range n {
			out[fmt.Sprint("P", i)] = policy(i)
		}
		return out
	})
	f("account-quota", 100, func(n int) object {
		out := object{"P": policy(0)}
		for i := range n {
			d := distribution(object{"DefaultCacheBehavior": object{"TargetOriginId": "o0", "ViewerProtocolPolicy": "https-only", "CachePolicyId": object{"Ref": "P"}}})
			out[fmt.Sprint("D", i)] = d["D"]
		}
		return out
	})
	f("tenant-domains", 1, func(n int) object {
		return object{"T": object{"Type": "AWS::CloudFront::DistributionTenant", "Properties": object{
			"DistributionId": "E1", "Name": "t", "Domains": repeated(2-n, func(int) any { return "a.example.com" })}}}
	})
}
