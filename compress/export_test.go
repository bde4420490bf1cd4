package compress

import (
	"io"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// NewBounded is New with encoders of its own, of which so many bytes may be at work.
func NewBounded(p *spec.Policy, workingBytesMax int64) *Stage {
	s, _ := New(p)
	s.encoders = newEncoders(workingBytesMax)
	return s
}

// Working is the memory of encoders at work, and how many exchanges have not given back what they were lent.
func (s *Stage) Working() (bytes int64, lent int) {
	s.encoders.mu.Lock()
	defer s.encoders.mu.Unlock()
	return s.encoders.working, len(s.encoders.lent)
}

// Accepted is what Accept-Encoding is reduced to.
func Accepted(fields exchange.Fields) string { return names[accepted(fields)] }

// Encode is what the encoder of a coding makes of data, without a stage around it.
func Encode(name string, to io.Writer) interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
} {
	w := newEncoder(codingOf(name))
	w.Reset(to)
	return w
}

// Limits that tests go to.
const (
	SizeMin       = sizeMin
	WholeBytesMax = wholeBytesMax
	GzipBytes     = gzipBytes
	AcceptMax     = acceptBytesMax
	ItemsMax      = acceptItemsMax
)
