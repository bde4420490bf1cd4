package h2

// Bodies is how much memory request bodies take that nobody has taken yet.
func (s *Server) Bodies() int64 { return s.bodies.Load() }
