package compile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/compile"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// compiled compiles a spec as it stands in a file. What is wrong with the spec itself fails the test.
func compiled(t testing.TB, text string) (*model.Deployment, []finding.Finding) {
	t.Helper()
	return compile.Run(parsed(t, text))
}

func parsed(t testing.TB, text string) *spec.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s, problems := spec.Load([]string{path}, spec.Options{})
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// ids are the ids of findings, each with its severity: "error cache-stale".
func ids(list []finding.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, f.Severity.String()+" "+f.Rule.ID)
	}
	return out
}
