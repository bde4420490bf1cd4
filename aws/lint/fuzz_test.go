package lint_test

import (
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/lint"
)

// FuzzCheck lints anything that can be read: it must not panic, and finds the same twice.
func FuzzCheck(f *testing.F) {
	for _, base := range []string{"site", "api", "acl"} {
		f.Add(read(f, "testdata/good/"+base+".yaml").JSON())
	}
	f.Add([]byte(`{"Resources": {"A": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": [1, {}]}}}}`))
	f.Add([]byte(`{"Resources": {"A": {"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": {"Statement": []}}}}}`))
	f.Add([]byte(`{"Resources": {"A": {"Type": "AWS::CloudFront::Function", "Properties": {"FunctionCode": "a ` + "`${`" + ` / [ "}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		template, err := cfn.Read("a.json", data)
		if err != nil {
			return
		}
		first, second := lint.Check(template, nil), lint.Check(template, nil)
		if len(first) != len(second) {
			t.Fatalf("%d findings, then %d", len(first), len(second))
		}
		for i := range first {
			if first[i].String() != second[i].String() {
				t.Fatalf("%v, then %v", first[i], second[i])
			}
		}
	})
}
