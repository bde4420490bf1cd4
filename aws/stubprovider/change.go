package stubprovider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"skerry.dev/skerry/aws/schema"
)

func (s *server) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	t, err := s.resource(r.TypeName)
	if err != nil {
		return &tfprotov5.UpgradeResourceStateResponse{Diagnostics: problem("State cannot be read", err)}, nil
	}
	v, err := r.RawState.Unmarshal(t)
	if err != nil {
		return &tfprotov5.UpgradeResourceStateResponse{Diagnostics: problem("State cannot be read", err)}, nil
	}
	state, err := tfprotov5.NewDynamicValue(t, v)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &state}, err
}

func (s *server) UpgradeResourceIdentity(context.Context, *tfprotov5.UpgradeResourceIdentityRequest) (*tfprotov5.UpgradeResourceIdentityResponse, error) {
	return nil, fmt.Errorf("the stub has no identities")
}

func (s *server) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState, Private: r.Private}, nil
}

func (s *server) ImportResourceState(context.Context, *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	return nil, fmt.Errorf("the stub imports nothing")
}

func (s *server) MoveResourceState(context.Context, *tfprotov5.MoveResourceStateRequest) (*tfprotov5.MoveResourceStateResponse, error) {
	return nil, fmt.Errorf("the stub moves nothing")
}

func (s *server) GenerateResourceConfig(context.Context, *tfprotov5.GenerateResourceConfigRequest) (*tfprotov5.GenerateResourceConfigResponse, error) {
	return nil, fmt.Errorf("the stub generates nothing")
}

// PlanResourceChange leaves what was proposed, but for what the provider fills in: that is unknown until the resource is made, and
// stays after it. What is only written is in no plan.
func (s *server) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	planned, err := s.change(r.TypeName, r.ProposedNewState, r.PriorState, func(_ string, a *schema.TerraformAttribute, is, was tftypes.Value) tftypes.Value {
		switch {
		case a.WriteOnly:
			return tftypes.NewValue(is.Type(), nil)
		case a.Computed && is.IsNull() && was.IsNull():
			return tftypes.NewValue(is.Type(), tftypes.UnknownValue)
		case a.Computed && is.IsNull():
			return was
		}
		return is
	})
	if err != nil {
		return &tfprotov5.PlanResourceChangeResponse{Diagnostics: problem("No plan", err)}, nil
	}
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: planned, PlannedPrivate: r.PriorPrivate}, nil
}

// ApplyResourceChange makes up what is unknown.
func (s *server) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	id := made(r.TypeName, string(r.PlannedState.MsgPack))
	state, err := s.change(r.TypeName, r.PlannedState, r.PriorState, func(name string, a *schema.TerraformAttribute, is, _ tftypes.Value) tftypes.Value {
		if is.IsKnown() {
			return is
		}
		return invented(r.TypeName, id, name, a, is.Type())
	})
	if err == nil {
		state, err = s.proofs(r.TypeName, state)
	}
	if err != nil {
		return &tfprotov5.ApplyResourceChangeResponse{Diagnostics: problem("Not applied", err)}, nil
	}
	return &tfprotov5.ApplyResourceChangeResponse{NewState: state, Private: r.PlannedPrivate}, nil
}

// change goes over the attributes of a state. One that is null, since the resource goes away, stays null.
func (s *server) change(name string, state, prior *tfprotov5.DynamicValue,
	each func(name string, a *schema.TerraformAttribute, is, was tftypes.Value) tftypes.Value) (*tfprotov5.DynamicValue, error) {
	t, err := s.resource(name)
	if err != nil {
		return nil, err
	}
	is, err := state.Unmarshal(t)
	if err != nil || is.IsNull() {
		return state, err
	}
	was, err := prior.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	now, before := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if err := is.As(&now); err != nil {
		return nil, err
	}
	if !was.IsNull() {
		if err := was.As(&before); err != nil {
			return nil, err
		}
	}
	for attr, a := range schema.Terraform().Resources[name].Attributes {
		old, ok := before[attr]
		if !ok {
			old = tftypes.NewValue(now[attr].Type(), nil)
		}
		now[attr] = each(attr, a, now[attr], old)
	}
	out, err := tfprotov5.NewDynamicValue(t, tftypes.NewValue(t, now))
	return &out, err
}

// made is an identifier that nobody has given.
func made(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return "E" + strings.ToUpper(hex.EncodeToString(sum[:6]))
}

// invented is a value that AWS would have given.
func invented(kind, id, name string, a *schema.TerraformAttribute, t tftypes.Type) tftypes.Value {
	switch {
	case a.Collection == "map":
		return tftypes.NewValue(t, map[string]tftypes.Value{})
	case a.Collection != "":
		return tftypes.NewValue(t, []tftypes.Value{})
	case a.Type == "number":
		return tftypes.NewValue(t, 1)
	case a.Type == "bool":
		return tftypes.NewValue(t, true)
	case name == "arn" || strings.HasSuffix(name, "_arn"):
		return tftypes.NewValue(t, "arn:aws:stub:us-east-1:123456789012:"+strings.TrimPrefix(kind, "aws_")+"/"+id)
	case name == "region":
		return tftypes.NewValue(t, "us-east-1")
	case name == "domain_name" || name == "routing_endpoint":
		return tftypes.NewValue(t, strings.ToLower(id)+".cloudfront.net")
	}
	return tftypes.NewValue(t, id)
}

// proofs says for each domain of a certificate which record proves it, as AWS Certificate Manager does.
func (s *server) proofs(kind string, state *tfprotov5.DynamicValue) (*tfprotov5.DynamicValue, error) {
	if kind != "aws_acm_certificate" {
		return state, nil
	}
	t, _ := s.resource(kind)
	v, err := state.Unmarshal(t)
	now := map[string]tftypes.Value{}
	if err != nil || v.IsNull() {
		return state, err
	}
	if err := v.As(&now); err != nil {
		return nil, err
	}
	var names []tftypes.Value
	if err := now["subject_alternative_names"].As(&names); err != nil {
		return nil, err
	}
	set := now["domain_validation_options"].Type().(tftypes.Set)
	seen := map[string]bool{}
	var options []tftypes.Value
	for _, n := range append(names, now["domain_name"]) {
		var name string
		if err := n.As(&name); err != nil || seen[name] {
			continue
		}
		seen[name] = true
		base := strings.TrimPrefix(name, "*.")
		text := func(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
		options = append(options, tftypes.NewValue(set.ElementType, map[string]tftypes.Value{
			"domain_name": text(name), "resource_record_name": text("_" + strings.ToLower(made(base)) + "." + base), "resource_record_type": text("CNAME"),
			"resource_record_value": text("_" + strings.ToLower(made("proof", base)) + ".acm-validations.aws"),
		}))
	}
	now["domain_validation_options"] = tftypes.NewValue(set, options)
	out, err := tfprotov5.NewDynamicValue(t, tftypes.NewValue(t, now))
	return &out, err
}
