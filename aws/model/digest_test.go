package model_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"skerry.dev/skerry/aws/model"
)

// plain is a Value in a form that tells all of them apart.
func plain(v model.Value) any {
	switch v := v.(type) {
	case model.Ref:
		return map[string]any{"ref": v.Resource.ID, "attr": v.Attr}
	case model.Join:
		parts := make([]any, len(v))
		for i := range v {
			parts[i] = plain(v[i])
		}
		return map[string]any{"join": parts}
	case model.Pseudo:
		return map[string]any{"pseudo": string(v)}
	case model.Intrinsic:
		return map[string]any{v.Name: v.Arg}
	}
	return v
}

// TestDigest: a digest is that of the JSON of the tree. Logical ids of what is deployed are made of digests: another text would replace
// every policy and function of an account.
func TestDigest(t *testing.T) {
	to := &model.Resource{ID: "Policy1"}
	f := func(props any) {
		t.Helper()
		text, err := json.Marshal(model.Tree(props, plain))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(model.AppendText(nil, props)); got != string(text) {
			t.Errorf("got\n%s\nwant\n%s", got, text)
		}
		sum := sha256.Sum256(text)
		if got := model.Digest(props); got != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has the digest %s", text, got)
		}
	}
	f(&model.Function{})
	f(&model.Function{Name: model.Text("a\n\"<&>é\u2028\x7f\xff"), AutoPublish: model.Bool(false), FunctionCode: model.Text("")})
	f(&model.Distribution{Tags: []*model.Tag{}, DistributionConfig: &model.DistributionConfig{
		Aliases: []model.Value{}, WebACLId: model.Ref{Resource: to, Attr: "Arn"}, Enabled: model.Bool(true), CustomErrorResponses: nil,
		CacheBehaviors: []*model.DistributionCacheBehavior{{PathPattern: model.Text("/a"), MinTTL: model.Float(0.25), MaxTTL: model.Int(-7)}, nil, {}},
		Comment:        model.Join{model.Text("a"), model.Pseudo("AWS::Region"), model.Ref{Resource: to}, model.Join{}},
	}})
	f(&model.WebACL{AssociationConfig: &model.WebACLAssociationConfig{RequestBody: map[string]*model.WebACLRequestBodyAssociatedResourceTypeConfig{
		"CLOUDFRONT": {DefaultSizeInspectionLimit: model.Text("KB_16")}, "APP": nil, "Z": {},
	}}})
	f(&model.BucketPolicy{PolicyDocument: map[string]any{
		"b": []any{map[string]any{}, nil, 1, 2.5e30, "x", true, model.Text("v"), []any(nil)}, "a": nil, "é": []string{"<"}, "A": json.Number("1.50"),
		"map": map[string]any(nil), "ref": model.Ref{Resource: to}, "join": model.Join(nil), "call": model.Intrinsic{Name: "Fn::If", Arg: []any{"c", nil, 1.5}},
	}, Bucket: model.Intrinsic{Name: "Ref", Arg: map[string]any{"z": 1, "a": "&"}}})
}
