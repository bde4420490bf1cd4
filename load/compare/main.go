// Command compare measures the processor time a proxied request costs: Skerry beside nginx, HAProxy, Caddy and a
// net/http ReverseProxy, all alive in the same run, one worker each, in the order A B B A over the rounds. It prints a
// table and writes its own section of docs/compare.md.
//
//	go run ./load/compare -o docs/compare.md
//
// The proxy has processor 0 to itself; the load generator (wrk) and the origin (nginx) share processor 1. A sample with
// a single failed request is shown as failed and not used.
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

// options are the flags.
type options struct {
	rounds, seconds, conns int
	rows, peers            []string
	out, skerry, before    string
	calls                  bool
}

func main() {
	var o options
	var rows, peers, serve, origin, log, cert, key string
	var edits, bench bool
	flag.IntVar(&o.rounds, "rounds", 5, "samples of each peer, after one warm-up")
	flag.IntVar(&o.seconds, "seconds", 2, "length of a sample; times come in steps of 10 ms, so 2 or more")
	flag.IntVar(&o.conns, "conns", 64, "keep-alive connections")
	flag.StringVar(&rows, "rows", "plain,edits,tls,large,h2,plain2,edits2,tls2,large2,idle,idletls", "rows to measure")
	flag.StringVar(&peers, "peers", "skerry,nginx,haproxy,caddy,nethttp", "peers to measure; nginx is what ratios refer to")
	flag.StringVar(&o.out, "o", "", "file whose section between the compare markers is rewritten; empty: print only")
	flag.StringVar(&o.skerry, "skerry", "", "skerry binary to measure; empty: build the one of this folder")
	flag.StringVar(&o.before, "before", "", "a former skerry binary, measured as the peer \"before\" in the same run")
	flag.BoolVar(&o.calls, "calls", true, "count system calls with perf, if it is there, in one more run of each peer")
	flag.StringVar(&serve, "serve", "", "be the net/http peer on this address (the harness starts itself so)")
	flag.StringVar(&origin, "origin", "", "with -serve: host:port to forward to")
	flag.StringVar(&log, "log", "", "with -serve: access log")
	flag.StringVar(&cert, "cert", "", "with -serve: certificate file; HTTPS")
	flag.StringVar(&key, "key", "", "with -serve: its key")
	flag.BoolVar(&edits, "edits", false, "with -serve: edit headers")
	flag.BoolVar(&bench, "bench", false, "run the benchmark rows instead")
	flag.Parse()
	o.rows, o.peers = strings.Split(rows, ","), strings.Split(peers, ",")
	if o.before != "" {
		o.peers = append(o.peers, "before")
	}
	var err error
	if serve != "" {
		err = serveNetHTTP(serve, origin, log, cert, key, edits)
	} else if bench {
		err = runRows(o.out)
	} else {
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
	for _, row := range rows {
		if !slices.Contains(o.rows, row.key) {
			continue
		}
		fmt.Printf("\n%s\n", row.title)
		results, err := b.measure(row)
		if err != nil {
			return fmt.Errorf("row %s: %w", row.key, err)
		}
		r.rows = append(r.rows, rowResult{row, results})
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
	r.loadAfter = rival.LoadAverage()
	text := r.markdown()
	fmt.Println("\n" + text)
	if o.out == "" {
		return nil
	}
	return rival.Section(o.out, markBegin, markEnd, newFile, text)
}
