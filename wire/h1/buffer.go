package h1

import (
	"io"
	"sync"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
)

// buffer is the read side of a connection. One message lives in it at a time, from 0 on: its head, whose fields are
// views into it, then as much of its body as has been read. The bytes of data[r:w] are not yet consumed. A head is
// never moved or overwritten until the message is over.
type buffer struct {
	conn transport.Conn
	data []byte
	r, w int
}

var (
	buffers      = sync.Pool{New: func() any { return new([bufferBytes]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBufferBytes]byte) }}
)

// open gets memory if there is none.
func (b *buffer) open() {
	if b.data == nil {
		b.data = buffers.Get().(*[bufferBytes]byte)[:]
	}
}

// grow moves what there is into a large buffer; only while a head is incomplete, when no view of it exists.
func (b *buffer) grow() {
	large := largeBuffers.Get().(*[largeBufferBytes]byte)[:]
	copy(large, b.data[:b.w])
	free(b.data)
	b.data = large
}

// recycle begins the next message: what was read of it already moves to the front. The views of the last one die.
func (b *buffer) recycle() {
	if b.data == nil {
		return
	}
	rest := b.data[b.r:b.w]
	if len(b.data) == largeBufferBytes && len(rest) <= bufferBytes {
		small := buffers.Get().(*[bufferBytes]byte)[:]
		copy(small, rest)
		free(b.data)
		b.data = small
	} else {
		copy(b.data, rest)
		exchange.Poison(b.data[len(rest):b.w])
	}
	b.r, b.w = 0, len(rest)
}

// release gives the memory back.
func (b *buffer) release() {
	if b.data != nil {
		exchange.Poison(b.data[:b.w])
		free(b.data)
		b.data, b.r, b.w = nil, 0, 0
	}
}

func free(data []byte) {
	if len(data) == largeBufferBytes {
		largeBuffers.Put((*[largeBufferBytes]byte)(data))
	} else {
		buffers.Put((*[bufferBytes]byte)(data))
	}
}

// fill reads once behind what there is. The caller has seen to it that there is room.
func (b *buffer) fill(by time.Time) error {
	n, err := b.conn.Read(b.data[b.w:], by)
	b.w += n
	return err
}

// Lend and Return make the empty buffer of a connection that waits for a message hold no memory.
func (b *buffer) Lend() []byte {
	b.open()
	return b.data
}

// Return takes the memory back.
func (b *buffer) Return() { b.release() }

// await waits for the first bytes of a message; while it does, the buffer, which must be empty, holds no memory.
func (b *buffer) await(by time.Time) error {
	lent, ok := b.conn.(transport.LentReader)
	if !ok {
		b.open()
		return b.fill(by)
	}
	n, err := lent.ReadLent(b, by)
	b.w += n
	return err
}

// head waits for a complete head and returns it, consumed. Timeouts come back as transport.ErrTimeout and the end of
// the connection as io.EOF, if nothing of the head had come, or as io.ErrUnexpectedEOF.
func (b *buffer) head(by time.Time) ([]byte, error) {
	b.open()
	seen := b.r
	for {
		end, err := headEnd(b.data[b.r:b.w], seen-b.r)
		if err != nil {
			return nil, err
		}
		if end > 0 {
			if end > HeadBytesMax {
				return nil, errHeadLarge
			}
			head := b.data[b.r : b.r+end : b.r+end]
			b.r += end
			return head, nil
		}
		if b.w-b.r >= HeadBytesMax {
			return nil, errHeadLarge
		}
		seen = b.w
		if b.w == len(b.data) {
			b.grow()
		}
		if err := b.fill(by); err != nil {
			if err == io.EOF && b.w > b.r {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}
