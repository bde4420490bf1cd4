package disk_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// TestRemovedWhileFilesAreRead: what is removed, purged, softened or replaced before the files of the process before have been read is met
// all the same, in this process and in the next.
func TestRemovedWhileFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	const budget = 32 * mb
	d, m := open(t, dir, budget), newMaker(t)
	https, http := key("https", "a.example", "/one"), key("http", "a.example", "/one")
	for i := range 8 {
		d.Put(m.object(page(i), 1, content(uint64(i), 100+i), fmt.Sprint("g", i)))
	}
	d.Put(m.object(page(8), 1, content(8, disk.InlineMax+1)))
	d.Put(m.object(https, 1, content(20, 120)))
	d.Put(m.object(http, 1, content(21, 121)))
	for i := range 40_000 { // they are read first, since they are newer
		if d.Put(m.object(page(100+i), 1, nil)); i%5000 == 0 {
			d.Flush()
		}
	}
	d.Flush()

	early := 0
	for round := 0; early == 0 && round < 20; round++ {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if d, err = disk.OpenOn(dir, disk.Options{Bytes: budget, Meters: meter.NewSet()}, unsynced()); err != nil {
			t.Fatal(err)
		}
		number := uint64(10 * (round + 1))
		d.Remove(page(1), number)
		d.Remove(page(8), number)
		d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/2", Number: number})
		d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/3", Number: number, Soft: true})
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g4", Number: number})
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g5", Number: number, Soft: true})
		d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "https://a.example", Value: "/one", Number: number})
		d.Put(m.object(page(6), number+1, content(6, 206)))
		select {
		case <-d.Scanned():
		default:
			early++
		}
		<-d.Scanned()
	}
	if early == 0 {
		t.Error("the files were read each time before anything could be removed")
	}
	for range 2 {
		var got []string
		for i := range 9 {
			got = append(got, show(d, page(i)))
		}
		got = append(got, show(d, https), show(d, http))
		newer := got[6]
		got[6] = ""
		if text := strings.Join(got, ", "); text != "1 100, , , 1 103 soft, , 1 105 soft, , 1 107, , , 1 121" {
			t.Errorf("found %q", text)
		}
		if !strings.HasSuffix(newer, " 206") || strings.Contains(newer, ",") {
			t.Errorf("of what was replaced: %q", newer)
		}
		if n := len(files(t, dir)); n == 0 {
			t.Error("no files")
		}
		d = reopen(t, d, dir, budget)
	}
	if _, bodies, _, _, _ := d.Counted(); bodies != 0 {
		t.Errorf("%d bodies are kept of objects that were removed", bodies)
	}
	d.Close()
}

// TestEvictedWithWhatMetThem: an object that was asked for is carried on when its segment leaves, softened if it had been, by whatever
// purge, also when that is forgotten then; one that a purge had met is not.
func TestEvictedWithWhatMetThem(t *testing.T) {
	dir := t.TempDir()
	const budget = 8 * mb
	d, m := open(t, dir, budget), newMaker(t)
	for i := range 6 {
		d.Put(m.object(page(i), 1, content(uint64(i), 100+i), fmt.Sprint("g", i), "all"))
	}
	d.Flush()
	asked := func() (text string) {
		for i := range 6 {
			text += show(d, page(i)) + ", "
		}
		return text
	}
	d.Keep(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/1", Number: 2, Soft: true})
	if got, want := asked(), "1 100, 1 101 soft, 1 102, 1 103, 1 104, 1 105, "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// These are met after they were asked for, and nobody asks before their segment leaves: the index does not know it. So many purges of
	// other things are in force that all of them are forgotten when it has left.
	d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g2", Number: 3, Soft: true})
	d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: "g3", Number: 4})
	d.Keep(storage.Purge{Kind: storage.PurgePrefix, Host: "a.example", Value: "/4", Number: 5})
	for i := range 2 * disk.MarksSlack {
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: fmt.Sprint("none", i), Number: 6})
	}
	const want = "1 100, 1 101 soft, 1 102 soft, , , 1 105, "
	for i := range 2000 {
		d.Put(m.object(page(100+i), 7, content(uint64(i), 10_000)))
		if i%20 != 0 {
			continue
		}
		d.Flush()
		if _, _, _, _, left, _, _ := d.Counts(); left > 0 {
			if got := asked(); got != want {
				t.Fatalf("after %d others: %q, want %q", i, got, want)
			}
		}
	}
	d.Flush()
	if _, _, marks, _, _ := d.Counted(); marks > disk.MarksSlack {
		t.Errorf("%d purges are remembered", marks)
	}
	if _, _, _, broken, evicted, copied, _ := d.Counts(); evicted < 3 || copied < 4 || broken > 0 {
		t.Errorf("%d segments left, %d objects were copied, %d broken", evicted, copied, broken)
	}
	for range 2 {
		if got := asked(); got != want {
			t.Errorf("at the end: %q, want %q", got, want)
		}
		d = reopen(t, d, dir, budget)
	}
	d.Close()
}
