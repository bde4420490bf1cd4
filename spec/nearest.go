package spec

import (
	"fmt"
	"strings"
)

// nearest returns the known name that a mistyped one most likely means, or "".
func nearest(name string, known []string) string {
	best, least := "", 1+max(1, len(name)/3)
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// instead is the fix for an unknown name: the nearest one, or all of them.
func instead(name, kind string, known []string) string {
	if k := nearest(name, known); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if len(known) == 0 {
		return "there is no " + kind + " at all"
	}
	const most = 20
	if len(known) > most {
		return fmt.Sprintf("known: %s and %d more", strings.Join(known[:most], ", "), len(known)-most)
	}
	return "known: " + strings.Join(known, ", ")
}

// distance is the number of edits between two names: insert, delete, replace, or swap two neighbours.
func distance(a, b string) int {
	const long = 128 // nobody mistypes longer names, and the work is the product of the lengths
	if len(a) > long || len(b) > long {
		return long
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
