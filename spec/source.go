package spec

import (
	"slices"
	"strings"
	"sync"
)

// Author is who said a value that is in force.
type Author uint8

// The authors, the farthest from a route first.
const (
	AuthorDefault Author = iota // nobody: it is a default
	AuthorBuiltIn               // a profile that is built in
	AuthorProfile               // a profile of the spec's own
	AuthorSpec                  // the document of the entrypoint, of the service or of the account itself
)

// Author is who said the value. Only what AuthorProfile and AuthorSpec say was written by somebody who can change it.
func (s Source) Author() Author {
	name, profile := strings.CutPrefix(s.From, "profile ")
	switch {
	case s.From == "default":
		return AuthorDefault
	case !profile:
		return AuthorSpec
	case slices.Contains(builtInNames(), name):
		return AuthorBuiltIn
	}
	return AuthorProfile
}

// Pos is the place where the spec says the value, for one that a profile of its own says too; false: it says it nowhere.
func (s Source) Pos() (Pos, bool) {
	if a := s.Author(); a != AuthorProfile && a != AuthorSpec || s.at.Line == 0 {
		return Pos{}, false
	}
	return s.at, true
}

// builtInNames are names that no profile of a spec can have.
var builtInNames = sync.OnceValue(func() (names []string) {
	for _, d := range builtIn() {
		names = append(names, d.meta.name.V)
	}
	return names
})

// SourceOf finds the value at a path: "spec.waf.paranoia". What stands in an object that is one value, as spec.limit.burst does,
// has the source of the object: the longest path wins. Of paths that stand several times it is the first.
func SourceOf(sources []Source, path string) (found Source, ok bool) {
	for _, s := range sources {
		rest, in := strings.CutPrefix(path, s.Path)
		switch {
		case !in || s.Path == "":
		case rest == "":
			return s, true
		case rest[0] == '.' && len(s.Path) > len(found.Path):
			found, ok = s, true
		}
	}
	return found, ok
}
