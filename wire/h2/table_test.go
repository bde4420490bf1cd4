package h2

import (
	"math/rand/v2"
	"testing"
)

// TestTable holds the table against a map, with numbers that come and go as streams do: upwards, and closed in any order.
func TestTable(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		var tab table
		want := map[uint32]*stream{}
		var open []uint32
		next := uint32(1)
		for range 5000 {
			switch n := len(open); {
			case n < 200 && random.IntN(n/50+2) == 0 || n == 0:
				s := &stream{id: next}
				next += 2 * (1 + uint32(random.IntN(3)*random.IntN(100)))
				tab.put(s)
				want[s.id] = s
				open = append(open, s.id)
			case random.IntN(4) == 0:
				tab.del(uint32(random.IntN(int(next))) | 1 + 1<<30) // one that is not there
			default:
				i := random.IntN(n)
				tab.del(open[i])
				delete(want, open[i])
				open[i] = open[n-1]
				open = open[:n-1]
			}
			id := uint32(random.IntN(int(next))) | 1
			if got := tab.get(id); got != want[id] {
				t.Fatalf("stream %d: got %v, want %v", id, got, want[id])
			}
		}
		if tab.used != len(want) {
			t.Errorf("%d are used, want %d", tab.used, len(want))
		}
		seen := 0
		for s := range tab.all {
			if seen++; want[s.id] != s {
				t.Errorf("stream %d is there", s.id)
			}
		}
		if seen != len(want) {
			t.Errorf("all are %d, want %d", seen, len(want))
		}
		for id, s := range want {
			if tab.get(id) != s {
				t.Errorf("stream %d is lost", id)
			}
		}
	}
	var none table
	if none.del(1); none.get(1) != nil {
		t.Error("an empty table has a stream")
	}
}

// TestHistory: the streams that were closed last are remembered, and the others not.
func TestHistory(t *testing.T) {
	var h history
	if _, known := h.find(1); known {
		t.Error("a stream is known before there was one")
	}
	for i := range uint32(2 * historySize) {
		h.add(2*i+1, i%3 == 0)
	}
	for i := range uint32(2 * historySize) {
		reset, known := h.find(2*i + 1)
		if known != (i >= historySize) || reset != (known && i%3 == 0) {
			t.Errorf("stream %d: reset %v, known %v", 2*i+1, reset, known)
		}
	}
}
