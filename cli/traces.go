package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/observe"
	"skerry.dev/skerry/spec"
)

// tracesFlags say where spans go.
type tracesFlags struct {
	endpoint string
	headers  []string
}

func (t *tracesFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.endpoint, "otlp", "", "URL of an OTLP/HTTP receiver for the spans of sampled exchanges, such as http://127.0.0.1:4318; empty: none")
	cmd.Flags().StringArrayVar(&t.headers, "otlp-header", nil, "header field for it as NAME=REF, where REF is file:NAME below --secrets or env:"+spec.SecretPrefix+"…; repeatable")
}

// options are what the flags say, nil if spans go nowhere.
func (t *tracesFlags) options(secrets spec.Secrets) (*observe.TracerOptions, error) {
	if t.endpoint == "" {
		return nil, nil
	}
	o := &observe.TracerOptions{Endpoint: t.endpoint, Version: build().Version, Headers: map[string]string{}}
	for _, h := range t.headers {
		name, ref, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--otlp-header %q is not NAME=REF", name)
		}
		value, err := secrets.Read(spec.Ref(ref))
		if err != nil {
			return nil, fmt.Errorf("--otlp-header %s: %w", name, err)
		}
		o.Headers[name] = strings.TrimSpace(string(value))
	}
	return o, nil
}
