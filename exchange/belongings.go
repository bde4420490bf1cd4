package exchange

import (
	"slices"
	"sync"
)

// A Belonging is kept for the later exchanges of one client connection, for nobody else, and leaves with it.
type Belonging interface {
	// Leave lets go of it. It may be called while something else ends it.
	Leave()
}

// belongings are those of one client connection.
type belongings struct {
	mu    sync.Mutex
	ended bool
	kept  []belonging // the last kept last
}

type belonging struct {
	owner any // who keeps it, and finds it again
	Belonging
}

// gone stands for those of a connection that ended without any.
var gone = &belongings{ended: true}

// Keep keeps b under its owner, which must be comparable. It reports false if the connection has ended: then b is not kept. Beyond
// belongingsMax what was kept first leaves. It may be called from any goroutine, as Take and End.
func (c *Conn) Keep(owner any, b Belonging) bool {
	s := c.belongings.Load()
	if s == nil {
		s = new(belongings)
		if !c.belongings.CompareAndSwap(nil, s) {
			s = c.belongings.Load()
		}
	}
	first, kept := s.keep(belonging{owner, b})
	if first != nil {
		first.Leave()
	}
	return kept
}

func (s *belongings) keep(b belonging) (first Belonging, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, false
	}
	if len(s.kept) >= belongingsMax {
		first = s.kept[0].Belonging
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, b)
	return first, true
}

// Take takes back what was kept last under an owner; nil: there is nothing.
func (c *Conn) Take(owner any) Belonging {
	s := c.belongings.Load()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range slices.Backward(s.kept) {
		if b.owner == owner {
			s.kept = slices.Delete(s.kept, i, i+1)
			return b.Belonging
		}
	}
	return nil
}

// End has everything leave, and lets nothing be kept any more. Whoever serves the connection calls it when that is over.
func (c *Conn) End() {
	if c.belongings.CompareAndSwap(nil, gone) {
		return
	}
	s := c.belongings.Load()
	s.mu.Lock()
	kept := s.kept
	s.kept, s.ended = nil, true
	s.mu.Unlock()
	for _, b := range kept {
		b.Leave()
	}
}
