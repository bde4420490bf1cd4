package seclang

import (
	"slices"
	"strings"
)

// nearest is the name that s most likely was meant to be, or empty.
func nearest(s string, names []string) string {
	best, least := "", len(s)/3+2
	for _, n := range names {
		if len(s) > 64 || max(len(n)-len(s), len(s)-len(n)) >= least {
			continue
		}
		if d := distance(strings.ToLower(s), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// meant is nearest as the fix of a problem.
func meant(s string, names []string) string {
	if n := nearest(s, names); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}

// distance is how many bytes one must add, drop or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// keys are the names of a table, in order.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
