package disk_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
)

const mb = 1 << 20

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// key is a key as the cache makes them.
func key(scheme, host, path string, more ...string) []byte {
	return []byte(strings.Join(append([]string{scheme, host, path, "", "GET"}, more...), "\x00"))
}

func page(n int) []byte { return key("https", "a.example", "/"+strconv.Itoa(n)) }

// content is a body that belongs to a number.
func content(n uint64, size int) []byte {
	r := rand.New(rand.NewPCG(n, uint64(size)))
	b := make([]byte, 0, size+8)
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:size]
}

// maker makes objects, as the store in memory does.
type maker struct{ *storage.Store }

func newMaker(t testing.TB) maker {
	s := storage.New(storage.Options{Bytes: 1 << 30})
	t.Cleanup(s.Close)
	return maker{s}
}

// object makes one whose every part tells its number.
func (m maker) object(key []byte, number uint64, body []byte, groups ...string) *storage.Object {
	return m.draft(&storage.Draft{Key: key, Number: number, Body: [][]byte{body}}, groups...)
}

func (m maker) draft(d *storage.Draft, groups ...string) *storage.Object {
	o := m.tryDraft(d, groups...)
	if o == nil {
		panic("the store in memory made no object")
	}
	return o
}

// tryDraft may make none, if many ask at once.
func (m maker) tryDraft(d *storage.Draft, groups ...string) *storage.Object {
	for _, g := range groups {
		d.Groups = append(d.Groups, []byte(g))
	}
	d.Status = 200
	d.Terms = freshness.Terms{Born: int64(d.Number), Lifetime: 1, WhileRevalidate: 2, IfError: 3, Said: 4, Flags: 5}
	d.Head.AddNamed([]byte("X-Number"), strconv.AppendUint(nil, d.Number, 10))
	d.Head.AddNamed([]byte("content-type"), []byte("text/plain"))
	return m.Put(d)
}

func open(t testing.TB, dir string, bytes int64) *disk.Disk {
	t.Helper()
	return openOn(t, dir, bytes, unsynced(), meter.NewSet())
}

// unsynced is the system without waiting for a device that tests have no use for.
func unsynced() disk.System {
	s := disk.RealSystem()
	s.Sync = func(*os.File) error { return nil }
	return s
}

func openOn(t testing.TB, dir string, bytes int64, sys disk.System, m *meter.Set) *disk.Disk {
	t.Helper()
	d, err := disk.OpenOn(dir, disk.Options{Bytes: bytes, Meters: m}, sys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	<-d.Scanned()
	return d
}

// reopen closes a Disk and opens its directory again.
func reopen(t testing.TB, d *disk.Disk, dir string, bytes int64) *disk.Disk {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, bytes)
}

// show says what a Disk has of a key: the number of each variant, its signature, and the length of its body.
func show(d *disk.Disk, key []byte) string {
	var all []string
	for _, f := range d.Find(key) {
		s := fmt.Sprintf("%d%s %d", f.Number, f.Signature, len(read(f)))
		if f.Soft {
			s += " soft"
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

// read returns the body of a draft; of a broken one nil.
func read(f storage.Draft) []byte {
	if f.Spool == nil {
		return bytes.Join(f.Body, nil)
	}
	b := make([]byte, f.Spool.Size())
	for n := 0; n < len(b); {
		m, err := f.Spool.ReadAt(b[n:min(len(b), n+100_000)], int64(n))
		if err != nil || m == 0 {
			return nil
		}
		n += m
	}
	return b
}

// TestRoundTrip: all of an object comes back, from this process and from the next.
func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	d, m := open(t, dir, 64*mb), newMaker(t)
	sizes := []int{0, 1, 1000, disk.BlockBytes, disk.InlineMax, disk.InlineMax + 1, 1_000_000, 3*mb + 17}
	for i, size := range sizes {
		draft := storage.Draft{Key: page(i), Signature: []byte("sig"), Number: uint64(100 + i), Body: [][]byte{content(uint64(i), size)}}
		draft.Trailers.AddNamed([]byte("X-After"), []byte("yes"))
		d.Put(m.draft(&draft, "one", "two"))
	}
	check := func() {
		t.Helper()
		for i, size := range sizes {
			found := d.Find(page(i))
			if len(found) != 1 {
				t.Fatalf("%d bytes: %d objects", size, len(found))
			}
			f := found[0]
			want := freshness.Terms{Born: int64(100 + i), Lifetime: 1, WhileRevalidate: 2, IfError: 3, Said: 4, Flags: 5}
			got := fmt.Sprintf("%s %q %s %d %d %q %s %s", f.Key, f.Groups, f.Signature, f.Status, f.Number, f.Head.Find([]byte("x-number")),
				f.Head.Get(exchange.NameContentType), f.Trailers.Find([]byte("x-after")))
			wanted := fmt.Sprintf("%s [\"one\" \"two\"] sig 200 %d \"%d\" text/plain yes", page(i), 100+i, 100+i)
			if got != wanted || f.Terms != want || f.Soft {
				t.Errorf("%d bytes:\n got %q %+v\nwant %q", size, got, f.Terms, wanted)
			}
			if (f.Spool != nil) != (size > disk.InlineMax) {
				t.Errorf("%d bytes: a file of its own: %v", size, f.Spool != nil)
			}
			if !bytes.Equal(read(f), content(uint64(i), size)) {
				t.Errorf("%d bytes: another body", size)
			}
		}
	}
	d.Flush()
	check()
	d = reopen(t, d, dir, 64*mb)
	check()
	d = reopen(t, d, dir, 64*mb)
	check()
	info, _ := os.Stat(dir)
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if i, _ := f.Info(); i.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), i.Mode())
		}
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v", info.Mode())
	}
}

// TestVariants: a variant replaces its like, the others stay, newest first, also in the next process.
func TestVariants(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 64*mb), newMaker(t)
	for i, sig := range []string{"a", "b", "a", "c", "b"} {
		d.Put(m.draft(&storage.Draft{Key: page(1), Signature: []byte(sig), Number: uint64(i), Body: [][]byte{content(1, 100)}}))
	}
	d.Put(m.draft(&storage.Draft{Key: key("http", "a.example", "/1"), Number: 9}))
	d.Flush()
	for range 3 {
		if got, want := show(d, page(1)), "4b 100, 3c 100, 2a 100"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := show(d, key("http", "a.example", "/1")); got != "9 0" {
			t.Errorf("the other scheme: %q", got)
		}
		d = reopen(t, d, dir, 64*mb)
	}
}

// purgeRow is a purge, and which of the objects of TestPurges it leaves.
type purgeRow struct {
	p    storage.Purge
	left string
}

var purgeRows = []purgeRow{
	{storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/x/1"}, "2 3 4 5"},
	{storage.Purge{Kind: storage.PurgeURL, Host: "https://a.example", Value: "/x/1"}, "0 2 3 4 5"},
	{storage.Purge{Kind: storage.PurgeURL, Host: "http://a.example", Value: "/x/1"}, "1 2 3 4 5"},
	{storage.Purge{Kind: storage.PurgeURL, Value: "/x/1"}, "2 4 5"},
	{storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/x/1?q=1"}, "0 1 2 3 4 5"},
	{storage.Purge{Kind: storage.PurgePrefix, Host: "a.example", Value: "/x/"}, "3 4 5"},
	{storage.Purge{Kind: storage.PurgePrefix, Value: "/x"}, "4 5"},
	{storage.Purge{Kind: storage.PurgePrefix, Host: "http://a.example", Value: "/x"}, "1 2 3 4 5"},
	{storage.Purge{Kind: storage.PurgeGroup, Value: "even"}, "1 3 5"},
	{storage.Purge{Kind: storage.PurgeGroup, Host: "b.example", Value: "even"}, "0 1 2 3 5"},
	{storage.Purge{Kind: storage.PurgeGroup, Value: "none"}, "0 1 2 3 4 5"},
	{storage.Purge{Kind: storage.PurgeAll, Host: "b.example"}, "0 1 2"},
	{storage.Purge{Kind: storage.PurgeAll}, ""},
}

// TestPurges: each kind meets what it says, at once, for objects that are still to come, and in the next process; soft ones soften.
func TestPurges(t *testing.T) {
	keys := [][]byte{
		key("http", "a.example", "/x/1"), key("https", "a.example", "/x/1"), key("https", "a.example", "/x/2"),
		key("https", "b.example", "/x/1"), key("https", "b.example", "/y"), key("https", "b.example", "/z", "more"),
	}
	m := newMaker(t)
	f := func(t *testing.T, row purgeRow, when string, soft bool) {
		t.Helper()
		dir := t.TempDir()
		d := open(t, dir, 16*mb)
		put := func(number uint64) {
			for i, k := range keys {
				d.Put(m.object(k, number, nil, []string{"even", "odd"}[i%2]))
			}
		}
		row.p.Number, row.p.Soft = 10, soft
		if when == "late" {
			d.Keep(row.p)
		}
		put(9)
		switch when {
		case "lying":
			d.Flush()
			d.Keep(row.p)
		case "waiting":
			d.Keep(row.p)
			d.Flush()
		}
		for _, after := range []string{"at once", "in the next process"} {
			d.Flush()
			var left, softened []string
			for i, k := range keys {
				switch s := show(d, k); {
				case strings.HasSuffix(s, "soft"):
					softened = append(softened, strconv.Itoa(i))
				case s != "":
					left = append(left, strconv.Itoa(i))
				}
			}
			if got := strings.Join(left, " "); got != row.left {
				t.Errorf("%+v, objects %s, %s: left %q, want %q", row.p, when, after, got, row.left)
			}
			if soft && when != "late" && len(softened)+len(left) != len(keys) {
				t.Errorf("%+v, objects %s, %s: softened %q, left %q", row.p, when, after, softened, left)
			}
			d = reopen(t, d, dir, 16*mb)
		}
		row.p.Number, row.p.Soft = 10, soft
		put(11) // what comes later is not met
		d.Flush()
		for _, k := range keys {
			if got := show(d, k); !strings.HasPrefix(got, "11 ") || strings.HasSuffix(got, "soft") {
				t.Errorf("%+v: put later: %q", row.p, got)
			}
		}
		d.Close()
	}
	for _, row := range purgeRows {
		t.Run(fmt.Sprintf("%s of %s%s", row.p.Kind, row.p.Host, row.p.Value), func(t *testing.T) {
			t.Parallel()
			for _, when := range []string{"lying", "waiting", "late"} {
				f(t, row, when, false)
				f(t, row, when, true)
			}
		})
	}
}

// TestRefusedReplaces: an object that a purge has met on its way is not taken, and the one that it was to replace does not stay in its place.
func TestRefusedReplaces(t *testing.T) {
	f := func(what string, p storage.Purge, want string) {
		t.Helper()
		dir := t.TempDir()
		d, m := open(t, dir, 16*mb), newMaker(t)
		d.Put(m.object(page(1), 1, content(1, 100), "g"))
		d.Put(m.object(page(2), 1, content(1, 100), "g"))
		d.Flush()
		p.Number, p.Soft = 5, true
		d.Keep(p)
		d.Put(m.object(page(1), 3, content(3, 100), "g"))
		for _, when := range []string{"at once", "in the next process"} {
			d.Flush()
			if got := show(d, page(1)) + "; " + show(d, page(2)); got != want {
				t.Errorf("%s, %s: %q, want %q", what, when, got, want)
			}
			d = reopen(t, d, dir, 16*mb)
			<-d.Scanned()
		}
		d.Close()
	}
	f("group", storage.Purge{Kind: storage.PurgeGroup, Value: "g"}, "; 1 100 soft")
	f("url", storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/1"}, "; 1 100")
}

// TestRemove: all variants of a key go, with those that are to come with a lower number, and nothing else.
func TestRemove(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	put := func(n int, sig string, number uint64) {
		d.Put(m.draft(&storage.Draft{Key: page(n), Signature: []byte(sig), Number: number}))
	}
	put(1, "a", 1)
	put(1, "b", 1)
	put(2, "", 1)
	d.Flush()
	put(1, "c", 1) // waits still
	d.Remove(page(1), 5)
	put(1, "d", 4) // too late
	put(1, "e", 5)
	d.Remove(page(3), 5)
	put(3, "", 4)
	d.Flush()
	for range 3 {
		if got := show(d, page(1)) + "; " + show(d, page(2)) + "; " + show(d, page(3)); got != "5e 0; 1 0; " {
			t.Errorf("got %q", got)
		}
		d = reopen(t, d, dir, 16*mb)
	}
	for i := range 20_000 { // more than are remembered: everything that began before is refused
		d.Remove(page(100+i), uint64(10+i))
	}
	put(50_000, "", 11)
	put(50_001, "", 30_000)
	d.Flush()
	if got := show(d, page(50_000)) + "; " + show(d, page(50_001)); got != "; 30000 0" {
		t.Errorf("after many removals: %q", got)
	}
}

// TestEvict: the budget holds, the newest stay, and so does what is asked for.
func TestEvict(t *testing.T) {
	dir := t.TempDir()
	const budget = 8 * mb
	d, m := open(t, dir, budget), newMaker(t)
	const objects = 3000
	for i := range objects {
		body := content(uint64(i), 10_000)
		if i%200 == 0 {
			body = content(uint64(i), 400_000) // a file of its own
		}
		d.Put(m.object(page(i), uint64(i), body))
		if i == 600 {
			d.Flush()
			if show(d, page(590)) == "" {
				t.Error("object 590 is not there when it is asked for, once")
			}
		}
		if i%100 == 99 {
			d.Flush()
			for hot := range 3 {
				if got := show(d, page(hot*7+1)); got == "" {
					t.Fatalf("object %d, which is asked for all the time, is gone after %d", hot*7+1, i)
				}
			}
		}
	}
	d.Flush()
	d.Remove(page(objects-2), objects)
	d.Flush()
	for range 2 {
		n := 0
		for i := range objects {
			found := d.Find(page(i))
			n += len(found)
			if size := len(content(uint64(i), 1)); len(found) == 1 && size == 1 && found[0].Number != uint64(i) {
				t.Fatalf("object %d answers for %d", found[0].Number, i)
			}
		}
		inMemory, _, _, _, used := d.Counted()
		if disk := size(t, dir); used > budget || disk > budget || disk != used {
			t.Errorf("%d bytes of files, %d counted, %d allowed", disk, used, int64(budget))
		}
		if n < 300 || n != inMemory || show(d, page(objects-1)) == "" || show(d, page(objects-2)) != "" || show(d, page(5))+show(d, page(590)) != "" {
			t.Errorf("%d objects found, %d in the index; asked for once: %q", n, inMemory, show(d, page(590)))
		}
		d = reopen(t, d, dir, budget)
	}
	if d = reopen(t, d, dir, budget/2); true {
		d.Put(m.object(page(1_000_000), 1, nil))
		d.Flush()
		if got := size(t, dir); got > budget/2 {
			t.Errorf("%d bytes under a smaller budget of %d", got, budget/2)
		}
	}
}

// size is what the log and the bodies in a directory take.
func size(t testing.TB, dir string) (n int64) {
	t.Helper()
	for _, name := range files(t, dir) {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	bodies, _ := filepath.Glob(filepath.Join(dir, "*.body"))
	return append(logs, bodies...)
}
