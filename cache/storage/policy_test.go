package storage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// plain is a cache without a thought, of so many pages: FIFO, or LRU.
type plain struct {
	most  int
	lru   bool
	order []int // oldest first
}

func (c *plain) ask(n int) (hit bool) {
	for i, m := range c.order {
		if m == n {
			if c.lru {
				c.order = append(append(c.order[:i:i], c.order[i+1:]...), n)
			}
			return true
		}
	}
	if c.order = append(c.order, n); len(c.order) > c.most {
		c.order = c.order[1:]
	}
	return false
}

// TestScan asks for a working set of half the budget again and again, and meanwhile once for each page of a scan of ten times the
// budget.
func TestScan(t *testing.T) {
	const cached, working, scan = 1000, 500, 10_000
	s := open(t, 1<<20, nil)
	content := strings.Repeat("x", 500)
	per := int64(0)
	ask := func(n int) bool {
		if s.Find(page(n)) != nil {
			return true
		}
		s.Put(draft(s, page(n), content))
		return false
	}
	ask(-1)
	used, _ := s.Budget()
	per = used
	s.SetBudget(cached * per)
	fifo, lru := &plain{most: cached}, &plain{most: cached, lru: true}
	r := rand.New(rand.NewPCG(1, 2))
	var ours, theirs, last int
	for i := range scan {
		hot := 1_000_000 + r.IntN(working)
		count := i > scan/5 // the working set has come by then
		if ask(hot) && count {
			ours++
		}
		if fifo.ask(hot) && count {
			theirs++
		}
		if lru.ask(hot) && count {
			last++
		}
		for j := range 4 { // four new ones for each that is asked for again
			n := 4*i + j
			ask(n)
			fifo.ask(n)
			lru.ask(n)
		}
	}
	asked := scan - scan/5 - 1
	t.Logf("of %d hits possible: %d, FIFO %d, LRU %d", asked, ours, theirs, last)
	if ours < asked*95/100 {
		t.Errorf("%d of %d hits: the scan drove the working set out", ours, asked)
	}
	if ours < 2*theirs || ours < 2*last {
		t.Errorf("%d hits, FIFO %d, LRU %d: no better than without a thought", ours, theirs, last)
	}
	used, most := s.Budget()
	if st := s.Stats(); used > most || st.Evictions == 0 {
		t.Errorf("%d of %d bytes, %+v", used, most, st)
	}
}

// TestGhost: what comes again soon after it had to go is kept then.
func TestGhost(t *testing.T) {
	s := open(t, 1<<20, nil)
	content := strings.Repeat("x", 4000)
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			s.Put(draft(s, page(i), content))
		}
	}
	fill(0, 300)
	again := int(s.Stats().Evictions) - 1 // the last one that had to go: the hashes of others may have driven out an older ghost
	if again < 1 || s.Find(page(again)) != nil {
		t.Fatalf("page %d has not been evicted", again)
	}
	fill(again, again+1)
	fill(300, 530) // nearly a whole budget of others
	if s.Find(page(again)) == nil {
		t.Error("evicted again, though it came twice within a budget")
	}
	if s.Find(page(again-1)) != nil {
		t.Error("a page that came once is still there")
	}
}

func TestBudget(t *testing.T) {
	s := open(t, 1<<20, nil)
	most := int64(1 << 20)
	check := func(what string) {
		t.Helper()
		if used, m := s.Budget(); used > m || m != most {
			t.Errorf("%s: %d of %d bytes", what, used, m)
		}
	}
	for i := range 3000 {
		s.Put(draft(s, page(i), strings.Repeat("x", i)))
		check(fmt.Sprint(i))
	}
	for i := range 3000 { // all asked for: somebody must go in any case
		s.Find(page(i))
	}
	if s.Put(draft(s, page(-1), strings.Repeat("x", 100<<10))) == nil {
		t.Error("no room for a large one")
	}
	check("a large one among used ones")
	if !s.Reserve(most/2) || s.Reserve(1) {
		t.Error("fills may have half of the budget, and no more")
	}
	check("reserved")
	if st := s.Stats(); st.Reserved != most/2 || st.Bytes > most/2 {
		t.Errorf("reserved: %+v", st)
	}
	s.Unreserve(most / 2)
	most /= 4
	s.SetBudget(most)
	check("lowered")
	if s.Stats().Objects == 0 {
		t.Error("lowered: nothing is left")
	}
	most = 0
	s.SetBudget(0)
	check("none")
	if s.Put(draft(s, page(1), "x")) != nil || s.Stats().Objects != 0 {
		t.Error("stored without a budget")
	}
}
