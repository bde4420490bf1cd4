package spec_test

import (
	"os"
	"path/filepath"
	"testing"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// TestOwnSpecsAreFormatted holds our profiles and examples to the formatting that we ask of others.
func TestOwnSpecsAreFormatted(t *testing.T) {
	for _, pattern := range []string{"profiles/*.yaml", "../testdata/spec-next/*.yaml"} {
		paths, _ := filepath.Glob(pattern)
		if len(paths) == 0 {
			t.Fatalf("%s: no files", pattern)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out, problems := spec.Format(spec.File{Name: path, Data: data})
			if len(problems) > 0 {
				t.Error(fault.Problems(problems))
			}
			if string(out) != string(data) {
				t.Errorf("%s is not formatted; it should be\n%s", path, out)
			}
		}
	}
}
