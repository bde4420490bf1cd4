package lint

import (
	"slices"
	"strings"
)

func pathTwice(l *linter, d *distribution) {
	seen := map[string]bool{}
	for _, b := range d.behaviors {
		p, ok := b.pattern()
		if b.first || !ok || !b.sure {
			continue
		}
		if seen[p] {
			l.find(b.Get("PathPattern"), "the path pattern %q stands twice; the second is never used", short(b.Get("PathPattern").String()))
		}
		seen[p] = true
	}
}

func pathShadowed(l *linter, d *distribution) {
	var before []*behavior
	for _, b := range d.behaviors {
		p, ok := b.pattern()
		if b.first || !ok {
			continue
		}
		for _, earlier := range before[:min(len(before), behaviorsCompared)] {
			wide, _ := earlier.pattern()
			if wide != p && covers(wide, p) {
				l.find(b.Get("PathPattern"), "every path of %q is taken by %q before it", short(b.Get("PathPattern").String()), short(earlier.Get("PathPattern").String()))
				break
			}
		}
		if b.sure && strings.ContainsAny(p, "*?") {
			before = append(before, b)
		}
	}
	if i := slices.IndexFunc(before, func(b *behavior) bool { p, _ := b.pattern(); return strings.Trim(p, "*") == "" }); i >= 0 {
		l.find(before[i].Get("PathPattern"), "the path pattern %q takes every request; the default behaviour is never used", before[i].Get("PathPattern").String())
	}
}

// covers is whether a pattern with * and ? matches everything that another one matches. The walk goes over pairs of places in both.
func covers(wide, narrow string) bool {
	seen := make([]bool, (len(wide)+1)*(len(narrow)+1)) // pairs that did not lead to the end
	var walk func(i, j int) bool
	walk = func(i, j int) bool {
		at := i*(len(narrow)+1) + j
		if seen[at] {
			return false
		}
		seen[at] = true
		switch {
		case i == len(wide):
			return j == len(narrow)
		case wide[i] == '*':
			return walk(i+1, j) || j < len(narrow) && walk(i, j+1)
		case j == len(narrow) || narrow[j] == '*':
			return false
		case wide[i] == '?' || wide[i] == narrow[j] && narrow[j] != '?':
			return walk(i+1, j+1)
		}
		return false
	}
	for i := 0; i < min(len(wide), len(narrow)) && wide[i] != '*'; i++ { // most pairs part early
		if wide[i] != '?' && wide[i] != narrow[i] {
			return false
		}
	}
	return len(wide) <= pathMax && len(narrow) <= pathMax && walk(0, 0)
}
