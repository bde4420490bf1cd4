package body

// Memory is where one request's decoded values and built names are: pieces are handed out one after another and are all
// given back at once by Reset. A piece never moves and never overlaps another; appending to one does not write into the
// next. The zero value is ready. It belongs to one goroutine.
type Memory struct {
	chunk []byte   // the current one; its length is what has been handed out
	full  [][]byte // earlier ones
	want  int      // size of the next chunk
}

// Alloc hands out n bytes, whose content is arbitrary. They are valid until Reset.
func (m *Memory) Alloc(n int) []byte {
	if n > cap(m.chunk)-len(m.chunk) {
		m.grow(n)
	}
	at := len(m.chunk)
	m.chunk = m.chunk[:at+n]
	return m.chunk[at : at+n : at+n]
}

// grow begins a chunk that has room for n bytes; each is twice as large as the one before.
func (m *Memory) grow(n int) {
	if cap(m.chunk) > 0 {
		m.full = append(m.full, m.chunk)
	}
	m.chunk = make([]byte, 0, max(n, m.want, 2*cap(m.chunk), firstChunkBytes))
}

// Trim gives back what follows the first n bytes of b, which must be the latest piece of Alloc, and returns those n bytes.
func (m *Memory) Trim(b []byte, n int) []byte {
	if end := len(m.chunk); len(b) > 0 && end >= len(b) && &m.chunk[end-len(b)] == &b[0] {
		m.chunk = m.chunk[:end-len(b)+n]
	}
	return b[:n:n]
}

// Copy is a copy of b, valid until Reset.
func (m *Memory) Copy(b []byte) []byte {
	c := m.Alloc(len(b))
	copy(c, b)
	return c
}

// Reset takes all pieces back and keeps at most 256 KB for the next request, in one piece as large as this one needed.
func (m *Memory) Reset() {
	used := len(m.chunk)
	poison(m.chunk)
	for _, c := range m.full {
		used += len(c)
		poison(c)
	}
	if len(m.full) > 0 || cap(m.chunk) > keptBytes {
		clear(m.full)
		m.chunk = nil
		m.want = min(used, keptBytes)
	}
	m.full = m.full[:0]
	m.chunk = m.chunk[:0]
}
