package exchange

// scratchBytes is one exchange's own memory: ids, edited values, the normal form of a path that was not sent in it.
// Beyond it single pieces come from the heap.
const scratchBytes = 2048

// Scratch is memory that lives as long as its exchange. Growing never moves what was handed out.
type Scratch struct {
	buf  [scratchBytes]byte
	used int
}

// Alloc returns n bytes, not cleared, with capacity n.
func (s *Scratch) Alloc(n int) []byte {
	if n > len(s.buf)-s.used {
		return make([]byte, n)
	}
	b := s.buf[s.used : s.used+n : s.used+n]
	s.used += n
	return b
}

// Copy returns a copy of b; of nil, which often means none, nil.
func (s *Scratch) Copy(b []byte) []byte {
	if b == nil {
		return nil
	}
	c := s.Alloc(len(b))
	copy(c, b)
	return c
}

// Trim gives back the end of the piece that Alloc returned last, of which only the first used bytes are needed.
func (s *Scratch) Trim(piece []byte, used int) []byte {
	if start := s.used - len(piece); start >= 0 && len(piece) > 0 && &s.buf[start] == &piece[0] {
		s.used = start + used
	}
	return piece[:used:used]
}

func (s *Scratch) reset() {
	Poison(s.buf[:s.used])
	s.used = 0
}
