package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/client"
)

// purgeFlags are what is to be purged.
type purgeFlags struct {
	cacheFlags
	prefix bool
	group  string
	all    bool
	soft   bool
	wait   bool
}

func newCachePurge() *cobra.Command {
	var f purgeFlags
	cmd := &cobra.Command{
		Use:   "purge [URL]",
		Short: "Purge a URL, a prefix of paths, a group, or everything of a host",
		Long: "Purge a URL, with --prefix every path of its host that begins so, with --group a group (Cache-Groups, Surrogate-Key,\n" +
			"Cache-Tag) of the URL's host, or of all hosts without a URL, with --all everything of the URL's host. A URL without\n" +
			"http:// or https:// is of both. The purge is in force when the command returns, and nothing is stored that was asked\n" +
			"for before; the memory is freed behind it, which --wait waits for. Without --soft the answers are gone; with it they are\n" +
			"stale, and still given while the service is asked, or fails, where they may be.",
		Example: "  skerry cache purge https://shop.example.com/product/7\n  skerry cache purge shop.example.com/img/ --prefix --soft\n" +
			"  skerry cache purge --group product-7\n  skerry cache purge shop.example.com --all --wait",
		Args: cobra.MaximumNArgs(1),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.prefix, "prefix", false, "every path that begins so")
	cmd.Flags().StringVar(&f.group, "group", "", "name of a group")
	cmd.Flags().BoolVar(&f.all, "all", false, "everything of the host")
	cmd.Flags().BoolVar(&f.soft, "soft", false, "make it stale, not gone")
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until the memory is freed, and say how much went")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := f.purge(args)
		if err != nil {
			return err
		}
		return f.asks(func(cmd *cobra.Command, c *client.Client, _ []string) error { return f.run(cmd, c, p) })(cmd, args)
	}
	return cmd
}

// purge is what the command line says.
func (f *purgeFlags) purge(args []string) (client.CachePurge, error) {
	p := client.CachePurge{Kind: "url", Soft: f.soft}
	if len(args) == 1 {
		p.Host, p.Value = cutURL(args[0])
		if p.Host == "" {
			return p, fmt.Errorf("%q names no host", args[0])
		}
	}
	kinds := 0
	for _, k := range []struct {
		said bool
		kind string
	}{{f.prefix, "prefix"}, {f.group != "", "group"}, {f.all, "all"}} {
		if k.said {
			p.Kind = k.kind
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return p, errors.New("--prefix, --group and --all exclude each other")
	case len(args) == 0 && p.Kind != "group":
		return p, errors.New("name a URL; only --group can be of all hosts")
	case (p.Kind == "group" || p.Kind == "all") && strings.Trim(p.Value, "/") != "":
		return p, fmt.Errorf("--%s is of a host as a whole, and the URL has the path %s", p.Kind, p.Value)
	case p.Kind == "group":
		p.Value = f.group
	case p.Kind == "all":
		p.Value = ""
	}
	return p, nil
}

// cutURL cuts a URL, whose scheme may be left out, into a host with its scheme, and a path with its query. A fragment is
// never sent.
func cutURL(text string) (host, target string) {
	text, _, _ = strings.Cut(text, "#")
	from := 0
	if i := strings.Index(text, "://"); i >= 0 {
		from = i + len("://")
	}
	end := strings.IndexAny(text[from:], "/?")
	if end < 0 {
		return text, "/"
	}
	if host, target = text[:from+end], text[from+end:]; target[0] == '?' {
		target = "/" + target
	}
	if end == 0 {
		host = ""
	}
	return host, target
}

func (f *purgeFlags) run(cmd *cobra.Command, c *client.Client, p client.CachePurge) error {
	done, err := c.PurgeCache(context.Background(), p)
	if err != nil {
		return err
	}
	out := struct {
		client.CachePurgedList
		Progress []client.CacheProgress `json:"progress,omitempty"`
	}{CachePurgedList: done}
	if f.wait {
		for _, one := range done.Purges {
			progress, err := c.WaitForPurge(context.Background(), one.Number)
			if err != nil {
				return fmt.Errorf("the purge is in force; waiting for its progress: %w", err)
			}
			out.Progress = append(out.Progress, progress)
		}
	}
	return f.print(cmd, out, func(w io.Writer) {
		for i, one := range done.Purges {
			fmt.Fprintf(w, "purge %d is in force: %s\n", one.Number, purgeText(&one))
			if f.wait {
				p := out.Progress[i]
				fmt.Fprintf(w, "  met %s in memory, of %d looked at\n", count(int(p.Removed), "answer"), p.Looked)
			}
		}
	})
}

// purgeText says what a purge meets.
func purgeText(p *client.CachePurged) string {
	how := "hard"
	if p.Soft {
		how = "soft"
	}
	host := p.Host
	if host == "" {
		host = "every host"
	}
	switch p.Kind {
	case "url":
		return host + p.Value + ", " + how
	case "prefix":
		return host + p.Value + "*, " + how
	case "group":
		return "group " + p.Value + " of " + host + ", " + how
	}
	return "everything of " + host + ", " + how
}

func newCachePurges() *cobra.Command {
	var f cacheFlags
	var after uint64
	cmd := &cobra.Command{
		Use:   "purges",
		Short: "List the purges that the edge remembers, the oldest first",
		Args:  cobra.NoArgs,
	}
	f.add(cmd)
	cmd.Flags().Uint64Var(&after, "after", 0, "only those with a higher number")
	cmd.RunE = f.asks(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		all := []client.CachePurged{}
		next := after
		for {
			l, err := c.CachePurges(context.Background(), next)
			if err != nil {
				return err
			}
			all = append(all, l.Purges...)
			if !l.More || l.Next <= next { // the latter: an edge that does not get on
				break
			}
			next = l.Next
		}
		return f.print(cmd, all, func(w io.Writer) {
			rows := [][]string{{"NUMBER", "TIME", "WHAT"}}
			for i := range all {
				rows = append(rows, []string{strconv.FormatUint(all[i].Number, 10), all[i].Time.Format("2006-01-02T15:04:05Z"), purgeText(&all[i])})
			}
			if len(all) > 0 {
				table(w, rows)
			}
			fmt.Fprintln(w, count(len(all), "purge"))
		})
	})
	return cmd
}
