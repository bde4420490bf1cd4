package compile_test

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
)

const differing = `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: a, owner: team}
spec:
  profile: plain
  hosts: [a.example.com]
  routes:
    - {name: one, match: {path: /one}, service: s, hedge: {after: 1s}}
    - {name: two, match: {path: /two}, service: s, hedge: {after: 2s}}
    - {name: three, service: s}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: s, owner: team}
spec: {endpoints: ["https://origin.example.net"]}
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: aws, owner: team}
spec: {zones: {example.com: Z0123456789ABCDEFGHIJ}}
`

// foundOf are the findings with an id.
func foundOf(t *testing.T, text, id string) (found []finding.Finding) {
	t.Helper()
	_, all := compiled(t, text)
	for _, f := range all {
		if f.Rule.ID == id {
			found = append(found, f)
		}
	}
	return found
}

// TestOneFindingForAnEntrypoint: however many routes say the same, it is told once, at the first place, with their number.
func TestOneFindingForAnEntrypoint(t *testing.T) {
	found := foundOf(t, differing, "hedging")
	if len(found) != 1 {
		t.Fatalf("%d findings: %v", len(found), found)
	}
	f := found[0]
	if f.Severity != finding.Error || f.Subject != "a" || f.At.Line != 8 || !strings.Contains(f.Text, "hedge {after: 1s}, hedge {after: 2s}; 2 of 3 routes") || f.Path != "spec.hedge" {
		t.Errorf("the finding is %s (%+v)", f, f)
	}
}

func TestDifferencesAllowed(t *testing.T) {
	f := func(old, new string, want ...string) {
		t.Helper()
		var got []string
		for _, found := range foundOf(t, strings.Replace(differing, old, new, 1), "hedging") {
			got = append(got, found.Severity.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %q: %v, want %v", new, got, want)
		}
	}
	f("", "", "error")
	f("  hosts:", "  portability: {allow: [hedging]}\n  hosts:", "note")
	f("spec: {zones:", "spec: {allow: [hedging], zones:", "note")
	f("  hosts:", "  portability: {allow: [health]}\n  hosts:", "error")
	f("{after: 1s}", "off", "error") // the other route still has it
}

// TestDefaultsDoNotFail: what nobody wrote is no error, whatever profile it is.
func TestDefaultsDoNotFail(t *testing.T) {
	for _, profile := range []string{"plain", "api", "website", "static", "webhook", "partner-api"} {
		text := strings.NewReplacer("profile: plain", "profile: "+profile, ", hedge: {after: 1s}", "", ", hedge: {after: 2s}", "").Replace(differing)
		_, all := compiled(t, text)
		if n := finding.Errors(all); n > 0 {
			t.Errorf("%s: %d errors, the first is %s", profile, n, all[0])
		}
	}
}

// TestSaidOnce: what another pass has said of an entrypoint with its numbers is not said again.
func TestSaidOnce(t *testing.T) {
	text := strings.Replace(differing, "profile: plain", "profile: plain\n  waf: {mode: block, bodyBytesMax: 1MB}", 1)
	found := foundOf(t, text, "firewall-body")
	if len(found) != 1 || !strings.Contains(found[0].Text, "1024 KB") {
		t.Errorf("the findings are %v", found)
	}
}
