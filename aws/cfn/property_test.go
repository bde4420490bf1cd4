package cfn_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// drawn draws deployments: stacks of resources of all types with drawn properties, which refer to each other.
type drawn struct {
	t    *rapid.T
	all  []*model.Resource // that may be referred to
	deep int
}

var resourceTypes = []string{
	"AWS::CloudFront::Distribution", "AWS::CloudFront::CachePolicy", "AWS::CloudFront::Function", "AWS::WAFv2::WebACL", "AWS::WAFv2::IPSet",
	"AWS::S3::BucketPolicy", "AWS::Route53::RecordSet", "AWS::CloudFront::VpcOrigin", "AWS::Logs::Delivery",
}

func (d *drawn) deployment() *model.Deployment {
	out := &model.Deployment{}
	for i := range rapid.IntRange(1, 3).Draw(d.t, "stacks") {
		s := &model.Stack{Name: fmt.Sprintf("stack-%d", i), Region: "us-east-1", After: append([]*model.Stack(nil), out.Stacks...)}
		out.Stacks = append(out.Stacks, s)
		var mine []*model.Resource
		for range rapid.IntRange(1, 4).Draw(d.t, "resources") {
			r := &model.Resource{ID: fmt.Sprintf("R%d", len(d.all)), Retain: rapid.Bool().Draw(d.t, "retain"), Owner: rapid.SampledFrom([]string{"", "shop"}).Draw(d.t, "owner")}
			r.Props = model.New(rapid.SampledFrom(resourceTypes).Draw(d.t, "type"))
			d.all = append(d.all, r)
			mine = append(mine, r)
		}
		for _, r := range mine {
			d.fill(reflect.ValueOf(r.Props).Elem(), 0)
		}
		s.Add(mine...)
	}
	return out
}

// fill draws some of the fields of a struct.
func (d *drawn) fill(v reflect.Value, depth int) {
	for i := range v.NumField() {
		if f := v.Field(i); rapid.IntRange(0, 3).Draw(d.t, "field") == 0 && depth < 6 {
			d.set(f, depth)
		}
	}
}

func (d *drawn) set(f reflect.Value, depth int) {
	switch {
	case f.Type() == reflect.TypeFor[model.Value]():
		f.Set(reflect.ValueOf(d.value(depth)))
	case f.Kind() == reflect.Interface:
		f.Set(reflect.ValueOf(d.json(depth)))
	case f.Kind() == reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		d.fill(f.Elem(), depth+1)
	case f.Kind() == reflect.Slice:
		f.Set(reflect.MakeSlice(f.Type(), rapid.IntRange(0, 2).Draw(d.t, "items"), 2))
		for i := range f.Len() {
			d.set(f.Index(i), depth+1)
		}
	case f.Kind() == reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
		v := reflect.New(f.Type().Elem()).Elem()
		d.set(v, depth+1)
		f.SetMapIndex(reflect.ValueOf(rapid.StringMatching(`[A-Za-z:_ -]{1,8}`).Draw(d.t, "key")), v)
	}
}

// texts are what a writer of YAML or JSON can get wrong.
var texts = []string{
	"", "a", "true", "no", "null", "~", "1", "0x1", "1e3", "- a", "a: b", "# a", "a #b", "'", `"`, `\`, "é 😀", "\u2028", "\t", "a\nb", "a\nb\n", " a\nb",
	"a\n\nb\n\n", "a \nb", "${a}", "${!a}", "$", "$${", "{{a}}", "<<", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "a::b", "AWS::Region", "[a]", "{a: b}", "\u007f",
	"function handler(event) {\n  return `${event}`;\n}\n", "\ue000", "a\r\nb", "2012-10-17", "---", "...", "a\n---\nb\n",
}

func (d *drawn) text() string {
	if rapid.Bool().Draw(d.t, "sampled") {
		return rapid.SampledFrom(texts).Draw(d.t, "text")
	}
	return strings.ToValidUTF8(rapid.String().Draw(d.t, "text"), "")
}

func (d *drawn) value(depth int) model.Value {
	switch rapid.IntRange(0, 6).Draw(d.t, "value") {
	case 0:
		return model.Int(rapid.Int64Range(-1e9, 1e9).Draw(d.t, "int"))
	case 1:
		return model.Float(float64(rapid.IntRange(-1000, 1000).Draw(d.t, "float")) + 0.5)
	case 2:
		return model.Bool(rapid.Bool().Draw(d.t, "bool"))
	case 3:
		return rapid.SampledFrom([]model.Value{model.AccountID, model.Region, model.Partition}).Draw(d.t, "pseudo")
	case 4:
		return d.ref()
	case 5:
		return model.Join{model.Text("arn:" + d.text() + ":"), model.Partition, model.Text(":x"), d.ref()}
	}
	return model.Text(d.text())
}

func (d *drawn) ref() model.Value {
	r := rapid.SampledFrom(d.all).Draw(d.t, "to")
	attrs := []string{""}
	if known := schema.ResourceType(r.Type()); known != nil {
		attrs = append(attrs, known.Attributes...)
	}
	return model.Ref{Resource: r, Attr: rapid.SampledFrom(attrs).Draw(d.t, "attr")}
}

func (d *drawn) json(depth int) any {
	if depth > 4 {
		return d.text()
	}
	switch rapid.IntRange(0, 3).Draw(d.t, "json") {
	case 0:
		return map[string]any{"a": d.json(depth + 1), "b": []any{d.json(depth + 1)}}
	case 1:
		return d.value(depth)
	case 2:
		return map[string]any{}
	}
	return d.text()
}

// TestRoundTrip writes drawn deployments as JSON and YAML and reads them back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := (&drawn{t: t}).deployment()
		files, err := cfn.Emit(d)
		if err != nil {
			t.Fatal(err)
		}
		var jsons, yamls, trees []*cfn.Template
		for _, f := range files {
			for _, form := range []struct {
				name string
				data []byte
				list *[]*cfn.Template
			}{{"a.json", f.JSON(), &jsons}, {"a.yaml", f.YAML(), &yamls}} {
				template, err := cfn.Read(form.name, form.data)
				if err != nil {
					t.Fatalf("%v\n%s", err, form.data)
				}
				*form.list = append(*form.list, template)
			}
			trees = append(trees, f.Template())
		}
		for _, list := range [][]*cfn.Template{jsons, yamls, trees} {
			got, problems := cfn.Deployment(list...)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if want, have := strings.Join(flat(d), "\n"), strings.Join(flat(got), "\n"); want != have {
				t.Fatalf("written:\n%s\nread:\n%s\n%s", want, have, files[0].YAML())
			}
		}
	})
}
