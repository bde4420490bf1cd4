package disk_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// damages is how many directories TestDamage harms.
const damages = 30

// TestDamage: bits that flip, files that are cut off or missing, never make a wrong byte, an object that was removed, or a panic.
func TestDamage(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 4))
	m := newMaker(t)
	whole := filled(t, m)
	broken, found := 0, 0
	for n := 0; n < damages || broken == 0 && n < 10*damages; n++ { // most do little harm
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		told := harm(t, dir, r)
		d := open(t, dir, 16*mb)
		for range 2 {
			n, err := damageCheck(d)
			found += n
			if err != nil {
				t.Errorf("%s: %v", told, err)
			}
			d.Put(m.object(page(5000), 1, content(5000, 300)))
			d.Flush()
			if show(d, page(5000)) != "1 300" {
				t.Errorf("%s: nothing can be put any more", told)
			}
			if err := d.Close(); err != nil {
				t.Errorf("%s: %v", told, err)
			}
			d = open(t, dir, 16*mb)
		}
		if n, _ := damageCheck(d); n < 250 {
			broken++
		}
		d.Close()
	}
	if found == 0 || broken == 0 {
		t.Errorf("%d objects found whole, %d directories lost some: the test is none", found, broken)
	}
	t.Logf("%d objects found whole, %d of %d directories lost some", found, broken, damages)
}

// filled makes a directory with segments, bodies and removals: of objects 0 to 399 every third is removed.
func filled(t *testing.T, m maker) string {
	dir := t.TempDir()
	d := open(t, dir, 16*mb)
	for i := range 400 {
		size := 1 + i*50
		if i%50 == 1 {
			size += disk.InlineMax
		}
		d.Put(m.object(page(i), uint64(i+1), content(uint64(i), size), "g"))
		if i%40 == 39 {
			d.Flush()
		}
	}
	d.Flush()
	for i := 0; i < 400; i += 3 {
		d.Remove(page(i), 1000)
	}
	d.Keep(storage.Purge{Kind: storage.PurgeAll, Host: "other.example", Number: 2000})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func damageCheck(d *disk.Disk) (n int, err error) {
	for i := range 400 {
		for _, f := range d.Find(page(i)) {
			b := read(f)
			size := 1 + i*50
			if i%50 == 1 {
				size += disk.InlineMax
			}
			switch {
			case i%3 == 0:
				err = fmt.Errorf("object %d was removed, and is back", i)
			case f.Spool != nil && b == nil: // broken, and said so
			case !bytes.Equal(b, content(uint64(i), size)) || string(f.Head.Find([]byte("x-number"))) != strconv.Itoa(i+1):
				err = fmt.Errorf("object %d has wrong bytes", i)
			default:
				n++
			}
		}
	}
	return n, err
}

// harm damages one or two files, and says how. Never the end of the newest segment alone: what is cut off there was perhaps never written.
func harm(t *testing.T, dir string, r *rand.Rand) (told string) {
	for range 1 + r.IntN(2) {
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		all := files(t, dir)
		name := all[r.IntN(len(all))]
		b, err := os.ReadFile(name)
		if err != nil || len(b) == 0 {
			continue
		}
		last := name == logs[len(logs)-1]
		switch what := r.IntN(5); {
		case what == 0 && !last:
			n := r.IntN(len(b))
			b = b[:n]
			told += fmt.Sprintf("%s cut to %d; ", filepath.Base(name), n)
		case what == 1 && !last:
			os.Remove(name)
			told += fmt.Sprintf("%s removed; ", filepath.Base(name))
			continue
		case what == 2:
			at, n := r.IntN(len(b)), r.IntN(5000)
			clear(b[at:min(len(b), at+n)])
			told += fmt.Sprintf("%s has %d zeros at %d; ", filepath.Base(name), n, at)
		default:
			at := r.IntN(len(b))
			if r.IntN(2) == 0 {
				at = r.IntN(min(len(b), 400))
			}
			b[at] ^= 1 << r.IntN(8)
			told += fmt.Sprintf("%s has a flipped bit at %d; ", filepath.Base(name), at)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return told
}

// TestTrust: files are believed after a clean end, or within one boot; otherwise, and without a state or with another's, they go.
func TestTrust(t *testing.T) {
	m := newMaker(t)
	f := func(name string, closes bool, boot string, change func(dir string), survives bool) {
		t.Helper()
		dir := t.TempDir()
		sys := unsynced()
		sys.Boot = "one"
		d := openOn(t, dir, 16*mb, sys, meter.NewSet())
		d.Put(m.object(page(1), 1, content(1, 10)))
		d.Put(m.object(page(2), 1, content(1, disk.InlineMax+1)))
		d.Flush()
		copied := t.TempDir()
		if closes {
			d.Close()
		}
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil { // without Close: as the files are when the process is killed
			t.Fatal(err)
		}
		d.Close()
		change(copied)
		sys.Boot = boot
		d = openOn(t, copied, 16*mb, sys, meter.NewSet())
		if got := show(d, page(1)) != "" && show(d, page(2)) != ""; got != survives {
			t.Errorf("%s: objects survive: %v", name, got)
		}
		if n := len(files(t, copied)); !survives && n != 0 {
			t.Errorf("%s: %d files are left", name, n)
		}
		d.Close()
	}
	state := func(old, new string) func(string) {
		return func(dir string) {
			name := filepath.Join(dir, "state")
			b, err := os.ReadFile(name)
			if err != nil || !strings.Contains(string(b), old) {
				t.Fatalf("state %q, %v", b, err)
			}
			os.WriteFile(name, []byte(strings.Replace(string(b), old, new, 1)), 0o600)
		}
	}
	none := func(string) {}
	f("closed", true, "one", none, true)
	f("closed, another boot", true, "two", none, true)
	f("killed", false, "one", none, true)
	f("killed, another boot", false, "two", none, false)
	f("killed, boots have no id", false, "", state("boot one", "boot "), false)
	f("no state", true, "one", func(dir string) { os.Remove(filepath.Join(dir, "state")) }, false)
	f("another version", true, "one", state("disk 1", "disk 2"), false)
	f("half a state", true, "one", state(" end\n", ""), false)
	f("no state at all", true, "one", state("skerry cache", "\x00"), false)
}

// TestLock: two Disks never have one directory.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, 16*mb)
	if _, err := disk.Open(dir, disk.Options{Bytes: 16 * mb}); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "lock")) {
		t.Errorf("a second one: %v", err)
	}
	d.Close()
	open(t, dir, 16*mb)
	if _, err := disk.Open(filepath.Join(dir, "less"), disk.Options{Bytes: mb}); err == nil || !strings.Contains(err.Error(), "--cache-disk") {
		t.Errorf("a budget of 1 MB: %v", err)
	}
	if _, err := disk.Open(filepath.Join(dir, "state", "x"), disk.Options{Bytes: 16 * mb}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("no directory: %v", err)
	}
}
