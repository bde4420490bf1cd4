package stubprovider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"skerry.dev/skerry/aws/schema"
)

// answers are what data sources and ephemeral resources say, by the names of attributes.
var answers = map[string]string{
	"account_id": "123456789012", "partition": "aws", "dns_suffix": "amazonaws.com", "region": "us-east-1",
	"secret_string": `{"value":"a secret of the stub"}`, "random_password": "a password of the stub",
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	t, err := named(s.schemas.DataSourceSchemas, r.TypeName)
	if err != nil {
		return &tfprotov5.ReadDataSourceResponse{Diagnostics: problem("No such data source", err)}, nil
	}
	state, err := answered(t, r.Config, schema.Terraform().Data[r.TypeName])
	return &tfprotov5.ReadDataSourceResponse{State: state}, err
}

// answered fills in what is asked for.
func answered(t tftypes.Type, config *tfprotov5.DynamicValue, block *schema.TerraformBlock) (*tfprotov5.DynamicValue, error) {
	v, err := config.Unmarshal(t)
	if err != nil {
		return nil, err
	}
	now := map[string]tftypes.Value{}
	if err := v.As(&now); err != nil {
		return nil, err
	}
	for name, a := range block.Attributes {
		if !now[name].IsNull() || !a.Computed {
			continue
		}
		if answer, ok := answers[name]; ok {
			now[name] = tftypes.NewValue(tftypes.String, answer)
			continue
		}
		now[name] = invented("data", made(name), name, a, now[name].Type())
	}
	out, err := tfprotov5.NewDynamicValue(t, tftypes.NewValue(t, now))
	return &out, err
}

func (s *server) ValidateEphemeralResourceConfig(context.Context, *tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov5.ValidateEphemeralResourceConfigResponse{}, nil
}

func (s *server) OpenEphemeralResource(_ context.Context, r *tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	t, err := named(s.schemas.EphemeralResourceSchemas, r.TypeName)
	if err != nil {
		return &tfprotov5.OpenEphemeralResourceResponse{Diagnostics: problem("No such resource", err)}, nil
	}
	result, err := answered(t, r.Config, schema.Terraform().Ephemeral[r.TypeName])
	return &tfprotov5.OpenEphemeralResourceResponse{Result: result}, err
}

func (s *server) RenewEphemeralResource(context.Context, *tfprotov5.RenewEphemeralResourceRequest) (*tfprotov5.RenewEphemeralResourceResponse, error) {
	return &tfprotov5.RenewEphemeralResourceResponse{}, nil
}

func (s *server) CloseEphemeralResource(context.Context, *tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return &tfprotov5.CloseEphemeralResourceResponse{}, nil
}
