package cfn_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skerry.dev/skerry/aws/cfn"
)

// TestYAML reads forms in which people write functions.
func TestYAML(t *testing.T) {
	f := func(yaml, want string) {
		t.Helper()
		indented := "  " + strings.ReplaceAll(strings.TrimSuffix(yaml, "\n"), "\n", "\n  ") + "\n"
		template, err := cfn.Read("a.yaml", []byte("Resources: {}\nMetadata:\n"+indented))
		if err != nil {
			t.Errorf("%q: %v", yaml, err)
			return
		}
		var got struct{ Metadata any }
		var expected any
		if err := json.Unmarshal(template.JSON(), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &expected); err != nil {
			t.Fatal(want, err)
		}
		if diff := cmp.Diff(expected, got.Metadata); diff != "" {
			t.Errorf("%q: -want +got:\n%s", yaml, diff)
		}
	}
	f("a: !Ref B # comment\nc: !Ref D\n", `{"a": {"Ref": "B"}, "c": {"Ref": "D"}}`)
	f("a: {b: !Ref AWS::Region, c: AWS::S3::Bucket}\n", `{"a": {"b": {"Ref": "AWS::Region"}, "c": "AWS::S3::Bucket"}}`)
	f("a: 'x::y'\nb: \"x::y\"\nc: |\n  x::y\n", `{"a": "x::y", "b": "x::y", "c": "x::y\n"}`)
	f("a: !GetAtt B.C.D\nb: !GetAtt [B, C]\n", `{"a": {"Fn::GetAtt": ["B", "C.D"]}, "b": {"Fn::GetAtt": ["B", "C"]}}`)
	f("a: [!If [x, y, !Ref AWS::NoValue], !Sub \"c\"]\n", `{"a": [{"Fn::If": ["x", "y", {"Ref": "AWS::NoValue"}]}, {"Fn::Sub": "c"}]}`)
	f("a: !Sub\n  - a\n  - b: c\n    d: !Ref E\n", `{"a": {"Fn::Sub": ["a", {"b": "c", "d": {"Ref": "E"}}]}}`)
	f("a: !Sub |\n  x ${y}\n  z\nb: c\n", `{"a": {"Fn::Sub": "x ${y}\nz\n"}, "b": "c"}`)
	f("a: !Sub >-\n  x ${y}\n  z\nb: c\n", `{"a": {"Fn::Sub": "x ${y} z"}, "b": "c"}`)
	f("a:\n  - !If\n    - c\n    - d: e\n      f: g\n    - !Ref AWS::NoValue\n  - h: i\n",
		`{"a": [{"Fn::If": ["c", {"d": "e", "f": "g"}, {"Ref": "AWS::NoValue"}]}, {"h": "i"}]}`)
	f("a: !Not [!Equals [!Ref A, '']]\nb: !And\n  - !Condition C\n  - !Not [!Condition D]\n",
		`{"a": {"Fn::Not": [{"Fn::Equals": [{"Ref": "A"}, ""]}]}, "b": {"Fn::And": [{"Condition": "C"}, {"Fn::Not": [{"Condition": "D"}]}]}}`)
	f("a: !Join\n  - ''\n  - - a\n    - !Ref B\n", `{"a": {"Fn::Join": ["", ["a", {"Ref": "B"}]]}}`)
	f("a: !Base64\n  Fn::Sub: |\n    x\n    y\n", `{"a": {"Fn::Base64": {"Fn::Sub": "x\ny\n"}}}`)
	f("a: !Select [ 2, !Split [ '/', !GetAtt U.F ] ]\n", `{"a": {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["U", "F"]}]}]}}`)
	f("a: {AWS:SourceArn: !Sub 'b${AWS::Region}', c: d}\n", `{"a": {"AWS:SourceArn": {"Fn::Sub": "b${AWS::Region}"}, "c": "d"}}`)
	f("a: {StringEquals: {aws:SourceArn: !Sub 'arn:aws:s3:::b${A}/*'}}\n", `{"a": {"StringEquals": {"aws:SourceArn": {"Fn::Sub": "arn:aws:s3:::b${A}/*"}}}}`)
	f("a: {b:c: [s3:*, x:y, !Sub 'z'], 'd:e': f:g, \"h:i\":j, k: \ue000:\ue001}\n",
		`{"a": {"b:c": ["s3:*", "x:y", {"Fn::Sub": "z"}], "d:e": "f:g", "h:i": "j", "k": "\ue000:\ue001"}}`)
	f("a:b:\n  c:d: |\n    e:f\n    g\n", `{"a:b": {"c:d": "e:f\ng\n"}}`)
	f("a: 012345678901\nb: 1.5\nc: true\nd: '1'\n", `{"a": "012345678901", "b": 1.5, "c": true, "d": "1"}`)
	f("a: 1.\nb: .5\n", `{"a": 1, "b": 0.5}`)
	f("a: 2012-10-17\nb: 10:30\n", `{"a": "2012-10-17", "b": "10:30"}`)
}

// TestRefused reads what is no template that CloudFormation takes; the place is that of the mistake.
func TestRefused(t *testing.T) {
	f := func(name, text, want string) {
		t.Helper()
		_, err := cfn.Read(name, []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q: %v, want %q", name, text, err, want)
		}
	}
	f("a.json", `{"Resources": {"A": {}, "A": {}}}`, `a.json:1:25: the name "A" stands twice`)
	f("a.json", "{\"Resources\": {}}\n{}", "a.json:2:1: something follows the template")
	f("a.json", "{\"Resources\": {\n  \"A\": }", "this is not valid JSON")
	f("a.json", `{"Resources": `, "a.json:1:")
	f("a.json", `[]`, "a.json:1:1: a template is an object, and this is a list")
	f("a.json", `{}`, "it has no Resources")
	f("a.json", `{"Resources": {"A": 1}}`, `the resource "A" is no object`)
	f("a.json", strings.Repeat("[", 100), "nest deeper than 64")
	f("a.json", "{\"Resources\": \"\x01\"}", "a control character")
	f("a.json", "{\"Resources\": \"\xff\"}", "not UTF-8")
	f("a.yaml", "", "the template is empty")
	f("a.yaml", "Resources: {}\n---\nResources: {}\n", "a.yaml:3:")
	f("a.yaml", "Resources:\n  A: &x {}\n  B: *x\n", "no anchors and aliases")
	f("a.yaml", "Resources:\n  A: !Nothing x\n", `a.yaml:2:6: "!Nothing" is no function`)
	f("a.yaml", "Resources: {A:b: !Nothing x}\n", `a.yaml:1:18: "!Nothing" is no function`)
	f("a.yaml", "Resources:\n  A: {}\n  A: {}\n", `a.yaml:3:3: the name "A" stands twice`)
	f("a.yaml", strings.Repeat("- ", 200)+"a\n", "nest deeper than 64")
	f("a.yaml", strings.Repeat("!Ref ", 200)+"a\n", "tags follow each other")
	f("a.yaml", strings.Repeat("\n", 1000), "empty lines")
	f("a.yaml", strings.Repeat("a", 5<<20), "4194304")
}
