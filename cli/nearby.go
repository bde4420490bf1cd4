package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/spec"
)

// hostsShown is how many hosts explain names beside an unknown one.
const hostsShown = 5

// unknownHost says which hosts there are near one that no entrypoint has.
func unknownHost(host string, s *spec.Spec) error {
	type known struct {
		host     string
		distance int
	}
	var all []known
	for _, e := range s.Entrypoints {
		for _, h := range e.Hosts {
			all = append(all, known{h, distance(host, h)})
		}
	}
	slices.SortStableFunc(all, func(a, b known) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.host, b.host))
	})
	var near []string
	for _, k := range all[:min(hostsShown, len(all))] {
		near = append(near, k.host)
	}
	text := fmt.Sprintf("no entrypoint has the host %q: the edge answers 404", host)
	switch {
	case len(near) == 0:
	case len(near) == len(all):
		text += "\n    hosts there are: " + strings.Join(near, ", ")
	default:
		text += fmt.Sprintf("\n    the nearest of %d hosts: %s", len(all), strings.Join(near, ", "))
	}
	return errors.New(text)
}

// distance is how many letters must be changed, added or removed to make one name of the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
