package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// withFiles is an entrypoint that names a file for its redirects and one for an error page.
const withFiles = six + "  redirects: {file: lists/moved.csv}\n  errorPages: {404: {file: errors/404.html}}\n"

func TestReadFilesBesideDocuments(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one/shop.yaml"), withFiles)
	write(t, filepath.Join(dir, "one/lists/moved.csv"), "/a,/b\n")
	write(t, filepath.Join(dir, "one/lists/other.csv"), "/a,/b\n")
	write(t, filepath.Join(dir, "one/errors/404.html"), "gone\n")
	write(t, filepath.Join(dir, "one/index.html"), "no part of the spec\n")
	write(t, filepath.Join(dir, "secret.csv"), "/a,/b\n")
	write(t, filepath.Join(dir, "out/shop.json"), `{"file": "../secret.csv", "or": "./../secret.csv", "and": "`+dir+`/secret.csv", "hidden": "a/.b.csv"}`)
	write(t, filepath.Join(dir, "out/a/.b.csv"), "hidden")
	write(t, filepath.Join(dir, "dir/shop.yaml"), "file: list.csv")
	write(t, filepath.Join(dir, "dir/list.csv/x"), "a directory")
	// A Kubernetes config map keeps all of it in one directory, behind links.
	write(t, filepath.Join(dir, "map/..2026/shop.yaml"), "{file: moved.csv}")
	write(t, filepath.Join(dir, "map/..2026/moved.csv"), "/a,/b\n")
	link(t, "..2026", filepath.Join(dir, "map/..data"))
	link(t, "..data/shop.yaml", filepath.Join(dir, "map/shop.yaml"))
	link(t, "..data/moved.csv", filepath.Join(dir, "map/moved.csv"))

	f := func(want string, paths ...string) {
		t.Helper()
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		files, problems := spec.ReadFiles(paths)
		var got []string
		for _, f := range files {
			got = append(got, strings.TrimPrefix(f.Name, dir+"/"))
		}
		for _, p := range problems {
			got = append(got, strings.ReplaceAll(p.String(), dir+"/", ""))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", paths, s, want)
		}
	}
	f("one/shop.yaml one/lists/moved.csv one/errors/404.html", "one")
	f("one/shop.yaml one/lists/moved.csv one/errors/404.html", "one/shop.yaml")
	f("one/lists/moved.csv one/lists/other.csv one/shop.yaml one/errors/404.html", "one/lists/moved.csv", "one/lists/other.csv", "one/shop.yaml")
	f("out/shop.json", "out")
	f("dir/shop.yaml", "dir")
	f("map/shop.yaml map/moved.csv", "map")

	s, problems := spec.Load([]string{filepath.Join(dir, "one")}, spec.Options{})
	if len(problems) > 0 {
		t.Fatal(fault.Problems(problems))
	}
	e := s.Entrypoints[0]
	if len(e.Moved) != 1 || e.Moved[0] != (spec.Moved{From: "/a", To: "/b", Status: 308}) {
		t.Errorf("moved: %v", e.Moved)
	}
	if pages := *e.Policy.ErrorPages; len(pages) != 1 || pages[0] != (spec.ErrorPage{Status: 404, HTML: "gone\n"}) {
		t.Errorf("error pages: %v", pages)
	}
}

// TestEditBesideIsNoticed: what a watcher compares changes with a file that a document only names, and so does the spec.
func TestEditBesideIsNoticed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.yaml"), withFiles)
	write(t, filepath.Join(dir, "lists/moved.csv"), "/a,/b\n")
	write(t, filepath.Join(dir, "errors/404.html"), "gone\n")
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		files, problems := spec.ReadFiles([]string{dir})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, hash := range []string{spec.ContentHash(files), mustParse(t, files...).Hash} {
			if seen[hash] != "" {
				t.Errorf("%s: the same hash as %s", what, seen[hash])
			}
			seen[hash] = what
		}
	}
	look("at first")
	write(t, filepath.Join(dir, "lists/moved.csv"), "/a,/c\n")
	look("another redirect")
	write(t, filepath.Join(dir, "errors/404.html"), "lost\n")
	look("another page")
}

func TestTooManyRedirects(t *testing.T) {
	list := func(n int) spec.File {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "/%d,/to/%d\n", i, i)
		}
		return spec.File{Name: "lists/moved.csv", Data: []byte(b.String())}
	}
	doc := yaml(six + "  redirects: {file: lists/moved.csv}\n")
	if got := len(mustParse(t, doc, list(20_000)).Entrypoints[0].Moved); got != 20_000 {
		t.Errorf("got %d redirects", got)
	}
	_, problems := spec.Parse([]spec.File{doc, list(20_001)})
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "the limit is 20000") {
		t.Errorf("got %v", problems)
	}
}

func TestBrokenFilesBesideDocuments(t *testing.T) {
	f := func(want, csv, html string) {
		t.Helper()
		_, problems := spec.Parse([]spec.File{
			yaml(withFiles), {Name: "lists/moved.csv", Data: []byte(csv)}, {Name: "errors/404.html", Data: []byte(html)},
		})
		if got := fault.Problems(problems).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("", "\ufeff/a,/b\r\n", "\ufeff<p>\r\n")
	f("", "# nothing yet\n", "")
	f("lists/moved.csv:2:4: this is not UTF-8\n    fix: save the file as UTF-8", "/a,/b\n/c,\xff", "")
	f("errors/404.html:1:2: a control character stands here\n    fix: remove it, or write it as an escape in \"double quotes\"", "", "a\x00")
	f("x.yaml:8:15: the error pages have 65537 bytes together, the limit is 65536\n    fix: let them load what is large from elsewhere",
		"", strings.Repeat("x", 65_537))
}

// TestFormatLeavesOtherFiles: fmt over a directory meets the files beside documents, too.
func TestFormatLeavesOtherFiles(t *testing.T) {
	for _, name := range []string{"moved.csv", "404.html"} {
		const text = "a:   b\n- x\n"
		if out, problems := spec.Format(spec.File{Name: name, Data: []byte(text)}); string(out) != text || len(problems) > 0 {
			t.Errorf("%s became %q: %v", name, out, problems)
		}
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "secrets")
	write(t, filepath.Join(root, "key.pem"), "the key")
	write(t, filepath.Join(root, "sub/key.pem"), "another key")
	write(t, filepath.Join(root, "empty.pem"), "")
	write(t, filepath.Join(root, "large.pem"), strings.Repeat("x", 1<<20+1))
	write(t, filepath.Join(root, "full.pem"), strings.Repeat("x", 1<<20))
	write(t, filepath.Join(dir, "outside.pem"), "not for specs")
	link(t, "sub/key.pem", filepath.Join(root, "inside.pem"))
	link(t, "../outside.pem", filepath.Join(root, "out.pem"))
	link(t, filepath.Join(dir, "outside.pem"), filepath.Join(root, "absolute.pem"))
	link(t, "..", filepath.Join(root, "up"))
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SKERRY_SECRET_KEY", "from the environment")
	t.Setenv("SKERRY_SECRET_EMPTY", "")
	t.Setenv("SKERRY_OTHER", "not for specs")

	f := func(ref spec.Ref, want, bad string) {
		t.Helper()
		got, err := spec.Secrets{Dir: root}.Read(ref)
		if string(got) != want || (err == nil) != (bad == "") || err != nil && !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got %.40q, %v", ref, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "not for specs") {
			t.Errorf("%s: the error tells a secret: %v", ref, err)
		}
	}
	f("file:key.pem", "the key", "")
	f("file:sub/key.pem", "another key", "")
	f("file:inside.pem", "another key", "") // as secrets of Kubernetes are
	f("file:full.pem", strings.Repeat("x", 1<<20), "")
	f("file:missing.pem", "", "no such file")
	f("file:empty.pem", "", "it is empty")
	f("file:large.pem", "", "more than 1048576 bytes")
	f("file:sub", "", "no file")
	f("file:pipe", "", "no file")
	f("file:out.pem", "", "escapes")
	f("file:absolute.pem", "", "escapes")
	f("file:up/outside.pem", "", "escapes")
	f("file:../outside.pem", "", "escapes")
	f(spec.Ref("file:"+filepath.Join(dir, "outside.pem")), "", "escapes")
	f("env:SKERRY_SECRET_KEY", "from the environment", "")
	f("env:SKERRY_SECRET_EMPTY", "", "no such variable")
	f("env:SKERRY_SECRET_MISSING", "", "no such variable")
	f("env:SKERRY_OTHER", "", "neither file:NAME nor env:SKERRY_SECRET_")
	f("env:HOME", "", "neither file:NAME nor env:SKERRY_SECRET_")
	f("key.pem", "", "neither file:NAME nor env:SKERRY_SECRET_")
	f("", "", "neither file:NAME nor env:SKERRY_SECRET_")

	if _, err := (spec.Secrets{}).Read("file:key.pem"); err == nil || !strings.Contains(err.Error(), "--secrets") {
		t.Errorf("without a directory: %v", err)
	}
	if _, err := (spec.Secrets{Dir: filepath.Join(dir, "gone")}).Read("file:key.pem"); err == nil || !strings.Contains(err.Error(), "--secrets") {
		t.Errorf("with a directory that is not there: %v", err)
	}
	if err := os.Remove(filepath.Join(root, "key.pem")); err != nil {
		t.Fatal(err)
	}
	f("file:key.pem", "", "no such file") // nothing is kept
}
