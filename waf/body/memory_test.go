package body_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"skerry.dev/skerry/waf/body"
)

// Pieces never overlap and never move, whatever is trimmed, copied and appended to.
func TestMemory(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var m body.Memory
	for range 20 {
		var pieces [][]byte
		for i := range 200 {
			n := random.IntN(100)
			if i%50 == 0 {
				n = random.IntN(20_000)
			}
			var b []byte
			if i%3 == 0 {
				b = m.Copy(bytes.Repeat([]byte{byte(i)}, n))
			} else {
				b = m.Alloc(n)
				b = m.Trim(b, random.IntN(n+1))
				for k := range b {
					b[k] = byte(i)
				}
			}
			if len(b) != cap(b) {
				t.Fatal("appending would write into the next piece")
			}
			pieces = append(pieces, b)
		}
		for i, b := range pieces {
			if !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, len(b))) {
				t.Fatalf("piece %d was overwritten", i)
			}
		}
		m.Reset()
	}
}

// Trim of an older piece gives nothing back: a newer one stands behind it.
func TestMemoryTrimsOnlyTheLatest(t *testing.T) {
	var m body.Memory
	old := m.Alloc(10)
	newer := m.Copy([]byte("newer"))
	if old = m.Trim(old, 1); len(old) != 1 {
		t.Error(len(old))
	}
	copy(m.Alloc(20), "xxxxxxxxxxxxxxxxxxxx")
	if string(newer) != "newer" {
		t.Errorf("%q", newer)
	}
	if b := m.Trim(m.Alloc(0), 0); len(b) != 0 {
		t.Error(len(b))
	}
}

// After a request of a size has been seen once, the next ones allocate nothing; a very large one leaves nothing behind.
func TestMemoryIsKeptWithinBounds(t *testing.T) {
	var m body.Memory
	use := func(size int) func() {
		return func() {
			for range 10 {
				m.Alloc(size / 10)
			}
			m.Reset()
		}
	}
	for _, size := range []int{100, 4 << 10, 100 << 10, 200 << 10} {
		use(size)()
		if n := testing.AllocsPerRun(10, use(size)); n != 0 {
			t.Errorf("%d bytes: %v allocations", size, n)
		}
	}
	use(10 << 20)()
	if n := testing.AllocsPerRun(10, use(10<<20)); n == 0 {
		t.Error("10 MB are kept")
	}
}
