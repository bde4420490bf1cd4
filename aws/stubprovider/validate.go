package stubprovider

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/terraform"
)

// ValidateResourceTypeConfig reads a resource back to the model, and shows what AWS's schema and the linter find wrong with it.
func (s *server) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	t, err := s.resource(r.TypeName)
	if err != nil {
		return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: problem("No such resource", err)}, nil
	}
	v, err := r.Config.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	body, _ := plain(v).(map[string]any)
	return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: judged(r.TypeName, body)}, nil
}

// judged is what is wrong with a resource.
func judged(kind string, body map[string]any) []*tfprotov5.Diagnostic {
	if kind == "aws_route53_record" && body["allow_overwrite"] == true {
		return nil // it proves the domains of a certificate, which CloudFormation does by itself
	}
	props, err := terraform.ReadProperties(kind, body)
	if err != nil {
		return problem("Not what the emitter writes", err)
	}
	if props == nil {
		return nil
	}
	stack := &model.Stack{Name: "stub", Region: "us-east-1"}
	stack.Add(&model.Resource{ID: "Resource", Props: props})
	files, err := cfn.Emit(&model.Deployment{Stacks: []*model.Stack{stack}})
	if err != nil {
		return problem("Not a template", err)
	}
	var out []*tfprotov5.Diagnostic
	for _, f := range lint.Check(files[0].Template(), nil) {
		if f.Severity == finding.Error {
			out = append(out, &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityError, Summary: f.Rule.ID, Detail: f.String()})
		}
	}
	return out
}

// unknown is an expression: what has no value yet.
const unknown = "${unknown}"

// plain is a value as it would stand in a file; nil where nothing stands.
func plain(v tftypes.Value) any {
	if !v.IsKnown() {
		return unknown
	}
	if v.IsNull() {
		return nil
	}
	switch t := v.Type(); {
	case t.Is(tftypes.String):
		var s string
		must(v.As(&s))
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
	case t.Is(tftypes.Bool):
		var b bool
		must(v.As(&b))
		return b
	case t.Is(tftypes.Number):
		var n big.Float
		must(v.As(&n))
		return json.Number(n.Text('f', -1))
	case t.Is(tftypes.Object{}), t.Is(tftypes.Map{}):
		fields := map[string]tftypes.Value{}
		must(v.As(&fields))
		out := map[string]any{}
		for name, f := range fields {
			if inner := plain(f); inner != nil {
				out[name] = inner
			}
		}
		return out
	}
	var items []tftypes.Value
	must(v.As(&items))
	if len(items) == 0 { // blocks that are not there
		return nil
	}
	out := []any{}
	for _, i := range items {
		out = append(out, plain(i))
	}
	return out
}

// must is for what the type has already said.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
}
