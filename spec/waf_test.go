package spec_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// firewalls are those of the entrypoint and of its first route.
func firewalls(t *testing.T, text string) (of, ofRoute *spec.WAF) {
	t.Helper()
	e := mustParse(t, yaml(text)).Entrypoints[0]
	return e.Policy.WAF, e.Routes[0].Policy.WAF
}

// TestFirewallOfWebsite holds every value of the model.
func TestFirewallOfWebsite(t *testing.T) {
	got, _ := firewalls(t, six)
	want := &spec.WAF{
		Mode: spec.WAFBlock, Engine: spec.WAFCompiled, Paranoia: 1, Threshold: 5, ResponseThreshold: 4,
		Allow: spec.WAFAllow{
			Methods: []string{"GET", "HEAD", "OPTIONS", "POST"},
			ContentTypes: []string{
				"application/*+json", "application/csp-report", "application/grpc*", "application/json", "application/octet-stream",
				"application/soap+xml", "application/x-ndjson", "application/x-www-form-urlencoded", "application/xml",
				"multipart/form-data", "multipart/related", "text/plain", "text/xml",
			},
			Charsets: []string{"iso-8859-1", "iso-8859-15", "utf-8", "windows-1252"}, Headers: []string{}, Extensions: []string{},
		},
		Exclude: []spec.WAFExclude{}, Rules: []spec.WAFRules{},
		BodyBytesMax: 128 << 10, ArgumentsMax: 1000, CPUMax: 100 * time.Millisecond, OnLimit: spec.WAFRefuse, Shadow: 0.0001,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestFirewallMerges: what a nearer document leaves out stays, whatever else it says.
func TestFirewallMerges(t *testing.T) {
	f := func(fields, ofRoute string, want func(of, on *spec.WAF) bool) {
		t.Helper()
		of, on := firewalls(t, six+fields+"  routes: [{match: {path: /a}, service: http://a"+ofRoute+"}]\n")
		if !want(of, on) {
			t.Errorf("%s%s: got %+v\non the route %+v", fields, ofRoute, of, on)
		}
	}
	f("  waf: {paranoia: 3}\n", ", waf: {threshold: 9}", func(of, on *spec.WAF) bool {
		return of.Paranoia == 3 && of.Threshold == 5 && on.Paranoia == 3 && on.Threshold == 9 && len(on.Allow.ContentTypes) == 13
	})
	f("  waf: {mode: off, paranoia: 3}\n", ", waf: detect", func(of, on *spec.WAF) bool {
		return of.Mode == spec.WAFOff && on.Mode == spec.WAFDetect && on.Paranoia == 3
	})
	f("  waf: {exclude: [{rule: 1}, {rule: 2}], allow: {headers: [A]}}\n", ", waf: {exclude: [{rule: 3}], allow: {charsets: []}}", func(of, on *spec.WAF) bool {
		return len(of.Exclude) == 2 && len(on.Exclude) == 1 && on.Exclude[0].Rule == "3" && on.Allow.Headers[0] == "a" && len(on.Allow.Charsets) == 0
	})
	f("  waf: {responses: on, shadow: 0.5}\n", ", waf: {responses: off, shadow: 0}", func(of, on *spec.WAF) bool {
		return bool(of.Responses) && of.Shadow == 0.5 && !bool(on.Responses) && on.Shadow == 0
	})
	f("  methods: [GET, PUT]\n", ", methods: []", func(of, on *spec.WAF) bool {
		return fmt.Sprint(of.Allow.Methods) == "[GET PUT]" && fmt.Sprint(on.Allow.Methods) == "[GET HEAD OPTIONS POST]"
	})
	f("  waf: {allow: {methods: [GET]}}\n", ", methods: [GET, PUT]", func(of, on *spec.WAF) bool {
		return fmt.Sprint(of.Allow.Methods) == "[GET]" && fmt.Sprint(on.Allow.Methods) == "[GET PUT]"
	})
	f("  bodyMax: 1KB\n", ", bodyMax: off, waf: {bodyBytesMax: 16MB}", func(of, on *spec.WAF) bool {
		return of.BodyBytesMax == 1<<10 && on.BodyBytesMax == 16<<20
	})
	f("  bodyMax: 1KB\n", ", bodyMax: 1MB", func(of, on *spec.WAF) bool { return of.BodyBytesMax == 1<<10 && on.BodyBytesMax == 128<<10 })
	// Routes that say nothing of it share one firewall.
	f("  methods: [GET]\n  bodyMax: 1KB\n", ", log: off", func(of, on *spec.WAF) bool { return of == on })
}

// TestProfileKeepsWhatItSays: a profile in the canonical form says as much of the firewall as its document did, zeros too.
func TestProfileKeepsWhatItSays(t *testing.T) {
	f := func(says, want string) {
		t.Helper()
		s := mustParse(t, yaml("apiVersion: skerry.dev/v1\nkind: Profile\nmetadata: {name: mine}\nspec: {extends: partner-api"+says+"}\n"))
		got := string(spec.Canonical(s))
		_, got, _ = strings.Cut(got, `"spec":`)
		if got = strings.TrimSuffix(got, "}\n"); got != want {
			t.Errorf("%q: got %s, want %s", says, got, want)
		}
		sameInCanonicalForm(t, s)
	}
	f("", `{"extends":"partner-api"}`)
	f(", waf: {}", `{"extends":"partner-api"}`)
	f(", waf: {allow: {}}", `{"extends":"partner-api"}`)
	f(", waf: off", `{"extends":"partner-api","waf":"off"}`)
	f(", waf: {mode: off, paranoia: 2}", `{"extends":"partner-api","waf":{"mode":"off","paranoia":2}}`)
	f(", waf: {responses: off, shadow: 0}", `{"extends":"partner-api","waf":{"responses":"off","shadow":0}}`)
	f(", waf: {exclude: []}", `{"extends":"partner-api","waf":{"exclude":[]}}`)
}

// TestExclusionParts holds what the firewall compiles an exclusion from.
func TestExclusionParts(t *testing.T) {
	f := func(rule, target string, first, last int, tag, variable, key, pattern string) {
		t.Helper()
		of, _ := firewalls(t, six+"  waf: {exclude: [{rule: "+rule+", target: '"+target+"'}]}\n")
		e := of.Exclude[0]
		gotFirst, gotLast := e.IDs()
		gotVariable, gotKey, gotPattern := e.Selector()
		if gotFirst != first || gotLast != last || e.Tag() != tag || gotVariable != variable || gotKey != key || gotPattern != pattern || e.At.Line != 7 {
			t.Errorf("%s %s: got %d %d %q %q %q %q at %v", rule, target, gotFirst, gotLast, e.Tag(), gotVariable, gotKey, gotPattern, e.At)
		}
	}
	f("942100", "ARGS", 942100, 942100, "", "ARGS", "", "")
	f(`"942100"`, "args:q", 942100, 942100, "", "ARGS", "q", "")
	f("942100-942199", "ARGS:a:B", 942100, 942199, "", "ARGS", "a:B", "")
	f("tag:attack-sqli", "ARGS:/^a|b:/", 0, 0, "attack-sqli", "ARGS", "", "^a|b:")
	f("tag:OWASP_CRS/ATTACK-1", "XML:/*", 0, 0, "OWASP_CRS/ATTACK-1", "XML", "/*", "")
	f("1-1", "ARGS:x/", 1, 1, "", "ARGS", "x/", "")
}

func TestRuleFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.yaml"), six+"  waf: {rules: [rules/a.conf, {file: words.data}, {file: b.conf, text: inline}]}\n")
	write(t, filepath.Join(dir, "rules/a.conf"), "\ufeffSecAction\r\n")
	write(t, filepath.Join(dir, "words.data"), "ä\n")
	write(t, filepath.Join(dir, "b.conf"), "not read")
	s, problems := spec.Load([]string{dir}, spec.Options{})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	want := []spec.WAFRules{
		{File: "rules/a.conf", Text: "SecAction\r\n", Path: filepath.Join(dir, "rules/a.conf")},
		{File: "words.data", Text: "ä\n", Path: filepath.Join(dir, "words.data")},
		{File: "b.conf", Text: "inline", Path: "b.conf"},
	}
	if got := s.Entrypoints[0].Policy.WAF.Rules; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	sameInCanonicalForm(t, s)

	const most = 256 << 10
	f := func(bytes int, want string) {
		t.Helper()
		half := strings.Repeat("#\n", bytes/4)
		_, problems := spec.Parse([]spec.File{yaml(six + "  waf: {rules: [a.conf, b.conf]}\n"), {Name: "a.conf", Data: []byte(half)}, {Name: "b.conf", Data: []byte(half)}})
		if got := fault.Problems(problems).Error(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d bytes: got %q", bytes, got)
		}
	}
	f(most, "")
	f(most+4, "x.yaml:7:16: the rule files have 262148 bytes together, the limit is 262144")
}
