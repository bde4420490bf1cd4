package main

import (
	"fmt"
	"strings"
	"time"
)

// The harness owns what stands between these lines of docs/compare.md, one pair for each of its five sections.
const (
	streamsBegin  = "<!-- streams:begin -->"
	streamsEnd    = "<!-- streams:end -->"
	markBegin     = "<!-- compare:begin -->"
	markEnd       = "<!-- compare:end -->"
	cacheBegin    = "<!-- cache:begin -->"
	cacheEnd      = "<!-- cache:end -->"
	firewallBegin = "<!-- firewall:begin -->"
	firewallEnd   = "<!-- firewall:end -->"
	rowsBegin     = "<!-- bench:begin -->"
	rowsEnd       = "<!-- bench:end -->"
)

const newFile = `# Skerry beside its rivals

Processor time is what an edge costs. The sections below are written by ` + "`make compare` and `make bench`" + `; do not edit them by
hand.

` + markBegin + "\n" + markEnd + "\n\n" + streamsBegin + "\n" + streamsEnd + "\n\n## Cache\n\n" + cacheBegin + "\n" + cacheEnd + "\n\n## Firewalls\n\n" + firewallBegin + "\n" + firewallEnd + "\n\n## Benchmark rows\n\n" + rowsBegin + "\n" + rowsEnd + "\n"

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
	cache                 []rowResult
	firewall              firewallReport
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

func (r report) markdown(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", title)
	fmt.Fprintf(&b, "User and system time of all processes of the proxy, divided by completed requests, in µs. %d samples of %d s each "+
		"after one warm-up, every peer once a round, in turned order every other round, all peers alive at once. One worker or "+
		"GOMAXPROCS=1 where a row does not say two, %d keep-alive connections.", r.options.rounds, r.options.seconds, r.options.conns)
	if r.pinned {
		b.WriteString(" In rows of one worker the proxy has processor 0; the load generator (wrk; h2load for HTTP/2; one of ours for WebSocket) and the origin (nginx; ours for gRPC and " +
			"WebSocket) share processor 1.")
	} else {
		b.WriteString(" **Not pinned** to processors: this machine has one, or no taskset.")
	}
	b.WriteString(" Samples with any failed request are not used. System calls are counted in one more run " +
		"after the samples, since counting costs time.\n")
	for _, row := range r.rows {
		row.table(&b)
	}
	for _, row := range r.idle {
		row.table(&b)
	}
	fmt.Fprintf(&b, "\nThe limit per address is one that nothing reaches: 1,000,000 a second in Skerry and nginx (limit_req), the same as a rate in a stick table in HAProxy; "+
		"Caddy and net/http have none of their own and run without. In rows of two workers nothing is pinned: proxy, load and origin share both processors.\n")
	fmt.Fprintf(&b, "\nHAProxy and Skerry log to standard output (a file); HAProxy writes each line at once, the others buffer.\n")
	fmt.Fprintf(&b, "\nA gRPC call has a message of 100 B behind its prefix of 5 B each way; nginx has no second call on a connection to the origin at a time. "+
		"A WebSocket message is sent on each of the %d connections as soon as the echo of the last one is back: a round trip is two messages through the proxy. "+
		"h2o 2.2 speaks only HTTP/1.1 to origins.\n", r.options.conns)
	b.WriteString("\n" + r.footer())
	return b.String()
}

// footer says where, when, with what and by which command was measured.
func (r report) footer() string {
	return fmt.Sprintf("Machine: %s. Load average before %s, after %s.\nPeers: %s.\nMeasured %s by `go run ./load/compare -rounds %d -seconds %d -conns %d -rows %s -peers %s`.\n",
		r.machine, r.loadBefore, r.loadAfter, strings.Join(r.versions, ", "), r.start.UTC().Format("2006-01-02 15:04 UTC"),
		r.options.rounds, r.options.seconds, r.options.conns, strings.Join(r.options.rows, ","), strings.Join(r.options.peers, ","))
}

// yardstickNames are the yardsticks in words.
var yardstickNames = map[string]string{"nginx": "nginx", "modsecurity": "nginx with ModSecurity"}

// table prints one row's peers.
func (r rowResult) table(b *strings.Builder) {
	yardstick := r.median(r.yardstick())
	fmt.Fprintf(b, "\n### %s\n\n", r.title)
	fmt.Fprintf(b, "| peer | median | min–max | user + system | × %s | %ss/s | system calls/%s | samples |\n|---|---|---|---|---|---|---|---|\n", r.yardstick(), r.unit(), r.unit())
	for _, p := range r.results {
		n := len(p.samples)
		if n == 0 {
			what := "failed"
			if p.absent != "" {
				what = "left out"
			}
			fmt.Fprintf(b, "| %s | %s | | | | | | 0 |\n", r.name(p), what)
			continue
		}
		m := p.samples[n/2]
		fmt.Fprintf(b, "| %s | %.2f | %.2f–%.2f | %.1f + %.1f | %s | %.0f | %s | %d |\n", r.name(p), m.micros(), p.samples[0].micros(),
			p.samples[n-1].micros(), m.user, m.system, r.times(m.micros(), yardstick), m.rate, p.callsText(), n)
	}
	if before := r.median("before"); before > 0 {
		fmt.Fprintf(b, "\nSkerry is %s × what it was before.\n", ratio(r.median("skerry"), before))
	}
	r.budgets(b)
	for _, p := range r.results {
		for _, f := range p.failed {
			fmt.Fprintf(b, "\nNot used: %s, %s.\n", p.peer, f)
		}
		if p.absent != "" && !r.firewall() {
			fmt.Fprintf(b, "\nLeft out: %s, because %s.\n", p.peer, p.absent)
		}
		if p.noCalls != "" {
			fmt.Fprintf(b, "\nSystem calls of %s were not counted: %s.\n", p.peer, p.noCalls)
		}
	}
}

// callsText is the column of system calls.
func (p result) callsText() string {
	switch {
	case p.noCalls != "":
		return "n/a"
	case p.callsBy == "":
		return "–"
	case p.callsBy != "perf":
		return fmt.Sprintf("%.2f (%s)", p.calls, p.callsBy)
	}
	return fmt.Sprintf("%.2f", p.calls)
}

// budgets says what Skerry may cost and whether it does.
func (r rowResult) budgets(b *strings.Builder) {
	if r.atMost > 0 {
		fmt.Fprintf(b, "\nSkerry's budget: %s. %s\n", r.bounds(budget{atMost: r.atMost, aim: r.aim}, yardstickNames[r.yardstick()]), r.verdict(r.yardstick(), r.atMost, r.aim))
	}
	for _, also := range r.also {
		fmt.Fprintf(b, "\nAnd: %s. %s\n", r.bounds(also, also.peer), r.verdict(also.peer, also.atMost, also.aim))
	}
	if r.callsAim == 0 {
		return
	}
	for _, p := range r.results {
		if p.peer == "skerry" && p.callsBy != "" {
			fmt.Fprintf(b, "\nSystem calls: aim %.1f a %s. Measured %.2f: %s.\n", r.callsAim, r.unit(), p.calls, aimText(p.calls <= r.callsAim))
		}
	}
}

// bounds is a budget in words.
func (r rowResult) bounds(a budget, name string) string {
	var parts []string
	if a.atMost > 0 {
		parts = append(parts, fmt.Sprintf("at most %s × %s", r.times(a.atMost, 1), name))
	}
	if a.aim > 0 {
		text := "aim " + r.times(a.aim, 1)
		if a.atMost == 0 {
			text += " × " + name
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// name is the peer's, and that it has no firewall where others have one.
func (r rowResult) name(p result) string {
	if r.firewall() && !p.judges {
		return p.peer + ", no firewall"
	}
	return p.peer
}

// times is a ratio; those between firewalls are small.
func (r rowResult) times(a, b float64) string {
	if r.firewall() && b > 0 {
		return fmt.Sprintf("%.4f", a/b)
	}
	return ratio(a, b)
}

// verdict compares Skerry with a peer; a bound of 0 is none.
func (r rowResult) verdict(peer string, atMost, aim float64) string {
	own, other := r.median("skerry"), r.median(peer)
	switch measured := r.times(own, other); {
	case own == 0 || other == 0:
		return fmt.Sprintf("Not judged: skerry or %s was not measured.", peer)
	case own <= aim*other:
		return fmt.Sprintf("Measured %s: aim reached.", measured)
	case atMost == 0:
		return fmt.Sprintf("Measured %s: %s.", measured, aimText(false))
	case own <= atMost*other:
		return fmt.Sprintf("Measured %s: met.", measured)
	default:
		return fmt.Sprintf("Measured %s: **missed**.", measured)
	}
}

func aimText(reached bool) string {
	if reached {
		return "aim reached"
	}
	return "aim not reached"
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
