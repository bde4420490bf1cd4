package lint_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/lint"
)

// BenchmarkCheck lints a stack of 50 distributions with ten behaviours each, as it comes from the emitter.
func BenchmarkCheck(b *testing.B) {
	resources := object{}
	for i := range 50 {
		d := distribution(object{"CacheBehaviors": repeated(9, func(j int) any {
			return object{"PathPattern": fmt.Sprintf("/part-%d/*", j), "TargetOriginId": "o0", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "x",
				"AllowedMethods": []string{"GET", "HEAD"}, "Compress": true}
		}), "Aliases": []string{fmt.Sprintf("a%d.example.com", i)}})
		resources[fmt.Sprint("D", i)] = d["D"]
	}
	data, err := json.Marshal(object{"Resources": resources})
	if err != nil {
		b.Fatal(err)
	}
	template, err := cfn.Read("a.json", data)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if list := lint.Check(template, nil); len(list) != 0 {
			b.Fatal(list[0])
		}
	}
}

// BenchmarkRead reads the same.
func BenchmarkRead(b *testing.B) {
	data := read(b, "testdata/good/acl.yaml").JSON()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := cfn.Read("a.json", data); err != nil {
			b.Fatal(err)
		}
	}
}
