package h2

import (
	"io"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// responseBody is the body of a response.
type responseBody struct {
	call *Call
	size int64
	err  error
}

// Size is the announced length, -1 if there is none.
func (b *responseBody) Size() int64 { return b.size }

// Close does nothing: End resets a stream that was not read to its end.
func (b *responseBody) Close() error { return nil }

// Ready reports whether Next would answer without waiting.
func (b *responseBody) Ready() bool { return b.err != nil || b.call.ready() }

// Replay starts again, if what was read is still in memory.
func (b *responseBody) Replay() bool {
	if b.err != nil && b.err != io.EOF || !b.call.replay() {
		return false
	}
	b.err = nil
	return true
}

// Next returns the next bytes.
func (b *responseBody) Next() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	k := b.call
	began := time.Now()
	by := k.bodyBy(began.Add(k.patience))
	first := by
	if k.canWatch() && k.patience > goneAfter {
		first = k.bodyBy(began.Add(goneAfter))
	}
	view, err := k.pull(first)
	if err == transport.ErrTimeout && first.Before(by) {
		k.watchClient()
		view, err = k.pull(by)
	}
	if err != nil {
		b.err = k.bodyError(err, began)
		return nil, b.err
	}
	return view, nil
}

// bodyBy is by, but not later than until and age.
func (k *Call) bodyBy(by time.Time) time.Time {
	if !k.until.IsZero() && k.until.Before(by) {
		by = k.until
	}
	if !k.age.IsZero() && k.age.Before(by) {
		by = k.age
	}
	return by
}

// bodyError says what ended a body, or a wait for it that began then.
func (k *Call) bodyError(err error, began time.Time) error {
	now := time.Now()
	switch {
	case err == io.EOF:
		k.takeTrailers()
		return io.EOF
	case k.abandoned.Load():
		return wire.ErrAbandoned
	case err == transport.ErrInterrupted && k.gone.Load():
		return errClientLeft
	case err == transport.ErrInterrupted && k.pumping:
		if <-k.pumped; k.pumpErr != nil { // it has interrupted us
			return k.pumpErr
		}
		return errInterrupted
	case err == transport.ErrInterrupted:
		return errInterrupted
	case err != transport.ErrTimeout:
		return fault.Wrap(fault.OriginIncomplete, "the origin's response broke off", err)
	case !k.until.IsZero() && !began.Before(k.until):
		return wire.ErrTaker // it was not the origin that was waited for when the time was up
	case !k.until.IsZero() && !now.Before(k.until):
		return wire.ErrWhole
	case !k.age.IsZero() && !now.Before(k.age):
		return wire.ErrAge
	}
	return fault.New(fault.OriginStalled, "the origin sent nothing of its response body for "+k.patience.String()+" (timeouts.idle)")
}

// takeTrailers puts the trailer section into the response.
func (k *Call) takeTrailers() {
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	if h := &k.heads; h.taken < len(h.list) {
		t := &h.list[h.taken]
		k.resp.Trailers = append(k.resp.Trailers[:0], h.fields[t.from:t.to]...)
	}
}
