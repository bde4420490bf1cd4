package h2_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// told is a response body that says what it is told to, and ends when the client is gone.
type told struct {
	pieces chan string
	gone   chan struct{}
}

func (b *told) Size() int64  { return -1 }
func (b *told) Close() error { return nil }
func (b *told) Replay() bool { return false }

func (b *told) Next() ([]byte, error) {
	select {
	case s, ok := <-b.pieces:
		if ok {
			return []byte(s), nil
		}
		return nil, io.EOF
	case <-b.gone:
		return nil, fault.New(fault.ClientGone, "gone")
	}
}

// TestPartCalls: a call of gRPC is ended behind a whole message, and its client told to begin another one. One that is within a message
// goes on to its end; what is no call is left alone.
func TestPartCalls(t *testing.T) {
	const message = "\x00\x00\x00\x00\x05hello"
	const end = "HEADERS 1 end grpc-status=14 grpc-message=The edge ended the stream%3A begin another one."
	f := func(name, kind string, act func(p *peer, b *told, part func())) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &told{make(chan string), make(chan struct{})}
				r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
					x.Answer(200)
					x.Resp.Body = b
					x.Sink.Watch(func() { close(b.gone) })
					return exchange.Respond
				})).Run)
				p := r.peer()
				p.head(1, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/", "content-type", kind, "te", "trailers")
				p.hears("HEADERS 1 :status=200*")
				act(p, b, func() {
					synctest.Wait()
					r.server.Part()
					synctest.Wait()
				})
			})
		})
	}
	silent := func(p *peer) {
		t.Helper()
		if got := p.hear(time.Now().Add(time.Second)); got != "silence" {
			t.Errorf("heard %q", got)
		}
	}
	f("before a message", "application/grpc", func(p *peer, b *told, part func()) {
		part()
		p.hears(end, "RST_STREAM 1 NO_ERROR")
	})
	f("between messages", "application/grpc+proto", func(p *peer, b *told, part func()) {
		b.pieces <- message[:7]
		b.pieces <- message[7:] + message
		p.hears("DATA 1 "+message[:7], "DATA 1 "+message[7:]+message)
		part()
		p.hears(end, "RST_STREAM 1 NO_ERROR")
	})
	for _, cut := range []int{3, 5, 9} {
		f("within a message", "application/grpc", func(p *peer, b *told, part func()) {
			b.pieces <- message + message[:cut]
			p.hears("DATA 1 " + message + message[:cut])
			part()
			silent(p)
			b.pieces <- message[cut:]
			p.hears("DATA 1 "+message[cut:], end, "RST_STREAM 1 NO_ERROR")
		})
	}
	f("its last word", "application/grpc", func(p *peer, b *told, part func()) {
		b.pieces <- message[:3]
		p.hears("DATA 1 " + message[:3])
		part()
		close(b.pieces)
		p.hears("DATA 1 end *", "RST_STREAM 1 NO_ERROR")
	})
	f("no call", "application/grpc-web", func(p *peer, b *told, part func()) {
		b.pieces <- message
		p.hears("DATA 1 " + message)
		part()
		silent(p)
		close(b.pieces)
		p.hears("DATA 1 end *", "RST_STREAM 1 NO_ERROR")
	})
}
