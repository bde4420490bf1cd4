package ftw_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/coreruleset/go-ftw/v2/test"
	"github.com/rs/zerolog"
)

// suite is the Core Rule Set's tests as go-ftw reads them.
func suite(t *testing.T) (all []*test.FTWTest) {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // it would describe every byte on standard error
	err := fs.WalkDir(tests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(tests.FS, name)
		if err != nil {
			return err
		}
		f, err := test.GetTestFromYaml(text, path.Base(name))
		if err != nil {
			return err
		}
		for _, tt := range f.Tests {
			for i := range tt.Stages {
				tt.Stages[i].Output.RetryOnce = nil // the log is never late here, and a second failure would end the run
			}
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
