package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
)

// runFlags are the settings of the process; what the traffic gets is in the documents.
type runFlags struct {
	guard guardFlags
	log   string
	src   edge.Source
	opt   edge.Options
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PATH…",
		Short: "Serve every document under the paths",
		Long: "Serve every document under the paths. Changed files are taken up within about a second, or at once on SIGHUP;\n" +
			"documents with problems change nothing. SIGTERM or SIGINT: /readyz says no, --drain-delay of normal service,\n" +
			"no new connections, hard stop after --drain-timeout; the signal again ends the process now. SIGUSR1 opens the\n" +
			"log file anew.",
		Example: "  skerry run /etc/skerry --http :80 --data /var/lib/skerry",
		Args:    somePaths,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.opt.HTTP, "http", []string{":8080"}, "address for plain HTTP; repeatable")
	f.guard.add(cmd)
	flags.StringVar(&f.src.Data, "data", "", "directory for the last good spec, which is served if the files have problems at start")
	flags.BoolVar(&f.opt.AllowShrink, "allow-shrink", false, "take a reload that removes every entrypoint, or more than half of ten or more")
	flags.DurationVar(&f.opt.DrainDelay, "drain-delay", 5*time.Second, "how long to go on accepting after SIGTERM while /readyz says no")
	flags.DurationVar(&f.opt.DrainTimeout, "drain-timeout", 30*time.Second, "how long connections may take to end after that")
	flags.StringVar(&f.log, "log", "-", "file for the log, one JSON object per exchange; -: standard output; empty: none")
	flags.IntVar(&f.opt.Conns, "max-connections", 0, "open client connections at most; 0: a quarter of the descriptors the process may have")
	check := work(func(cmd *cobra.Command, paths []string) error {
		f.src.Paths = paths
		return f.run(cmd)
	})
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		if err := f.check(); err != nil {
			return err
		}
		return check(cmd, paths)
	}
	return cmd
}

// check refuses settings that make no sense before anything is opened.
func (f *runFlags) check() error {
	var bad []string
	for _, a := range f.opt.HTTP {
		if a == "" {
			bad = append(bad, "--http needs an address such as :8080")
		}
	}
	if f.opt.DrainDelay < 0 || f.opt.DrainTimeout < 0 {
		bad = append(bad, "--drain-delay and --drain-timeout cannot be negative")
	}
	if f.opt.Conns < 0 {
		bad = append(bad, "--max-connections cannot be negative")
	}
	if _, err := f.guard.guard(nil); err != nil {
		bad = append(bad, err.Error())
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

// run is the life of the process.
func (f *runFlags) run(cmd *cobra.Command) error {
	p := newProcess(cmd.ErrOrStderr())
	defer p.close()
	if err := p.openLog(f.log, cmd.OutOrStdout()); err != nil {
		return err
	}
	if err := p.openAdmin(f.guard.adminAddrs()); err != nil {
		return err
	}
	guard, err := f.guard.guard(p.adminAddrs())
	if err != nil {
		return err
	}
	f.opt.Guard, f.opt.Meters = guard, p.meters
	if p.log != nil {
		f.opt.Log = p.log
	}
	if err := p.start(f.opt, &f.src); err != nil {
		return err
	}
	p.serve()
	return nil
}

// say writes one line for people.
func (p *process) say(format string, args ...any) {
	fmt.Fprintf(p.err, "skerry: "+format+"\n", args...)
}
