package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/fault"
)

// Change is what differs between two specs, as "entrypoint shop" and "service cart", sorted. What a profile changes shows
// in the entrypoints that use it.
type Change struct {
	Added, Removed, Changed []string
}

// Empty says whether the two specs do the same.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// String is the change in one line: "added entrypoint shop; changed service cart".
func (c Change) String() string {
	var parts []string
	for _, p := range []struct {
		verb  string
		names []string
	}{{"added", c.Added}, {"removed", c.Removed}, {"changed", c.Changed}} {
		const most = 10 // a log line, not a report
		switch n := len(p.names); {
		case n > most:
			parts = append(parts, fmt.Sprintf("%s %s and %d more", p.verb, strings.Join(p.names[:most], ", "), n-most))
		case n > 0:
			parts = append(parts, p.verb+" "+strings.Join(p.names, ", "))
		}
	}
	if parts == nil {
		return "nothing changed"
	}
	return strings.Join(parts, "; ")
}

// Diff is what changes when new replaces old; either may be nil, which is an empty spec. An inline service is a part of
// the entrypoints that name it.
func Diff(old, new *Spec) Change {
	was, is := parts(old), parts(new)
	var c Change
	for name, now := range is {
		if before, known := was[name]; !known {
			c.Added = append(c.Added, name)
		} else if !bytes.Equal(before, now) {
			c.Changed = append(c.Changed, name)
		}
	}
	for name := range was {
		if _, still := is[name]; !still {
			c.Removed = append(c.Removed, name)
		}
	}
	slices.Sort(c.Added)
	slices.Sort(c.Removed)
	slices.Sort(c.Changed)
	return c
}

func parts(s *Spec) map[string][]byte {
	out := map[string][]byte{}
	if s == nil {
		return out
	}
	if s.AWS != nil {
		out["aws "+s.AWS.Meta.Name] = canonicalAWS(s.AWS)
	}
	for _, e := range s.Entrypoints {
		out["entrypoint "+e.Meta.Name] = canonicalEntrypoint(e)
	}
	for _, c := range s.Certificates {
		out["certificate "+c.Meta.Name] = canonicalCertificate(c)
	}
	for _, v := range s.Services {
		if !v.Inline {
			out["service "+v.Meta.Name] = canonicalService(v)
		}
	}
	return out
}

// ShrinkProblem refuses a reload that removes every entrypoint, or more than half of ten or more: an empty directory or a
// broken generator looks just like that. It returns nil if there is nothing against the reload.
func ShrinkProblem(old, new *Spec) *fault.Problem {
	const many = 10
	if old == nil || len(old.Entrypoints) == 0 {
		return nil
	}
	removed := 0
	kept := map[string]bool{}
	if new != nil {
		for _, e := range new.Entrypoints {
			kept[e.Meta.Name] = true
		}
	}
	for _, e := range old.Entrypoints {
		if !kept[e.Meta.Name] {
			removed++
		}
	}
	had, has := len(old.Entrypoints), 0
	if new != nil {
		has = len(new.Entrypoints)
	}
	if has > 0 && (had < many || removed*2 <= had) {
		return nil
	}
	return &fault.Problem{
		Text: fmt.Sprintf("the new spec removes %d of %d entrypoints", removed, had),
		Fix:  "look whether files are missing; if it is meant, start with --allow-shrink",
	}
}
