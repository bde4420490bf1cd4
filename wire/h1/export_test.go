package h1

// Waiting is how many connections wait for the head of a request.
func (s *Server) Waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.since.Load() > 0 {
			n++
		}
	}
	return n
}
