package main

import (
	"fmt"
	"strings"
	"time"

	"skerry.dev/skerry/load/rival"
)

// The command owns what stands between these lines of docs/outage.md.
const (
	markBegin = "<!-- outage:begin -->"
	markEnd   = "<!-- outage:end -->"
)

const newFile = `# When services fail

What clients feel when what stands behind the edge fails. The section below is written by ` + "`go run ./load/outage -o docs/outage.md`" + `;
do not edit it by hand.

` + markBegin + "\n" + markEnd + "\n"

// faultResult is a fault and what it did to each peer's clients.
type faultResult struct {
	fault
	lines []faultLine
}

// report is everything the section says.
type report struct {
	options
	start                 time.Time
	loadBefore, loadAfter string
	peers                 []peer
	faults                []faultResult
	storm                 []stormLine
	overload              []overloadLine
}

func (r report) markdown() string {
	var b strings.Builder
	if len(r.faults) > 0 {
		r.faultTables(&b)
	}
	if len(r.storm) > 0 {
		r.stormTable(&b)
	}
	if len(r.overload) > 0 {
		r.overloadTable(&b)
	}
	r.settings(&b)
	var versions []string
	for _, p := range r.peers {
		versions = append(versions, p.name+" ("+p.version+")")
	}
	fmt.Fprintf(&b, "\nMachine: %s; endpoints, peers and generator share it. Load average before %s, after %s. Peers: %s.\n", rival.Machine(), r.loadBefore, r.loadAfter, strings.Join(versions, ", "))
	fmt.Fprintf(&b, "Measured %s by `go run ./load/outage -only %s -peers %s -time %v -rate %g -seed %d`.\n", r.start.UTC().Format("2006-01-02 15:04 UTC"),
		strings.Join(r.cases, ","), strings.Join(r.options.peers, ","), r.time, r.rate, r.seed)
	return b.String()
}

func (r report) faultTables(b *strings.Builder) {
	fmt.Fprintf(b, "## One endpoint of %d fails\n\n", endpoints)
	fmt.Fprintf(b, "%g requests a second by a Poisson process, %g %% of them POST; an endpoint takes %v for each; %v without a fault, %v with it, and after it until the endpoint is used again. "+
		"*GET*, *POST*: share of requests, under way or begun while the fault lasted, that were answered 200 in full. Times count from the moment a request was to be made; failed requests count too, and a "+
		"client gives up after %v. A run in which the generator was late is made again. *last failure*: from the beginning of the fault. *back*: from its end to the first request that the endpoint answers. "+
		"*tries*: requests at the endpoints for one of a client, in the whole run. *POST twice*: how many reached endpoints more than once. Each line is one run of one schedule: a POST or two more or less, %.1f %% each, mean nothing.\n",
		r.rate, outageMix[1].share*100, serviceTime, warmUp+r.time/2, r.time, clientWait,
		100/(r.rate*outageMix[1].share*r.time.Seconds()))
	for _, f := range r.faults {
		var notes strings.Builder
		fmt.Fprintf(b, "\n### %s\n\n", strings.ToUpper(f.title[:1])+f.title[1:])
		b.WriteString("| peer | GET | POST | median before → during | 99 % before → during | longest | last failure | back | tries | POST twice |\n|---|---|---|---|---|---|---|---|---|---|\n")
		for _, l := range f.lines {
			fmt.Fprintf(b, "| %s | %s | %s | %s → %s | %s → %s | %s | %s | %s | %.3f | %d |\n", l.peer, percent(l.get), percent(l.post),
				ms(l.before[0]), ms(l.during[0]), ms(l.before[1]), ms(l.during[1]), ms(l.during[2]), after(l.failing, "none"), after(l.back, "not"), l.tries, l.twice)
			if n := len(l.failedBefore); n > 0 {
				fmt.Fprintf(&notes, "\nNot to be used: requests to %s failed before the fault, %d of them, the first by: %s.\n", l.peer, n, l.failedBefore[0])
			}
			l.note(&notes, l.peer)
		}
		b.WriteString(notes.String())
	}
}

func (r report) stormTable(b *strings.Builder) {
	fmt.Fprintf(b, "\n## All endpoints fail\n\nAfter %v without a fault every endpoint answers 503 for %v, and nothing takes them out (no health checks, no ejection), so that each try arrives and is counted. "+
		"The budget allows one try for each request, %g %% of the requests, and %g a second. It holds for the whole run: what was not used before the outage is used in it, "+
		"so that its own figure is higher.\n\n", warmUp+r.time/2, r.time, retryShare*100, retryReserve)
	b.WriteString("| peer | requests | tries at the endpoints | tries for a request | most for one | POST twice | median time | whole run | budget of the whole run |\n|---|---|---|---|---|---|---|---|---|\n")
	var notes strings.Builder
	for _, l := range r.storm {
		budget := "none of its own"
		if l.peer == "skerry" {
			budget = fmt.Sprintf("%.3f: %s", l.atMost, verdict(l.whole <= l.atMost))
		}
		l.note(&notes, l.peer)
		fmt.Fprintf(b, "| %s | %d | %d | %.3f | %d | %d | %s | %.3f | %s |\n", l.peer, l.requests, l.tries, l.ratio(), l.most, l.twice, ms(l.median), l.whole, budget)
	}
	b.WriteString(notes.String())
}

func (r report) overloadTable(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Overload\n\nOne endpoint with %d places, each held for %v by a timer: %g requests a second. Load: %g × capacity for %v, %g × for %v, then %g × again. ",
		places, hold, capacity, calmFactor, warmUp+r.time/2, overFactor, r.time*3/2, calmFactor)
	fmt.Fprintf(b, "A sixth of it is critical, a third normal, half of it crawlers. *goodput*: 200 within %v of the time a request was to be made, as a share of capacity, from the second second of the overload. "+
		"Classes: share of their requests that were good; if critical came first, then normal, it would be 100, 50 and 0 %%. "+
		"*recovery*: from the end of the overload to the first of %d times %v in a row in each of which %g %% of requests or more are answered 200 within %v.\n\n", goodWithin, calmWindows, calmWindow, calmShare*100, calmWithin)
	b.WriteString("| peer | goodput | critical | normal | crawlers | 99 % of good critical | median of the others' end | recovery |\n|---|---|---|---|---|---|---|---|\n")
	for _, l := range r.overload {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", l.peer, percent(l.goodput), percent(l.classes[0]), percent(l.classes[1]), percent(l.classes[2]),
			ms(l.critical), ms(l.refused), after(l.recovery, "not"))
	}
	for _, l := range r.overload {
		if l.peer == "skerry" && l.late <= lateMax {
			fmt.Fprintf(b, "\nSkerry's budgets: goodput at least %s: %s. Higher classes first: %s. Recovery within %v: %s.\n", percent(goodputMin), verdict(l.goodput >= goodputMin),
				verdict(l.ordered()), recoveryMax, verdict(l.recovery >= 0 && l.recovery <= recoveryMax))
		}
		l.note(b, l.peer)
	}
	b.WriteString("\nHAProxy and nginx are told the capacity (`maxconn`, `limit_conn`); Skerry finds it. nginx without its commercial `queue` refuses at once what is beyond, of any class.\n")
}

// note says what is wrong with a run itself.
func (t timing) note(b *strings.Builder, peer string) {
	if t.late > lateMax {
		fmt.Fprintf(b, "\nNot to be used: other work on this machine made the generator late with requests to %s, by %s at 99 %%, in each of %d runs.\n", peer, ms(t.late), attempts)
	}
	if t.unsent > 0 {
		fmt.Fprintf(b, "\n%d requests to %s failed unsent: the generator had %d open.\n", t.unsent, peer, openMax)
	}
}

// settings shows the configurations in full.
func (r report) settings(b *strings.Builder) {
	b.WriteString("\n## Settings\n\nEach peer has one worker. Retries: three endpoints at most for a request, on no connection, no valid answer in time, 502 and 503, never for a POST that was sent. " +
		"Out after five failures in a row, for two seconds (nginx: five within two seconds; HAProxy: until two health checks in a row are good). Health checks every 500 ms in Skerry and HAProxy; free nginx has none. " +
		"Skerry alone has a budget of retries.\n")
	v := values{Addr: "ADDRESS", Endpoints: []string{"ENDPOINT1", "ENDPOINT2", "ENDPOINT3", "ENDPOINT4"}, FirstByte: "1s", Watch: true}
	over := values{Addr: "ADDRESS", Endpoints: []string{"ENDPOINT"}, FirstByte: "5s", Bound: true, Places: places}
	for _, p := range r.peers {
		fmt.Fprintf(b, "\n<details><summary>%s, one endpoint fails</summary>\n\n```\n%s```\n\n</details>\n", p.name, rival.Fill(p.conf, v))
		fmt.Fprintf(b, "\n<details><summary>%s, overload</summary>\n\n```\n%s```\n\n</details>\n", p.name, rival.Fill(p.conf, over))
	}
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}

func percent(x float64) string {
	switch {
	case x >= 1:
		return fmt.Sprintf("%.0f %%", x*100)
	case x > 0.999:
		return fmt.Sprintf("%.2f %%", x*100) // never 100.0 for less than all
	}
	return fmt.Sprintf("%.1f %%", x*100)
}

// ms is a time in milliseconds, as many digits as can be meant.
func ms(d time.Duration) string {
	x := float64(d) / float64(time.Millisecond)
	switch {
	case x < 10:
		return fmt.Sprintf("%.1f ms", x)
	default:
		return fmt.Sprintf("%.0f ms", x)
	}
}

// after is a time in seconds, or a word if there is none.
func after(d time.Duration, none string) string {
	if d < 0 {
		return none
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
