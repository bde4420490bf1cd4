package compress

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"skerry.dev/skerry/exchange"
)

// encoder is what the three libraries have in common. Reset begins a new stream, whatever came before it; after Flush
// all that was written can be decoded.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// memory is what an encoder of each coding takes while it works.
var memory = [codings]int64{gzipped: gzipBytes, zstandard: zstdBytes, brotlied: brBytes}

// newEncoder makes an encoder. The settings are constants, so none of the errors can be.
func newEncoder(c coding) encoder {
	switch c {
	case brotlied:
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brQuality, LGWin: brWindow})
	case zstandard:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic("BUG: the settings of zstd: " + err.Error())
		}
		return w
	case gzipped:
		w, err := gzip.NewWriterLevel(nil, gzipLevel)
		if err != nil {
			panic("BUG: the settings of gzip: " + err.Error())
		}
		return w
	}
	panic("BUG: identity needs no encoder")
}

// Encoders lends bodies with their encoders to exchanges, and keeps idle ones for the next.
type Encoders struct {
	idle   [codings]sync.Pool // of encoder
	bodies sync.Pool          // of *body

	mu      sync.Mutex
	lent    map[*exchange.Exchange]*body // until the exchange is over
	working int64                        // memory of encoders at work, in bytes
	most    int64
}

// NewEncoders returns encoders of which so many bytes may be at work at one moment; 0: the default.
func NewEncoders(bytes int64) *Encoders {
	e := &Encoders{lent: map[*exchange.Exchange]*body{}}
	e.Bound(bytes)
	return e
}

// Bound sets how many bytes of them may be at work at one moment; 0: the default. Those at work stay so.
func (e *Encoders) Bound(bytes int64) {
	if bytes == 0 {
		bytes = workingBytesMax
	}
	e.mu.Lock()
	e.most = bytes
	e.mu.Unlock()
}

// lend returns a body with an encoder that begins a stream, for takeBack when the exchange is over; nil if too many
// are at work.
func (e *Encoders) lend(x *exchange.Exchange, c coding) *body {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.working+memory[c] > e.most {
		return nil
	}
	e.working += memory[c]
	b, _ := e.bodies.Get().(*body)
	if b == nil {
		b = new(body)
	}
	e.lent[x] = b
	*b = body{lender: e, x: x, coding: c, out: b.out[:0]}
	return b
}

// encoder returns an idle encoder, or a new one.
func (e *Encoders) encoder(c coding, to io.Writer) encoder {
	w, _ := e.idle[c].Get().(encoder)
	if w == nil {
		w = newEncoder(c)
	}
	w.Reset(to)
	return w
}

// rest notes that an encoder is not at work any more, and keeps it unless it is nil.
func (e *Encoders) rest(c coding, w encoder) {
	if w != nil {
		e.idle[c].Put(w)
	}
	e.mu.Lock()
	e.working -= memory[c]
	e.mu.Unlock()
}

// takeBack ends the loan of an exchange, which must not use the body any more.
func (e *Encoders) takeBack(x *exchange.Exchange) {
	b := e.forget(x)
	if b == nil {
		return
	}
	b.release()
	exchange.Poison(b.out[:cap(b.out)])
	if cap(b.out) > outKeptBytes {
		b.out = nil
	}
	*b = body{out: b.out}
	e.bodies.Put(b)
}

// forget ends the loan, but the exchange may still close the body: it is left to the collector.
func (e *Encoders) forget(x *exchange.Exchange) *body {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.lent[x]
	delete(e.lent, x)
	return b
}
