package cachetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Cases is the table.
var Cases = slices.Concat(freshness, parsing, ages, expiry, heuristics, directives, requests, targeted, varying, conditions, freshening, heads,
	fields, statuses, methods, invalidation, groups, stale, ranges, bodies, interims, keys, collapsing, telling, private, identified, tuned)

// Run plays Cases against a target. A case that does not go as its row says fails a test of its name, unless the target says why.
func Run(t *testing.T, target Target) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("%s: seed %d", target.Name, seed)
	// An invalidation by group ends joining everywhere, since nobody knows yet what a fill will be in: crowds would ask once more.
	crowds := slices.DeleteFunc(slices.Clone(Cases), func(c Case) bool { return !c.many() })
	others := slices.DeleteFunc(slices.Clone(Cases), func(c Case) bool { return c.many() })
	results := append(Play(t.Context(), target, crowds, seed), Play(t.Context(), target, others, seed+1)...)
	t.Logf("%s: %s; %d are not played, for want of a route or a way to ask", target.Name, Tally(results), len(Cases)-len(results))
	slices.SortFunc(results, func(a, b Result) int { return strings.Compare(a.Case.Name, b.Case.Name) })
	for _, r := range results {
		reason, differs := target.Differs[r.Case.Name]
		switch {
		case r.Err != nil && !differs:
			t.Run(r.Case.Name, func(t *testing.T) {
				t.Errorf("RFC %s (%s, route %s): %v", r.Case.Section, r.Case.Level, r.Case.Route, r.Err)
			})
		case r.Err == nil && differs:
			t.Errorf("%q goes as its row says, but %s says that it differs, since %s: take it out of Differs", r.Case.Name, target.Name, reason)
		}
	}
	for name := range target.Differs {
		if !slices.ContainsFunc(Cases, func(c Case) bool { return c.Name == name }) {
			t.Errorf("Differs of %s names %q, which is no case", target.Name, name)
		}
	}
}

// Tally is how many cases of each level went as their rows say, and of how many.
func Tally(results []Result) string {
	var passed, all [len(levelNames)]int
	for _, r := range results {
		all[r.Case.Level]++
		if r.Err == nil {
			passed[r.Case.Level]++
		}
	}
	var b strings.Builder
	for l, name := range levelNames {
		fmt.Fprintf(&b, "%s %d of %d, ", name, passed[l], all[l])
	}
	return strings.TrimSuffix(b.String(), ", ")
}
