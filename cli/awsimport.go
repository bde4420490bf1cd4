package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/aws/adopt"
	"skerry.dev/skerry/aws/finding"
)

func newAWSImport() *cobra.Command {
	var out string
	var allow []string
	cmd := &cobra.Command{
		Use:   "import FILE… --out DIR",
		Short: "Write down as documents what stands on CloudFront and AWS WAF",
		Long: "Read distributions, web ACLs and what belongs to them, and write documents that say the same, with a ledger of what has\n" +
			"become of every attribute: exact, approximated or refused. A file is what `aws cloudfront get-distribution`,\n" +
			"`aws wafv2 get-web-acl` and the like print, a state of Terraform or `terraform show -json`, a template of\n" +
			"CloudFormation, or a function's code in a .js file that has its name; a folder stands for the files in it. Give all\n" +
			"that belongs together at once. What the documents do not say is printed, one finding a line; the documents are written\n" +
			"all the same, and the exit code is 1 if a finding is an error and its id is not allowed.",
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder for the documents and the ledger; made if it is not there")
	cmd.Flags().StringArrayVar(&allow, "allow", nil, "id of a finding that is no error here; may be given several times")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return errors.New("name at least one file of the input")
		case out == "":
			return fmt.Errorf("name the folder for the documents: --out DIR")
		}
		return work(func(cmd *cobra.Command, paths []string) error {
			return importAWS(cmd, paths, out, allow)
		})(cmd, args)
	}
	return cmd
}

func importAWS(cmd *cobra.Command, paths []string, dir string, allow []string) error {
	for _, id := range allow {
		if !slices.ContainsFunc(adopt.Rules(), func(r *finding.Rule) bool { return r.ID == id }) {
			return fmt.Errorf("--allow %s: no finding of an import has this id", id)
		}
	}
	files, err := importFiles(paths)
	if err != nil {
		return err
	}
	r := adopt.Read(files, allow)
	text, lines, err := importLedger(r.Ledger)
	if err != nil {
		return err
	}
	kept := slices.Concat(r.Documents, r.Files)
	for _, d := range kept {
		path := filepath.Join(dir, filepath.FromSlash(d.Name))
		if there, err := os.ReadFile(path); err == nil && !bytes.Equal(there, d.Data) {
			return fmt.Errorf("%s is there already and says something else: name another folder", path)
		}
	}
	for _, d := range append(kept, adopt.Document{Name: "ledger.txt", Data: text}, adopt.Document{Name: "ledger.jsonl", Data: lines}) {
		path := filepath.Join(dir, filepath.FromSlash(d.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, d.Data, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "wrote "+path)
	}
	n := adopt.Counts(r.Ledger)
	fmt.Fprintf(cmd.OutOrStdout(), "of %s: %d exact, %d approximated, %d refused\n", count(len(r.Ledger), "row"), n[adopt.Exact], n[adopt.Approximated], n[adopt.Refused])
	printFindings(cmd.ErrOrStderr(), r.Findings)
	if finding.Errors(r.Findings) > 0 {
		if len(r.Documents) > 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "the documents are written, but they do not say all that stands there: go on from them by hand")
		}
		return errReported
	}
	return nil
}

// importLedger is the ledger, a row a line: as text, and as JSON. A .json file would be taken for a document.
func importLedger(rows []adopt.Row) (text, lines []byte, err error) {
	var plain, encoded bytes.Buffer
	e := json.NewEncoder(&encoded)
	e.SetEscapeHTML(false)
	for _, row := range rows {
		fmt.Fprintln(&plain, row)
		if err := e.Encode(row); err != nil {
			return nil, nil, err
		}
	}
	return plain.Bytes(), encoded.Bytes(), nil
}

// importFiles are the files of the input; of a folder those that have a form which is read.
func importFiles(paths []string) ([]adopt.File, error) {
	var files []adopt.File
	for _, path := range paths {
		list := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if info.IsDir() {
			entries, err := os.ReadDir(path)
			if err != nil {
				return nil, err
			}
			list = nil
			for _, e := range entries {
				if e.Type().IsRegular() && slices.Contains(importForms[:], filepath.Ext(e.Name())) {
					list = append(list, filepath.Join(path, e.Name()))
				}
			}
		}
		for _, file := range list {
			data, err := importFile(file)
			if err != nil {
				return nil, err
			}
			files = append(files, adopt.File{Name: filepath.ToSlash(file), Data: data})
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no file of the input in %s", paths[0])
	}
	return files, nil
}

// importFile reads a file, and of one that is too large no more than it takes to see that.
func importFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, adopt.FileBytesMax+1))
}

var importForms = [...]string{".json", ".tfstate", ".template", ".yaml", ".yml", ".js"}
