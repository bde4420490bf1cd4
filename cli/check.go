package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

func newCheck() *cobra.Command {
	var g guardFlags
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Say whether run would take the documents under the paths",
		Long: "Read, resolve and compile every document under the paths without starting anything. Every problem is\n" +
			"printed with its place and how to mend it; then the exit code is 1.",
		Args: somePaths,
	}
	g.add(cmd)
	cmd.RunE = work(func(cmd *cobra.Command, paths []string) error {
		p, problems, err := compile(paths, &g)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			printProblems(cmd.ErrOrStderr(), problems)
			fmt.Fprintln(cmd.ErrOrStderr(), count(len(problems), "problem"))
			return errReported
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "ok: "+summary(p.Spec))
		return err
	})
	return cmd
}

// compile makes the plan of the documents under the paths. It starts nothing.
func compile(paths []string, g *guardFlags) (*plan.Plan, []fault.Problem, error) {
	guard, err := g.guard(g.adminAddrs())
	if err != nil {
		return nil, nil, err
	}
	s, problems := spec.Load(paths, spec.Options{})
	if len(problems) > 0 {
		return nil, problems, nil
	}
	p, problems := edge.Compile(s, guard)
	return p, problems, nil
}

// summary is a spec in one line.
func summary(s *spec.Spec) string {
	routes := 0
	for _, e := range s.Entrypoints {
		routes += len(e.Routes)
	}
	return count(len(s.Entrypoints), "entrypoint") + ", " + count(routes, "route") + ", " + count(len(s.Services), "service") + ", " + s.Hash
}
