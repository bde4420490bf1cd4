package aws_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func load(t *testing.T, name, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.Parse([]spec.File{{Name: name, Data: []byte(text)}})
	for _, p := range problems {
		t.Fatal(p)
	}
	return s
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test ./aws -update rewrites it\n%s", path, firstDifference(want, got))
	}
}

func firstDifference(want, got []byte) string {
	a, b := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: want %s\ngot %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}

// everyTarget is the case that has the files of every target. The others have JSON for CloudFormation, and Terraform: YAML and the
// manifest for the CDK say the same.
const everyTarget = "shop"

// stackFile is the name of a template; that of a file for a key value store is skerry-moved-DIGEST.json.
var stackFile = regexp.MustCompile(`^skerry-(shared|access|(edge|tenants)-\d+)\.`)

// TestGolden compiles every testdata/NAME.yaml for every target; testdata/NAME has what comes of it. Nothing is found in what is written,
// whoever reads it.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := load(t, name+".yaml", string(text))
			for _, target := range aws.Targets {
				out, err := aws.Compile(s, target, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(out.Files) == 0 {
					t.Fatalf("%s: nothing is written: %v", target, out.Findings)
				}
				var said strings.Builder
				for _, f := range out.Findings {
					fmt.Fprintln(&said, f)
				}
				for _, c := range out.Packing {
					fmt.Fprintf(&said, "%s: %s\n", c.Packing, c.Why)
				}
				kept := name == everyTarget || target == aws.CloudFormation || target == aws.Terraform
				if target == aws.CloudFormation || target == aws.Terraform { // the others say what the first says
					golden(t, filepath.Join("testdata", name, string(target)+".findings"), []byte(said.String()))
				}
				var templates []*cfn.Template
				for _, f := range out.Files {
					if kept {
						golden(t, filepath.Join("testdata", name, f.Name), f.Data)
					}
					if stackFile.MatchString(f.Name) {
						read, err := cfn.Read(f.Name, f.Data)
						if err != nil {
							t.Fatal(err)
						}
						templates = append(templates, read)
					}
				}
				for _, f := range aws.LintTemplates(templates) {
					if f.Severity > finding.Note {
						t.Errorf("of what was written itself: %v", f)
					}
				}
			}
		})
	}
}

// TestRefused: where a finding is an error nothing is written.
func TestRefused(t *testing.T) {
	s := load(t, "edge.yaml", entrypoint("https://10.0.0.1"))
	for _, target := range aws.Targets {
		out, err := aws.Compile(s, target, nil)
		if err != nil || len(out.Files) > 0 || len(out.Findings) == 0 || out.Findings[0].Severity.String() != "error" {
			t.Errorf("%s: %d files, %v, %v", target, len(out.Files), out.Findings, err)
		}
	}
	if _, err := aws.Compile(s, "pulumi", nil); err == nil {
		t.Error("an unknown target compiles")
	}
}

func entrypoint(service string) string {
	return "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: web}\nspec: {hosts: [shop.example.com], service: \"" + service + "\"}\n"
}

func TestDiff(t *testing.T) {
	templates := func(service string) []*cfn.Template {
		list, err := aws.Templates(load(t, "edge.yaml", entrypoint(service)))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := templates("https://one.example.com")
	if same := aws.Diff(before, templates("https://one.example.com")); len(same) > 0 {
		t.Errorf("the same differs from itself: %v", same)
	}
	var lines []string
	for _, c := range aws.Diff(before, templates("https://two.example.com")) {
		lines = append(lines, c.String())
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		`DefaultCacheBehavior.TargetOriginId: "one.example.com`, `DistributionConfig.Origins[one.example.com`, "→ nothing", "add     OriginSecret", "remove  OriginSecret",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestDiffOfTemplates has what no spec of ours changes: a property that makes a new resource, items in another order, functions.
func TestDiffOfTemplates(t *testing.T) {
	const base = `{"Resources": {"Set": {"Type": "AWS::WAFv2::IPSet", "Properties": {"Name": "a", "Scope": "CLOUDFRONT", "IPAddressVersion": "IPV4",
		"Addresses": ["192.0.2.0/24", "198.51.100.0/24"], "Tags": [{"Key": "owner", "Value": "web"}, {"Key": "team", "Value": {"Ref": "Team"}}]}}},
		"Parameters": {"Team": {"Type": "String"}}}`
	read := func(edits ...string) []*cfn.Template {
		tpl, err := cfn.Read("a.json", []byte(strings.NewReplacer(edits...).Replace(base)))
		if err != nil {
			t.Fatal(err)
		}
		return []*cfn.Template{tpl}
	}
	f := func(want string, edits ...string) {
		t.Helper()
		var lines []string
		for _, c := range aws.Diff(read(), read(edits...)) {
			lines = append(lines, c.String())
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("", `["192.0.2.0/24", "198.51.100.0/24"]`, `["198.51.100.0/24", "192.0.2.0/24"]`)
	f(`replace Set Name: "a" → "b"`, `"a"`, `"b"`)
	f(`change  Set Addresses[198.51.100.0/24]: "198.51.100.0/24" → nothing`, `, "198.51.100.0/24"`, "")
	f(`change  Set Tags[team].Value: {"Ref": "Team"} → "x"`, `{"Ref": "Team"}`, `"x"`)
	f("change  Set Tags.order: owner, team → team, owner", `{"Key": "owner", "Value": "web"}, {"Key": "team", "Value": {"Ref": "Team"}}`, `{"Key": "team", "Value": {"Ref": "Team"}}, {"Key": "owner", "Value": "web"}`)
	f("remove  Set (AWS::WAFv2::IPSet)\nadd     Set (AWS::WAFv2::RegexPatternSet)", "IPSet", "RegexPatternSet")
}

// large is a spec of so many entrypoints with ten routes each, as teams write them.
func large(entrypoints int) string {
	var b strings.Builder
	b.WriteString("apiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: prod, owner: edge}\nspec: {account: \"123456789012\", zones: {example.com: Z0123456789ABCDEFGHIJ}, logs: {bucket: \"arn:aws:s3:::edge-logs\"}}\n")
	for i := range entrypoints {
		fmt.Fprintf(&b, "---\napiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop-%d, owner: team-%d}\nspec:\n  hosts: [shop-%d.example.com]\n  routes:\n", i, i%40, i)
		for r := range 9 {
			fmt.Fprintf(&b, "    - {name: r%d, match: {prefix: /part-%d}, service: \"https://part-%d.internal.example.com\", limit: {perAddress: %d/s, burst: 50}}\n", r, r, (i+r)%50, 20+r%3)
		}
		fmt.Fprintf(&b, "    - {name: rest, service: \"https://shop-%d.internal.example.com\"}\n", i)
	}
	return b.String()
}

// BenchmarkCompile500x10 compiles and judges 500 entrypoints with ten routes each.
func BenchmarkCompile500x10(b *testing.B) {
	s, problems := spec.Parse([]spec.File{{Name: "edge.yaml", Data: []byte(large(500))}})
	if len(problems) > 0 {
		b.Fatal(problems[0])
	}
	for b.Loop() {
		if _, err := aws.Compile(s, aws.CloudFormation, nil); err != nil {
			b.Fatal(err)
		}
	}
}

var (
	exports = regexp.MustCompile(`"Export": \{\s*"Name": "([^"]+)"`)
	imports = regexp.MustCompile(`"Fn::ImportValue": "([^"]+)"`)
)

// TestKeep: the stacks of a new revision can be deployed one after the other over those of an old one. CloudFormation refuses to take
// away an export that a stack as it is deployed imports.
func TestKeep(t *testing.T) {
	const more = "\n  routes: [{match: {path: /old}, redirect: {to: /%s}}, {service: \"https://shop.example.net\"}]\n  portability: {allow: [certificate-missing]}\n"
	text := func(to string) string {
		return "apiVersion: skerry.dev/v1\nkind: Entrypoint\nmetadata: {name: shop, owner: web}\nspec:\n  hosts: [shop.example.com]" + fmt.Sprintf(more, to)
	}
	compile := func(to string, deployed []*cfn.Template) (files map[string]string, kept int) {
		out, err := aws.Compile(load(t, "edge.yaml", text(to)), aws.CloudFormation, deployed)
		if err != nil || len(out.Files) == 0 {
			t.Fatal(err, out.Findings)
		}
		files = map[string]string{}
		for _, f := range out.Files {
			files[f.Name] = string(f.Data)
		}
		return files, out.Kept
	}
	old, kept := compile("a", nil)
	if kept > 0 {
		t.Errorf("%d resources are kept of nothing", kept)
	}
	var deployed []*cfn.Template
	for _, name := range []string{"skerry-shared.json", "skerry-edge-01.json"} {
		read, err := cfn.Read(name, []byte(old[name]))
		if err != nil {
			t.Fatal(err)
		}
		deployed = append(deployed, read)
	}
	missing := func(files map[string]string) (names []string) {
		there := map[string]bool{}
		for _, m := range exports.FindAllStringSubmatch(files["skerry-shared.json"], -1) {
			there[m[1]] = true
		}
		for _, m := range imports.FindAllStringSubmatch(old["skerry-edge-01.json"], -1) {
			if !there[m[1]] {
				names = append(names, m[1])
			}
		}
		return names
	}
	bare, _ := compile("b", nil)
	with, kept := compile("b", deployed)
	if len(missing(bare)) == 0 {
		t.Error("nothing that is shared has changed: this test shows nothing")
	}
	if names := missing(with); len(names) > 0 || kept == 0 {
		t.Errorf("%d kept, and what is deployed still imports %v", kept, names)
	}
	var merged []*cfn.Template
	for name, data := range with {
		if strings.HasPrefix(name, "skerry-") {
			read, err := cfn.Read(name, []byte(data))
			if err != nil {
				t.Fatal(err)
			}
			merged = append(merged, read)
		}
	}
	for _, f := range aws.LintTemplates(merged) {
		if f.Severity > finding.Note {
			t.Error(f)
		}
	}
	if again, n := compile("a", deployed); n != 0 || again["skerry-shared.json"] != old["skerry-shared.json"] {
		t.Errorf("%d resources are kept where nothing has changed", n)
	}
}
