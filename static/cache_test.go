package static_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/static"
)

// TestChangesAreSeen: what happens to a file that is kept open shows in the next answer; what happens to the way to it
// within a second.
func TestChangesAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that nothing is swept, however long it takes
		s, dir := newStage(t, spec.Directory{}, map[string]string{"site/a.js": "one", "site/b.js": "b"})
		at := filepath.Join(dir, "site/a.js")
		now := exchangetest.Now
		f := func(want string) {
			t.Helper()
			r := ask(t, s, "GET /a.js HTTP/1.1\nHost: a\nAccept-Encoding: br\n", func(x *exchange.Exchange) { x.Now = now })
			if r.Body != want {
				t.Errorf("got %v, want %q", r, want)
			}
		}
		f("one")
		f("one")
		must(t, os.WriteFile(at, []byte("two"), 0o644)) // in place, same size
		f("two")
		must(t, os.Chtimes(at, date, date))
		f("two")
		must(t, os.WriteFile(at+"2", []byte("three"), 0o644))
		must(t, os.Rename(at+"2", at))
		f("three")
		must(t, os.Remove(at))
		f("fault no_file")
		must(t, os.Mkdir(at, 0o755))
		f("") // a redirect
		must(t, os.Remove(at))
		write(t, dir, map[string]string{"site/a.js": "four"})
		f("four")
		write(t, dir, map[string]string{"site/a.js.br": "packed"})
		f("four")
		now = now.Add(time.Second)
		f("packed")
		must(t, os.Remove(at+".br"))
		f("four")
		now = now.Add(-time.Hour) // a clock that was set back
		f("four")
	})
}

// TestSweep: what nobody asks for is closed, what is asked for stays open.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"site/a": "a", "site/b.js": "b", "site/b.js.gz": "b"})
	synctest.Test(t, func(t *testing.T) {
		set := meter.NewSet()
		roots, err := static.OpenRoots(dir, set)
		must(t, err)
		s, _ := static.New("files", &spec.Directory{Path: "site"}, roots)
		open := func() int64 { return set.Gauge("skerry_static_files_open", "").Value() }
		request := func(path string) {
			ask(t, s, "GET "+path+" HTTP/1.1\nHost: a\n", func(x *exchange.Exchange) { x.Now = time.Now() })
		}
		request("/a")
		request("/b.js")
		if open() != 3 {
			t.Errorf("%d files are open", open())
		}
		for range 6 {
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if open() == 0 {
				t.Error("a file that is asked for was closed")
			}
			request("/a")
		}
		synctest.Wait()
		if open() != 1 {
			t.Errorf("%d files are open while one is asked for", open())
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if open() != 0 {
			t.Errorf("%d files are open that nobody asks for", open())
		}
		request("/a")
		roots.Close()
		roots.Close()
		if open() != 0 {
			t.Errorf("%d files are open after Close", open())
		}
	})
}

// TestKeptMax: however many files there are, only so many stay open, and all are served.
func TestKeptMax(t *testing.T) {
	files := map[string]string{}
	for i := range 700 {
		files[fmt.Sprintf("site/%d.js", i)] = fmt.Sprint(i)
		files[fmt.Sprintf("site/%d.js.gz", i)] = fmt.Sprint(i)
	}
	dir := t.TempDir()
	write(t, dir, files)
	synctest.Test(t, func(t *testing.T) { // so that nothing is swept, however long it takes
		set := meter.NewSet()
		roots, err := static.OpenRoots(dir, set)
		must(t, err)
		defer roots.Close()
		s, _ := static.New("files", &spec.Directory{Path: "site"}, roots)
		for range 2 {
			for i := range 700 {
				if r := get(t, s, fmt.Sprintf("/%d.js", i)); r.Body != fmt.Sprint(i) {
					t.Fatal(r)
				}
			}
		}
		if n := set.Gauge("skerry_static_files_open", "").Value(); n != 1024 {
			t.Errorf("%d files stay open, want 1024", n)
		}
	})
}

// TestDirectoriesAreApart: two services, one directory within the other, do not share names: a link that may be followed
// from the one may leave the other.
func TestDirectoriesAreApart(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"site/top": "top", "site/inner/link": "-> ../top"})
	roots := openRoots(t, dir)
	outer, _ := static.New("files", &spec.Directory{Path: "site"}, roots)
	inner, _ := static.New("files", &spec.Directory{Path: "site/inner"}, roots)
	for range 2 {
		if r := get(t, outer, "/inner/link"); r.Body != "top" {
			t.Error(r)
		}
		if r := get(t, inner, "/link"); r.Status != 404 {
			t.Error(r)
		}
	}
}
