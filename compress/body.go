package compress

import (
	"io"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// body is a response body on its way through an encoder. It pulls from the origin's body, and gives what the encoder
// puts out; when the origin would have to be waited for, the encoder is flushed first, so that nothing the origin has
// sent is held back. Its encoder is let go as soon as the origin's body has ended, and at Close. The body itself is
// pooled: nobody may use it after Done of the stage.
type body struct {
	lender  *Encoders
	x       *exchange.Exchange
	coding  coding
	encoder encoder       // nil: not begun, or let go
	source  exchange.Body // nil: closed
	ready   exchange.Ready

	out    []byte // what the encoder has put out; for a whole body all of it
	in     []byte // what of the source's last view the encoder has not got yet
	state  state
	held   bool // the encoder has something that it has not put out
	idle   bool // the encoder is not at work any more
	inside bool // a call is running: if it panics, the encoder is not used again
	whole  bool // out is the whole coded body
}

// state is how far a body has come.
type state uint8

const (
	fresh state = iota // nothing was taken from it yet
	flowing
	drained // the source has ended, the coded stream has not
	ended   // the coded stream has
	closed
)

var (
	errClosed  = fault.New(fault.Internal, "BUG: a body that was closed is read")
	errEncoder = fault.New(fault.Internal, "BUG: an encoder failed, though its output is memory")
)

// Write is where the encoder puts its output.
func (b *body) Write(p []byte) (int, error) {
	b.out = append(b.out, p...)
	return len(p), nil
}

// atHand returns all of a body that is small and can be had now; nil with nothing read if it is not.
func atHand(source exchange.Body) ([]byte, error) {
	if n := source.Size(); n < 0 || n > wholeBytesMax {
		return nil, nil
	}
	w, ok := source.(exchange.Whole)
	if r, knows := source.(exchange.Ready); !ok || !knows || !r.Ready() {
		return nil, nil
	}
	return w.Whole()
}

// encodeWhole encodes all of a body, lets the encoder go, and reports whether the result is smaller.
func (b *body) encodeWhole(data []byte) (smaller bool, err error) {
	b.inside = true
	b.begin()
	for b.in = data; len(b.in) > 0; {
		if err := b.encode(); err != nil {
			return false, err
		}
	}
	if b.encoder.Close() != nil {
		return false, errEncoder
	}
	b.inside = false
	b.release()
	b.whole = true
	b.x.Facts.Encoding.Before = int64(len(data))
	return len(b.out) < len(data), nil
}

// wrap makes source the body that is encoded, or was.
func (b *body) wrap(source exchange.Body) {
	b.source = source
	b.ready, _ = source.(exchange.Ready)
}

// begin takes an encoder; the memory for it is set aside already.
func (b *body) begin() { b.encoder = b.lender.encoder(b.coding, b) }

// Next returns the next bytes of the coded stream.
func (b *body) Next() ([]byte, error) {
	switch {
	case b.state == closed:
		return nil, errClosed
	case b.state == ended:
		return nil, io.EOF
	case b.whole:
		b.state = ended
		return b.out, nil
	}
	b.inside = true
	if b.state == fresh {
		b.begin()
		b.state = flowing
	}
	exchange.Poison(b.out) // the last view is over
	b.out = b.out[:0]
	err := b.fill()
	b.inside = err == errEncoder
	if b.state == ended {
		b.release()
	}
	return b.out, err
}

// fill moves pieces from the source through the encoder until there is enough to send, or the source would have to be
// waited for. An error of the source goes on as it is: the coded stream has no end then, so no decoder takes it for whole.
func (b *body) fill() error {
	for len(b.out) < outBytes {
		switch {
		case len(b.in) > 0:
			if err := b.encode(); err != nil {
				return err
			}
		case b.state == drained:
			return b.end()
		case b.held && !b.sourceReady():
			b.held = false
			if b.encoder.Flush() != nil {
				return errEncoder
			}
			return nil
		default:
			if err := b.pull(); err != nil || len(b.in) == 0 && b.state == flowing {
				return err
			}
		}
	}
	return nil
}

// encode gives the encoder one piece.
func (b *body) encode() error {
	piece := b.in[:min(len(b.in), pieceBytes)]
	b.in = b.in[len(piece):]
	b.held = true
	if _, err := b.encoder.Write(piece); err != nil {
		return errEncoder
	}
	return nil
}

// pull takes the next view of the source.
func (b *body) pull() error {
	view, err := b.source.Next()
	if err != nil && err != io.EOF {
		return err
	}
	if err == io.EOF {
		b.state = drained
	}
	b.in = view
	b.x.Facts.Encoding.Before += int64(len(view))
	return nil
}

// end finishes the coded stream. Digests that came as trailers are of other bytes.
func (b *body) end() error {
	if b.encoder.Close() != nil {
		return errEncoder
	}
	b.state = ended
	delDigests(&b.x.Resp.Trailers)
	return nil
}

// release lets the encoder go, once.
func (b *body) release() {
	if b.idle {
		return
	}
	b.idle = true
	w := b.encoder
	if b.encoder = nil; b.inside {
		w = nil
	}
	b.lender.rest(b.coding, w)
}

func (b *body) sourceReady() bool { return b.ready != nil && b.ready.Ready() }

// Ready reports whether Next would answer without waiting: what the encoder holds can always be had by a flush, and where
// in is not empty the encoder holds what came before it.
func (b *body) Ready() bool {
	return b.whole || b.state >= drained || b.held || b.sourceReady()
}

// Size is the coded size if all of it is there, -1 otherwise.
func (b *body) Size() int64 {
	if b.whole {
		return int64(len(b.out))
	}
	return -1
}

// Replay starts again what is all there, or has not begun.
func (b *body) Replay() bool {
	switch {
	case b.state == closed:
		return false
	case b.whole:
		b.state = fresh
	}
	return b.state == fresh
}

// Close lets go of the encoder and of the origin's body. If nothing was taken from this one, another answer went out in
// its place, and the log must not say that the edge encoded it.
func (b *body) Close() error {
	if b.state == closed {
		return nil
	}
	untouched := b.state == fresh
	b.state = closed
	b.release()
	source := b.source
	b.source, b.ready, b.in = nil, nil, nil
	if untouched {
		b.lender.forget(b.x)
		b.x.Facts.Encoding.Made, b.x.Facts.Encoding.Before = "", 0
	}
	return source.Close()
}
