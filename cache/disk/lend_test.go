package disk_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// lentTo opens a directory as the process that it is lent to.
func lentTo(t *testing.T, dir string, older uint64) *disk.Disk {
	t.Helper()
	d, err := disk.Open(dir, disk.Options{Bytes: 16 * mb, Meters: meter.NewSet(), Lent: true, Older: older})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pacing is what a store that attaches d, or hands over to it, rests by.
func pacing(d *disk.Disk) func() { return func() { d.CatchUp(nil) } }

// TestLent: while a directory is lent, and until who it is lent to has told everything, nobody else believes it.
func TestLent(t *testing.T) {
	m := newMaker(t)
	// killed is what a process finds that begins now, where the one that has the directory is killed.
	killed := func(dir string) bool {
		t.Helper()
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		d := open(t, copied, 16*mb)
		defer d.Close()
		<-d.Scanned()
		return show(d, page(1)) != ""
	}
	f := func(what string, dir string, want bool) {
		t.Helper()
		if got := killed(dir); got != want {
			t.Errorf("%s: believed is %v", what, got)
		}
	}
	dir := t.TempDir()
	d := open(t, dir, 16*mb)
	d.Put(m.object(page(1), 1, content(1, 100)))
	d.Flush()
	f("not lent", dir, true)
	d.Lend()
	f("lent", dir, false)
	if show(d, page(1)) != "1 100" {
		t.Error("a process that lends a directory does not find anything in it")
	}
	if err := d.Own(nil); err != nil {
		t.Fatal(err)
	}
	f("taken back", dir, true)
	d.Lend()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	f("let go", dir, false)
	d = lentTo(t, dir, 0)
	f("taken", dir, false)
	<-d.Scanned()
	if show(d, page(1)) != "1 100" {
		t.Error("who a directory is lent to finds nothing in it")
	}
	if err := d.Own(nil); err != nil {
		t.Fatal(err)
	}
	f("told", dir, true)
	d = reopen(t, d, dir, 16*mb)
	<-d.Scanned()
	if show(d, page(1)) != "1 100" {
		t.Error("nothing is left after a clean end")
	}
	d.Close()
}

// TestLentAndBroken: where the process that it is lent to cannot open it, the next one begins with nothing, though the one before was killed
// before it could lend it.
func TestLentAndBroken(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	d.Put(m.object(page(1), 1, content(1, 100)))
	d.Flush()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s := disk.RealSystem()
	s.Sync = func(*os.File) error { return os.ErrPermission }
	if _, err := disk.OpenOn(dir, disk.Options{Bytes: 16 * mb, Lent: true}, s); err == nil {
		t.Fatal("no error")
	}
	d = open(t, dir, 16*mb)
	defer d.Close()
	<-d.Scanned()
	if got := show(d, page(1)); got != "" {
		t.Errorf("found %q, though nobody knows what was purged meanwhile", got)
	}
}

// TestReadOnWhenLent: a body that is being read is read to its end, though the next process removes it.
func TestReadOnWhenLent(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	want := content(1, 2*disk.InlineMax)
	d.Put(m.object(page(1), 1, want))
	d.Flush()
	found := d.Find(page(1))
	if len(found) != 1 || found[0].Spool == nil {
		t.Fatalf("found %d", len(found))
	}
	got := make([]byte, len(want))
	if _, err := found[0].Spool.ReadAt(got[:1000], 0); err != nil {
		t.Fatal(err)
	}
	d.CloseBodies()
	d.Lend()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	next := lentTo(t, dir, 0)
	defer next.Close()
	<-next.Scanned()
	next.Remove(page(1), 2)
	next.Tidy()
	for _, name := range files(t, dir) {
		if strings.HasSuffix(name, ".body") {
			t.Errorf("%s is still there", name)
		}
	}
	for n := 1000; n < len(got); n += 1000 {
		end := min(n+1000, len(got))
		if _, err := found[0].Spool.ReadAt(got[n:end], int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes")
	}
}

// TestLateBelowAnotherClock: what the process before stored is older than what this one purges, though its clock was ahead.
func TestLateBelowAnotherClock(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 16*mb), newMaker(t)
	ahead := uint64(time.Now().Add(time.Hour).UnixMicro())
	d.Put(m.object(page(1), ahead, content(1, 100)))
	d.Put(m.object(page(2), ahead, content(2, 100)))
	d.Flush()
	d.Lend()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s := storage.New(storage.Options{Bytes: 8 * mb, Late: true})
	defer s.Close()
	purge := func(path string) {
		t.Helper()
		if _, err := s.Purge(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: path}); err != nil {
			t.Fatal(err)
		}
	}
	purge("/1")
	d = lentTo(t, dir, s.First())
	defer d.Close()
	<-d.Scanned()
	s.Attach(nil, d, pacing(d))
	if s.Find(page(1)) != nil || s.Find(page(2)) == nil {
		t.Error("the wrong one is found")
	}
	if purge("/2"); s.Find(page(2)) != nil {
		t.Error("it is found behind its purge")
	}
}

// TestGiveUpWhileLent: where more is owed than can be remembered everything goes, and nobody waits for it for ever.
func TestGiveUpWhileLent(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		sys := unsynced()
		write, broken := sys.Write, atomic.Bool{}
		sys.Write = func(f *os.File, b []byte, off int64) (int, error) {
			if broken.Load() {
				return 0, os.ErrPermission
			}
			return write(f, b, off)
		}
		d := openOn(t, dir, 16*mb, sys, meter.NewSet())
		d.Lend()
		broken.Store(true)
		for i := range disk.OwedMax + 10 {
			d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: strconv.Itoa(i), Number: uint64(i)})
		}
		if err := d.Own(nil); err != nil {
			t.Error(err)
		}
		broken.Store(false)
		time.Sleep(3 * disk.RetryPause)
		synctest.Wait()
		if d.Degraded() {
			t.Fatal("it cannot be written yet")
		}
		d.CatchUp(nil)
		d.Close()
	})
}

// TestStopWhileLent: a process that ends does not wait for a disk that takes what it is told too slowly, and nobody believes that afterwards.
func TestStopWhileLent(t *testing.T) {
	f := func(what string, wait func(s *storage.Store, d *disk.Disk, stop chan struct{})) {
		t.Helper()
		dir, m := t.TempDir(), newMaker(t)
		d := open(t, dir, 16*mb)
		d.Put(m.object(page(1), 1, content(1, 100)))
		d.Flush()
		d.Lend()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		s := storage.New(storage.Options{Bytes: 8 * mb, Late: true})
		s.Remove(page(1))
		sys, stop, slow := unsynced(), make(chan struct{}), make(chan struct{})
		write, stopped := sys.Write, sync.OnceFunc(func() { close(stop) })
		sys.Write = func(f *os.File, b []byte, off int64) (int, error) {
			stopped() // nothing is written before the process ends
			<-slow
			return write(f, b, off)
		}
		d, err := disk.OpenOn(dir, disk.Options{Bytes: 16 * mb, Lent: true, Older: s.First()}, sys)
		if err != nil {
			t.Fatal(err)
		}
		<-d.Scanned()
		wait(s, d, stop)
		close(slow)
		s.Close()
		if err := d.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		d = open(t, dir, 16*mb)
		defer d.Close()
		if <-d.Scanned(); d.Find(page(1)) != nil {
			t.Errorf("%s: the next process finds what was removed", what)
		}
	}
	f("while it is told", func(s *storage.Store, d *disk.Disk, stop chan struct{}) {
		if _, told := s.Attach(stop, d, func() { d.CatchUp(stop) }); told {
			t.Error("it is told, and has written nothing")
		}
	})
	f("when it has been told", func(s *storage.Store, d *disk.Disk, stop chan struct{}) {
		if _, told := s.Attach(nil, d, func() {}); !told {
			t.Fatal("it is not told")
		}
		if d.Own(stop) == nil {
			t.Error("it is owned, and has written nothing")
		}
	})
}

// lateModel is what may be found of a store whose disk comes late: of each variant the newest that was taken, unless something met it.
type lateModel map[string]map[string]*lateObject // by key and signature

type lateObject struct {
	body string
	k    int
	soft bool
	sure bool // it must be found
}

func lateKey(k int) []byte {
	return key([]string{"http", "https"}[k%2], "h"+strconv.Itoa(k%3), "/"+strconv.Itoa(k/4), strconv.Itoa(k%4))
}
func lateGroup(k int) string { return "g" + strconv.Itoa(k%5) }

// drop forgets, or softens, what a purge meets.
func (m lateModel) drop(soft bool, meets func(o *lateObject) bool) {
	for _, variants := range m {
		for sig, o := range variants {
			switch {
			case !meets(o):
			case soft:
				o.soft, o.sure = true, false
			default:
				delete(variants, sig)
			}
		}
	}
}

// check compares what is found.
func (m lateModel) check(t *testing.T, s *storage.Store, when string) (n int) {
	t.Helper()
	for k := range 40 {
		variants := m[string(lateKey(k))]
		seen := map[string]bool{}
		for o := s.Find(lateKey(k)); o != nil; o = s.Next(o) {
			want := variants[string(o.Signature())]
			if seen[string(o.Signature())] = true; want == nil || want.body != string(o.Whole()) || want.soft && !o.Softened() {
				t.Fatalf("%s: key %d, variant %q: found %q, softened %v; want %+v", when, k, o.Signature(), o.Whole(), o.Softened(), want)
			}
			n++
		}
		for sig, o := range variants {
			if o.sure && !seen[sig] {
				t.Fatalf("%s: key %d, variant %q: %q is not found", when, k, sig, o.body)
			}
		}
	}
	return n
}

// act does something in any order to the store, and to the model what it must come to.
func (m lateModel) act(t *testing.T, r *rand.Rand, s *storage.Store, steps int, body string) {
	numbers := []uint64{s.Number()}
	for i := range steps {
		k := r.IntN(40)
		name := lateKey(k)
		switch what := r.IntN(20); {
		case what < 14:
			sig, text := strconv.Itoa(r.IntN(2)), fmt.Sprint(body, i)
			d := storage.Draft{Key: name, Signature: []byte(sig), Status: 200, Body: [][]byte{[]byte(text)}, Groups: [][]byte{[]byte(lateGroup(k))},
				Number: numbers[r.IntN(len(numbers))]}
			if s.Put(&d) == nil {
				continue
			}
			if m[string(name)] == nil {
				m[string(name)] = map[string]*lateObject{}
			}
			for _, o := range m[string(name)] {
				o.sure = false // variants of one key go together where the disk comes late
			}
			m[string(name)][sig] = &lateObject{body: text, k: k}
		case what < 18:
			s.Remove(name)
			delete(m, string(name))
		default:
			m.purge(t, r, s, k)
		}
		numbers = append(numbers, s.Number())
	}
}

func (m lateModel) purge(t *testing.T, r *rand.Rand, s *storage.Store, k int) {
	host, path := "h"+strconv.Itoa(k%3), "/"+strconv.Itoa(k/4)
	p := storage.Purge{Soft: r.IntN(2) == 0}
	var meets func(o *lateObject) bool
	switch r.IntN(8) {
	case 0:
		p.Kind, p.Host = storage.PurgeAll, host
		meets = func(o *lateObject) bool { return o.k%3 == k%3 }
	case 1, 2:
		p.Kind, p.Value = storage.PurgeGroup, lateGroup(k)
		meets = func(o *lateObject) bool { return o.k%5 == k%5 }
	case 3:
		p.Kind, p.Host, p.Value = storage.PurgePrefix, host, path
		meets = func(o *lateObject) bool { return o.k%3 == k%3 && strings.HasPrefix("/"+strconv.Itoa(o.k/4), path) }
	default:
		p.Kind, p.Host, p.Value = storage.PurgeURL, host, path
		meets = func(o *lateObject) bool { return o.k%3 == k%3 && o.k/4 == k/4 }
	}
	if _, err := s.Purge(p); err != nil {
		t.Fatal(err)
	}
	m.drop(p.Soft, meets)
}

// TestLateBelow: a store is used before the disk of the process before comes below it. Nothing older comes back then, or when memory has
// evicted it, or in the next process; and what nothing has met is there.
func TestLateBelow(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	found, sure := 0, 0
	for range 30 {
		dir, m := t.TempDir(), lateModel{}
		d := open(t, dir, 16*mb)
		s := storage.New(storage.Options{Bytes: 8 * mb, Below: d})
		m.act(t, r, s, 100, "old ")
		d.Lend()
		s.Close()
		d.Close()
		for _, variants := range m {
			for _, o := range variants {
				o.sure = !o.soft
			}
		}
		s = storage.New(storage.Options{Bytes: 8 * mb, Late: true})
		m.act(t, r, s, r.IntN(40), "early ")
		d = lentTo(t, dir, s.First())
		if whole, _ := s.Attach(nil, d, pacing(d)); !whole {
			t.Fatal("so few are too many")
		}
		m.act(t, r, s, r.IntN(20), "later ")
		<-d.Scanned()
		s.Hand(nil, pacing(d))
		d.Flush()
		found += m.check(t, s, "in memory")
		s.SetBudget(0)
		s.SetBudget(8 * mb)
		found += m.check(t, s, "evicted")
		if err := d.Own(nil); err != nil {
			t.Fatal(err)
		}
		for _, variants := range m {
			for _, o := range variants {
				if o.sure {
					sure++
				}
			}
		}
		s.Close()
		d = reopen(t, d, dir, 16*mb)
		<-d.Scanned()
		s = storage.New(storage.Options{Bytes: 8 * mb, Below: d})
		found += m.check(t, s, "in the next process")
		s.Close()
		d.Close()
	}
	if sure == 0 {
		t.Error("nothing had to be found: the test is none")
	}
	t.Logf("%d found, %d of them had to be", found, sure)
}

// TestLateBelowAtOnce: the disk comes while everything goes on. An object says its version: nobody finds an older one than was stored before
// they asked, nor one that a removal or purge met which had returned.
func TestLateBelowAtOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const keys = 30
	dir := t.TempDir()
	d := open(t, dir, 16*mb)
	s := storage.New(storage.Options{Bytes: 8 * mb, Below: d})
	put := func(k int, version int64) bool {
		return s.Put(&storage.Draft{Key: page(k), Status: 200, Body: [][]byte{[]byte(strconv.FormatInt(version, 10))}, Number: s.Number(),
			Groups: [][]byte{[]byte(lateGroup(k))}}) != nil
	}
	for k := range keys {
		put(k, 1)
	}
	d.Lend()
	s.Close()
	d.Close()
	s = storage.New(storage.Options{Bytes: 8 * mb, Late: true})
	var version [keys]struct {
		sync.Mutex
		last   int64
		stored atomic.Int64 // nothing older may be found
		gone   atomic.Int64 // nothing up to this may be found
	}
	var found atomic.Int64
	work := func(r *rand.Rand) {
		k := r.IntN(keys)
		v := &version[k]
		switch what := r.IntN(20); {
		case what < 6:
			v.Lock()
			defer v.Unlock()
			if v.last = max(v.last, 1) + 1; put(k, v.last) {
				v.stored.Store(v.last)
			}
		case what < 8:
			v.Lock()
			defer v.Unlock()
			if what == 6 {
				s.Remove(page(k))
			} else if _, err := s.Purge(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/" + strconv.Itoa(k)}); err != nil {
				t.Error(err)
			}
			v.gone.Store(max(v.last, 1))
		case what == 8:
			s.SetBudget(0)
			s.SetBudget(8 * mb)
		default:
			least := max(v.stored.Load(), v.gone.Load()+1)
			if o := s.Find(page(k)); o != nil {
				found.Add(1)
				if got, _ := strconv.ParseInt(string(o.Whole()), 10, 64); got < least {
					t.Errorf("key %d: version %d, at least %d is right (stored %d gone %d)", k, got, least, v.stored.Load(), v.gone.Load())
				}
			}
		}
	}
	var wg sync.WaitGroup
	var steps atomic.Int64
	attach := make(chan struct{})
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(g)))
			for range 2000 {
				if work(r); steps.Add(1) == 1000 {
					close(attach)
				}
			}
		})
	}
	<-attach
	d = lentTo(t, dir, s.First())
	s.Attach(nil, d, pacing(d))
	s.Hand(nil, pacing(d))
	if err := d.Own(nil); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if found.Load() == 0 {
		t.Error("nothing was found")
	}
	s.Close()
	d.Close()
}
