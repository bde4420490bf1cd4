//go:build !race && !poison

package storage_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

const typicalHead = `Content-Type: text/html; charset=utf-8
Cache-Control: public, max-age=300
Date: Sun, 22 Nov 2026 21:27:35 GMT
Last-Modified: Sun, 22 Nov 2026 20:00:00 GMT
ETag: "5f1b2c3d-400"
Vary: Accept-Encoding
Content-Encoding: br
X-Served-By: shop-7`

func TestAllocatesNothing(t *testing.T) {
	s := open(t, 1<<20, nil)
	d := draft(s, page(1), strings.Repeat("x", 1000))
	d.Head, d.Groups = fields(typicalHead), [][]byte{[]byte("g")}
	s.Put(d)
	head := make(exchange.Fields, 0, 20)
	k := page(1)
	f := func(what string) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, func() {
			o := s.Find(k)
			head = head[:0]
			o.Head(&head)
			if len(o.Whole()) != 1000 || len(head) != 8 || s.Next(o) != nil {
				t.Fatal("not what was put")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	f("a hit")
	s.HoldSweeps()
	mustPurge(t, s, storage.Purge{Kind: storage.PurgeGroup, Value: "h"})
	mustPurge(t, s, storage.Purge{Kind: storage.PurgePrefix, Value: "/other"})
	f("a hit during a sweep")
	lacking := page(2)
	if n := testing.AllocsPerRun(1000, func() { s.Find(lacking) }); n != 0 {
		t.Errorf("a miss: %v allocations", n)
	}
}

// heap is what is live after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fillOne puts page n of about 1 KB, not all of one size, and returns the bytes of its head, as on the wire, and its body.
func fillOne(s *storage.Store, head exchange.Fields, buf []byte, n int) int64 {
	size := 900 + n%250
	d := storage.Draft{Key: page(n), Signature: []byte("accept-encoding: br"), Status: 200, Head: head, Body: [][]byte{buf[:size]}, Number: s.Number()}
	if s.Put(&d) == nil {
		panic("not stored")
	}
	wire := 0
	for i := range head {
		wire += len(head[i].Name) + len(": ") + len(head[i].Value) + len("\r\n")
	}
	return int64(wire + size)
}

// TestOverhead holds the memory of many small objects against their heads and bodies, and against what the store counts.
func TestOverhead(t *testing.T) {
	const objects = 100_000
	s := open(t, 1<<30, nil)
	if n := unsafe.Sizeof(storage.Object{}); n != 144 {
		t.Errorf("an object has %d bytes, 144 is a size that the allocator has", n)
	}
	head, buf := fields(typicalHead), make([]byte, 2000)
	before, data := heap(), int64(0)
	for i := range objects {
		data += fillOne(s, head, buf, i)
	}
	after := heap()
	used, _ := s.Budget()
	each := func(n int64) int64 { return n / objects }
	t.Logf("head and body %d bytes, memory %d, counted %d: overhead %d", each(data), each(after-before), each(used), each(after-before-data))
	if n := each(after - before - data); n > 200 {
		t.Errorf("%d bytes an object beyond head and body, more than 200", n)
	}
	if n := after - before; n > used*101/100 || n < used*95/100 {
		t.Errorf("%d bytes of memory are counted as %d", n, used)
	}
	// With evictions, ghosts take memory too.
	s.SetBudget(used)
	for i := range objects {
		fillOne(s, head, buf, objects+i)
	}
	after = heap()
	if used, _ = s.Budget(); after-before > used*101/100 {
		t.Errorf("after evictions: %d bytes of memory are counted as %d", after-before, used)
	}
	runtime.KeepAlive(s)
}

// BenchmarkOverhead reports the bytes of each of a million objects of about 1 KB beyond head and body.
func BenchmarkOverhead(b *testing.B) {
	const objects = 1_000_000
	head, buf := fields(typicalHead), make([]byte, 2000)
	for b.Loop() {
		before, data := heap(), int64(0)
		s := storage.New(storage.Options{Bytes: 4 << 30})
		for i := range objects {
			data += fillOne(s, head, buf, i)
		}
		b.ReportMetric(float64(heap()-before-data)/objects, "overhead-B/object")
		s.Close()
	}
}

// filled is a store with so many pages of 1 KB, the first of them in a group.
func filled(b *testing.B, objects, grouped int) *storage.Store {
	s := open(b, 8<<30, nil)
	head, buf := fields(typicalHead), make([]byte, 1000)
	for i := range objects {
		d := storage.Draft{Key: page(i), Status: 200, Head: head, Body: [][]byte{buf}, Number: s.Number()}
		if i%(objects/grouped) == 0 {
			d.Groups = [][]byte{[]byte("group")}
		} else {
			d.Groups = [][]byte{fmt.Appendf(nil, "other-%d", i%1000)}
		}
		s.Put(&d)
	}
	return s
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := filled(b, n, 1)
			keys := make([][]byte, min(n, 1<<16))
			r := rand.New(rand.NewPCG(1, 2))
			for i := range keys {
				keys[i] = page(r.IntN(n))
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				head := make(exchange.Fields, 0, 20)
				for i := rand.IntN(len(keys)); pb.Next(); i++ {
					o := s.Find(keys[i%len(keys)])
					head = head[:0]
					o.Head(&head)
					_ = o.Whole()
				}
			})
		})
	}
}

func BenchmarkPut(b *testing.B) {
	head, buf := fields(typicalHead), make([]byte, 1000)
	for _, c := range []struct {
		what   string
		budget int64
	}{{"room", 16 << 30}, {"full", 64 << 20}} {
		b.Run(c.what, func(b *testing.B) {
			s := open(b, c.budget, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i == 1_000_000 && c.budget > 1<<30 {
					i = 0
				}
				s.Put(&storage.Draft{Key: page(i), Status: 200, Head: head, Body: [][]byte{buf}, Number: s.Number()})
			}
		})
	}
}

// BenchmarkPurgeGroup purges a group of 100,000 in a store of so many: the time until it is in force, until all is freed, and
// the longest time that a hit took meanwhile.
func BenchmarkPurgeGroup(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := filled(b, n, 100_000)
				runtime.GC()
				b.StartTimer()
				began := time.Now()
				p := mustPurge(b, s, storage.Purge{Kind: storage.PurgeGroup, Value: "group"})
				force := time.Since(began)
				var worst time.Duration
				for i := 0; ; i++ {
					at := time.Now()
					s.Find(page(i % n))
					worst = max(worst, time.Since(at))
					if pr, _ := s.Progress(p.Number); pr.Done {
						if pr.Removed != 100_000 {
							b.Fatalf("%+v", pr)
						}
						break
					}
				}
				b.ReportMetric(float64(force.Microseconds()), "force-µs")
				b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "freed-ms")
				b.ReportMetric(float64(worst.Microseconds()), "longest-hit-µs")
				s.Close()
			}
		})
	}
}

// BenchmarkPurgeURL is one of a storm of purges, in a store of a million objects.
func BenchmarkPurgeURL(b *testing.B) {
	s := filled(b, 1_000_000, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		mustPurge(b, s, storage.Purge{Kind: storage.PurgeURL, Host: "shop.example", Value: fmt.Sprintf("/page/%d", i%1_000_000)})
	}
}

// BenchmarkFindDuringPurges is a hit while 10,000 purges of other URLs wait to be swept.
func BenchmarkFindDuringPurges(b *testing.B) {
	s := filled(b, 100_000, 1)
	s.HoldSweeps()
	for i := range 10_000 {
		mustPurge(b, s, storage.Purge{Kind: storage.PurgeURL, Host: "other.example", Value: fmt.Sprintf("/%d", i)})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Find(page(i % 100_000))
	}
}
