package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/fault"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the spec has problems, or something else did not work
	exitUsage  = 2 // the command line makes no sense
)

// failed is an error of a command's work, not of its command line.
type failed struct{ error }

func (f failed) Unwrap() error { return f.error }

// errReported ends a command that has already said what is wrong.
var errReported = errors.New("reported")

// Main runs a command line without the program's name and returns the exit code.
func Main(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	var work failed
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &work):
		fmt.Fprintln(root.ErrOrStderr(), "skerry: "+err.Error())
		return exitFailed
	}
	fmt.Fprintf(root.ErrOrStderr(), "skerry: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "skerry",
		Short: "The public edge of a company in one binary",
		Long: "Skerry is a reverse proxy for public traffic. Documents of a few lines say which hosts there are,\n" +
			"where their requests go and what protects them.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newRun(), newCheck(), newFmt(), newExplain(), newSchema(), newVersion(), newDemo(), newWAF(), newCache(), newAWS())
	return root
}

// work marks what f returns as an error of the work, so that Main can tell it from a wrong command line.
func work(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd, args); err != nil {
			return failed{err}
		}
		return nil
	}
}

// somePaths wants at least one argument.
func somePaths(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("name at least one file or directory of documents")
	}
	return nil
}

// printProblems writes every problem, each with the line that says how to mend it.
func printProblems(w io.Writer, problems []fault.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, strings.TrimSpace(p.String()))
	}
}

// count is a number with its noun: "1 route", "2 routes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
