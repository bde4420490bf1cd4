package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
)

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"files/site/": "", "files/a": "a", "outside/": "", "files/out": "-> ../outside", "files/abs": "-> /tmp", "files/in": "-> site", "files/loop": "-> loop", "files/gone": "-> nothing"})
	roots := openRoots(t, filepath.Join(dir, "files"))
	f := func(roots *static.Roots, d spec.Directory, want string) {
		t.Helper()
		s, problems := static.New("web", &d, roots)
		switch {
		case want == "" && (s == nil || problems != nil):
			t.Errorf("%+v: %v", d, problems)
		case want != "" && (s != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), want) || !strings.Contains(problems[0].Text, "service web")):
			t.Errorf("%+v: got %v, want %q", d, problems, want)
		}
	}
	f(roots, spec.Directory{Path: "site"}, "")
	f(roots, spec.Directory{Path: "."}, "")
	f(roots, spec.Directory{Path: "in"}, "")
	f(roots, spec.Directory{Path: "none"}, "there is none below "+dir+"/files, which --files names")
	f(roots, spec.Directory{Path: "gone"}, "there is none below")
	f(roots, spec.Directory{Path: "a"}, "not a directory")
	f(roots, spec.Directory{Path: "out"}, "leads out of")
	f(roots, spec.Directory{Path: "abs"}, "leads out of")
	f(roots, spec.Directory{Path: "loop"}, "leads out of")
	f(roots, spec.Directory{Path: "../outside"}, "leads out of")
	f(roots, spec.Directory{Path: "/tmp"}, "leads out of")
	f(roots, spec.Directory{Path: "site", Index: "../x"}, "index")
	f(roots, spec.Directory{Path: "site", Index: ".x"}, "index")
	f(roots, spec.Directory{Path: "site", Fallback: "/x"}, "fallback")
	f(roots, spec.Directory{Path: "site", Fallback: "x/"}, "fallback")
	none := openRoots(t, "")
	f(none, spec.Directory{Path: "site"}, "start it with --files DIR")
	if s, problems := static.New("web", nil, none); s != nil || problems != nil {
		t.Error("a service without a directory has a stage")
	}
}

func TestOpenRoots(t *testing.T) {
	dir := t.TempDir()
	if _, err := static.OpenRoots(filepath.Join(dir, "none"), meter.NewSet()); err == nil || !strings.HasPrefix(err.Error(), "--files "+dir) {
		t.Error(err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	if _, err := static.OpenRoots(filepath.Join(dir, "file"), meter.NewSet()); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// TestReleases: the usual way to put a site in force is to replace a link.
func TestReleases(t *testing.T) {
	s, dir := newStage(t, spec.Directory{Path: "current"}, map[string]string{"r1/a": "one", "r2/a": "two", "current": "-> r1"})
	now := exchangetest.Now
	f := func(want string) {
		t.Helper()
		now = now.Add(time.Second) // until then a name leads where it led
		if got := ask(t, s, "GET /a HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Now = now }).Body; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("one")
	must(t, os.Symlink("r2", filepath.Join(dir, "next")))
	must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")))
	f("two")
	must(t, os.Remove(filepath.Join(dir, "current")))
	f("fault no_file")
	must(t, os.Symlink("/etc", filepath.Join(dir, "current")))
	f("fault no_file")
	must(t, os.Remove(filepath.Join(dir, "current")))
	must(t, os.Rename(filepath.Join(dir, "r1"), filepath.Join(dir, "current")))
	f("one")
}

func TestClosedRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"site/a": "a"})
	roots := openRoots(t, dir)
	s, _ := static.New("files", &spec.Directory{Path: "site"}, roots)
	x := exchangetest.Request("GET /a HTTP/1.1\nHost: a\n")
	defer x.Release()
	s.Request(x)
	defer x.Resp.Body.Close()
	roots.Close()
	if got, err := readAll(x.Resp.Body); got != "a" || err != nil {
		t.Errorf("an answer that had begun: %q, %v", got, err)
	}
	if r := get(t, s, "/a"); r.Body != "fault draining" {
		t.Error(r)
	}
}
