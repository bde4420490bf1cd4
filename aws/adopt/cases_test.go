package adopt

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

var update = flag.Bool("update", false, "write what comes out of the cases")

// TestCases reads testdata/NAME/in/* and compares documents, ledger and findings with testdata/NAME/out.
func TestCases(t *testing.T) {
	for name, files := range cases(t) {
		t.Run(name, func(t *testing.T) {
			r := Read(files, nil)
			out := filepath.Join("testdata", name, "out")
			want := written(t, out)
			got := outputs(r)
			if *update {
				rewrite(t, out, got)
				return
			}
			for name, data := range got {
				if !bytes.Equal(data, want[name]) {
					t.Errorf("%s is not as it was; -update writes it. It is:\n%s", name, data)
				}
				delete(want, name)
			}
			for name := range want {
				t.Errorf("%s is not written any more", name)
			}
		})
	}
}

// TestDocumentsParse has every document taken by the spec's own reader.
func TestDocumentsParse(t *testing.T) {
	for name, files := range cases(t) {
		r := Read(files, nil)
		var list []spec.File
		for _, d := range r.Documents {
			list = append(list, spec.File{Name: d.Name, Data: d.Data})
		}
		if len(list) == 0 {
			continue
		}
		if _, problems := spec.Parse(list); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestEveryLeafOnce walks the input as encoding/json reads it: each leaf stands in the ledger once, by itself or below a row that
// speaks of all below it.
func TestEveryLeafOnce(t *testing.T) {
	for name, files := range cases(t) {
		r := Read(files, nil)
		for _, file := range files {
			refused := func(f finding.Finding) bool { return f.Rule == ruleUnreadable && f.At.File == file.Name }
			if !json.Valid(file.Data) || slices.ContainsFunc(r.Findings, refused) {
				continue
			}
			at, below := map[string]int{}, map[string]int{}
			for _, row := range r.Ledger {
				if row.At.File == file.Name && row.Below {
					below[row.Pointer]++
				} else if row.At.File == file.Name {
					at[row.Pointer]++
				}
			}
			for _, pointer := range jsonLeaves(t, file.Data) {
				n := at[pointer]
				for up := pointer; ; up = up[:strings.LastIndexByte(up, '/')] {
					if n += below[up]; up == "" {
						break
					}
				}
				if n != 1 {
					t.Errorf("%s: %s: %s stands in the ledger %d times", name, file.Name, pointer, n)
				}
				delete(at, pointer)
			}
			for pointer := range at {
				if !strings.Contains(pointer, "#") { // JSON in a text
					t.Errorf("%s: %s: a row has the pointer %q, and no leaf stands there", name, file.Name, pointer)
				}
			}
		}
	}
}

// jsonLeaves are the pointers of all leaves of a document.
func jsonLeaves(t *testing.T, data []byte) []string {
	var root any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	var list []string
	var walk func(v any, pointer string)
	walk = func(v any, pointer string) {
		switch v := v.(type) {
		case map[string]any:
			for name := range v {
				walk(v[name], pointer+"/"+strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"))
			}
			if len(v) > 0 {
				return
			}
		case []any:
			for i := range v {
				walk(v[i], pointer+"/"+strconv.Itoa(i))
			}
			if len(v) > 0 {
				return
			}
		}
		list = append(list, pointer)
	}
	walk(root, "")
	return list
}

// cases are the inputs below testdata, by the names of their folders.
func cases(t testing.TB) map[string][]File {
	folders, err := filepath.Glob(filepath.Join("testdata", "*", "in"))
	if err != nil || len(folders) == 0 {
		t.Fatal("there are no cases", err)
	}
	out := map[string][]File{}
	for _, folder := range folders {
		name := filepath.Base(filepath.Dir(folder))
		read := written(t, folder)
		for file, data := range read {
			out[name] = append(out[name], File{Name: file, Data: data})
		}
		slices.SortFunc(out[name], func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	}
	return out
}

// written are the files of a folder and of the folders in it, by their names below it.
func written(t testing.TB, folder string) map[string][]byte {
	out := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		out[filepath.ToSlash(name)] = data
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// outputs are the files that say what has come out.
func outputs(r *Result) map[string][]byte {
	out := map[string][]byte{}
	for _, d := range slices.Concat(r.Documents, r.Files) {
		out[d.Name] = d.Data
	}
	var ledger, findings bytes.Buffer
	for _, row := range r.Ledger {
		fmt.Fprintln(&ledger, row)
	}
	for _, f := range r.Findings {
		fmt.Fprintln(&findings, f)
	}
	out["ledger.txt"], out["findings.txt"] = ledger.Bytes(), findings.Bytes()
	return out
}

func rewrite(t *testing.T, folder string, files map[string][]byte) {
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRules has ids that stand once, and that no compiler's or linter's finding can have.
func TestRules(t *testing.T) {
	seen := map[string]*finding.Rule{}
	for _, r := range Rules() {
		if r != ruleNotUnderstood && !strings.HasPrefix(r.ID, "import-") {
			t.Errorf("%s does not begin with import-", r.ID)
		}
		if seen[r.ID] != nil {
			t.Errorf("two rules have the id %s", r.ID)
		}
		seen[r.ID] = r
		if r.Meaning == "" || r.Remedy == "" || r.Witness == "" {
			t.Errorf("%s: meaning, remedy and witness are needed", r.ID)
		}
	}
}
