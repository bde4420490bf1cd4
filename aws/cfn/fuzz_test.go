package cfn_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/aws/cfn"
)

// FuzzRead reads anything: it must not panic or take long, and what it takes as a template it takes again from what it makes of it.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"Resources": {"A": {"Type": "AWS::WAFv2::IPSet", "Properties": {"Name": {"Fn::Sub": "a-${AWS::Region}"}, "Addresses": []}}}}`,
		"Resources:\n  A:\n    Type: AWS::CloudFront::Function\n    Properties:\n      Name: !Sub '${B.C}-x'\n      FunctionCode: |\n        function handler(e) {\n        }\n",
		"Parameters: {P: {Type: String}}\nConditions: {C: !Equals [!Ref P, a]}\nResources:\n  A: {Type: X, Condition: C, Properties: {a: !If [C, b, !Ref AWS::NoValue]}}\n",
		"Mappings: {M: {a: {b: c}}}\nResources: {A: {Type: X, Properties: {a: !Select [0, !Split [',', !FindInMap [M, a, b]]], b: !Join ['', [a, !GetAtt B.C]]}}}\n",
		"Resources:\n  A: [1, {a: b}, !Ref c]\n", "{", "[[[[", "a: &b *b", "Resources: {Fn::ForEach::X: []}\nOutputs: {O: {Value: !ImportValue x, Export: {Name: y}}}",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, json bool) {
		name := "a.yaml"
		if json {
			name = "a.json"
		}
		start := time.Now()
		template, err := cfn.Read(name, data)
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("%d bytes took %v", len(data), took)
		}
		if err != nil {
			return
		}
		cfn.Deployment(template)
		first := template.JSON()
		again, err := cfn.Read("a.json", first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if !bytes.Equal(first, again.JSON()) {
			t.Fatalf("%s\nis read as\n%s", first, again.JSON())
		}
	})
}

// FuzzFlow holds words with colons inside of brackets against the same in quotes: they are read alike.
func FuzzFlow(f *testing.F) {
	f.Add("AWS:SourceArn", "arn:aws:s3:::b/*")
	f.Add("a", "http://x:80/y#z")
	f.Add("Fn::Sub", "1:2")
	word := regexp.MustCompile(`^[A-Za-z0-9:/_.*$@+#-]{0,40}$`)
	f.Fuzz(func(t *testing.T, key, value string) {
		if key, value = "k"+key, "v"+value; !word.MatchString(key) || !word.MatchString(value) || strings.HasSuffix(key, ":") || strings.HasSuffix(value, ":") {
			return
		}
		read := func(key, value string) string {
			text := fmt.Sprintf("Resources: {}\nMetadata: {%s: [!Sub 'x:y', %s, {a: !Ref %s}], b: %s}\n", key, value, value, value)
			template, err := cfn.Read("a.yaml", []byte(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return string(template.JSON())
		}
		if plain, quoted := read(key, value), read("'"+key+"'", "'"+value+"'"); plain != quoted {
			t.Fatalf("%s\nis in quotes\n%s", plain, quoted)
		}
	})
}
