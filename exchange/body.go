package exchange

import "io"

// Bytes is a body that is wholly in memory. The zero value is an empty body.
type Bytes struct {
	data []byte
	read bool
}

// NewBytes returns a body of data, which must stay as it is for the life of the exchange.
func NewBytes(data []byte) *Bytes { return &Bytes{data: data} }

// InMemory returns a body of data without allocating one. An exchange has a single body of this kind: whoever answers
// uses it for the response, and a second call takes it over.
func (x *Exchange) InMemory(data []byte) *Bytes {
	x.fixed = Bytes{data: data}
	return &x.fixed
}

// Next returns all of it once, then io.EOF.
func (b *Bytes) Next() ([]byte, error) {
	if b.read || len(b.data) == 0 {
		return nil, io.EOF
	}
	b.read = true
	return b.data, nil
}

// Size is the number of bytes.
func (b *Bytes) Size() int64 { return int64(len(b.data)) }

// Ready reports that Next does not wait.
func (b *Bytes) Ready() bool { return true }

// Whole returns all of it.
func (b *Bytes) Whole() ([]byte, error) { b.read = true; return b.data, nil }

// Replay starts again and is always possible.
func (b *Bytes) Replay() bool { b.read = false; return true }

// Close does nothing.
func (b *Bytes) Close() error { return nil }

// collected is a body that was read into memory, and the one that it was.
type collected struct {
	Bytes
	inner Body
}

// Collected returns the body of data, all that there was to read of inner, in its place. The data must stay as it is for the life
// of the exchange; Close closes inner.
func Collected(data []byte, inner Body) Body { return &collected{Bytes{data: data}, inner} }

// Uncollected returns the body in whose place Collected has put this one, or this one.
func Uncollected(b Body) Body {
	if c, ok := b.(*collected); ok {
		return c.inner
	}
	return b
}

// Close closes the body that was read.
func (b *collected) Close() error { return b.inner.Close() }

// endOf turns the end of a body into success.
func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
