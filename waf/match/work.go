package match

// sparse is a set of leaves in the order of their arrival.
type sparse struct {
	list []uint16
	at   []uint16 // by leaf: where in list it would be
}

func (s *sparse) has(n uint16) bool {
	at := int(s.at[n])
	return at < len(s.list) && s.list[at] == n
}

func (s *sparse) add(n uint16) {
	if at := int(s.at[n]); at < len(s.list) && s.list[at] == n {
		return
	}
	s.at[n] = uint16(len(s.list))
	s.list = append(s.list, n)
}

// remove takes out the member at index i, and puts the last one there.
func (s *sparse) remove(i int) {
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	s.at[s.list[i]] = uint16(i)
	s.list = s.list[:last]
}

func (s *sparse) reset() { s.list = s.list[:0] }

func (s *sparse) load(list []uint16) {
	s.reset()
	for _, n := range list {
		s.add(n)
	}
}

// hash does not depend on the order.
func (s *sparse) hash(left kind) uint32 {
	h := uint64(left) + uint64(len(s.list))<<8
	for _, n := range s.list {
		x := (uint64(n) + 1) * 0x9e3779b97f4a7c15
		h += x ^ x>>29
	}
	h *= 0xff51afd7ed558ccd
	return uint32(h >> 32)
}

// equal says whether the set has just the given members.
func (s *sparse) equal(list []uint16) bool {
	if len(list) != len(s.list) {
		return false
	}
	for _, n := range list {
		if !s.has(n) {
			return false
		}
	}
	return true
}

// work is the memory of one step: the leaves before and after a character.
type work struct{ from, to sparse }

func newWork(leaves int) *work {
	w := &work{}
	w.fit(leaves)
	return w
}

// fit makes room for a program with so many leaves.
func (w *work) fit(leaves int) {
	for _, s := range []*sparse{&w.from, &w.to} {
		if len(s.at) < leaves {
			s.at, s.list = make([]uint16, leaves), make([]uint16, 0, leaves)
		}
		s.reset()
	}
}

func (w *work) swap() { w.from, w.to = w.to, w.from }
