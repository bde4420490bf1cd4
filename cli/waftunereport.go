package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/crs"
)

// print writes YAML: the exclusions, and everything else as comments.
func (u *tuning) print(w io.Writer) error {
	r := u.read
	fmt.Fprintf(w, "# %s in %s; of %s with matches, %d would have been refused, %d were (mode block), %d passed by score\n",
		count(r.events, "event"), count(r.logs, "log"), strconv.Itoa(r.matched), len(u.events)+r.beyond+r.limits+r.paths, r.refused, r.passed)
	for _, n := range []struct {
		n    int
		text string
	}{
		{r.noEvents, "%s not read: no event, or longer than 1 MB"},
		{r.limits, "%s not looked at: beyond a limit of the firewall, for which there are no exclusions"},
		{r.paths, "%s not looked at: no exclusion can name the path"},
		{r.answers, "%s not looked at: about an answer"},
		{r.beyond, "%s not looked at: only the first 500,000 are"},
	} {
		if n.n > 0 {
			fmt.Fprintf(w, "# "+n.text+"\n", count(n.n, "line"))
		}
	}
	for from := 0; from < len(u.groups); {
		to := from
		for to < len(u.groups) && u.groups[to].entrypoint == u.groups[from].entrypoint {
			to++
		}
		u.printEntrypoint(w, u.groups[from:to])
		from = to
	}
	if len(u.groups) == 0 {
		_, err := fmt.Fprintln(w, "# nothing to exclude")
		return err
	}
	return nil
}

func (u *tuning) printEntrypoint(w io.Writer, groups []*group) {
	name := groups[0].entrypoint
	fmt.Fprintf(w, "\n--- # entrypoint %s, below its spec\n", orDash(name))
	var proposed, idle, foreign, attacks []*group
	for _, g := range groups {
		switch {
		case u.attack(g) != "":
			attacks = append(attacks, g)
		case u.foreign(g):
			foreign = append(foreign, g)
		case g.passes == 0:
			idle = append(idle, g)
		default:
			proposed = append(proposed, g)
		}
	}
	if len(proposed) > 0 {
		u.printProposals(w, name, proposed)
	}
	u.printOthers(w, "would not have let a request pass, for other rules matched too", idle, func(*group) string { return "" })
	u.printOthers(w, "rules that this release does not have: change them where they stand", foreign, func(*group) string { return "" })
	u.printOthers(w, "likely attacks, not proposed", attacks, func(g *group) string { return ": " + u.attack(g) })
}

func (u *tuning) printProposals(w io.Writer, name string, proposed []*group) {
	fmt.Fprintln(w, "waf:\n  exclude:")
	switch present := u.present[name]; {
	case present != nil && len(present.Exclude) > 0:
		fmt.Fprintln(w, "    # those that there are")
		for _, x := range present.Exclude {
			fmt.Fprintln(w, "    - "+excludeYAML(x))
		}
	case present == nil:
		fmt.Fprintln(w, "    # Copy the exclusions that there are to this list, which replaces theirs; -f does so.")
	}
	for _, g := range proposed {
		f := u.rules[g.rule]
		fmt.Fprintf(w, "    # %d %s: %s\n", g.rule, orDash(f.Severity), f.Message)
		fmt.Fprintf(w, "    # %s of %s; with this list %d pass, %d would still be refused\n",
			count(len(g.events), "request"), count(len(g.clients), "client"), g.passes, g.still)
		fmt.Fprintf(w, "    # also lets through: %s in %s %s as this rule sees it; %s of the family still look at it\n",
			crs.Family(g.rule), g.target, where(g.path), count(u.looking(g), "other rule"))
		if g.also > 0 {
			fmt.Fprintf(w, "    # likely attacks: %s that would pass matched other rules too\n", count(g.also, "request"))
		}
		fmt.Fprintln(w, "    - "+excludeYAML(u.exclusion(g)))
	}
}

// exclusion is what a group proposes.
func (u *tuning) exclusion(g *group) spec.WAFExclude {
	first, last := u.events[g.events[0]].time, u.events[g.events[0]].time
	var methods []string
	for _, i := range g.events {
		e := &u.events[i]
		first, last = min(first, e.time), max(last, e.time)
		if !slices.Contains(methods, e.method) {
			methods = append(methods, e.method)
		}
	}
	slices.Sort(methods)
	return spec.WAFExclude{
		Rule: strconv.Itoa(g.rule), Target: g.target, Path: g.path, Methods: methods,
		Reason: fmt.Sprintf("%s of %s, %s to %s", count(len(g.events), "request"), count(len(g.clients), "client"), first, last),
	}
}

func where(path string) string {
	if path == "" {
		return "on every path"
	}
	return "at " + path
}

func (u *tuning) printOthers(w io.Writer, title string, groups []*group, why func(*group) string) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(w, "# %s:\n", title)
	for _, g := range groups {
		fmt.Fprintf(w, "#   %d %s %s %s, %s of %s%s\n", g.rule, crs.Family(g.rule), g.target, where(g.path),
			count(len(g.events), "request"), count(len(g.clients), "client"), why(g))
	}
}
