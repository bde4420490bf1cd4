package spec

import "skerry.dev/skerry/fault"

// Parse reads and resolves the documents of files; .csv, .html, .conf and .data files among them are those that the documents may
// name. With any problem the spec is nil, and all problems are returned, in the order of their places.
func Parse(files []File) (*Spec, []fault.Problem) {
	return new(Reader).Parse(files)
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
