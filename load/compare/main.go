// Command compare measures the processor time a proxied request costs: Skerry beside nginx, HAProxy, h2o, Caddy and a
// net/http ReverseProxy, all alive in the same run, one worker each, in the order A B B A over the rounds. It prints a
// table and writes its own section of docs/compare.md. Rows about firewalls measure Skerry beside nginx with ModSecurity and
// a ReverseProxy with Coraza, and engines in this process; rows about caches measure what an answer from one costs, beside
// nginx, HAProxy and Varnish. Both have sections of their own.
//
//	go run ./load/compare -o docs/compare.md
//
// The proxy has processor 0 to itself; the load generator (wrk; h2load for HTTP/2; this program for WebSockets) and the
// origin (nginx; this program for gRPC and WebSockets) share processor 1. A sample with a single failed request is shown
// as failed and not used.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"skerry.dev/skerry/load/rival"
)

// defaultRows is every row there is.
const defaultRows = "plain,edits,tls,large,h2,grpc,websocket,plain2,edits2,tls2,large2,h2x2,idle,idletls,hit,hit100k,hittls2,wafbrowser,wafsmall,wafform,wafjson,engine1,engine1x2,engine4,engine4x2"

// options are the flags.
type options struct {
	rounds, seconds, conns int
	rows, peers            []string
	out, skerry, before    string
	calls                  bool
	named                  bool // the peers were named: one that is not here is an error
}

func main() {
	var o options
	var c child
	var rows, peers string
	var bench bool
	flag.IntVar(&o.rounds, "rounds", 5, "samples of each peer, after one warm-up")
	flag.IntVar(&o.seconds, "seconds", 2, "length of a sample; times come in steps of 10 ms, so 2 or more")
	flag.IntVar(&o.conns, "conns", 64, "keep-alive connections")
	flag.StringVar(&rows, "rows", defaultRows, "rows to measure")
	flag.StringVar(&peers, "peers", "skerry,nginx,haproxy,h2o,varnish,caddy,nethttp,modsecurity,coraza",
		"peers to measure; of those named here each must be installed, of the default ones those that are not are left out; nginx is what ratios refer to, and modsecurity (nginx with it) in rows about firewalls")
	flag.StringVar(&o.out, "o", "", "file whose section between the compare markers is rewritten; empty: print only")
	flag.StringVar(&o.skerry, "skerry", "", "skerry binary to measure; empty: build the one of this folder")
	flag.StringVar(&o.before, "before", "", "a former skerry binary, measured as the peer \"before\" in the same run")
	flag.BoolVar(&o.calls, "calls", true, "count system calls with perf, or else strace, in one more run of each peer")
	c.register()
	flag.BoolVar(&bench, "bench", false, "run the benchmark rows instead")
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { o.named = o.named || f.Name == "peers" })
	o.rows, o.peers = strings.Split(rows, ","), strings.Split(peers, ",")
	if o.before != "" {
		o.peers = append(o.peers, "before")
	}
	ran, err := c.run(o)
	switch {
	case ran:
	case bench:
		err = runRows(o.out)
	default:
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, o, dir)
	if err != nil {
		return err
	}
	r := report{start: time.Now(), machine: rival.Machine(), loadBefore: rival.LoadAverage(), versions: b.versions(), options: o, pinned: b.pinProxy != ""}
	if r.rows, err = b.measureAll(rows); err != nil {
		return err
	}
	for _, row := range idleRows {
		if !slices.Contains(o.rows, row.key) {
			continue
		}
		fmt.Printf("\n%s\n", row.title)
		results, err := b.measureIdle(row)
		if err != nil {
			return fmt.Errorf("row %s: %w", row.key, err)
		}
		r.idle = append(r.idle, idleRowResult{row, results})
	}
	if r.cache, err = b.measureAll(cacheRows); err != nil {
		return err
	}
	if r.firewall, err = b.measureFirewalls(); err != nil {
		return err
	}
	r.loadAfter = rival.LoadAverage()
	return r.write()
}

// measureAll measures those of the rows that were asked for.
func (b *bench) measureAll(rows []row) (measured []rowResult, err error) {
	for _, row := range rows {
		if !slices.Contains(b.o.rows, row.key) {
			continue
		}
		fmt.Printf("\n%s\n", row.title)
		results, err := b.measure(row)
		if err != nil {
			return nil, fmt.Errorf("row %s: %w", row.key, err)
		}
		measured = append(measured, rowResult{row, results})
	}
	return measured, nil
}

// measureFirewalls measures the whole edges with firewalls and the engines that were asked for.
func (b *bench) measureFirewalls() (f firewallReport, err error) {
	if slices.ContainsFunc(firewallRows, func(r row) bool { return slices.Contains(b.o.rows, r.key) }) {
		if f.control, err = b.control(); err != nil {
			return f, fmt.Errorf("control set: %w", err)
		}
		f.rules, f.unfit = b.rules, b.unfit
	}
	if f.rows, err = b.measureAll(firewallRows); err != nil {
		return f, err
	}
	for _, t := range engineTables {
		if !slices.Contains(b.o.rows, t.key) {
			continue
		}
		fmt.Printf("\n%s\n", t.title)
		result, err := b.measureEngines(t)
		if err != nil {
			return f, fmt.Errorf("table %s: %w", t.key, err)
		}
		f.engines = append(f.engines, result)
	}
	return f, nil
}

// write prints the sections and rewrites those of the file that were measured: the others keep what they say.
func (r report) write() error {
	section := func(begin, end, text string) error {
		fmt.Println("\n" + text)
		if r.options.out == "" {
			return nil
		}
		return rival.Section(r.options.out, begin, end, newFile, text)
	}
	plain, streams := r, r
	plain.rows, streams.rows, streams.idle = nil, nil, nil
	for _, row := range r.rows {
		if row.kind == overH1 {
			plain.rows = append(plain.rows, row)
		} else {
			streams.rows = append(streams.rows, row)
		}
	}
	if len(plain.rows)+len(plain.idle) > 0 {
		if err := section(markBegin, markEnd, plain.markdown("CPU per request")); err != nil {
			return err
		}
	}
	if len(streams.rows) > 0 {
		if err := section(streamsBegin, streamsEnd, streams.markdown("CPU per request of HTTP/2, gRPC and WebSockets")); err != nil {
			return err
		}
	}
	if len(r.cache) > 0 {
		if err := section(cacheBegin, cacheEnd, r.cacheMarkdown()); err != nil {
			return err
		}
	}
	if r.firewall.empty() {
		return nil
	}
	return section(firewallBegin, firewallEnd, r.firewall.markdown(r))
}
