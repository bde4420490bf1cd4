package limit

import (
	"testing"

	"skerry.dev/skerry/meter"
)

// A check that found its address, and then lost the way to another, neither reads the other's time nor charges it.
func TestChargeOfAnotherAddress(t *testing.T) {
	var w way
	w.tag.Store(2)
	w.time.Store(1000)
	if wait, ok := w.charge(1, 0, quota{10, 100}); ok || wait != 0 || w.time.Load() != 1000 {
		t.Errorf("wait %d, charged %v, time %d", wait, ok, w.time.Load())
	}
	if wait, ok := w.charge(2, 0, quota{10, 100}); !ok || wait != 910 {
		t.Errorf("of its own address: wait %d, %v", wait, ok)
	}
}

// While a way changes hands nobody sees the newcomer's time under the old tag, or the old time under the newcomer's.
func TestTagAndTimeBelongTogether(t *testing.T) {
	const newcomers, step = 300_000, 1000
	table := NewTables(1, meter.NewSet())
	b := &table.buckets[0]
	over := make(chan struct{})
	go func() {
		defer close(over)
		for n := int64(1); n <= newcomers; n++ {
			table.enter(b, uint64(n), n*step, quota{1, step})
		}
	}()
	for seen := 0; ; seen++ {
		w := &b[seen%ways]
		tag := w.tag.Load()
		at := w.time.Load()
		if tag != 0 && tag == w.tag.Load() && at != int64(tag)*step+1 {
			<-over
			t.Fatalf("address %d is there with the time %d", tag, at)
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

// Tables of another size take no more than that, and count as the ones before did.
func TestResize(t *testing.T) {
	table := NewTables(0, meter.NewSet())
	f := func(bytes int64, want int) {
		t.Helper()
		table.Resize(bytes)
		if got := len(table.buckets) * bucketBytes; got != want {
			t.Errorf("%d bytes: %d", bytes, got)
		}
		k, q := key{limit: 1, hi: 2}, quota{10, 20}
		if table.take(k, 0, q) != 0 || table.take(k, 0, q) != 0 || table.take(k, 0, q) == 0 {
			t.Errorf("%d bytes: the burst is not two", bytes)
		}
	}
	f(0, DefaultTableBytes)
	f(1, bucketBytes)
	f(300<<10, 256<<10)
}
