package compress

import (
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// NewBounded is New with encoders of its own, of which so many bytes may be at work.
func NewBounded(p *spec.Policy, workingBytesMax int64) *Stage {
	s, _ := New(p, NewEncoders(workingBytesMax))
	return s
}

// Working is the memory of encoders at work, and how many exchanges have not given back what they were lent.
func (s *Stage) Working() (bytes int64, lent int) {
	s.encoders.mu.Lock()
	defer s.encoders.mu.Unlock()
	return s.encoders.working, len(s.encoders.lent)
}

// Idle reports whether an encoder waits to be used again, and takes it away.
func (s *Stage) Idle(name string) bool { return s.encoders.idle[codingOf(name)].Get() != nil }

// IdleBuffer is the capacity of an output buffer that waits to be used again; it is taken away.
func (s *Stage) IdleBuffer() int { return cap(s.encoders.bodies.Get().(*body).out) }

// Accepted is what Accept-Encoding is reduced to.
func Accepted(fields exchange.Fields) string {
	best, _ := accepted(fields)
	return names[best]
}

// Limits that tests go to.
const (
	SizeMin       = sizeMin
	WholeBytesMax = wholeBytesMax
	GzipBytes     = gzipBytes
	AcceptMax     = acceptBytesMax
	ItemsMax      = acceptItemsMax
	OutKept       = outKeptBytes
)

// Takes is the set of codings that a client takes.
func Takes(fields exchange.Fields) exchange.Coding {
	_, takes := accepted(fields)
	return takes
}
