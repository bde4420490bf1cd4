package compile

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

const filesService = `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: files, owner: team}
spec: {directory: {path: .}, aws: {bucket: shop-files, region: us-east-1}}
`

func TestBucketPolicy(t *testing.T) {
	one := func(name string) string {
		return `
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: ` + name + `, owner: team}
spec: {hosts: [` + name + `.example.com], service: files}
`
	}
	b := built(t, strings.TrimPrefix(one("a"), "\n---\n")+filesService)
	var made *model.BucketPolicy
	for _, r := range b.edges[0].with {
		if p, ok := r.Props.(*model.BucketPolicy); ok {
			made = p
		}
	}
	const arn = `"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/@Distribution."`
	is(t, "policy", made, `{"Bucket":"shop-files","PolicyDocument":{"Statement":[{"Action":"s3:GetObject","Condition":{"StringEquals":{"AWS:SourceArn":[`+arn+`]}},`+
		`"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Resource":"arn:${AWS::Partition}:s3:::shop-files/*","Sid":"SkerryReads"}],"Version":"2012-10-17"}}`)
	finds(t, b, "note bucket-policy")

	b = built(t, strings.TrimPrefix(one("a")+one("b"), "\n---\n")+filesService+"---\napiVersion: skerry.dev/v1\nkind: AWS\nmetadata: {name: account, owner: team}\nspec: {packing: dedicated}\n")
	if len(b.late) != 1 || !strings.Contains(asJSON(t, b.late[0].Props), arn+","+arn) {
		t.Fatal("a bucket that two distributions read has no policy behind both")
	}
	for _, e := range b.edges {
		for _, r := range e.with {
			if r.Type() == "AWS::S3::BucketPolicy" {
				t.Error("a bucket has two policies")
			}
		}
	}
}

// TestNothingGrantsEverybody: no policy that is made has a star for who or for what may be done.
func TestNothingGrantsEverybody(t *testing.T) {
	b := routed(t, "routes: [{name: all, match: {prefix: /}, service: files}]", filesService)
	for _, r := range b.edges[0].with {
		if p, ok := r.Props.(*model.BucketPolicy); ok {
			text := asJSON(t, p)
			for _, bad := range []string{`"*"`, `:*"`, `"AWS":`} {
				if strings.Contains(text, bad) {
					t.Errorf("the policy has %s: %s", bad, text)
				}
			}
		}
	}
}
