package match_test

import (
	"sync"
	"testing"

	"skerry.dev/skerry/waf/match"
)

func TestBits(t *testing.T) {
	rnd := dice(t)
	const n = 200
	a, b := match.NewBits(n), match.NewBits(n)
	inA, inB := [n]bool{}, [n]bool{}
	for range 80 {
		i, j := rnd.IntN(n), rnd.IntN(n)
		a.Set(i)
		b.Set(j)
		inA[i], inB[j] = true, true
	}
	is := func(what string, got match.Bits, want func(i int) bool) {
		t.Helper()
		count, next := 0, got.Next(0)
		for i := range n {
			if got.Has(i) != want(i) {
				t.Errorf("%s: %d is %v", what, i, got.Has(i))
			}
			if want(i) {
				if next != i {
					t.Errorf("%s: %d comes after, want %d", what, next, i)
				}
				count++
				next = got.Next(i + 1)
			}
		}
		if next != -1 || got.Count() != count || got.Empty() != (count == 0) {
			t.Errorf("%s: %d at the end, %d members, want %d", what, next, got.Count(), count)
		}
	}
	with := func(op func(match.Bits, match.Bits)) match.Bits {
		c := match.NewBits(n)
		c.Copy(a)
		op(c, b)
		return c
	}
	is("a", a, func(i int) bool { return inA[i] })
	is("and", with(match.Bits.And), func(i int) bool { return inA[i] && inB[i] })
	is("or", with(match.Bits.Or), func(i int) bool { return inA[i] || inB[i] })
	is("and not", with(match.Bits.AndNot), func(i int) bool { return inA[i] && !inB[i] })
	is("clear", with(func(c, _ match.Bits) { c.Clear() }), func(int) bool { return false })
	if a.Has(1000) || !a.Meets(a) || a.Meets(match.NewBits(n)) || a.Next(1000) != -1 {
		t.Error("numbers beyond the set, or sets that meet")
	}
	a.Unset(a.Next(0))
	if a.Meets(match.NewBits(n)) || !match.NewBits(0).Empty() || match.NewBits(0).Next(0) != -1 {
		t.Error("empty sets")
	}
}

func TestMemo(t *testing.T) {
	m := match.NewMemo[int](100)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 150 {
				mask := match.Mask(i) << 20
				if v, ok := m.Get(mask); ok && *v != i {
					t.Errorf("%d is %d", i, *v)
				}
				if v := m.Put(mask, i); *v != i {
					t.Errorf("%d became %d", i, *v)
				}
			}
		})
	}
	wg.Wait()
	if n := m.Len(); n > 100 || n < 90 || m.Full() != (n == 100) {
		t.Errorf("%d masks of at most 100; full: %v", n, m.Full())
	}
	for i := range 200 {
		m.Put(match.Mask(i)<<20, i)
	}
	if m.Len() != 100 || !m.Full() {
		t.Errorf("%d masks, want 100", m.Len())
	}
	if first, second := m.Put(0, 7), m.Put(0, 8); *first != 0 || first != second {
		t.Error("what was remembered is forgotten")
	}
}
