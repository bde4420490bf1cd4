package disk_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
)

// TestEverythingAtOnce: what is found is whole and was put, and nothing that a removal or purge met which had returned before, whatever
// others do meanwhile; afterwards what is counted is what there is.
func TestEverythingAtOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	const budget = 8 * mb
	d, m := open(t, dir, budget), newMaker(t)
	var number atomic.Uint64
	var gone [40]atomic.Uint64 // of a key: all below were removed, and the removal has returned
	raise := func(k int, n uint64) {
		for old := gone[k].Load(); old < n && !gone[k].CompareAndSwap(old, n); old = gone[k].Load() {
		}
	}
	var found atomic.Int64
	work := func(r *rand.Rand) {
		k := r.IntN(len(gone))
		name := key("https", "h"+strconv.Itoa(k%2), "/"+strconv.Itoa(k))
		switch what := r.IntN(20); {
		case what < 8:
			n := number.Add(1)
			crashPutAs(d, m, name, k, n, what == 0)
		case what < 17:
			least := gone[k].Load()
			for _, f := range d.Find(name) {
				found.Add(1)
				b := read(f)
				if f.Number < least || b != nil && !bytes.Equal(b, crashBody(f.Number)) || b == nil && f.Spool == nil && len(crashBody(f.Number)) > 0 {
					t.Errorf("key %d: object %d, all before %d were removed; %d bytes", k, f.Number, least, len(b))
				}
			}
		case what == 17:
			n := number.Add(1)
			d.Remove(name, n)
			raise(k, n)
		case what == 18:
			n := number.Add(1)
			d.Keep(storage.Purge{Number: n, Kind: storage.PurgeURL, Host: "h" + strconv.Itoa(k%2), Value: "/" + strconv.Itoa(k)})
			raise(k, n)
		case k == 0:
			n := number.Add(1)
			d.Keep(storage.Purge{Number: n, Kind: storage.PurgeAll, Host: "h1"})
			for i := 1; i < len(gone); i += 2 {
				raise(i, n)
			}
		}
	}
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(g)))
			for range 300 {
				work(r)
			}
		})
	}
	wg.Wait()
	d.Tidy()
	if _, _, _, broken, evicted, _, _ := d.Counts(); broken > 0 || found.Load() == 0 || evicted == 0 {
		t.Errorf("%d broken, %d found, %d segments evicted", broken, found.Load(), evicted)
	}
	if _, _, _, _, used := d.Counted(); used != size(t, dir) || used > budget {
		t.Errorf("%d bytes are counted, there are %d, of at most %d", used, size(t, dir), int64(budget))
	}
}

func crashPutAs(d *disk.Disk, m maker, name []byte, k int, n uint64, pieces bool) {
	body := crashBody(n)
	draft := storage.Draft{Key: name, Number: n, Groups: [][]byte{[]byte(crashGroup(k))}, Signature: fmt.Append(nil, n%2)}
	if pieces {
		if draft.Spool = d.Begin(int64(len(body))); draft.Spool == nil {
			return
		}
		if draft.Spool.Append(body) != nil {
			draft.Spool.Close()
			return
		}
	} else {
		draft.Body = [][]byte{body}
	}
	o := m.tryDraft(&draft)
	if o == nil {
		if draft.Spool != nil {
			draft.Spool.Close()
		}
		return
	}
	d.Put(o)
}

// TestMarksAreForgotten: purges of groups are remembered as long as something is older, and bounded even so.
func TestMarksAreForgotten(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir, 8*mb), newMaker(t)
	fill := func(from int) {
		for i := range 1000 {
			d.Put(m.object(page(from+i), 1_000_000, content(1, 10_000), "g"))
			if i%100 == 0 {
				d.Flush()
			}
		}
		d.Flush()
	}
	for i := range 5000 {
		d.Keep(storage.Purge{Kind: storage.PurgeGroup, Value: strconv.Itoa(i), Number: 1})
	}
	_, _, before, _, _ := d.Counted()
	fill(0)
	fill(1000)
	if _, _, after, _, _ := d.Counted(); before != 5000 || after != 0 {
		t.Errorf("%d marks, and when everything is younger %d", before, after)
	}
	d.SetMarksMax(1000)
	objects, _, _, _, _ := d.Counted()
	for i := range 3000 {
		d.Keep(storage.Purge{Kind: storage.PurgePrefix, Host: "b.example", Value: "/" + strconv.Itoa(i), Number: 1})
	}
	d.Flush()
	left, _, after, _, _ := d.Counted()
	if after > 1000 || left >= objects {
		t.Errorf("%d marks where 1000 are allowed; %d objects of %d", after, left, objects)
	}
}

// TestStoreAbove: a Disk below a store in memory, through evictions and a restart.
func TestStoreAbove(t *testing.T) {
	dir := t.TempDir()
	const objects = 300
	check := func(s *storage.Store, when string) {
		t.Helper()
		for i := range objects {
			o := s.Find(page(i))
			if (i%3 == 0) != (o == nil) {
				t.Fatalf("%s: object %d: %v", when, i, o != nil)
			}
			if o == nil {
				continue
			}
			var b []byte
			buf := make([]byte, 10_000)
			for int64(len(b)) < o.Size() {
				v, err := o.View(int64(len(b)), buf)
				if err != nil {
					t.Fatalf("%s: object %d: %v", when, i, err)
				}
				b = append(b, v...)
			}
			if !bytes.Equal(b, content(uint64(i), i*1000)) || o.Softened() != (i%3 == 1) {
				t.Errorf("%s: object %d has another body, or softness: %v", when, i, o.Softened())
			}
		}
	}
	d := open(t, dir, 256*mb)
	s := storage.New(storage.Options{Bytes: 4 * mb, Below: d})
	number := s.Number()
	for i := range objects {
		draft := storage.Draft{Key: page(i), Status: 200, Number: number, Groups: [][]byte{[]byte(strconv.Itoa(i % 3))}}
		if body := content(uint64(i), i*1000); int64(len(body)) <= s.MemoryObjectMax() {
			draft.Body = [][]byte{body}
		} else if draft.Spool = s.Begin(int64(len(body))); draft.Spool.Append(body) != nil {
			t.Fatal("no room")
		}
		if s.Put(&draft) == nil {
			t.Fatalf("object %d is not taken", i)
		}
		if i%50 == 0 {
			d.Flush()
		}
	}
	d.Flush()
	for i, p := range []storage.Purge{{Kind: storage.PurgeGroup, Value: "0"}, {Kind: storage.PurgeGroup, Value: "1", Soft: true}} {
		if _, err := s.Purge(p); err != nil {
			t.Fatalf("purge %d: %v", i, err)
		}
	}
	check(s, "in this process")
	check(s, "again")
	s.Close()
	d = reopen(t, d, dir, 256*mb)
	s = storage.New(storage.Options{Bytes: 4 * mb, Below: d})
	defer s.Close()
	check(s, "in the next process")
	if _, err := s.Purge(storage.Purge{Kind: storage.PurgeURL, Host: "a.example", Value: "/2"}); err != nil || s.Find(page(2)) != nil {
		t.Errorf("a purge in the next process: %v, %v", err, s.Find(page(2)))
	}
}
