package h1

import (
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// end is one end of a tunnel: a connection that has carried heads, and carries anything from now on.
type end struct {
	conn transport.Conn
	head *buffer // what was read behind the head goes first
	own  buffer  // memory of its own: the head is still needed for the log
}

// newEnd returns the end on a connection. What its buffer holds beyond the head is part of the tunnel.
func newEnd(b *buffer) *end { return &end{conn: b.conn, head: b, own: buffer{conn: b.conn}} }

// Receive waits for bytes from the peer.
func (e *end) Receive(by time.Time) (view []byte, err error) {
	if h := e.head; h.r < h.w {
		view, h.r = h.data[h.r:h.w:h.w], h.w
		return view, nil
	}
	e.own.r, e.own.w = 0, 0
	err = e.own.await(by)
	return e.received(err)
}

// received is what is there after a read that ended so.
func (e *end) received(err error) (view []byte, _ error) {
	switch err {
	case nil, io.EOF:
	case transport.ErrTimeout:
		err = nil
	case transport.ErrInterrupted:
		e.conn.Interrupt(false)
		err = nil
	default:
		err = fault.Wrap(fault.ClientGone, "the tunnel broke", err)
	}
	return e.own.data[e.own.r:e.own.w], err
}

// Forward gives what Receive would return to another end, where both are TCP: see wire.Forwarder.
func (e *end) Forward(to exchange.Tunnel, took func(view []byte)) func(by time.Time) (rest []byte, err error) {
	t, ok := to.(*end)
	if !ok {
		return nil
	}
	f := transport.NewForwarding(t.conn, e.conn, &e.own, took)
	if f == nil {
		return nil
	}
	return func(by time.Time) (rest []byte, err error) {
		e.own.r, e.own.w, err = f.Run(by)
		return e.received(err)
	}
}

// Send gives bytes to the peer.
func (e *end) Send(view []byte, patience time.Duration) error {
	if _, err := e.conn.Write(view, nil, nil, patience); err != nil {
		return errWrite
	}
	return nil
}

// End closes the sending side, or everything where that cannot be done alone.
func (e *end) End() {
	if h, ok := e.conn.(transport.HalfCloser); ok {
		_ = h.CloseWrite() // the peer may have gone already
		return
	}
	e.Break()
}

// Wake interrupts a Receive.
func (e *end) Wake() { e.conn.Interrupt(true) }

// Break closes the connection.
func (e *end) Break() { e.conn.Close() }

// release gives the memory back, when nobody receives any more.
func (e *end) release() { e.own.release() }

var (
	_ exchange.Tunnel = (*end)(nil)
	_ wire.Forwarder  = (*end)(nil)
)
