package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/edge"
)

// runFlags are the settings of the process; what the traffic gets is in the documents.
type runFlags struct {
	setting settingFlags
	log     string
	src     edge.Source
	opt     edge.Options
	raw     bool
	traces  tracesFlags
	memory  memoryFlags
	upgrade upgradeFlags
}

// The listen addresses where no flag says any.
const (
	httpDefault  = ":8080"
	httpsDefault = ":8443"
)

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PATH…",
		Short: "Serve every document under the paths",
		Long: "Serve every document under the paths. Changed files are taken up within about a second, or at once on SIGHUP;\n" +
			"documents with problems change nothing. SIGTERM or SIGINT: /readyz says no, --drain-delay of normal service,\n" +
			"no new connections, hard stop after --drain-timeout; the signal again ends the process now. SIGUSR1 opens the\n" +
			"log file anew. SIGUSR2 starts the program anew, perhaps a newer one at the same path, with the same arguments and all\n" +
			"sockets: when it serves this process stops accepting and ends with its connections; if it fails nothing changes.",
		Example: "  skerry run /etc/skerry --http :80 --https :443 --data /var/lib/skerry --secrets /etc/skerry-secrets",
		Args:    somePaths,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.opt.HTTP, "http", nil, "address for plain HTTP/1.1; repeatable; "+httpDefault+" if no address is given at all")
	flags.StringArrayVar(&f.opt.HTTPS, "https", nil, "address for HTTPS; repeatable; "+httpsDefault+" if no address is given at all")
	flags.StringArrayVar(&f.opt.H2C, "h2c", nil, "address for plain HTTP/1.1 and HTTP/2 with prior knowledge, for a load balancer or gRPC clients inside; repeatable; none, if left out")
	flags.StringArrayVar(&f.opt.Proxied, "proxy-protocol", nil, "one of these addresses, on which a balancer says by a PROXY header (v1 or v2) who the client is; only --trusted-proxies may connect there, and no connection goes without; repeatable")
	f.setting.add(cmd)
	flags.StringVar(&f.src.Data, "data", "", "directory for the local CA, for what is ordered by ACME and for the last good spec, which is served if the files have problems at start")
	flags.BoolVar(&f.opt.AllowShrink, "allow-shrink", false, "take a reload that removes every entrypoint, or more than half of ten or more")
	flags.DurationVar(&f.opt.DrainDelay, "drain-delay", 5*time.Second, "how long to go on accepting after SIGTERM while /readyz says no")
	flags.DurationVar(&f.opt.DrainTimeout, "drain-timeout", 30*time.Second, "how long connections may take to end after that")
	flags.StringVar(&f.log, "log", "-", "file for the log, one JSON object per exchange; -: standard output; empty: none")
	flags.IntVar(&f.opt.Conns, "max-connections", 0, "open client connections at most; 0: a quarter of the descriptors the process may have, or what --memory has room for")
	flags.IntVar(&f.opt.PerAddress, "connections-per-address", 0, "open connections of one client address at most; 0: a quarter of --max-connections")
	flags.IntVar(&f.opt.Exchanges, "max-exchanges", 0, "requests that may be open at once, more get 503; 0: half of the descriptors the process may have, or what --memory has room for")
	flags.BoolVar(&f.raw, "raw-sockets", true, "read and write sockets by raw system calls where they work; false: by the standard library's, which cost more")
	f.upgrade.add(cmd)
	f.memory.add(cmd)
	f.traces.add(cmd)
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
	if len(f.opt.HTTP)+len(f.opt.HTTPS)+len(f.opt.H2C) == 0 {
		f.opt.HTTP, f.opt.HTTPS = []string{httpDefault}, []string{httpsDefault}
	}
	addrs := slices.Concat(f.opt.HTTP, f.opt.HTTPS, f.opt.H2C)
	if slices.Contains(addrs, "") {
		bad = append(bad, "--http, --https and --h2c need an address such as "+httpDefault)
	}
	bad = append(bad, f.checkProxied(addrs)...)
	if f.opt.DrainDelay < 0 || f.opt.DrainTimeout < 0 {
		bad = append(bad, "--drain-delay and --drain-timeout cannot be negative")
	}
	if f.opt.Conns < 0 || f.opt.PerAddress < 0 || f.opt.Exchanges < 0 {
		bad = append(bad, "--max-connections, --connections-per-address and --max-exchanges cannot be negative")
	}
	if err := f.upgrade.check(); err != nil {
		bad = append(bad, err.Error())
	}
	if err := f.memory.check(f.src.Data); err != nil {
		bad = append(bad, err.Error())
	}
	f.setting.acme.data = f.src.Data
	if f.setting.acme.acme.Email != "" && f.src.Data == "" {
		bad = append(bad, "--acme-email needs --data: accounts, keys and certificates are kept there")
	}
	if _, err := f.setting.setting(nil); err != nil {
		bad = append(bad, err.Error())
	}
	if bad != nil {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

// checkProxied refuses addresses for the PROXY protocol on which nobody listens, or nobody could connect.
func (f *runFlags) checkProxied(addrs []string) (bad []string) {
	for _, addr := range f.opt.Proxied {
		if !slices.Contains(addrs, addr) {
			bad = append(bad, fmt.Sprintf("--proxy-protocol %q is none of the addresses of --http, --https and --h2c, which are %s", addr, strings.Join(addrs, ", ")))
		}
	}
	if len(f.opt.Proxied) > 0 && len(f.setting.trusted) == 0 {
		bad = append(bad, "--proxy-protocol needs --trusted-proxies: the addresses of the balancers, for nobody else is believed about who a client is")
	}
	return bad
}

// run is the life of the process.
func (f *runFlags) run(cmd *cobra.Command) error {
	p := newProcess(cmd.ErrOrStderr())
	defer p.close()
	p.upgrade = f.upgrade
	if err := p.begin(); err != nil {
		return err
	}
	if err := p.openLog(f.log, cmd.OutOrStdout()); err != nil {
		return err
	}
	if err := p.openAdmin(f.setting.adminAddrs()); err != nil {
		return err
	}
	set, err := f.setting.setting(p.adminAddrs())
	if err != nil {
		return err
	}
	set.Data = f.src.Data
	if err := f.memory.divide(p, &set, &f.opt); err != nil {
		return err
	}
	if f.opt.Traces, err = f.traces.options(set.Secrets); err != nil {
		return err
	}
	f.opt.Setting, f.opt.Meters, f.opt.NoRaw = set, p.meters, !f.raw
	if p.log != nil {
		f.opt.Log = p.log
	}
	if err := p.lockData(&f.src, &set); err != nil {
		return err
	}
	f.opt.Setting = set
	if err := p.start(f.opt, &f.src); err != nil {
		return err
	}
	for _, a := range p.edge.Load().H2CAddrs() {
		p.say("h2c on %s", a)
	}
	p.serve()
	return nil
}

// say writes one line for people.
func (p *process) say(format string, args ...any) {
	fmt.Fprintf(p.err, "skerry: "+format+"\n", args...)
}
