package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

func newFmt() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt PATH… | -",
		Short: "Rewrite documents in their one formatting",
		Long: "Rewrite every document under the paths: fields in the order of the schema, two spaces, comments kept. The\n" +
			"names of the files that changed are printed. With - standard input goes formatted to standard output.",
		Args: somePaths,
		RunE: work(func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 1 && paths[0] == "-" {
				return formatStream(cmd, check)
			}
			return formatFiles(cmd, paths, check)
		}),
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; print the names of files that differ and exit with 1 if there are any")
	return cmd
}

func formatStream(cmd *cobra.Command, check bool) error {
	data, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	out, problems := spec.Format(spec.File{Name: "-", Data: data})
	if len(problems) > 0 {
		printProblems(cmd.ErrOrStderr(), problems)
		return errReported
	}
	if check {
		if !bytes.Equal(out, data) {
			fmt.Fprintln(cmd.OutOrStdout(), "-")
			return errReported
		}
		return nil
	}
	_, err = cmd.OutOrStdout().Write(out)
	return err
}

// formatFiles formats what can be; a file with problems stays as it is and does not keep the others from theirs.
func formatFiles(cmd *cobra.Command, paths []string, check bool) error {
	files, problems := spec.ReadFiles(paths)
	differ := 0
	for _, f := range files {
		out, ps := spec.Format(f)
		problems = append(problems, ps...)
		if len(ps) > 0 || bytes.Equal(out, f.Data) {
			continue
		}
		differ++
		if !check {
			if err := replace(f.Name, out); err != nil {
				problems = append(problems, fault.Problem{File: f.Name, Text: "cannot be written: " + err.Error()})
				continue
			}
		}
		fmt.Fprintln(cmd.OutOrStdout(), f.Name)
	}
	if len(problems) > 0 {
		printProblems(cmd.ErrOrStderr(), problems)
		return errReported
	}
	if check && differ > 0 {
		return errReported
	}
	return nil
}

// replace writes a file in one step: an edge that watches it never sees half of it. A link stays a link.
func replace(name string, data []byte) error {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(real), ".skerry-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), real)
}
