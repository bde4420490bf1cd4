package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"skerry.dev/skerry/edge"
)

// onDisk are the options of an edge whose cache has little memory and a disk.
func onDisk(dir string) edge.Options {
	var opt edge.Options
	opt.Setting.CacheDir, opt.Setting.CacheDiskBytes, opt.Setting.CacheBytes = dir, 256<<20, 16<<20
	return opt
}

// numbered is an origin that counts: what it answers is a mark, of a size that the path ends with.
type numbered struct{ asked atomic.Int64 }

func (o *numbered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		return
	}
	size, _ := strconv.Atoi(filepath.Base(r.URL.Path))
	m := mark{n: uint64(o.asked.Add(1)), who: "nobody", uri: r.URL.EscapedPath(), size: size}
	w.Header().Set("Cache-Control", "public, max-age=600")
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, m.n))
	w.Header().Set("X-Mark", m.String())
	w.Header().Set("Cache-Groups", `"pages"`)
	w.Header().Set("Content-Length", strconv.Itoa(size))
	io.WriteString(w, m.body())
}

// marked asks for a page and returns the number of the answer, whose body, or part of it, has to be that of its mark.
func (c *cached) marked(by *http.Client, path string, from, to int) (n uint64, where string) {
	c.t.Helper()
	var fields []string
	if to > 0 {
		fields = append(fields, fmt.Sprintf("Range: bytes=%d-%d", from, to-1))
	}
	g := c.ask(by, "GET", path, fields...)
	m, err := readMark(g.header.Get("X-Mark"))
	if err != nil || g.err != nil {
		c.t.Errorf("%s: %v; %v", path, &g, err)
		return 0, ""
	}
	if to == 0 {
		to = m.size
	}
	want := m.part(from, to)
	if g.body != want || m.uri != path {
		c.t.Errorf("%s: another body than that of %s: %s; %v", path, &m, brief(g.body), &g)
	}
	return m.n, g.from()
}

// page and film are answers of which one goes to memory and to disk, the other to disk alone.
const page, film = "/page/3000", "/film/20000000"

// TestCacheRestart: what was stored is there after a restart, and what was purged or made invalid is not.
func TestCacheRestart(t *testing.T) {
	o, dir := &numbered{}, filepath.Join(t.TempDir(), "cache")
	text := fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient)
	kept := []string{page, film, "/other/100000"}
	gone := []string{"/posted/3000", "/posted/900000", "/purged/3000", "/purged/900000"}
	c := openCached(t, onDisk(dir), text)
	numbers := map[string]uint64{}
	for i, path := range slices.Concat(kept, gone) {
		numbers[path], _ = c.marked([]*http.Client{c.h1, c.h2}[i%2], path, 0, 0)
	}
	for range 2 {
		for _, path := range gone[:2] {
			if g := c.ask(c.h2, "POST", path); g.status != 200 {
				t.Fatal(&g)
			}
		}
		if _, err := c.edge.PurgeCache(edge.CachePurge{Kind: "prefix", Host: "shop.test", Value: "/purged/"}, "test"); err != nil {
			t.Fatal(err)
		}
		c.ended()
		c = openCached(t, onDisk(dir), text)
		become(t, "what was stored", func() bool { g := c.ask(c.h2, "GET", page, "Cache-Control: only-if-cached"); return g.status == 200 })
		for _, path := range kept {
			if n, from := c.marked(c.h1, path, 0, 0); n != numbers[path] || from != "hit" {
				t.Errorf("%s: answer %d, %s, after a restart; before it was %d", path, n, from, numbers[path])
			}
		}
		for _, path := range gone {
			n, from := c.marked(c.h2, path, 0, 0)
			if n <= numbers[path] {
				t.Errorf("%s: answer %d, %s, after a restart; %d was removed before it", path, n, from, numbers[path])
			}
			numbers[path] = n
		}
	}
}

// TestCacheLarge: an answer of 20 MB goes to the disk while it comes, and is read from there, whole and in parts, by many at once; it costs
// the origin one request, and memory next to nothing.
func TestCacheLarge(t *testing.T) {
	o := &numbered{}
	c := openCached(t, onDisk(filepath.Join(t.TempDir(), "cache")), fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() { c.marked([]*http.Client{c.h1, c.h2}[i%2], film, 0, 0) })
	}
	all.Wait()
	for i := range 16 {
		all.Go(func() {
			from := i * 1_200_000
			if _, where := c.marked([]*http.Client{c.h1, c.h2}[i%2], film, from, from+1+i*100_000); where != "hit" {
				t.Errorf("a part of what is stored: %s", where)
			}
		})
	}
	all.Wait()
	if n := o.asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	g := c.ask(c.h1, "GET", film, "Range: bytes=0-9,19999990-")
	if g.status != 206 || len(g.body) < 20 || len(g.body) > 1000 {
		t.Errorf("two parts: %v", &g)
	}
	if g := c.ask(c.h1, "HEAD", film); g.from() != "hit" || g.header.Get("Content-Length") != "20000000" {
		t.Errorf("HEAD: %s, %v", g.from(), &g)
	}
	if n := c.total("skerry_cache_bytes"); n > 16<<20 {
		t.Errorf("%v bytes are in memory", n)
	}
}

// TestCacheDamaged: whatever of the files is damaged between two runs, nobody gets a wrong byte, and the origin is asked again.
func TestCacheDamaged(t *testing.T) {
	o, dir := &numbered{}, filepath.Join(t.TempDir(), "cache")
	text := fmt.Sprintf(cachedSpec, origin(t, o.ServeHTTP), patient)
	paths := []string{film, "/film/900000", page, "/page/200000"}
	f := func(what string, damage func(b []byte) []byte) {
		t.Helper()
		c := openCached(t, onDisk(dir), text)
		for _, path := range paths {
			c.marked(c.h1, path, 0, 0)
		}
		c.ended()
		before := o.asked.Load()
		damageAll(t, dir, damage)
		c = openCached(t, onDisk(dir), text)
		for i, path := range paths {
			// What is found broken in the middle of an answer breaks off; the second time all is right.
			g := c.ask([]*http.Client{c.h1, c.h2}[i%2], "GET", path)
			m, err := readMark(g.header.Get("X-Mark"))
			if body := m.body(); err == nil && (len(g.body) > len(body) || g.body != body[:len(g.body)] || g.err == nil && g.body != body) {
				t.Errorf("%s, %s: wrong bytes: %v %s", what, path, &g, brief(g.body))
			}
			c.marked(c.h2, path, 0, 0)
		}
		if n := o.asked.Load() - before; n == 0 {
			t.Errorf("%s: the origin was not asked", what)
		}
		c.ended()
	}
	f("a byte is changed in every block", func(b []byte) []byte {
		for i := 5000; i < len(b); i += 10_000 {
			b[i] ^= 1
		}
		return b
	})
	f("files are cut", func(b []byte) []byte { return b[:len(b)/2] })
	f("files end in zeros", func(b []byte) []byte { clear(b[len(b)/3:]); return b })
	f("files are empty", func([]byte) []byte { return nil })
}

// damageAll changes every file below a directory.
func damageAll(t *testing.T, dir string, damage func(b []byte) []byte) {
	t.Helper()
	n := 0
	must(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil || len(b) == 0 {
			return err
		}
		n++
		return os.WriteFile(name, damage(b), 0o600)
	}))
	if n == 0 {
		t.Fatal("nothing is on the disk")
	}
}
