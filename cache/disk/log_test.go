package disk_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// TestHoles: where a segment is missing, shortened or broken, what it may have removed does not come back; what is newer stays.
func TestHoles(t *testing.T) {
	m := newMaker(t)
	whole := t.TempDir()
	d := open(t, whole, 16*mb)
	fill := func(n int) {
		logs, _ := filepath.Glob(filepath.Join(whole, "*.log"))
		for have := len(logs); len(logs) == have; n++ { // until another segment is begun
			d.Put(m.object(page(n), 1, content(1, 200_000)))
			d.Flush()
			logs, _ = filepath.Glob(filepath.Join(whole, "*.log"))
		}
	}
	d.Put(m.object(page(1), 1, nil))
	d.Put(m.object(page(2), 1, nil, "g"))
	d.Flush()
	fill(1000)
	d.Remove(page(1), 2)
	d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g", Number: 2})
	d.Put(m.object(page(3), 2, nil))
	fill(2000)
	d.Put(m.object(page(4), 2, nil))
	d.Flush()
	d.Close()
	logs, _ := filepath.Glob(filepath.Join(whole, "*.log"))
	if len(logs) != 3 {
		t.Fatalf("%d segments", len(logs))
	}
	f := func(name string, change func(file string), want string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		change(filepath.Join(dir, filepath.Base(logs[1])))
		d := open(t, dir, 16*mb)
		for range 2 {
			got := ""
			for i := 1; i <= 4; i++ {
				if show(d, page(i)) != "" {
					got += strconv.Itoa(i)
				}
			}
			if got != want {
				t.Errorf("%s: objects %q, want %q", name, got, want)
			}
			d = reopen(t, d, dir, 16*mb)
		}
		d.Close()
	}
	edit := func(change func(b []byte) []byte) func(string) {
		return func(file string) {
			b, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, change(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	f("whole", func(string) {}, "34")
	f("missing", func(file string) { os.Remove(file) }, "4")
	f("cut behind its header", edit(func(b []byte) []byte { return b[:64] }), "4")
	f("cut at its end", edit(func(b []byte) []byte { return b[:len(b)-1] }), "4")
	f("empty", edit(func([]byte) []byte { return nil }), "4")
	f("another version", edit(func(b []byte) []byte { b[8]++; return b }), "4")
	f("a broken header", edit(func(b []byte) []byte { b[64] ^= 1; return b }), "4")
	f("a longer file", edit(func(b []byte) []byte { return append(b, make([]byte, 1000)...) }), "34")
	f("another's place", func(file string) { edit(func([]byte) []byte { b, _ := os.ReadFile(logs[0]); return b })(file) }, "4")
}

// TestMetWhileItWaits: what a purge or removal met in the queue is never written: when their records leave the log, it would come back.
func TestMetWhileItWaits(t *testing.T) {
	dir, m := t.TempDir(), newMaker(t)
	sys, held, arrived := unsynced(), make(chan struct{}), make(chan struct{}, 100)
	write := sys.Write
	sys.Write = func(f *os.File, b []byte, off int64) (int, error) {
		arrived <- struct{}{}
		<-held
		return write(f, b, off)
	}
	d := openOn(t, dir, 16*mb, sys, meter.NewSet())
	d.Put(m.object(page(0), 1, nil))
	<-arrived // the writer is at work: what comes now waits
	d.Put(m.object(page(1), 1, nil, "g"))
	d.Put(m.object(page(2), 1, nil))
	d.Put(m.object(page(3), 1, nil))
	d.Put(m.object(page(4), 1, nil, "soft"))
	done := make(chan struct{})
	go func() {
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g", Number: 2})
		d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/2", Number: 2})
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "soft", Number: 2, Soft: true})
		d.Remove(page(3), 2)
		close(done)
	}()
	<-done // each waits for a second, as for a disk that hangs
	close(held)
	d.Flush()
	if puts, _, _, _, _, _, _ := d.Counts(); puts != 2 || show(d, page(4)) != "1 0 soft" {
		t.Errorf("%d objects are written, want 2; the softened one is %q", puts, show(d, page(4)))
	}
}

// TestSameHash: keys whose hashes are the same answer for themselves only.
func TestSameHash(t *testing.T) {
	seen := map[uint32]int{}
	var a, b []byte
	for n := 0; a == nil; n++ {
		k := key("https", "a.example", "/", strconv.Itoa(n))
		h := disk.KeyHash(k)
		if other, ok := seen[h]; ok {
			a, b = key("https", "a.example", "/", strconv.Itoa(other)), k
		}
		seen[h] = n
	}
	d, m := open(t, t.TempDir(), 16*mb), newMaker(t)
	d.Put(m.object(a, 1, []byte("a")))
	d.Flush()
	if got := show(d, a) + "; " + show(d, b); got != "1 1; " {
		t.Errorf("with one of them: %q", got)
	}
	d.Put(m.draft(&storage.Draft{Key: b, Signature: []byte("x"), Number: 2, Body: [][]byte{[]byte("bb")}}))
	d.Flush()
	if got := show(d, a) + "; " + show(d, b); got != "1 1; 2x 2" {
		t.Errorf("with both: %q", got)
	}
}

// TestChain: a URL has a bounded number of objects; those that had to go do not come back when the others have gone.
func TestChain(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	name := func(n int) []byte { return key("https", "a.example", "/", strconv.Itoa(n)) }
	const more = 10
	for i := range disk.ChainMax + more {
		d.Put(m.object(name(i), 1, nil))
	}
	d.Flush()
	have := func() (n int, oldest bool) {
		for i := range disk.ChainMax + more {
			if show(d, name(i)) != "" {
				n++
				oldest = oldest || i < more
			}
		}
		return n, oldest
	}
	if n, oldest := have(); n != disk.ChainMax || oldest {
		t.Errorf("%d objects, the oldest among them: %v", n, oldest)
	}
	for i := 100; i < 200; i++ {
		d.Remove(name(i), 2)
	}
	d = reopen(t, d, dir, 16*mb)
	if n, oldest := have(); n != disk.ChainMax-100 || oldest {
		t.Errorf("in the next process %d objects, the oldest among them: %v", n, oldest)
	}
}
