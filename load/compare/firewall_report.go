package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// firewallReport is the section about firewalls.
type firewallReport struct {
	rules   ruleFiles
	control int // requests of the control set
	unfit   map[string]string
	rows    []rowResult
	engines []engineTableResult
}

func (f firewallReport) empty() bool { return len(f.rows)+len(f.engines) == 0 }

func (f firewallReport) markdown(r report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Whole edges with a firewall\n\n")
	fmt.Fprintf(&b, "As above, on %d connections. Every firewall has the same OWASP Core Rule Set, from its Go module, at paranoia level %d, and blocks. "+
		"Request bodies are inspected, response bodies are not, nothing is written to an audit log. Requests that are under way when a sample ends are "+
		"paid and not counted: at most %d beside at least %d. ", firewallConns, blocking.Paranoia, firewallConns, firewallLeast)
	fmt.Fprintf(&b, "Coraza stands before the same net/http ReverseProxy as the one without.\n")
	if len(f.rows) > 0 {
		f.controlText(&b)
	}
	for _, row := range f.rows {
		row.table(&b)
		row.withoutFirewall(&b)
	}
	for _, t := range f.engines {
		t.table(&b)
	}
	b.WriteString("\n" + r.footer())
	return b.String()
}

func (f firewallReport) controlText(b *strings.Builder) {
	fmt.Fprintf(b, "\nBefore a row, every firewall judges a control set of %d requests, attacks and benign ones. It must have loaded all %d rules, must refuse what Coraza refuses, "+
		"and ModSecurity's log and Skerry's engine must name the same rules as Coraza; else it is left out.\n", f.control, f.rules.rules)
	for _, name := range slices.Sorted(maps.Keys(f.unfit)) {
		fmt.Fprintf(b, "\nLeft out: %s, %s.\n", name, f.unfit[name])
	}
}

// withoutFirewall says whether Skerry with its firewall is below others without one.
func (r rowResult) withoutFirewall(b *strings.Builder) {
	own, caddy, nethttp := r.median("skerry"), r.median("caddy"), r.median("nethttp")
	if own == 0 || caddy == 0 || nethttp == 0 {
		return
	}
	verdict := "**not below both**"
	if own < caddy && own < nethttp {
		verdict = "below both"
	}
	fmt.Fprintf(b, "\nSkerry with its firewall costs %s × Caddy and %s × net/http without one: %s.\n", ratio(own, caddy), ratio(own, nethttp), verdict)
}

// table prints the table of one policy.
func (t engineTableResult) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n### Firewall %s\n\n", t.title)
	fmt.Fprintf(b, "Processor time of this process for one request: every phase a firewall has for it without an origin, from collecting values to logging. "+
		"Medians of samples of %v each, taken in turn.\n\n", engineSample)
	b.WriteString("| request | Coraza, µs | min–max | allocations | skerry, µs | min–max | allocations | Coraza ÷ skerry | budget |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, l := range t.lines {
		c, s := l.coraza.median(), l.skerry.median()
		own := []string{"not measured", "–", "–", "–"}
		if len(l.skerry.samples) > 0 {
			own = []string{micros(s.micros), l.skerry.span(), s.memory(), fmt.Sprintf("%.0f", c.micros/s.micros)}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", l.name, micros(c.micros), l.coraza.span(), c.memory(), strings.Join(own, " | "), t.budget(l))
	}
	if len(t.lines) > 0 && t.lines[0].skerry.absent != "" {
		fmt.Fprintf(b, "\nSkerry's engine is left out: %s.\n", t.lines[0].skerry.absent)
	}
}

// budget is a line's budget and whether it is met; the issue gives budgets for paranoia level 1.
func (t engineTableResult) budget(l engineLine) string {
	own, of := l.skerry.median().micros, l.coraza.median().micros
	text, met := "", true
	switch {
	case t.policy.Paranoia != 1:
		return "–"
	case l.atMost > 0:
		text, met = fmt.Sprintf("1/%.0f of Coraza", 1/l.atMost), own <= l.atMost*of
	case l.micros > 0:
		text, met = micros(l.micros)+" µs", own <= l.micros
	}
	switch {
	case own == 0:
		return text
	case met:
		return text + ": met"
	}
	return text + ": **missed**"
}

// span is the least and the most of the samples.
func (r engineResult) span() string {
	if len(r.samples) == 0 {
		return "–"
	}
	return micros(r.samples[0].micros) + "–" + micros(r.samples[len(r.samples)-1].micros)
}

// memory is allocations and their size.
func (u engineUse) memory() string { return fmt.Sprintf("%.0f, %.1f KB", u.allocs, u.size/1024) }

// micros keeps a digit behind the point only where it says something.
func micros(n float64) string {
	if n >= 100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}
