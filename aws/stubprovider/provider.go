package stubprovider

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"skerry.dev/skerry/aws/schema"
)

// Serve answers terraform on its standard output until it goes away; address is what it was asked for as, with the registry.
func Serve(address string) error {
	return tf5server.Serve(address, func() tfprotov5.ProviderServer { return newServer() })
}

// server implements the protocol. It has no state: terraform keeps it.
type server struct {
	schemas *tfprotov5.GetProviderSchemaResponse
}

var schemas = sync.OnceValue(func() *tfprotov5.GetProviderSchemaResponse {
	s, b := schema.Terraform(), blocks{}
	return &tfprotov5.GetProviderSchemaResponse{
		ServerCapabilities: &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true},
		Provider: &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
			{Name: "region", Type: tftypes.String, Optional: true},
		}}},
		ResourceSchemas: b.all(s.Resources), DataSourceSchemas: b.all(s.Data), EphemeralResourceSchemas: b.all(s.Ephemeral),
		Functions: map[string]*tfprotov5.Function{},
	}
})

func newServer() *server { return &server{schemas: schemas()} }

// problem is what terraform shows as an error.
func problem(summary string, err error) []*tfprotov5.Diagnostic {
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: summary, Detail: err.Error()}}
}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: s.schemas.ServerCapabilities}
	for name := range s.schemas.ResourceSchemas {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.schemas.DataSourceSchemas {
		out.DataSources = append(out.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	for name := range s.schemas.EphemeralResourceSchemas {
		out.EphemeralResources = append(out.EphemeralResources, tfprotov5.EphemeralResourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return s.schemas, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) CallFunction(context.Context, *tfprotov5.CallFunctionRequest) (*tfprotov5.CallFunctionResponse, error) {
	return nil, fmt.Errorf("the stub has no functions")
}

func (s *server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse, error) {
	return &tfprotov5.GetFunctionsResponse{Functions: s.schemas.Functions}, nil
}

func (s *server) resource(name string) (tftypes.Type, error) {
	return named(s.schemas.ResourceSchemas, name)
}

func named(schemas map[string]*tfprotov5.Schema, name string) (tftypes.Type, error) {
	if schemas[name] == nil {
		return nil, fmt.Errorf("the stub has no %s", name)
	}
	return schemas[name].ValueType(), nil
}
