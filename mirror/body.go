package mirror

import (
	"bytes"
	"io"

	"skerry.dev/skerry/exchange"
)

// withBody copies a request whose body has a size and may be copied. A body that breaks ends the exchange here: its service
// could not be asked either.
func (s *Stage) withBody(x *exchange.Exchange) exchange.Verdict {
	b := x.Req.Body
	var whole []byte
	if w, ok := b.(exchange.Whole); ok {
		var err error
		if whole, err = w.Whole(); err != nil {
			return x.Fail(err)
		}
	}
	if whole != nil && b.Replay() {
		if s.place() {
			s.send(x, whole, true)
		}
		return exchange.Next
	}
	if whole != nil { // it cannot be had again: the service gets the copy as well
		whole = bytes.Clone(whole)
		x.Req.Body = exchange.Collected(whole, b)
	}
	if !s.place() { // before anything is collected, so that the places bound the memory
		return exchange.Next
	}
	if whole == nil {
		var err error
		if whole, err = collect(b); err != nil {
			s.keep.give()
			return x.Fail(err)
		}
		x.Req.Body = exchange.Collected(whole, b)
	}
	s.send(x, whole, false)
	return exchange.Next
}

// collect reads a body of known size, to which its maker holds it.
func collect(b exchange.Body) ([]byte, error) {
	all := make([]byte, 0, min(b.Size(), collectBytes))
	for {
		view, err := b.Next()
		all = append(all, view...)
		switch err {
		case nil:
		case io.EOF:
			return all, nil
		default:
			return nil, err
		}
	}
}
