package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/aws/model"
)

// houses are entrypoints that are alike, each with its own service below one domain; secret is what all of them are sent, if not
// empty.
func houses(n int, packing, secret string) string {
	var out strings.Builder
	out.WriteString(strings.Replace(accountText, "spec:\n", "spec:\n  packing: "+packing+"\n", 1))
	for i := range n {
		aws := ""
		if secret != "" {
			aws = "\n  aws: {secret: \"" + secret + "\"}"
		}
		fmt.Fprintf(&out, `---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: house-%02d}
spec:
  hosts: [house-%02d.example.com]
  profile: website
  service: house-%02d
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: house-%02d}
spec:
  endpoints: [{url: "https://house-%02d.internal.example.net"}]%s
`, i, i, i, i, i, aws)
	}
	return out.String()
}

const oneSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:houses-AbCdEf"

// Each packing, from a spec to templates that the schema and the linter find nothing wrong with.
func TestPackingsOfASpec(t *testing.T) {
	f := func(packing, secret string, distributions, tenants int, ids ...string) {
		t.Helper()
		d, list := compile.Run(parsed(t, houses(12, packing, secret)))
		counts := map[string]int{}
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				counts[r.Type()]++
			}
		}
		if n := counts["AWS::CloudFront::Distribution"]; n != distributions {
			t.Errorf("%s: %d distributions, want %d", packing, n, distributions)
		}
		if n := counts["AWS::CloudFront::DistributionTenant"]; n != tenants {
			t.Errorf("%s: %d tenants, want %d", packing, n, tenants)
		}
		for _, id := range ids {
			if !hasID(list, id) {
				t.Errorf("%s: no finding %s", packing, id)
			}
		}
		if finding.Errors(list) > 0 {
			t.Errorf("%s: %v", packing, list[0])
		}
		clean(t, d)
	}
	f("dedicated", "", 12, 0)
	f("auto", "", 12, 0)
	f("shared", "", 12, 0) // each has its own origin
	f("tenants", "", 12, 0, "tenants-secret")
	f("tenants", oneSecret, 1, 12)
}

func hasID(list []finding.Finding, id string) bool {
	for _, f := range list {
		if f.Rule.ID == id {
			return true
		}
	}
	return false
}

// clean fails the test if the linter finds an error in the templates of a deployment.
func clean(t testing.TB, d *model.Deployment) {
	t.Helper()
	files, err := cfn.Emit(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, found := range lint.Check(f.Template(), nil) {
			parameter := found.Rule.ID == "origin-domain" && strings.Contains(found.Text, "{{") // of a multi-tenant distribution
			if found.Severity == finding.Error && !parameter {
				t.Errorf("%s: %s", f.Stack.Name, found)
			}
		}
	}
}

// One entrypoint more changes no resource that was there, if each has a distribution of its own.
func TestOneMoreOfASpec(t *testing.T) {
	digests := func(n int) map[string]string {
		d, _ := compile.Run(parsed(t, houses(n, "dedicated", "")))
		out := map[string]string{}
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				out[r.ID] = model.Digest(r.Props)
			}
		}
		return out
	}
	before, now := digests(12), digests(13)
	for id, sum := range before {
		if now[id] != sum {
			t.Errorf("%s changes when an entrypoint is added", id)
		}
	}
	if len(now) <= len(before) {
		t.Errorf("%d resources, and %d with one entrypoint more", len(before), len(now))
	}
}
