package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/client"
)

// cacheFlags are those of every command that asks a running edge about its cache.
type cacheFlags struct {
	admin string
	json  bool
}

func newCache() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Look into the cache of a running edge, purge it, and look for leaks",
		Long: "Ask a running edge, at its admin address, what its cache does, and tell it what to forget. `skerry cache probe` asks\n" +
			"from outside, as two people would.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newCacheStats(), newCacheMisses(), newCacheWhy(), newCachePurge(), newCachePurges(), newCacheResume(), newCacheProbe())
	return cmd
}

func (f *cacheFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.admin, "admin", adminDefault, "admin address of the edge")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, as the admin API has it")
}

// asks makes a command run with a client of the admin address.
func (f *cacheFlags) asks(run func(cmd *cobra.Command, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := client.New(f.admin)
		if err != nil {
			return fmt.Errorf("--admin: %w", err)
		}
		defer c.Close()
		return work(func(cmd *cobra.Command, args []string) error { return run(cmd, c, args) })(cmd, args)
	}
}

// print writes v as JSON, or has text write it for people.
func (f *cacheFlags) print(cmd *cobra.Command, v any, text func(io.Writer)) error {
	if f.json {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	text(cmd.OutOrStdout())
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func newCacheResume() *cobra.Command {
	var f cacheFlags
	cmd := &cobra.Command{
		Use:   "resume ENTRYPOINT/ROUTE",
		Short: "Let a route use the cache again after a leak",
		Long: "Let a route use the cache again that bypasses it since the probe found a leak. Mend the service or the route's `cache`\n" +
			"before: the probe goes on, and what still leaks is found again.",
		Example: "  skerry cache resume shop/account",
		Args:    cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.RunE = f.asks(func(cmd *cobra.Command, c *client.Client, args []string) error {
		r, err := c.ResumeCache(context.Background(), args[0])
		if err != nil {
			return err
		}
		return f.print(cmd, r, func(w io.Writer) {
			if !r.Resumed {
				fmt.Fprintf(w, "%s was using the cache\n", r.Route)
				return
			}
			fmt.Fprintf(w, "%s uses the cache again; it bypassed it since %s: %s (%s)\n", r.Route, r.Leak.Time.Format(time.RFC3339), r.Leak.Text, r.Leak.URL)
		})
	})
	return cmd
}
