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

// TestGood holds good templates against the schema and all rules: a finding is a rule that is wrong. Notes are not about mistakes. Those
// named cdk-… are what the CDK makes of testdata/good.ts, by `scripts/npm good`.
func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d templates, want 40: %v", len(files), err)
	}
	yaml := 0
	for _, path := range files {
		if filepath.Ext(path) == ".yaml" {
			yaml++
		}
		for _, f := range lint.Check(read(t, path), nil) {
			if f.Severity > finding.Note {
				t.Error(f)
			}
		}
	}
	if yaml < 8 {
		t.Errorf("%d templates in YAML, want 8", yaml)
	}
}
