package cli

import (
	"github.com/spf13/cobra"

	"skerry.dev/skerry/spec"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a document, for editors",
		Long: "Print the JSON Schema (2020-12) of a document. An editor with YAML support completes and checks with it:\n" +
			"put `# yaml-language-server: $schema=schema.json` on the first line of a file.",
		Args: cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(spec.Schema())
			return err
		}),
	}
}
