package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/client"
)

// probeFlags say as whom to ask.
type probeFlags struct {
	as      []string // both identities
	markers []string
	connect string
	ca      string
	json    bool
}

func newCacheProbe() *cobra.Command {
	var f probeFlags
	var as, and string
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Ask a running edge as two people, and say whether one gets the other's answer",
		Long: "Ask a URL from outside, as two identities and as nobody, and say whether one got what was made for another: exit\n" +
			"code 1. Without --as and --and: with a session that nobody has, and without one. A field may be in a file: @FILE.\n" +
			"Without markers the service is asked for each one's own answer, past the cache, by a new query parameter.",
		Example: "  skerry cache probe https://shop.example.com/account\n" +
			"  skerry cache probe https://shop.example.com/account --as @anna --and @ben --marker anna@example.com --marker ben@example.com",
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&as, "as", "", "header field of the first identity, 'Cookie: sid=…', or @FILE with it")
	flags.StringVar(&and, "and", "", "header field of the second identity")
	flags.StringArrayVar(&f.markers, "marker", nil, "text that stands in answers to one identity only: of the first, then of the second")
	flags.StringVar(&f.connect, "connect", "", "address to connect to, in the place of the URL's host and port")
	flags.StringVar(&f.ca, "ca", "", "file with certificates to trust, in the place of the system's")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if as != "" || and != "" {
			f.as = []string{as, and}
		}
		if err := f.check(); err != nil {
			return err
		}
		return work(f.run)(cmd, args)
	}
	return cmd
}

// check refuses flags that make no sense.
func (f *probeFlags) check() error {
	switch {
	case f.as != nil && (f.as[0] == "" || f.as[1] == ""):
		return errors.New("--as and --and belong together: two identities, or none")
	case f.as != nil && f.as[0] == f.as[1]:
		return errors.New("--as and --and are the same identity")
	case len(f.markers) != 0 && (len(f.markers) != 2 || f.as == nil):
		return errors.New("--marker is given twice, one for each of --as and --and, or not at all")
	case len(f.markers) == 2 && (f.markers[0] == "" || f.markers[1] == "" || f.markers[0] == f.markers[1]):
		return errors.New("the markers must be two different texts")
	}
	if _, _, err := net.SplitHostPort(f.connect); f.connect != "" && err != nil {
		return fmt.Errorf("--connect %q is not of the form HOST:PORT", f.connect)
	}
	return nil
}

// options are what the flags say.
func (f *probeFlags) options(url string) (client.ProbeOptions, error) {
	o := client.ProbeOptions{URL: url, Connect: f.connect}
	for i, text := range f.as {
		flag := []string{"--as", "--and"}[i]
		if file, ok := strings.CutPrefix(text, "@"); ok {
			content, err := os.ReadFile(file)
			if err != nil {
				return o, fmt.Errorf("%s: %w", flag, err)
			}
			text = strings.TrimSpace(string(content))
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" {
			return o, fmt.Errorf("%s is not of the form 'Name: value'", flag) // it may be a secret: it is not shown
		}
		id := client.Identity{Name: name, Value: strings.TrimSpace(value)}
		if f.markers != nil {
			id.Marker = f.markers[i]
		}
		o.Identities = append(o.Identities, id)
	}
	if f.ca == "" {
		return o, nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return o, fmt.Errorf("--ca: %w", err)
	}
	if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(pem) {
		return o, fmt.Errorf("--ca %s holds no certificate", f.ca)
	}
	return o, nil
}

func (f *probeFlags) run(cmd *cobra.Command, args []string) error {
	o, err := f.options(args[0])
	if err != nil {
		return err
	}
	report, err := client.Probe(context.Background(), o)
	if err != nil {
		return err
	}
	if f.json {
		err = writeJSON(cmd.OutOrStdout(), report)
	} else {
		showProbe(cmd.OutOrStdout(), &report)
	}
	if err == nil && report.Leak != "" {
		return errReported
	}
	return err
}

func showProbe(w io.Writer, r *client.ProbeReport) {
	rows := [][]string{{"AS", "STATUS", "SIZE", "FROM", "CACHE-STATUS"}}
	for _, a := range r.Answers {
		from := "service"
		if a.FromCache {
			from = "cache"
		}
		rows = append(rows, []string{a.As, strconv.Itoa(a.Status), strconv.Itoa(a.Bytes), from, orDash(a.CacheStatus)})
	}
	table(w, rows)
	fmt.Fprintln(w)
	switch {
	case r.Leak != "":
		fmt.Fprintf(w, "LEAK: %s.\nNow:   skerry cache purge '%s', and `cache: off` on its route until it is mended.\n"+
			"Then:  the service says Cache-Control: private of what depends on who asks, or the route has `cache: private` and names\n"+
			"       in cache.key.headers or cache.key.cookies what its answers depend on.\n", r.Leak, r.URL)
	case r.Doubt != "":
		fmt.Fprintf(w, "nothing certain: %s\n", r.Doubt)
	default:
		fmt.Fprintln(w, "no leak: nobody got what was made for another")
	}
}
