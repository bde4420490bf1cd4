package limit

import (
	"io"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// bound refuses a body that is announced as too large, and counts one of unknown size. What of it came with the head is
// read, so that a malformed one, or one over a small limit, is refused before the origin is asked. Of a gRPC call each message is
// counted by itself, and nobody waits for the last one.
func (s *Stage) bound(x *exchange.Exchange) exchange.Verdict {
	size, call := x.Req.Body.Size(), isCall(x)
	switch {
	case size >= 0 && size <= s.bodyMax:
		return exchange.Next // the protocol holds it to what it announced
	case size >= 0 && !call:
		return x.Fail(s.bodyBig)
	}
	if c, ok := x.Req.Body.(exchange.Checked); ok {
		if err := c.Check(); err != nil {
			return x.Fail(err)
		}
	}
	b := bodies.Get().(*body)
	b.inner, b.most, b.tooLarge, b.call = x.Req.Body, s.bodyMax, s.bodyBig, call
	if call {
		b.tooLarge = s.messageBig
	}
	x.Req.Body = b
	var err error
	if s.bodyMax <= aheadBytes && !call {
		err = b.readAll()
	} else {
		err = b.readReady()
	}
	if err != nil {
		return x.Fail(err)
	}
	if b.whole() {
		b.trailers = len(x.Req.Trailers) > 0
		x.Req.ExpectContinue = false // it is here: the origin need not ask for it
	}
	return exchange.Next
}

// body is a body of unknown size that fails once it, or a message of the call that it is, has more than most bytes. Its beginning,
// or all of it, is in memory.
type body struct {
	inner    exchange.Body
	most     int64
	tooLarge *fault.Error
	call     bool // most is that of a message

	room     []byte // what was read ahead is room[:ahead]
	ahead    int
	rest     []byte // what did not fit the room: a view of inner that holds until its next call
	trailers bool   // they follow a body that is all in memory; only a body of unknown size may have them

	next     part     // what Next returns
	taken    int64    // bytes that inner has given
	messages messages // of a call, as far as inner has given them
	lost     bool     // inner has been asked for more than is in memory
	err      error    // how inner ended, or that it is too large
}

// part is where in a body its reader is.
type part uint8

const (
	partRoom  part = iota // before room[:ahead]
	partRest              // before rest
	partInner             // behind them
)

// The memory of read bodies: a small room first, so that a client holds only as much as it has sent.
var (
	bodies     = sync.Pool{New: func() any { return new(body) }}
	rooms      = sync.Pool{New: func() any { return new([readyBytes]byte) }}
	largeRooms = sync.Pool{New: func() any { return new([aheadBytes]byte) }}
)

// readAll reads all of the body, which is at most aheadBytes.
func (b *body) readAll() error {
	for b.err == nil {
		b.keep(b.pull())
	}
	return b.failed()
}

// readReady reads what is at hand, up to readyBytes.
func (b *body) readReady() error {
	r, ok := b.inner.(exchange.Ready)
	for ok && b.err == nil && b.ahead < readyBytes && r.Ready() {
		view := b.pull()
		if room := readyBytes - b.ahead; len(view) > room {
			view, b.rest = view[:room], view[room:]
		}
		b.keep(view)
	}
	return b.failed()
}

// pull asks inner for more and notes in err how it ended. Nothing that goes beyond the limit comes out of it.
func (b *body) pull() []byte {
	view, err := b.inner.Next()
	if wrong := b.count(view); wrong != nil {
		view, err = nil, wrong
	}
	b.err = err
	return view
}

// count says what is wrong with a body that goes on with these bytes.
func (b *body) count(view []byte) error {
	if b.call {
		return b.messages.follow(view, b.most, b.tooLarge)
	}
	if b.taken += int64(len(view)); b.taken > b.most {
		return b.tooLarge
	}
	return nil
}

// keep puts bytes behind what was read ahead.
func (b *body) keep(view []byte) {
	if len(view) == 0 {
		return
	}
	if b.room == nil {
		b.room = rooms.Get().(*[readyBytes]byte)[:]
	}
	if b.ahead+len(view) > len(b.room) {
		large := largeRooms.Get().(*[aheadBytes]byte)[:]
		copy(large, b.room[:b.ahead])
		b.freeRoom()
		b.room = large
	}
	b.ahead += copy(b.room[b.ahead:], view)
}

// failed is what went wrong, if that is not the end.
func (b *body) failed() error {
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// whole reports whether all of the body was read ahead.
func (b *body) whole() bool { return b.err == io.EOF && len(b.rest) == 0 && !b.lost }

// Next returns the next bytes, first what was read ahead.
func (b *body) Next() ([]byte, error) {
	if b.next == partRoom {
		b.next = partRest
		if b.ahead > 0 {
			return b.room[:b.ahead:b.ahead], nil
		}
	}
	if b.next == partRest {
		b.next = partInner
		if len(b.rest) > 0 {
			return b.rest, nil
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	b.lost = true
	view := b.pull()
	err := b.err
	if err != nil && err != io.EOF && err != error(b.tooLarge) && err != error(errFlag) {
		b.err = nil // inner knows better whether it may be asked again
	}
	return view, err
}

// Size is the number of bytes if all of them are in memory, so that the origin gets a Content-Length; otherwise -1.
func (b *body) Size() int64 {
	if b.whole() && !b.trailers {
		return int64(b.ahead)
	}
	return -1
}

// Ready reports whether Next would answer without waiting.
func (b *body) Ready() bool {
	if b.next == partRoom && b.ahead > 0 || b.next != partInner && len(b.rest) > 0 || b.err != nil {
		return true
	}
	r, ok := b.inner.(exchange.Ready)
	return ok && r.Ready()
}

// Whole returns all of the body if it is in memory and was not begun.
func (b *body) Whole() ([]byte, error) {
	if b.Size() < 0 || b.next != partRoom {
		return nil, nil
	}
	b.next = partInner
	if b.ahead == 0 {
		return []byte{}, nil
	}
	return b.room[:b.ahead:b.ahead], nil
}

// Replay starts again with what was read ahead, or with inner, if that still has all it gave.
func (b *body) Replay() bool {
	switch {
	case !b.lost:
	case b.inner.Replay():
		b.ahead, b.rest, b.taken, b.messages, b.lost, b.err = 0, nil, 0, messages{}, false, nil
	default:
		return false
	}
	b.next = partRoom
	return true
}

// Close closes inner; what was read ahead stays until Stage.Done.
func (b *body) Close() error { return b.inner.Close() }

// release gives the memory back. Nobody may hold the body, or a view of it, any more.
func (b *body) release() {
	b.freeRoom()
	*b = body{}
	bodies.Put(b)
}

func (b *body) freeRoom() {
	exchange.Poison(b.room[:b.ahead])
	switch len(b.room) {
	case readyBytes:
		rooms.Put((*[readyBytes]byte)(b.room))
	case aheadBytes:
		largeRooms.Put((*[aheadBytes]byte)(b.room))
	}
}
