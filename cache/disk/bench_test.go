package disk_test

import (
	"strconv"
	"testing"

	"skerry.dev/skerry/cache/disk"
	"skerry.dev/skerry/cache/storage"
)

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 128 << 10} {
		b.Run(strconv.Itoa(size>>10)+"KB", func(b *testing.B) {
			d, m := open(b, b.TempDir(), 512*mb), newMaker(b)
			var objects []*storage.Object
			for i := range 64 {
				objects = append(objects, m.object(page(i), 1, content(uint64(i), size)))
			}
			b.SetBytes(int64(size))
			i := 0
			for b.Loop() {
				d.Put(objects[i%len(objects)])
				if i++; i%64 == 0 {
					d.Flush()
				}
			}
			d.Flush()
			_, _, dropped, _, _, _, _ := d.Counts()
			b.ReportMetric(float64(dropped), "dropped")
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 128 << 10} {
		b.Run(strconv.Itoa(size>>10)+"KB", func(b *testing.B) {
			d, m := open(b, b.TempDir(), 512*mb), newMaker(b)
			const objects = 200
			for i := range objects {
				d.Put(m.object(page(i), 1, content(uint64(i), size)))
				if i%50 == 0 {
					d.Flush()
				}
			}
			d.Flush()
			b.SetBytes(int64(size))
			i := 0
			for b.Loop() {
				if len(d.Find(page(i%objects))) != 1 {
					b.Fatal("not found")
				}
				i++
			}
		})
	}
	b.Run("none", func(b *testing.B) {
		d := open(b, b.TempDir(), 512*mb)
		k := page(1)
		for b.Loop() {
			d.Find(k)
		}
	})
}

func BenchmarkSpool(b *testing.B) {
	piece := content(1, 64<<10)
	b.Run("append", func(b *testing.B) {
		d := open(b, b.TempDir(), 1024*mb)
		b.SetBytes(int64(len(piece)))
		s, n := d.Begin(-1), 0
		for b.Loop() {
			if n++; n%1000 == 0 {
				s.Close()
				s = d.Begin(-1)
			}
			if err := s.Append(piece); err != nil {
				b.Fatal(err)
			}
		}
		s.Close()
	})
	b.Run("read", func(b *testing.B) {
		d, m := open(b, b.TempDir(), 1024*mb), newMaker(b)
		d.Put(m.object(page(1), 1, content(1, 16*mb)))
		d.Flush()
		s := d.Find(page(1))[0].Spool
		b.SetBytes(int64(len(piece)))
		off := int64(0)
		for b.Loop() {
			if _, err := s.ReadAt(piece, off); err != nil {
				b.Fatal(err)
			}
			off = (off + int64(len(piece))) % (16 * mb)
		}
	})
}

// BenchmarkOpen is a restart: until 100,000 objects of 1 KB are found again.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	d, m := open(b, dir, 1024*mb), newMaker(b)
	body := content(1, 1000)
	const objects = 100_000
	for i := range objects {
		d.Put(m.object(page(i), 1, body))
		if i%5000 == 0 {
			d.Flush()
		}
	}
	d.Flush()
	b.ReportMetric(float64(d.IndexBytes())/objects, "index-B/object")
	for b.Loop() {
		d = reopen(b, d, dir, 1024*mb)
	}
	if n, _, _, _, _ := d.Counted(); n != objects {
		b.Fatalf("%d objects", n)
	}
	b.ReportMetric(float64(disk.HeaderBytes), "header-B")
}
