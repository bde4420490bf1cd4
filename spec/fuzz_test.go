package spec_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// seed adds every input of the golden archives, and the specs of now, as YAML or JSON.
func seed(f *testing.F, add func(json bool, data []byte)) {
	f.Helper()
	for _, pattern := range []string{"testdata/parse/*.txtar", "testdata/format/*.txtar"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			a, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range a.Files {
				if ext := filepath.Ext(file.Name); ext != "" {
					add(ext == ".json", file.Data)
				}
			}
		}
	}
	paths, _ := filepath.Glob("../testdata/spec-now/*")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		add(filepath.Ext(path) == ".json", data)
	}
}

func name(json bool) string {
	if json {
		return "x.json"
	}
	return "x.yaml"
}

// FuzzParse: no input panics, and what parses is, in its canonical form, the same spec.
func FuzzParse(f *testing.F) {
	seed(f, func(json bool, data []byte) { f.Add(json, data) })
	f.Fuzz(func(t *testing.T, json bool, data []byte) {
		s, problems := spec.Parse([]spec.File{{Name: name(json), Data: data}})
		if len(problems) > 0 {
			if s != nil {
				t.Fatal("a spec came with problems")
			}
			return
		}
		canonical := spec.Canonical(s)
		again, problems := spec.Parse([]spec.File{{Name: "canonical.json", Data: canonical}})
		if len(problems) > 0 {
			t.Fatalf("the canonical form has problems: %v\n%s", fault.Problems(problems), canonical)
		}
		if again.Hash != s.Hash {
			t.Fatalf("the canonical form reads as another spec:\n%s\n%s", canonical, spec.Canonical(again))
		}
	})
}

// FuzzFormat: no input panics, formatting twice is formatting once, and a spec stays the same spec.
func FuzzFormat(f *testing.F) {
	seed(f, func(json bool, data []byte) { f.Add(json, data) })
	f.Fuzz(func(t *testing.T, json bool, data []byte) {
		out, problems := spec.Format(spec.File{Name: name(json), Data: data})
		if len(problems) > 0 {
			return
		}
		twice, problems := spec.Format(spec.File{Name: name(json), Data: out})
		if len(problems) > 0 || string(twice) != string(out) {
			t.Fatalf("formatting twice changes it: %v\n%q\n%q\n%q", fault.Problems(problems), data, out, twice)
		}
		before, _ := spec.Parse([]spec.File{{Name: name(json), Data: data}})
		after, problems := spec.Parse([]spec.File{{Name: name(json), Data: out}})
		if (before == nil) != (after == nil) {
			t.Fatalf("formatting makes or ends problems: %v\n%q\n%q", fault.Problems(problems), data, out)
		}
		if before != nil && before.Hash != after.Hash {
			t.Fatalf("formatting changes the spec:\n%q\n%q", data, out)
		}
	})
}
