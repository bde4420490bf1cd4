package lint_test

import (
	"os"
	"path/filepath"
	"testing"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/lint"
)

// read reads a template of testdata.
func read(t testing.TB, path string) *cfn.Template {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cfn.Read(filepath.Base(path), data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGood holds good templates against all rules: a finding is a rule that is wrong. Notes are not about mistakes.
func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		for _, f := range lint.Check(read(t, path), nil) {
			if f.Severity > finding.Note {
				t.Error(f)
			}
		}
	}
}
