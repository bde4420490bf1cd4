package main

import (
	"fmt"
	"strings"
	"time"
)

// The harness owns what stands between these lines of docs/compare.md, one pair for each of its two sections.
const (
	markBegin = "<!-- compare:begin -->"
	markEnd   = "<!-- compare:end -->"
	rowsBegin = "<!-- bench:begin -->"
	rowsEnd   = "<!-- bench:end -->"
)

const newFile = `# Skerry beside its rivals

Processor time is what an edge costs. The sections below are written by ` + "`make compare` and `make bench`" + `; do not edit them by
hand.

` + markBegin + "\n" + markEnd + "\n\n## Benchmark rows\n\n" + rowsBegin + "\n" + rowsEnd + "\n"

// rowResult is a row and what was measured.
type rowResult struct {
	row
	results []result
}

// report is everything the section says.
type report struct {
	start                 time.Time
	machine               string
	loadBefore, loadAfter string
	versions              []string
	options               options
	pinned                bool
	rows                  []rowResult
	idle                  []idleRowResult
}

// idleRowResult is a row about idle connections and what was measured.
type idleRowResult struct {
	idleRow
	results []idleResult
}

// table prints the row's peers.
func (r idleRowResult) table(b *strings.Builder) {
	kb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1024) }
	fmt.Fprintf(b, "\n### Memory of %s\n\n", r.title)
	fmt.Fprintf(b, "Growth of resident memory by %d connections, each after one request and %v of rest, in KB for each.\n\n| peer | KB |\n|---|---|\n", idleConns, idleSettle)
	for _, p := range r.results {
		if p.failed != "" {
			fmt.Fprintf(b, "| %s | failed: %s |\n", p.peer, p.failed)
			continue
		}
		fmt.Fprintf(b, "| %s | %s |\n", p.peer, kb(p.bytes))
		if p.peer == "skerry" {
			verdict := "**missed**"
			switch {
			case p.bytes <= r.aim:
				verdict = "aim reached"
			case p.bytes <= r.atMost:
				verdict = "met"
			}
			defer fmt.Fprintf(b, "\nSkerry's budget: at most %s KB, aim %s KB: %s.\n", kb(r.atMost), kb(r.aim), verdict)
		}
	}
}

func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## CPU per request\n\n")
	fmt.Fprintf(&b, "User and system time of all processes of the proxy, divided by completed requests, in µs. %d samples of %d s each "+
		"after one warm-up, every peer once a round, in turned order every other round, all peers alive at once. One worker or "+
		"GOMAXPROCS=1 where a row does not say two, %d keep-alive connections.", r.options.rounds, r.options.seconds, r.options.conns)
	if r.pinned {
		b.WriteString(" In rows of one worker the proxy has processor 0; the load generator (wrk, or h2load for HTTP/2) and the origin (nginx) share processor 1.")
	} else {
		b.WriteString(" **Not pinned** to processors: this machine has one, or no taskset.")
	}
	b.WriteString(" Samples with any failed request are not used.\n")
	for _, row := range r.rows {
		row.table(&b)
	}
	for _, row := range r.idle {
		row.table(&b)
	}
	fmt.Fprintf(&b, "\nThe limit per address is one that nothing reaches: 1,000,000 a second in Skerry and nginx (limit_req), the same as a rate in a stick table in HAProxy; "+
		"Caddy and net/http have none of their own and run without. In rows of two workers nothing is pinned: proxy, load and origin share both processors.\n")
	fmt.Fprintf(&b, "\nHAProxy and Skerry log to standard output (a file); HAProxy writes each line at once, the others buffer.\n")
	fmt.Fprintf(&b, "\nMachine: %s. Load average before %s, after %s.\nPeers: %s.\n", r.machine, r.loadBefore, r.loadAfter, strings.Join(r.versions, ", "))
	fmt.Fprintf(&b, "Measured %s by `go run ./load/compare -rounds %d -seconds %d -conns %d -rows %s -peers %s`.\n",
		r.start.UTC().Format("2006-01-02 15:04 UTC"), r.options.rounds, r.options.seconds, r.options.conns,
		strings.Join(r.options.rows, ","), strings.Join(r.options.peers, ","))
	return b.String()
}

// table prints one row's peers.
func (r rowResult) table(b *strings.Builder) {
	nginx := r.median("nginx")
	fmt.Fprintf(b, "\n### %s\n\n", r.title)
	b.WriteString("| peer | median | min–max | user + system | × nginx | requests/s | system calls/request | samples |\n|---|---|---|---|---|---|---|---|\n")
	for _, p := range r.results {
		n := len(p.samples)
		if n == 0 {
			fmt.Fprintf(b, "| %s | failed | | | | | | 0 |\n", p.peer)
			continue
		}
		m := p.samples[n/2]
		calls := "–"
		if p.calls > 0 {
			calls = fmt.Sprintf("%.2f", p.calls)
		}
		fmt.Fprintf(b, "| %s | %.2f | %.2f–%.2f | %.1f + %.1f | %s | %.0f | %s | %d |\n", p.peer, m.micros(), p.samples[0].micros(),
			p.samples[n-1].micros(), m.user, m.system, ratio(m.micros(), nginx), m.rate, calls, n)
	}
	if before := r.median("before"); before > 0 {
		fmt.Fprintf(b, "\nSkerry is %s × what it was before.\n", ratio(r.median("skerry"), before))
	}
	if r.atMost > 0 {
		fmt.Fprintf(b, "\nSkerry's budget: at most %.2f × nginx, aim %.2f. %s\n", r.atMost, r.aim, r.verdict(nginx))
	}
	for _, p := range r.results {
		for _, f := range p.failed {
			fmt.Fprintf(b, "\nNot used: %s, %s.\n", p.peer, f)
		}
	}
}

func (r rowResult) verdict(nginx float64) string {
	own := r.median("skerry")
	switch {
	case own == 0 || nginx == 0:
		return "Not judged: skerry or nginx was not measured."
	case own <= r.aim*nginx:
		return fmt.Sprintf("Measured %.2f: aim reached.", own/nginx)
	case own <= r.atMost*nginx:
		return fmt.Sprintf("Measured %.2f: met.", own/nginx)
	}
	return fmt.Sprintf("Measured %.2f: **missed**.", own/nginx)
}

// median is the middle good sample of a peer, 0 if it has none; samples are sorted.
func (r rowResult) median(peer string) float64 {
	for _, p := range r.results {
		if p.peer == peer && len(p.samples) > 0 {
			return p.samples[len(p.samples)/2].micros()
		}
	}
	return 0
}

func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}
