package compile

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// linted is what the schema and the linter find in the shared stack of a builder.
func linted(t testing.TB, b *builder) (out []string) {
	t.Helper()
	files, err := cfn.Emit(&model.Deployment{Stacks: []*model.Stack{&b.shared}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		read, err := cfn.Read("shared.json", f.JSON())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range lint.Check(read, nil) {
			if found.Severity > finding.Note { // the price
				out = append(out, found.String())
			}
		}
	}
	return out
}

// The linter, which knows nothing of how web ACLs are made, finds nothing in ours.
func TestFirewallIsClean(t *testing.T) {
	b := firewalls(t, accountWith("{firewall: {bots: targeted}, logs: {waf: 'arn:aws:s3:::aws-waf-logs-edge'}}")+entrypointNamed("shop", `
maintenance: {allow: [192.0.2.0/24, '2001:db8::/32']}
waf: {exclude: [{rule: 942100, path: /search}, {rule: 911100, path: /x}]}
routes:
  - {name: new, match: {prefix: /new}, waf: detect, service: http://127.0.0.1:9000}
  - {name: item, match: {path: '/item/{id}'}, limit: {perAddress: 10/m}, maintenance: off, service: http://127.0.0.1:9000}
  - {name: files, match: {prefix: /files}, waf: off, methods: [GET], service: http://127.0.0.1:9000}
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`)+entrypointNamed("api", "profile: api\n"+forward))
	for _, found := range linted(t, b) {
		t.Error(found)
	}
}

func TestFirewallIsAlwaysClean(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entry := wafPolicy(rt, &spec.Policy{})
		e := &spec.Entrypoint{Meta: spec.Meta{Name: "e"}, Policy: entry}
		for i := range rapid.IntRange(0, 3).Draw(rt, "routes") {
			r := wafRoute(rt, i)
			r.Policy = wafPolicy(rt, &entry)
			e.Routes = append(e.Routes, r)
		}
		b := firewallsOf(&spec.Spec{Entrypoints: []*spec.Entrypoint{e}})
		if len(found(b, "waf-capacity")) > 0 {
			return
		}
		for _, found := range linted(t, b) {
			if !strings.Contains(found, " waf-unreachable ") { // maintenance for all whom the methods refuse
				rt.Error(found)
			}
		}
	})
}
