package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A value is remembered from its second coming on, for the units that looked and those in force, and as a whole.
func TestRecall(t *testing.T) {
	r, l := newRecall(), &look{id: 7}
	value := []byte("Mozilla/5.0")
	put := func(v []byte, units ...int32) { r.put(r.hash(l, 1, v), l, 1, v, units) }
	get := func(l *look, force uint32, v []byte) *recalled { return r.get(r.hash(l, force, v), l, force, v) }
	put(value, 3, 5)
	if get(l, 1, value) != nil {
		t.Fatal("a value is remembered at its first coming")
	}
	put(value, 3, 5)
	if e := get(l, 1, value); e == nil || !slices.Equal(e.units, []int32{3, 5}) {
		t.Fatalf("after its second coming the value has %v", e)
	}
	if get(l, 2, value) != nil || get(&look{id: 8}, 1, value) != nil || get(l, 1, []byte("Mozilla/5.1")) != nil {
		t.Error("what was found is recalled for something else")
	}
	e := get(l, 1, value)
	at := r.hash(l, 1, value)
	if r.get(at, l, 1, []byte("another value with the same hash")) != nil {
		t.Error("a value is recalled by its hash alone")
	}
	value[0] = 'm'
	if e.value != "Mozilla/5.0" {
		t.Error("what is remembered is a view of the request")
	}
}

// New values do not drive out one that is used, and its place is not lost for ever.
func TestRecallUnderFlood(t *testing.T) {
	r, l := newRecall(), &look{id: 1}
	used := []byte("gzip, deflate, br")
	hash := r.hash(l, 0, used)
	for range 2 {
		r.put(hash, l, 0, used, nil)
	}
	for i := range 20 {
		if r.get(hash, l, 0, used) == nil {
			t.Fatalf("driven out after %d others", i)
		}
		other := fmt.Appendf(nil, "flood %d", i)
		for range 2 { // as if it had the same place
			r.put(hash&(recallSlots-1)|uint64(i+1)<<40, l, 0, other, nil)
		}
	}
	for i := range 2 { // now nobody asks for it between two others
		other := fmt.Appendf(nil, "later %d", i)
		for range 3 {
			r.put(hash&(recallSlots-1)|uint64(i+100)<<40, l, 0, other, nil)
		}
	}
	if r.get(hash, l, 0, used) != nil {
		t.Error("a value that nobody uses keeps its place")
	}
}

// Only what comes again and is nobody's secret is remembered.
func TestRecalls(t *testing.T) {
	for _, key := range []string{"cookie", "authorization", "x-api-key", "referer", "proxy-authorization", "x-amz-security-token"} {
		if slices.Contains(repeated[:], key) {
			t.Errorf("values of %s are remembered", key)
		}
	}
	for _, key := range repeated {
		if key != strings.ToLower(key) {
			t.Errorf("%s is not in lower case", key)
		}
	}
}

func TestRecallRace(t *testing.T) {
	r, l := newRecall(), &look{id: 1}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				v := fmt.Appendf(nil, "value %d", i%50)
				hash := r.hash(l, 0, v)
				if e := r.get(hash, l, 0, v); e != nil && e.units[0] != int32(i%50) {
					t.Errorf("goroutine %d: %s has %v", g, v, e.units)
				}
				r.put(hash, l, 0, v, []int32{int32(i % 50)})
			}
		})
	}
	wg.Wait()
}
