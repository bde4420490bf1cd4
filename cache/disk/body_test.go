package disk_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// TestSpool: a body can be read while it is appended to, is an object once it is put, and nothing if it is given up.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	body := content(1, 1_000_000)
	spool := d.Begin(-1)
	for off := 0; off < len(body); off += 12_345 {
		if err := spool.Append(body[off:min(len(body), off+12_345)]); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 20_000)
		from := max(0, off-5000)
		n, err := spool.ReadAt(buf, int64(from))
		if want := body[from:min(len(body), off+12_345, from+len(buf))]; err != nil || !bytes.Equal(buf[:n], want) {
			t.Fatalf("at %d: %d bytes, want %d, %v", from, n, len(want), err)
		}
	}
	if n, err := spool.ReadAt(make([]byte, 1), int64(len(body))); n != 0 || err != nil || spool.Size() != int64(len(body)) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	o := m.draft(&storage.Draft{Key: page(1), Number: 1, Spool: spool})
	d.Put(o)
	if spool.Append([]byte("x")) == nil {
		t.Error("what was put grows")
	}
	spool.Close() // does nothing
	other := d.Begin(100)
	other.Append(make([]byte, 100))
	other.Close()
	if other.Append([]byte("x")) == nil {
		t.Error("what was given up grows")
	}
	d.Flush()
	for _, size := range []int{1, 1000, disk.BlockBytes, 3*disk.BlockBytes + 1, 2 * mb} {
		f := d.Find(page(1))[0]
		for off := 0; off < len(body); off += max(size, 3001) {
			buf := make([]byte, size)
			n, err := f.Spool.ReadAt(buf, int64(off))
			if want := body[off:min(len(body), off+size)]; err != nil || !bytes.Equal(buf[:n], want) {
				t.Fatalf("%d bytes at %d: got %d, %v", size, off, n, err)
			}
		}
	}
	d.Put(m.draft(&storage.Draft{Key: page(1), Number: 2, Spool: d.Find(page(1))[0].Spool})) // a 304: another head
	d.Flush()
	if _, bodies, _, _, used := d.Counted(); bodies != 1 || used != size(t, dir) || show(d, page(1)) != "2 1000000" {
		t.Errorf("%d bodies, %d bytes of %d, %s", bodies, used, size(t, dir), show(d, page(1)))
	}
	if d = reopen(t, d, dir, 16*mb); show(d, page(1)) != "2 1000000" {
		t.Errorf("the next process: %s", show(d, page(1)))
	}
	d.Remove(page(1), 3)
	d.Tidy()
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".body") {
			t.Error("left behind: " + name)
		}
	}
}

// TestSpoolBounds: one body may have a quarter of the budget, all in progress half of it, and nobody's leave nothing behind.
func TestSpoolBounds(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, 16*mb)
	if d.Begin(4*mb+1) != nil {
		t.Error("more than a quarter")
	}
	a, b := d.Begin(4*mb), d.Begin(4*mb)
	if a == nil || b == nil || d.Begin(1) != nil {
		t.Error("half of the budget is not what can be had")
	}
	a.Close()
	c, piece, n := d.Begin(-1), make([]byte, 100_000), 0
	for c.Append(piece) == nil {
		n += len(piece)
	}
	if n < 3*mb || n > 4*mb {
		t.Errorf("%d bytes of a quarter of the budget", n)
	}
	b.Close()
	c.Close()
	if used, left := size(t, dir), len(files(t, dir)); used > 100 || left > 1 {
		t.Errorf("%d bytes in %d files are left", used, left)
	}
	e := d.Begin(1)
	e.Append([]byte("x"))
	d = reopen(t, d, dir, 16*mb) // in the middle of it
	if left := files(t, dir); len(left) > 1 || strings.Contains(fmt.Sprint(left), ".body") {
		t.Errorf("left: %v", left)
	}
}

// TestReadersKeepTheirs: who reads a body that is evicted reads it to its end; a minute after the last read it is closed.
func TestReadersKeepTheirs(t *testing.T) {
	dir, m := t.TempDir(), newMaker(t)
	synctest.Test(t, func(t *testing.T) {
		d := openOn(t, dir, 8*mb, unsynced(), meter.NewSet())
		body := content(1, mb)
		d.Put(m.object(page(1), 1, body))
		d.Flush()
		reader := d.Find(page(1))[0].Spool
		for i := range 20 {
			d.Put(m.object(page(10+i), 2, content(uint64(i), mb)))
			d.Flush()
		}
		d.Remove(page(1), 3)
		d.Flush()
		if show(d, page(1)) != "" || size(t, dir) > 8*mb {
			t.Errorf("still found: %q, %d bytes", show(d, page(1)), size(t, dir))
		}
		for range 3 {
			time.Sleep(disk.BodyLinger * 3 / 4)
			synctest.Wait()
			if !bytes.Equal(read(storage.Draft{Spool: reader}), body) {
				t.Error("the reader lost what it reads")
			}
		}
		time.Sleep(2 * disk.BodyLinger)
		synctest.Wait()
		if _, err := reader.ReadAt(make([]byte, 10), 0); err == nil {
			t.Error("the file is open for ever")
		}
		if _, _, _, broken, _, _, _ := d.Counts(); broken > 0 {
			t.Errorf("%d are called damaged", broken)
		}
		d.Close()
	})
}

// TestManyBodies: more bodies are read at once than files are kept open.
func TestManyBodies(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 512*mb), newMaker(t)
	const bodies = 300
	var wants [][]byte
	for i := range bodies {
		body := content(uint64(i), disk.InlineMax+1)
		wants = append(wants, body[100_000:103_000])
		d.Put(m.object(page(i), 1, body))
		if i%20 == 0 {
			d.Flush()
		}
	}
	d.Flush()
	var all []storage.Spool
	for i := range bodies {
		all = append(all, d.Find(page(i))[0].Spool)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			got := make([]byte, 3000)
			for k := range 2 * bodies {
				i := (k*7 + g) % bodies
				n, err := all[i].ReadAt(got, 100_000)
				if want := wants[i]; err != nil || !bytes.Equal(got[:n], want) {
					t.Errorf("body %d is another, %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		n := 0
		for _, fd := range fds {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, dir) && strings.Contains(to, ".body") {
				n++
			}
		}
		if n > 256 || n < 200 {
			t.Errorf("%d files are open", n)
		}
	}
	runtime.KeepAlive(all) // a body that nobody has closes its file
}

// TestBrokenBody: a damaged body is an error where it is damaged, is told once, and can be removed.
func TestBrokenBody(t *testing.T) {
	dir, m, meters := t.TempDir(), newMaker(t), meter.NewSet()
	d := openOn(t, dir, 16*mb, unsynced(), meters)
	for i := range 3 {
		d.Put(m.object(page(i), 1, content(uint64(i), 10*disk.BlockBytes*4)))
	}
	d.Flush()
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".body") {
			b, _ := os.ReadFile(name)
			b[5*disk.BlockBytes] ^= 1
			os.WriteFile(name, b, 0o600)
		}
	}
	buf := make([]byte, 100)
	for i := range 3 {
		s := d.Find(page(i))[0].Spool
		if n, err := s.ReadAt(buf, 0); n != 100 || err != nil {
			t.Errorf("before the damage: %d, %v", n, err)
		}
		if n, err := s.ReadAt(buf, 5*disk.BlockBytes+500); n != 0 || err == nil {
			t.Errorf("in the damaged block: %d, %v", n, err)
		}
	}
	if _, _, _, broken, _, _, _ := d.Counts(); broken != 3 || len(told(meters)) != 1 {
		t.Errorf("%d broken, told %q", broken, told(meters))
	}
}
