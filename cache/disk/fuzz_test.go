package disk_test

import (
	"os"
	"testing"

	"skerry.dev/skerry/cache/disk"
)

// FuzzRecord: no record makes the decoder panic, or read beyond its limits; with checksums put right as well.
func FuzzRecord(f *testing.F) {
	dir, m := f.TempDir(), newMaker(f)
	d := open(f, dir, 16*mb)
	d.Put(m.object(page(1), 7, []byte("body"), "group"))
	d.Put(m.object(page(2), 7, content(2, disk.InlineMax+1)))
	d.Flush()
	for i := range purgeRows {
		d.Keep(purgeRows[i].p)
	}
	d.Close()
	for _, name := range files(f, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for n := 64; n < len(b) && n < 4000; {
			length := disk.HeaderBytes + int(b[n+4]) + int(b[n+5])<<8
			if n+length > len(b) {
				break
			}
			f.Add(b[n:n+length], true)
			n += length
		}
		break
	}
	f.Fuzz(func(t *testing.T, b []byte, resign bool) {
		if resign {
			b = disk.Resign(b, 1)
		}
		disk.ParseRecord(b, 1)
	})
}

// FuzzSegment: no file makes the scan or Find panic, or hang; a Disk can always be opened, and used.
func FuzzSegment(f *testing.F) {
	dir, m := f.TempDir(), newMaker(f)
	d := open(f, dir, 16*mb)
	d.Put(m.object(page(1), 7, []byte("body"), "group"))
	d.Flush()
	d.Remove(page(1), 8)
	d.Put(m.object(page(2), 9, []byte("body")))
	d.Close()
	state, err := os.ReadFile(dir + "/state")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files(f, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, []byte(""))
		f.Add(b[:len(b)-3], b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"state": state, "0000000000000001.log": first, "0000000000000002.log": second} {
			if err := os.WriteFile(dir+"/"+name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d := open(t, dir, 16*mb)
		d.Find(page(1))
		d.Find(page(2))
		d.Put(m.object(page(3), 10, []byte("body")))
		d.Flush()
		if show(d, page(3)) != "10 4" {
			t.Error("what was put is not found")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}
