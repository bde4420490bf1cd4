package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/aws"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

func newAWS() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "Compile documents to CloudFront with AWS WAF, and judge what stands there",
		Long: "Compile the same documents to CloudFront with AWS WAF, say what differs there, judge templates of anybody, and\n" +
			"take over what is there already. Nothing here talks to AWS.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAWSCompile(), newAWSLint(), newAWSDiff(), newAWSImport())
	return cmd
}

func newAWSCompile() *cobra.Command {
	var target, out, keep string
	var from []string
	var watch bool
	cmd := &cobra.Command{
		Use:   "compile --target cfn|cfn-yaml|terraform|cdk --out DIR -f PATH…",
		Short: "Write documents down for CloudFormation, Terraform or the CDK",
		Long: "Compile every document under the paths to CloudFront with AWS WAF, and write the files into a folder. What differs\n" +
			"there is printed on standard error, one finding a line. Where one is an error, nothing is written and the exit code\n" +
			"is 1: mend it, or allow its id in `portability: {allow: [ID]}` of the entrypoint or in the AWS document.",
	}
	cmd.Flags().StringVar(&target, "target", string(aws.CloudFormation), "what for: cfn, cfn-yaml, terraform or cdk")
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder for the files; made if it is not there")
	cmd.Flags().StringVar(&keep, "keep", "", "folder with the templates that are deployed now: what later stacks still import of them stays, see docs/aws.md")
	cmd.Flags().BoolVar(&watch, "watch", false, "stay, and compile again whenever a document changes: what was found, and what was written, since the last time")
	cmd.Flags().StringArrayVarP(&from, "file", "f", nil, "file or directory of documents; several may be named, also as arguments")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		paths := append(from, args...)
		switch {
		case len(paths) == 0:
			return somePaths(cmd, paths)
		case out == "":
			return fmt.Errorf("name the folder for the files: --out DIR")
		case !isTarget(target):
			return fmt.Errorf("--target %s is none of %s", target, targets())
		case watch && keep != "":
			return fmt.Errorf("--watch does not go with --keep: what is deployed would be another one after each deployment")
		case watch:
			w := &awsWatch{paths: paths, target: aws.Target(target), dir: out}
			return work(func(cmd *cobra.Command, _ []string) error { return w.run(cmd) })(cmd, args)
		}
		return work(func(cmd *cobra.Command, _ []string) error {
			return compileAWS(cmd, paths, aws.Target(target), out, keep)
		})(cmd, args)
	}
	return cmd
}

func isTarget(name string) bool {
	for _, t := range aws.Targets {
		if string(t) == name {
			return true
		}
	}
	return false
}

func targets() string {
	var names []string
	for _, t := range aws.Targets {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func compileAWS(cmd *cobra.Command, paths []string, target aws.Target, dir, keep string) error {
	s, problems := spec.Load(paths, spec.Options{})
	if len(problems) > 0 {
		printProblems(cmd.ErrOrStderr(), problems)
		return errReported
	}
	deployed, err := readTemplates(keep)
	if err != nil {
		return err
	}
	out, err := aws.Compile(s, target, deployed)
	if err != nil {
		return err
	}
	printFindings(cmd.ErrOrStderr(), out.Findings)
	if finding.Errors(out.Findings) > 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is written")
		return errReported
	}
	for _, c := range out.Packing {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", c.Packing, c.Why)
	}
	if out.Kept > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "kept %s for stacks that are deployed later; compile and deploy again without --keep to remove them\n", count(out.Kept, "resource"))
	}
	for _, f := range out.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "wrote "+path)
	}
	return nil
}

// printFindings writes one finding a line, and how many there are of each severity.
func printFindings(w io.Writer, list []finding.Finding) {
	for _, f := range list {
		fmt.Fprintln(w, f)
	}
	fmt.Fprintln(w, counted(list))
}

// counted is how many findings there are of each severity.
func counted(list []finding.Finding) string {
	var counts [finding.Error + 1]int
	for _, f := range list {
		counts[f.Severity]++
	}
	return fmt.Sprintf("%s, %s, %s", count(counts[finding.Error], "error"), count(counts[finding.Warning], "warning"), count(counts[finding.Note], "note"))
}

func newAWSLint() *cobra.Command {
	var asJSON, watch bool
	var allow []string
	cmd := &cobra.Command{
		Use:   "lint PATH…",
		Short: "Say what is wrong with documents on AWS, or with templates of CloudFormation",
		Long: "Judge what documents are on CloudFront with AWS WAF, or any templates of CloudFormation, JSON or YAML, ours or not: what\n" +
			"the schema says and what it cannot say. One finding a line; the exit code is 1 if one is an error. A value that is\n" +
			"known only when a stack is deployed is never a finding.",
		Args: somePaths,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list in JSON")
	cmd.Flags().StringArrayVar(&allow, "allow", nil, "id of a finding that is no error here; may be given several times")
	cmd.Flags().BoolVar(&watch, "watch", false, "stay, and judge documents again whenever one changes: + what is new, - what is gone")
	cmd.MarkFlagsMutuallyExclusive("json", "watch")
	cmd.RunE = work(func(cmd *cobra.Command, paths []string) error {
		if watch {
			return (&awsWatch{paths: paths, allow: allow}).run(cmd)
		}
		in, err := readSide(cmd, paths)
		if err != nil {
			return err
		}
		list, err := in.lint()
		if err != nil {
			return err
		}
		for i := range list {
			for _, id := range allow {
				if list[i].Rule.ID == id {
					list[i].Allow()
				}
			}
		}
		list = finding.Sort(list)
		if asJSON {
			err = writeJSON(cmd.OutOrStdout(), list)
		} else {
			printFindings(cmd.OutOrStdout(), list)
		}
		if err == nil && finding.Errors(list) > 0 {
			return errReported
		}
		return err
	})
	return cmd
}
