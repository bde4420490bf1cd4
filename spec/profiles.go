package spec

import (
	"embed"
	"sync"

	"skerry.dev/skerry/fault"
)

// The built-in profiles are documents like any other: what they can say, everyone's own can.
//
//go:embed profiles/*.yaml
var profileFiles embed.FS

// builtIn reads them once; they are never changed.
var builtIn = sync.OnceValue(func() []profileDoc {
	entries, err := profileFiles.ReadDir("profiles")
	if err != nil {
		panic("BUG: spec: " + err.Error())
	}
	var docs documents
	l := &log{}
	for _, e := range entries {
		data, err := profileFiles.ReadFile("profiles/" + e.Name())
		if err != nil {
			panic("BUG: spec: " + err.Error())
		}
		for _, n := range parseFile(File{"built-in:" + e.Name(), data}, l) {
			docs.document(l, n)
		}
	}
	if len(l.problems) > 0 {
		panic("BUG: spec: built-in profiles: " + fault.Problems(l.problems).Error())
	}
	for i := range docs.profiles {
		docs.profiles[i].builtIn = true
	}
	return docs.profiles
})
