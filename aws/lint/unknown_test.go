package lint_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/spec"
)

// TestUnknownIsNoFinding replaces each value of the good templates, one at a time, by something that is known only at
// deployment: none of it may be a finding.
func TestUnknownIsNoFinding(t *testing.T) {
	unknown := map[string]any{
		"a parameter": map[string]any{"Ref": "Unknown"},
		"an import":   map[string]any{"Fn::ImportValue": "other"},
		"a choice":    map[string]any{"Fn::If": []any{"Unknown", map[string]any{"Ref": "AWS::NoValue"}, map[string]any{"Ref": "Unknown"}}},
		"a secret":    "{{resolve:ssm:name:1}}",
		"a text":      map[string]any{"Fn::Sub": "${Unknown}"},
	}
	others := []string{"an import", "a choice", "a secret", "a text"}
	tried := 0
	for _, base := range []string{"site", "api", "acl"} {
		var root map[string]any
		if err := json.Unmarshal(read(t, "testdata/good/"+base+".yaml").JSON(), &root); err != nil {
			t.Fatal(err)
		}
		section := func(name string) map[string]any {
			if root[name] == nil {
				root[name] = map[string]any{}
			}
			return root[name].(map[string]any)
		}
		section("Parameters")["Unknown"] = map[string]any{"Type": "String"}
		section("Conditions")["Unknown"] = map[string]any{"Fn::Equals": []any{map[string]any{"Ref": "Unknown"}, "x"}}
		for id, r := range section("Resources") {
			props, _ := r.(map[string]any)["Properties"].(map[string]any)
			for i, what := range []string{"a parameter", ""} {
				replaceEach(props, "", func() any {
					if i > 0 { // the others by turns
						what = others[tried%len(others)]
					}
					return unknown[what]
				}, func(path string) {
					tried++
					data, err := json.Marshal(root)
					if err != nil {
						t.Fatal(err)
					}
					template, err := cfn.Read(base+".json", data)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range lint.Check(template, nil) {
						if f.Severity > finding.Note {
							t.Errorf("%s at %s%s: %v", what, id, path, f)
						}
					}
				})
			}
		}
	}
	t.Logf("%d templates", tried)
}

// replaceEach puts a value in the place of every value below another one, and calls while it stands there.
func replaceEach(in any, path string, value func() any, call func(path string)) {
	switch in := in.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(in)) {
			if strings.HasPrefix(k, "Fn::") || k == "Ref" {
				return
			}
			before := in[k]
			in[k] = value()
			call(path + "." + k)
			in[k] = before
			replaceEach(before, path+"."+k, value, call)
		}
	case []any:
		for i := range in {
			before := in[i]
			in[i] = value()
			call(fmt.Sprintf("%s.%d", path, i))
			in[i] = before
			replaceEach(before, fmt.Sprintf("%s.%d", path, i), value, call)
		}
	}
}

// TestPlaces asks where findings are: in the template, by line and column, and by what whoever made the template says.
func TestPlaces(t *testing.T) {
	const text = `Resources:
  A:
    Type: AWS::WAFv2::IPSet
    Properties:
      Scope: CLOUDFRONT
      IPAddressVersion: IPV4
      Addresses:
        - 192.0.2.0/24
        - 192.0.2.300/32
`
	template, err := cfn.Read("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	list := lint.Check(template, nil)
	if len(list) != 1 || list[0].At != (spec.Pos{File: "a.yaml", Line: 9, Col: 11}) || list[0].Path != "Resources.A.Properties.Addresses.1" {
		t.Errorf("found %+v", list)
	}
	list = lint.Check(template, func(resource, path string) spec.Pos {
		return spec.Pos{File: resource + "/" + path, Line: 1, Col: 1}
	})
	if len(list) != 1 || list[0].At.File != "A/Addresses.1" {
		t.Errorf("found %+v", list)
	}
}

// TestCatalogue asks what everybody reads of a rule.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range lint.Rules() {
		if r.ID == "" || r.Meaning == "" || r.Remedy == "" || r.Witness == "" || seen[r.ID] {
			t.Errorf("%+v: not whole, or twice", r)
		}
		if r.Source != "" && !strings.HasPrefix(r.Source, "https://docs.aws.amazon.com/") {
			t.Errorf("%s: the source %s is not AWS's", r.ID, r.Source)
		}
		seen[r.ID] = true
	}
}
