//go:build !race && !poison

package disk_test

import (
	"runtime"
	"testing"
)

// TestIndexBytes: what an object costs in memory; docs of --cache-disk count with it.
func TestIndexBytes(t *testing.T) {
	d, m := open(t, t.TempDir(), 1024*mb), newMaker(t)
	const objects = 100_000
	heap := func() int64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	for i := range objects {
		o := m.object(page(i), 1, nil)
		d.Put(o)
		m.Drop(o)
		if i%1000 == 999 {
			d.Flush()
		}
	}
	d.Flush()
	n, _, _, _, used := d.Counted()
	per := float64(heap()-before) / objects
	told := float64(d.IndexBytes()) / objects
	if n != objects || per > 90 || told < per*0.7 {
		t.Errorf("%d objects, %.0f bytes of memory each, the metric says %.0f", n, per, told)
	}
	t.Logf("%.0f bytes of memory, %.0f in the metric, %d of disk an object without a body", per, told, used/objects)
}

// TestMissAllocatesNothing: a key that is not there costs no memory.
func TestMissAllocatesNothing(t *testing.T) {
	d := open(t, t.TempDir(), 16*mb)
	k := page(1)
	if n := testing.AllocsPerRun(100, func() { d.Find(k) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
