package h2_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// told is a response body that says what it is told to, and ends when the client is gone.
type told struct {
	pieces   chan string // "$" at the end of one: that was all, status 0
	gone     chan struct{}
	late     string // comes in the moment in which the client goes
	over     bool
	kind     string // Content-Type
	length   int64
	trailers *exchange.Fields
}

func (b *told) Size() int64  { return b.length }
func (b *told) Close() error { return nil }
func (b *told) Replay() bool { return false }
func (b *told) Ready() bool  { return b.over }

func (b *told) Next() ([]byte, error) {
	if b.over {
		b.trailers.Add(exchange.NameGrpcStatus, []byte("0"))
		return nil, io.EOF
	}
	select {
	case s, ok := <-b.pieces:
		if !ok {
			return nil, io.EOF
		}
		s, b.over = strings.CutSuffix(s, "$")
		return []byte(s), nil
	case <-b.gone:
		if late := b.late; late != "" {
			b.late = ""
			return []byte(late), nil
		}
		return nil, fault.New(fault.ClientGone, "gone")
	}
}

// TestPartCalls: a call of gRPC is ended behind a whole message, and its client told to begin another one. One that is within a message
// goes on to its end; what is no call is left alone.
func TestPartCalls(t *testing.T) {
	const message = "\x00\x00\x00\x00\x05hello"
	const end = "HEADERS 1 end grpc-status=14 grpc-message=The edge ended the stream%3A begin another one."
	f := func(name, kind string, act func(p *peer, b *told, part func()), with ...func(b *told)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &told{pieces: make(chan string), gone: make(chan struct{}), length: -1, kind: kind}
				for _, set := range with {
					set(b)
				}
				r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
					x.Answer(200)
					x.Resp.Fields.Add(exchange.NameContentType, []byte(b.kind))
					x.Resp.Body, b.trailers = b, &x.Resp.Trailers
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
	f("its end behind its last message", "application/grpc", func(p *peer, b *told, part func()) {
		b.pieces <- message[:3]
		p.hears("DATA 1 " + message[:3])
		part()
		b.pieces <- message[3:] + "$"
		p.hears("DATA 1 "+message[3:], "HEADERS 1 end grpc-status=0", "RST_STREAM 1 NO_ERROR")
	})
	for _, late := range []string{message[:3], message[:9]} {
		f("a message begins in the same moment", "application/grpc", func(p *peer, b *told, part func()) {
			b.late = late
			part()
			p.hears(end, "RST_STREAM 1 NO_ERROR")
		})
		f("a message comes in the same moment, another begins", "application/grpc", func(p *peer, b *told, part func()) {
			b.late = message + message + late
			part()
			p.hears("DATA 1 "+message+message, end, "RST_STREAM 1 NO_ERROR")
		})
	}
	f("an answer of an announced length", "application/grpc", func(p *peer, b *told, part func()) {
		part()
		silent(p)
		b.pieces <- message + "$"
		p.hears("DATA 1 "+message, "HEADERS 1 end grpc-status=0", "RST_STREAM 1 NO_ERROR")
	}, func(b *told) { b.length = int64(len(message)) })
	f("an answer that is none to a call", "application/grpc", func(p *peer, b *told, part func()) {
		b.pieces <- message
		p.hears("DATA 1 " + message)
		part()
		silent(p)
		close(b.pieces)
		p.hears("DATA 1 end *", "RST_STREAM 1 NO_ERROR")
	}, func(b *told) { b.kind = "text/plain" })
	f("no call", "application/grpc-web", func(p *peer, b *told, part func()) {
		b.pieces <- message
		p.hears("DATA 1 " + message)
		part()
		silent(p)
		close(b.pieces)
		p.hears("DATA 1 end *", "RST_STREAM 1 NO_ERROR")
	})
}

// TestPartWindow: a call whose client takes nothing more for now ends where it stands between two messages. Within one it goes on to that
// message's end, as the client takes it, and begins none that does not fit the window. Nothing comes twice, nor is missing before what comes.
func TestPartWindow(t *testing.T) {
	const message = "\x00\x00\x00\x00\x05hello"
	const many = message + message + message + message
	const end = "HEADERS 1 end grpc-status=14 grpc-message=The edge ended the stream%3A begin another one."
	f := func(name string, window uint32, pieces []string, more []uint32, want ...string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &told{pieces: make(chan string), gone: make(chan struct{}), length: -1, kind: "application/grpc"}
				r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
					x.Answer(200)
					x.Resp.Fields.Add(exchange.NameContentType, []byte(b.kind))
					x.Resp.Body, b.trailers = b, &x.Resp.Trailers
					stop := x.Sink.Watch(func() { close(b.gone) })
					defer stop()
					return exchange.Respond
				})).Run)
				p := r.peer(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
				p.head(1, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/", "content-type", b.kind, "te", "trailers")
				p.hears("HEADERS 1 :status=200*")
				go func() {
					for _, s := range pieces {
						select {
						case b.pieces <- s:
						case <-b.gone:
						}
					}
				}()
				synctest.Wait()
				r.server.Part()
				synctest.Wait()
				for _, n := range more {
					p.ok(p.WriteWindowUpdate(1, n))
					synctest.Wait()
				}
				p.hears(want...)
			})
		})
	}
	const reset = "RST_STREAM 1 NO_ERROR"
	f("before the first", 0, []string{many}, nil, end, reset)
	f("behind the first", 10, []string{many}, nil, "DATA 1 "+message, end, reset)
	f("behind some pieces", 20, []string{message[:3], message[3:], many}, nil, "DATA 1 "+message[:3], "DATA 1 "+message[3:], "DATA 1 "+message, end, reset)
	for _, at := range []uint32{11, 13, 15, 17, 18} {
		begun, rest := message[:at-10], message[at-10:]
		f("within the second", at, []string{many}, []uint32{1, uint32(len(rest)) - 1 + 9},
			"DATA 1 "+message+begun, "DATA 1 "+rest[:1], "DATA 1 "+rest[1:], end, reset)
		f("within the second, and the third fits", at, []string{many}, []uint32{uint32(len(rest)) + 10},
			"DATA 1 "+message+begun, "DATA 1 "+rest, "DATA 1 "+message, end, reset)
		f("within the second, whose end comes later", at, []string{message + begun, rest + message}, []uint32{uint32(len(rest)) + 9},
			"DATA 1 "+message+begun, "DATA 1 "+rest, end, reset)
	}
}
