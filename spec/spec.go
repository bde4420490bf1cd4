package spec

import (
	"crypto/sha256"
	"encoding/hex"

	"skerry.dev/skerry/fault"
)

// Parse reads and resolves the documents of files; .csv, .html, .conf and .data files among them are those that the documents may
// name. With any problem the spec is nil, and all problems are returned, in the order of their places.
func Parse(files []File) (*Spec, []fault.Problem) {
	l := &log{beside: besides(files)}
	var docs documents
	for _, f := range files {
		if isBeside(f.Name) {
			continue
		}
		for _, n := range parseFile(f, l) {
			docs.document(l, n)
		}
	}
	s := resolve(&docs, l)
	if len(l.problems) > 0 {
		return nil, l.sorted()
	}
	s.write()
	sum := sha256.Sum256(Canonical(s))
	s.Hash = "sha256:" + hex.EncodeToString(sum[:])
	return s, nil
}

// userProfiles are the profiles that are not built in.
func (s *Spec) userProfiles() []*Profile {
	var own []*Profile
	for _, p := range s.Profiles {
		if !p.BuiltIn {
			own = append(own, p)
		}
	}
	return own
}
