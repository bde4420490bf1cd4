package adopt

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/aws/terraform"
	"skerry.dev/skerry/spec"
)

// TestFormsAgree writes what specs compile to as templates, as answers of AWS's API and as a state of Terraform, reads each, and
// finds the same properties in all of them. The writers stand here, spelled out, and share nothing with the readers.
func TestFormsAgree(t *testing.T) {
	for name, text := range roundTrips {
		s, problems := spec.Parse([]spec.File{{Name: "edge.yaml", Data: []byte(text)}})
		if len(problems) > 0 {
			t.Fatal(name, problems)
		}
		d, _ := compile.Run(s)
		d = terraform.Normal(d)
		list, err := cfn.Emit(d)
		if err != nil {
			t.Fatal(err)
		}
		main, _, err := terraform.Emit(d)
		if err != nil {
			t.Fatal(err)
		}
		template := map[string]any{}
		var answers []File
		for _, f := range list {
			for id, r := range resourcesIn(t, []File{{Data: f.JSON()}}) {
				r := settledValues(r).(map[string]any)
				kind, props := r["Type"].(string), r["Properties"].(map[string]any)
				template[id] = map[string]any{"Type": kind, "Properties": props}
				if answer := apiAnswer(kind, id, props); answer != nil {
					answers = append(answers, File{id + ".json", encoded(t, answer)})
				}
			}
		}
		want := properties([]File{{"all.json", encoded(t, map[string]any{"Resources": template})}})
		for form, got := range map[string]map[string][]string{
			"answers": properties(answers), "state": properties([]File{{"terraform.tfstate", stateOf(t, main)}}),
		} {
			for kind := range apiNames {
				for _, props := range got[kind] {
					if !slices.Contains(want[kind], props) {
						t.Errorf("%s: %s: one of type %s reads\n%s\nand the templates have\n%s", name, form, kind, props, strings.Join(want[kind], "\n"))
					}
				}
				if len(got[kind]) != len(want[kind]) {
					t.Errorf("%s: %s: %d of type %s, and the templates have %d", name, form, len(got[kind]), kind, len(want[kind]))
				}
			}
		}
	}
}

// properties are what the readers make of files, by the types of resources.
func properties(files []File) map[string][]string {
	out := map[string][]string{}
	for _, r := range read(files).resources {
		var b strings.Builder
		dumped(&b, r.Props, "")
		out[r.Type] = append(out[r.Type], b.String())
	}
	return out
}

// dumped writes what is known below a value, without what no answer has: tags, the code of functions, empty lists and objects of
// them.
func dumped(b *strings.Builder, n *schema.Node, path string) {
	fields := slices.SortedFunc(slices.Values(n.Fields), func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range fields {
		if f.Name != "Tags" && f.Name != "FunctionCode" && f.Name != "AutoPublish" && f.Name != "Quantity" {
			dumped(b, f.Value, path+"."+f.Name)
		}
	}
	for _, item := range n.Items {
		dumped(b, item, path+".-")
	}
	switch text, ok := n.AsText(); {
	case ok && text != "" && strings.Contains(text, "${"):
		b.WriteString(path + " a reference\n")
	case ok && text != "":
		b.WriteString(path + " " + text + "\n")
	case n.Kind == schema.Map && len(n.Fields) == 0 && !strings.HasSuffix(path, ".S3OriginConfig"): // an empty text is in there
		b.WriteString(path + " {}\n")
	}
}

// settledValues has a text in place of each function of CloudFormation, as AWS has once it is deployed.
func settledValues(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if len(v) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::")) {
				return "${}"
			}
			v[name] = settledValues(v[name])
		}
	case []any:
		for i := range v {
			v[i] = settledValues(v[i])
		}
	case string:
		if strings.Contains(v, "{{resolve:") {
			return "${}"
		}
	}
	return v
}

func encoded(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// apiNames are the types that answers are written of, with the name that each has there.
var apiNames = map[string]string{
	"AWS::CloudFront::Distribution": "Distribution", "AWS::CloudFront::CachePolicy": "CachePolicy",
	"AWS::CloudFront::OriginRequestPolicy": "OriginRequestPolicy", "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicy",
	"AWS::CloudFront::OriginAccessControl": "OriginAccessControl", "AWS::CloudFront::VpcOrigin": "VpcOrigin",
	"AWS::WAFv2::WebACL": "WebACL", "AWS::WAFv2::IPSet": "IPSet", "AWS::WAFv2::RegexPatternSet": "RegexPatternSet",
}

// apiSpelling is how the API spells names of CloudFormation.
var apiSpelling = map[string]string{
	"IPV6Enabled": "IsIPV6Enabled", "OriginCustomHeaders": "CustomHeaders", "OriginSSLProtocols": "OriginSslProtocols",
	"AcmCertificateArn": "ACMCertificateArn", "IamCertificateId": "IAMCertificateId", "SslSupportMethod": "SSLSupportMethod",
}

// apiAnswer is a resource as the API says it; nil: no answer is written of its type.
func apiAnswer(kind, id string, props map[string]any) map[string]any {
	name, ok := apiNames[kind]
	if !ok {
		return nil
	}
	w := apiWriter{counts: strings.HasPrefix(kind, "AWS::CloudFront::")}
	of := w.value(reflect.TypeOf(model.New(kind)), props).(map[string]any)
	delete(of, "Tags")
	of["Id"] = id
	if !w.counts {
		of["ARN"] = "arn:aws:wafv2:us-east-1:123456789012:global/x/y/" + id
		delete(of, "Id")
		delete(of, "Scope")
	}
	return map[string]any{"ETag": "E1", name: of}
}

type apiWriter struct{ counts bool }

func (w apiWriter) value(t reflect.Type, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if t.Kind() == reflect.Pointer {
			return w.object(t.Elem(), v)
		}
	case []any:
		out := []any{}
		for _, item := range v {
			if t.Elem().Kind() != reflect.Interface {
				item = w.value(t.Elem(), item)
			}
			out = append(out, item)
		}
		if w.counts {
			return map[string]any{"Quantity": len(out), "Items": out}
		}
		return out
	}
	return v
}

func (w apiWriter) object(t reflect.Type, v map[string]any) map[string]any {
	out := map[string]any{}
	for name, item := range v {
		f, _ := t.FieldByName(name)
		to := name
		if other := apiSpelling[name]; other != "" {
			to = other
		}
		out[to] = w.value(f.Type, item)
	}
	into := func(name string, more map[string]any) {
		if of, ok := out[name].(map[string]any); ok {
			maps.Copy(of, more)
		}
	}
	if items, ok := out["Items"].(map[string]any); ok { // an object that is a list
		out = items
	}
	switch name := t.Name(); {
	case strings.HasSuffix(name, "CacheBehavior"):
		into("AllowedMethods", map[string]any{"CachedMethods": out["CachedMethods"]})
		delete(out, "CachedMethods")
		into("TrustedKeyGroups", map[string]any{"Enabled": true})
	case name == "DistributionLogging":
		out["Enabled"] = true
	case name == "DistributionGeoRestriction":
		if list, ok := out["Locations"].(map[string]any); ok {
			maps.Copy(out, list)
			delete(out, "Locations")
		}
	case strings.HasSuffix(name, "ReferenceStatement"):
		out["ARN"] = out["Arn"]
		delete(out, "Arn")
	case strings.HasSuffix(name, "ByteMatchStatement"):
		if text, ok := out["SearchString"].(string); ok {
			out["SearchString"] = base64.StdEncoding.EncodeToString([]byte(text))
		}
	case name == "RegexPatternSet":
		list := []any{}
		for _, item := range out["RegularExpressionList"].([]any) {
			list = append(list, map[string]any{"RegexString": item})
		}
		out["RegularExpressionList"] = list
	}
	return out
}

// stateOf is the state of what a main.tf.json makes: blocks are lists, and what is not written is null.
func stateOf(t *testing.T, main []byte) []byte {
	var config struct {
		Resource map[string]map[string]map[string]any
	}
	if err := json.Unmarshal(main, &config); err != nil {
		t.Fatal(err)
	}
	list := []any{}
	for kind, named := range config.Resource {
		for name, body := range named {
			for _, meta := range []string{"//", "lifecycle", "depends_on", "provider"} {
				delete(body, meta)
			}
			listed(schema.Terraform().Resources[kind], body)
			list = append(list, map[string]any{"mode": "managed", "type": kind, "name": name, "instances": []any{map[string]any{"attributes": body}}})
		}
	}
	return encoded(t, map[string]any{"version": 4, "terraform_version": "1.11.4", "resources": list})
}

// listed makes lists of the blocks below a block, and null of what it does not have.
func listed(block *schema.TerraformBlock, body map[string]any) {
	for name := range block.Attributes {
		if _, there := body[name]; !there {
			body[name] = nil
		}
	}
	for name, nested := range block.Blocks {
		switch v := body[name].(type) {
		case map[string]any:
			listed(nested.Block, v)
			body[name] = []any{v}
		case []any:
			for _, item := range v {
				listed(nested.Block, item.(map[string]any))
			}
		default:
			body[name] = []any{}
		}
	}
}
