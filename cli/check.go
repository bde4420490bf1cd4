package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
	"skerry.dev/skerry/spec"
)

func newCheck() *cobra.Command {
	var g settingFlags
	cmd := &cobra.Command{
		Use:   "check PATH…",
		Short: "Say whether run would take the documents under the paths",
		Long: "Read, resolve and compile every document under the paths without starting anything. Every problem is\n" +
			"printed with its place and how to mend it; then the exit code is 1. Of certificates that have ended, or cover\n" +
			"no host, run only warns: it must start when one of many is over.",
		Args: somePaths,
	}
	g.add(cmd)
	cmd.RunE = work(func(cmd *cobra.Command, paths []string) error {
		p, problems, err := compile(paths, &g)
		if err != nil {
			return err
		}
		if len(problems) == 0 {
			problems = p.Certs.Problems(time.Now())
		}
		if len(problems) > 0 {
			printProblems(cmd.ErrOrStderr(), problems)
			fmt.Fprintln(cmd.ErrOrStderr(), count(len(problems), "problem"))
			return errReported
		}
		w := cmd.OutOrStdout()
		for _, warning := range p.Certs.Warnings(time.Now()) {
			fmt.Fprintln(w, "warning: "+warning.String())
		}
		for _, note := range p.Certs.Notes() {
			fmt.Fprintln(w, "warning: "+note.String())
		}
		if hosts := p.Certs.Local(); len(hosts) > 0 {
			fmt.Fprintln(w, "note: no Certificate covers "+some(hosts)+": over HTTPS the local CA serves, which no browser trusts")
		}
		if names := p.Certs.AllOrdered(); len(names) > 0 {
			fmt.Fprintln(w, "note: "+some(names)+": ordered by ACME (--acme-email)")
		}
		_, err = fmt.Fprintln(w, "ok: "+summary(p.Spec))
		return err
	})
	return cmd
}

// compile makes the plan of the documents under the paths. It starts nothing.
func compile(paths []string, g *settingFlags) (*plan.Plan, []fault.Problem, error) {
	set, err := g.setting(g.adminAddrs())
	if err != nil {
		return nil, nil, err
	}
	s, problems := spec.Load(paths, spec.Options{})
	if len(problems) > 0 {
		return nil, problems, nil
	}
	return edge.Compile(s, set)
}

// some names the first of a list.
func some(names []string) string {
	if len(names) > someNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:someNames], ", "), len(names)-someNames)
	}
	return strings.Join(names, ", ")
}

// summary is a spec in one line.
func summary(s *spec.Spec) string {
	routes := 0
	for _, e := range s.Entrypoints {
		routes += len(e.Routes)
	}
	return count(len(s.Entrypoints), "entrypoint") + ", " + count(routes, "route") + ", " + count(len(s.Services), "service") + ", " + s.Hash
}
