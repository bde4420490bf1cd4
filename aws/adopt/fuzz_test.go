package adopt

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// FuzzRead reads anything in two files: it must not panic or take long, documents that the spec's reader
// does not take are a finding, each row names its file, and no row that is not exact comes without a rule.
func FuzzRead(f *testing.F) {
	for _, files := range cases(f) {
		for i, file := range files {
			f.Add(file.Data, files[(i+1)%len(files)].Data)
		}
	}
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "shop", "skerry-*.json"))
	if err != nil || len(paths) != 2 {
		f.Fatal(err, paths)
	}
	var shop [2][]byte
	for i, path := range paths {
		if shop[i], err = os.ReadFile(path); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(shop[0], shop[1])
	f.Fuzz(func(t *testing.T, first, second []byte) {
		start := time.Now()
		r := Read([]File{{"first.json", first}, {"second.js", second}}, nil)
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("%d and %d bytes took %v", len(first), len(second), took)
		}
		invalid := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == ruleInvalid })
		var list []spec.File
		for _, d := range r.Documents {
			list = append(list, spec.File(d))
		}
		if _, problems := spec.Parse(list); len(list) > 0 && len(problems) > 0 != invalid {
			t.Fatalf("%v\n%s", problems, r.Documents)
		}
		for _, row := range r.Ledger {
			if (row.Verdict == Exact) != (row.Rule == nil) || !strings.HasPrefix(row.At.File, "first") && !strings.HasPrefix(row.At.File, "second") {
				t.Fatalf("%+v", row)
			}
		}
	})
}
