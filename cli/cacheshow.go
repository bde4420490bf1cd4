package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skerry.dev/skerry/client"
	"skerry.dev/skerry/memory"
)

func newCacheStats() *cobra.Command {
	var f cacheFlags
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Say how much the cache answers, what it holds, and which routes bypass it",
		Args:  cobra.NoArgs,
	}
	f.add(cmd)
	cmd.RunE = f.asks(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		s, err := c.CacheStats(context.Background())
		if err != nil {
			return err
		}
		return f.print(cmd, s, func(w io.Writer) { showStats(w, &s) })
	})
	return cmd
}

// outcomes are those of requests, in the order of columns.
var outcomes = []string{"hit", "stale", "revalidated", "miss", "pass"}

func showStats(w io.Writer, s *client.CacheStats) {
	var total uint64
	var parts []string
	for _, o := range outcomes {
		total += s.Requests[o]
		parts = append(parts, fmt.Sprintf("%d %s", s.Requests[o], o))
	}
	rows := [][]string{
		{"requests", fmt.Sprintf("%d: %s", total, strings.Join(parts, ", "))},
		{"hit ratio", percent(s.HitRatio)},
		{"saved", memory.Text(int64(s.SavedBytes))},
		{"memory", fmt.Sprintf("%s in %s of %s, %s coming in", count(int(s.Objects), "answer"), memory.Text(s.Bytes), memory.Text(s.BudgetBytes),
			memory.Text(s.ReservedBytes))},
	}
	if d := s.Disk; d != nil {
		text := fmt.Sprintf("%s in %s", count(int(d.Objects), "answer"), memory.Text(d.Bytes))
		if d.Degraded {
			text += "; it cannot be written"
		}
		rows = append(rows, []string{"disk", text})
	}
	rows = append(rows, []string{"evicted", count(int(s.Evictions), "answer")}, []string{"purged",
		fmt.Sprintf("%s by %s", count(int(s.Swept), "answer"), count(int(s.Purges), "purge"))})
	table(w, rows)
	if len(s.Routes) == 0 {
		return
	}
	fmt.Fprintln(w)
	rows = [][]string{{"ROUTE", "MODE", "HITS", "HIT", "STALE", "REVALIDATED", "MISS", "PASS", "SAVED"}}
	for _, r := range s.Routes[:min(len(s.Routes), routesShown)] {
		row := []string{r.Route, r.Mode, percent(r.HitRatio)}
		for _, o := range outcomes {
			row = append(row, strconv.FormatUint(r.Requests[o], 10))
		}
		rows = append(rows, append(row, memory.Text(int64(r.SavedBytes))))
	}
	table(w, rows)
	if more := len(s.Routes) - routesShown; more > 0 {
		fmt.Fprintf(w, "… %s with fewer requests (--json has all)\n", count(more, "more route"))
	}
	for _, r := range s.Routes {
		if r.Leak != nil {
			fmt.Fprintf(w, "\nLEAK %s bypasses the cache since %s: %s (%s)\n", r.Route, r.Leak.Time.Format(time.RFC3339), r.Leak.Text, r.Leak.URL)
		}
	}
}

func percent(ratio float64) string { return strconv.FormatFloat(100*ratio, 'f', 1, 64) + " %" }

func newCacheMisses() *cobra.Command {
	var f cacheFlags
	var n int
	cmd := &cobra.Command{
		Use:   "misses",
		Short: "List the addresses that the cache could not answer most often, and why",
		Args:  cobra.NoArgs,
	}
	f.add(cmd)
	cmd.Flags().IntVarP(&n, "number", "n", 20, "how many")
	asks := f.asks(func(cmd *cobra.Command, c *client.Client, _ []string) error {
		list, err := c.CacheMisses(context.Background(), n)
		if err != nil {
			return err
		}
		return f.print(cmd, list, func(w io.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(w, "no misses")
				return
			}
			rows := [][]string{{"COUNT", "WHY", "URL"}}
			for _, m := range list {
				times := strconv.FormatUint(m.Count, 10)
				if m.Extra > 0 {
					times = strconv.FormatUint(m.Count-m.Extra, 10) + " to " + times
				}
				rows = append(rows, []string{times, orDash(m.Why), m.URL})
			}
			table(w, rows)
		})
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if n < 1 {
			return fmt.Errorf("--number %d: at least 1", n)
		}
		return asks(cmd, args)
	}
	return cmd
}

func newCacheWhy() *cobra.Command {
	var f cacheFlags
	var fields []string
	cmd := &cobra.Command{
		Use:   "why URL",
		Short: "Say what is stored for a URL, or why nothing is",
		Long: "Say which route takes a GET for the URL, what its key in the cache is made of, what is stored for it, and what the\n" +
			"request would get: from the store, or from the service and why. Nothing is sent. What the route changes in requests\n" +
			"before they reach the cache is not seen.",
		Example: "  skerry cache why https://shop.example.com/product/7?utm_source=x -H 'Cookie: sid=1'",
		Args:    cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.Flags().StringArrayVarP(&fields, "header", "H", nil, "header field of the request, 'Name: value'; repeatable")
	cmd.RunE = f.asks(func(cmd *cobra.Command, c *client.Client, args []string) error {
		y, err := c.CacheWhy(context.Background(), args[0], fields)
		if err != nil {
			return err
		}
		return f.print(cmd, y, func(w io.Writer) { showWhy(w, &y) })
	})
	return cmd
}

func showWhy(w io.Writer, y *client.CacheWhy) {
	outcome := y.Outcome
	if y.Why != "" {
		outcome += " (" + y.Why + ")"
	}
	rows := [][]string{{"route", y.Route}, {"mode", y.Mode}, {"outcome", outcome + ": " + y.Says}}
	if y.Leak != nil {
		rows = append(rows, []string{"leak", y.Leak.Text + ", " + y.Leak.Time.Format(time.RFC3339) + " (" + y.Leak.URL + ")"})
	}
	if m := y.Last; m != nil {
		rows = append(rows, []string{"misses", fmt.Sprintf("%d, the last one: %s", m.Count, orDash(m.Why))})
	}
	for i, p := range y.Key {
		name := ""
		if i == 0 {
			name = "key"
		}
		rows = append(rows, []string{name, p.Name + " " + p.Value})
	}
	table(w, rows)
	if len(y.Stored) == 0 {
		return
	}
	fmt.Fprintln(w)
	rows = [][]string{{"STORED", "FITS", "AGE", "TTL", "SIZE", "ON", "CODING", "VARY", "ETAG", "GROUPS", "FOR"}}
	for _, o := range y.Stored {
		fits, ttl, who := "no", seconds(o.TTLSeconds), "nobody known"
		if o.Fits {
			fits = "yes"
		}
		if o.Softened {
			ttl = "stale: a soft purge"
		} else if o.TTLSeconds <= 0 {
			ttl = "stale for " + seconds(-o.TTLSeconds)
		}
		if o.Shareable {
			who = "everybody"
		}
		rows = append(rows, []string{strconv.Itoa(o.Status), fits, seconds(o.AgeSeconds), ttl, memory.Text(o.BodyBytes), o.On, orDash(o.Coding), orDash(o.Vary),
			orDash(o.ETag), orDash(strings.Join(o.Groups, " ")), who})
	}
	table(w, rows)
}

// seconds is a span in whole seconds.
func seconds(s float64) string {
	return time.Duration(float64(time.Second) * float64(int64(s))).String()
}
