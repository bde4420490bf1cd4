package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// side is what is judged or compared: documents, or templates of CloudFormation.
type side struct {
	spec      *spec.Spec // nil: there are templates
	templates []*cfn.Template
}

// readSide reads documents or templates. Files are templates if they look like it; a directory has templates if it has no document.
func readSide(cmd *cobra.Command, paths []string) (*side, error) {
	files, err := templateFiles(paths)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		s, problems := spec.Load(paths, spec.Options{})
		if len(problems) > 0 {
			printProblems(cmd.ErrOrStderr(), problems)
			return nil, errReported
		}
		return &side{spec: s}, nil
	}
	list, err := parseTemplates(files)
	return &side{templates: list}, err
}

// readTemplates reads the templates of a folder; none where no folder is named.
func readTemplates(dir string) ([]*cfn.Template, error) {
	if dir == "" {
		return nil, nil
	}
	files, err := templateFiles([]string{dir})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("--keep %s: there is no template in here", dir)
	}
	if err != nil {
		return nil, err
	}
	return parseTemplates(files)
}

func parseTemplates(files []string) (list []*cfn.Template, err error) {
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		t, err := cfn.Read(path, data)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// templateFiles are the templates under the paths; none where all is documents. Both at once make no sense.
func templateFiles(paths []string) (templates []string, err error) {
	var others []string
	for _, path := range paths {
		list := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if info.IsDir() {
			if list, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
				return nil, err
			}
		}
		for _, file := range list {
			switch is, err := isTemplate(file); {
			case err != nil:
				return nil, err
			case is:
				templates = append(templates, file)
			default:
				others = append(others, file)
			}
		}
	}
	slices.Sort(templates)
	if len(templates) > 0 && slices.ContainsFunc(others, isDocument) {
		return nil, fmt.Errorf("%s is a template of CloudFormation, and there are documents beside it: name one kind at a time", templates[0])
	}
	return templates, nil
}

// isTemplate is whether a file looks like a template of CloudFormation.
func isTemplate(path string) (bool, error) {
	if !slices.Contains([]string{".json", ".yaml", ".yml", ".template"}, filepath.Ext(path)) {
		return false, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	head := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	if bytes.HasPrefix(head, []byte("{")) {
		return bytes.Contains(data, []byte(`"Resources"`)), nil
	}
	return bytes.HasPrefix(head, []byte("Resources:")) || bytes.Contains(data, []byte("\nResources:")) || bytes.Contains(data, []byte("AWSTemplateFormatVersion")), nil
}

func isDocument(path string) bool {
	data, err := os.ReadFile(path)
	return err == nil && bytes.Contains(data, []byte("apiVersion: "+spec.APIVersion))
}

func (s *side) lint() ([]finding.Finding, error) {
	if s.spec != nil {
		return aws.LintSpec(s.spec)
	}
	return aws.LintTemplates(s.templates), nil
}

// all returns the side as templates.
func (s *side) all() ([]*cfn.Template, error) {
	if s.spec != nil {
		return aws.Templates(s.spec)
	}
	return s.templates, nil
}

func newAWSDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare what two revisions of documents, or templates, are on AWS",
		Long: "Compare two sides, resource by resource. A side is documents, or a template of CloudFormation, or a directory of either. What is\n" +
			"deployed is not known here: this says what changes if OLD is what is deployed. The exit code is 1 if they differ.",
		Args: cobra.ExactArgs(2),
	}
	cmd.RunE = work(func(cmd *cobra.Command, paths []string) error {
		var sides [2][]*cfn.Template
		for i, path := range paths {
			in, err := readSide(cmd, []string{path})
			if err != nil {
				return err
			}
			if sides[i], err = in.all(); err != nil {
				return err
			}
		}
		changes := aws.Diff(sides[0], sides[1])
		for _, c := range changes {
			fmt.Fprintln(cmd.OutOrStdout(), c)
		}
		if len(changes) > 0 {
			return errReported
		}
		return nil
	})
	return cmd
}
