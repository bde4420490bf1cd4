package h2_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
)

// inBubble runs f with a server in a bubble, where every goroutine can be waited for.
func inBubble(t *testing.T, name string, stage exchange.Stage, f func(t *testing.T, r *rig)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, exchange.NewPath(render, gate{}, stage).Run)
			f(t, r)
			r.stop()
		})
	})
}

// violation is frames that break a rule, or seem to. When they come stream 1 is open for a body and its exchange waits, stream 3 is
// over, and stream 5 has ended on the client's side and waits.
type violation struct {
	name string
	want string // what is heard; empty: nothing
	send func(p *peer)
}

const (
	data, headers, priority, reset, settings, push = http2.FrameData, http2.FrameHeaders, http2.FramePriority, http2.FrameRSTStream, http2.FrameSettings, http2.FramePushPromise
	ping, goAway, update, continuation, reorder    = http2.FramePing, http2.FrameGoAway, http2.FrameWindowUpdate, http2.FrameContinuation, http2.FrameType(0x10)
	four, five, eight, static                      = "\x00\x00\x00\x01", "\x00\x00\x00\x03\x00", "12345678", "\x82\x86\x84\x01\x01a" // GET http / a
)

// one is a frame of any kind.
func one(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(p *peer) {
	return func(p *peer) { p.frame(kind, flags, id, payload) }
}

// connectionErrors end the connection (RFC 9113 section 5.4.1).
var connectionErrors = []violation{
	{"DATA on stream 0", "PROTOCOL_ERROR", one(data, 0, 0, "a")},
	{"DATA on an idle stream", "PROTOCOL_ERROR", one(data, 0, 7, "a")},
	{"DATA on a stream of a server's", "PROTOCOL_ERROR", one(data, 0, 2, "a")},
	{"DATA that is padding, and more", "PROTOCOL_ERROR", one(data, 8, 1, "\x05abcd")},
	{"DATA without the length of its padding", "PROTOCOL_ERROR", one(data, 8, 1, "")},
	{"DATA beyond what a frame may hold", "FRAME_SIZE_ERROR", one(data, 0, 1, strings.Repeat("a", 16385))},
	{"HEADERS on stream 0", "PROTOCOL_ERROR", one(headers, 5, 0, static)},
	{"HEADERS with an even number", "PROTOCOL_ERROR", one(headers, 5, 8, static)},
	{"HEADERS with a number that was passed over", "PROTOCOL_ERROR", func(p *peer) { p.ask(11, true, "/wait"); p.ask(9, true, "/") }},
	{"HEADERS that are padding, and more", "PROTOCOL_ERROR", one(headers, 5|8, 7, "\x07"+static)},
	{"HEADERS without their priority", "FRAME_SIZE_ERROR", one(headers, 5|0x20, 7, "\x00\x00\x00")},
	{"HEADERS that depend on themselves", "PROTOCOL_ERROR", one(headers, 5|0x20, 7, "\x00\x00\x00\x07\x00"+static)},
	{"a block that is no HPACK", "COMPRESSION_ERROR", one(headers, 5, 7, "\x80")},
	{"a block that names what the table does not have", "COMPRESSION_ERROR", one(headers, 5, 7, "\xfe")},
	{"a block that ends within a field", "COMPRESSION_ERROR", one(headers, 5, 7, "\x82\x00\x05ab")},
	{"a table larger than allowed", "COMPRESSION_ERROR", one(headers, 5, 7, "\x3f\xe2\x1f"+static)},
	{"a block broken by PING", "PROTOCOL_ERROR", func(p *peer) { p.frame(headers, 1, 7, "\x82"); p.frame(ping, 0, 0, eight) }},
	{"a block broken by an unknown frame", "PROTOCOL_ERROR", func(p *peer) { p.frame(headers, 1, 7, "\x82"); p.frame(0xbe, 0, 0, "") }},
	{"a block that goes on elsewhere", "PROTOCOL_ERROR", func(p *peer) { p.frame(headers, 1, 7, "\x82"); p.frame(continuation, 4, 9, "\x86") }},
	{"CONTINUATION of nothing", "PROTOCOL_ERROR", one(continuation, 4, 1, "\x82")},
	{"PRIORITY on stream 0", "PROTOCOL_ERROR", one(priority, 0, 0, five)},
	{"RST_STREAM on stream 0", "PROTOCOL_ERROR", one(reset, 0, 0, four)},
	{"RST_STREAM on an idle stream", "PROTOCOL_ERROR", one(reset, 0, 7, four)},
	{"RST_STREAM of 3 bytes", "FRAME_SIZE_ERROR", one(reset, 0, 1, "\x00\x00\x00")},
	{"SETTINGS on a stream", "PROTOCOL_ERROR", one(settings, 0, 1, "")},
	{"SETTINGS of 5 bytes", "FRAME_SIZE_ERROR", one(settings, 0, 0, "\x00\x04\x00\x00\x00")},
	{"SETTINGS acknowledged with something", "FRAME_SIZE_ERROR", one(settings, 1, 0, "\x00\x04\x00\x00\x00\x01")},
	{"ENABLE_PUSH of 2", "PROTOCOL_ERROR", one(settings, 0, 0, "\x00\x02\x00\x00\x00\x02")},
	{"INITIAL_WINDOW_SIZE of 2^31", "FLOW_CONTROL_ERROR", one(settings, 0, 0, "\x00\x04\x80\x00\x00\x00")},
	{"MAX_FRAME_SIZE of 16,383", "PROTOCOL_ERROR", one(settings, 0, 0, "\x00\x05\x00\x00\x3f\xff")},
	{"MAX_FRAME_SIZE of 2^24", "PROTOCOL_ERROR", one(settings, 0, 0, "\x00\x05\x01\x00\x00\x00")},
	{"ENABLE_CONNECT_PROTOCOL of 2", "PROTOCOL_ERROR", one(settings, 0, 0, "\x00\x08\x00\x00\x00\x02")},
	{"INITIAL_WINDOW_SIZE that takes a window too far", "FLOW_CONTROL_ERROR", func(p *peer) {
		p.frame(update, 0, 1, "\x7f\xff\x00\x00")
		p.frame(settings, 0, 0, "\x00\x04\x00\x02\x00\x00")
	}},
	{"PUSH_PROMISE", "PROTOCOL_ERROR", one(push, 4, 1, four+"\x82")},
	{"PING on a stream", "PROTOCOL_ERROR", one(ping, 0, 1, eight)},
	{"PING of 7 bytes", "FRAME_SIZE_ERROR", one(ping, 0, 0, "1234567")},
	{"GOAWAY on a stream", "PROTOCOL_ERROR", one(goAway, 0, 1, eight)},
	{"GOAWAY of 7 bytes", "FRAME_SIZE_ERROR", one(goAway, 0, 0, "1234567")},
	{"WINDOW_UPDATE of 3 bytes", "FRAME_SIZE_ERROR", one(update, 0, 0, "\x00\x00\x01")},
	{"WINDOW_UPDATE by nothing", "PROTOCOL_ERROR", one(update, 0, 0, "\x00\x00\x00\x00")},
	{"WINDOW_UPDATE too far", "FLOW_CONTROL_ERROR", one(update, 0, 0, "\x7f\xff\xff\xff")},
	{"WINDOW_UPDATE on an idle stream", "PROTOCOL_ERROR", one(update, 0, 7, four)},
	{"PRIORITY_UPDATE on a stream", "PROTOCOL_ERROR", one(reorder, 0, 1, four+"u=1")},
	{"PRIORITY_UPDATE of 3 bytes", "PROTOCOL_ERROR", one(reorder, 0, 0, "\x00\x00\x01")},
	{"PRIORITY_UPDATE for stream 0", "PROTOCOL_ERROR", one(reorder, 0, 0, "\x00\x00\x00\x00u=1")},
}

// streamErrors reset a stream (RFC 9113 section 5.4.2); the connection goes on.
var streamErrors = []violation{
	{"WINDOW_UPDATE by nothing", "RST_STREAM 1 PROTOCOL_ERROR", one(update, 0, 1, "\x00\x00\x00\x00")},
	{"WINDOW_UPDATE too far", "RST_STREAM 1 FLOW_CONTROL_ERROR", one(update, 0, 1, "\x7f\xff\xff\xff")},
	{"PRIORITY of 4 bytes", "RST_STREAM 1 FRAME_SIZE_ERROR", one(priority, 0, 1, four)},
	{"PRIORITY that depends on itself", "RST_STREAM 1 PROTOCOL_ERROR", one(priority, 0, 1, "\x00\x00\x00\x01\x00")},
	{"DATA beyond the window", "RST_STREAM 1 FLOW_CONTROL_ERROR", func(p *peer) {
		for range 4 {
			p.frame(data, 0, 1, strings.Repeat("a", 16384))
		}
	}},
	{"DATA behind the end", "RST_STREAM 5 STREAM_CLOSED", one(data, 0, 5, "a")},
	{"HEADERS behind the end", "RST_STREAM 5 STREAM_CLOSED", one(headers, 5, 5, static)},
	{"DATA on a stream that is over", "RST_STREAM 3 STREAM_CLOSED", one(data, 0, 3, "a")},
	{"trailers that do not end the stream", "RST_STREAM 1 PROTOCOL_ERROR", one(headers, 4, 1, "\x00\x01a\x01b")},
	{"DATA behind a reset of its own", "RST_STREAM 1 STREAM_CLOSED", func(p *peer) { p.frame(reset, 0, 1, four); p.frame(data, 0, 1, "a") }},
}

// noErrors are taken, or passed over.
var noErrors = []violation{
	{"an unknown frame", "", one(0xbe, 0xff, 1, "whatever")},
	{"an unknown setting", "", one(settings, 0, 0, "\xfa\xfa\x00\x00\x00\x01")},
	{"a preference for more of the table", "", one(settings, 0, 0, "\x00\x01\x00\x01\x00\x00")},
	{"PRIORITY on an idle stream", "", one(priority, 0, 99, five)},
	{"PRIORITY on a stream that is over", "", one(priority, 0, 3, "\x00\x00\x00\x01\x00")},
	{"PRIORITY_UPDATE for an idle stream", "", one(reorder, 0, 0, "\x00\x00\x00\x63u=1")},
	{"RST_STREAM on a stream that is over", "", one(reset, 0, 3, four)},
	{"WINDOW_UPDATE on a stream that is over", "", one(update, 0, 3, four)},
	{"an answer to a PING that nobody sent", "", one(ping, 1, 0, eight)},
	{"a PING", `PING ack "12345678"`, one(ping, 0, 0, eight)},
	{"the reserved bit", `PING ack "12345678"`, one(ping, 0, 1<<31, eight)},
	{"DATA that is all padding", "", one(data, 8, 1, "\x05\x00\x00\x00\x00\x00")},
	{"GOAWAY", "", one(goAway, 0, 0, eight+"bye")},
	{"undefined flags", `PING ack "12345678"`, one(ping, 0xfe, 0, eight)},
	{"HEADERS in seven frames", "HEADERS 7 end*", func(p *peer) {
		p.frame(headers, 1, 7, "")
		for i := range len(static) {
			p.frame(continuation, 0, 7, static[i:i+1])
		}
		p.frame(continuation, 4, 7, "")
	}},
	{"HEADERS with padding and priority", "HEADERS 7 end*", one(headers, 5|8|0x20, 7, "\x02\x80\x00\x00\x05\xff"+static+"\x00\x00")},
}

// TestViolations: each breach of RFC 9113 gets the error of its section, and what is none passes.
func TestViolations(t *testing.T) {
	f := func(v violation, ends bool) {
		over := make(chan struct{}, 10)
		var most atomic.Int64
		inBubble(t, v.name, patient(over, &most), func(t *testing.T, r *rig) {
			p := r.peer()
			p.ask(1, false, "/wait")
			p.ask(3, true, "/")
			p.hears("HEADERS 3 end*")
			p.ask(5, true, "/wait")
			synctest.Wait()
			v.send(p)
			switch {
			case ends:
				p.hears("GOAWAY *"+v.want, "closed")
				return
			case v.want != "":
				p.hears(v.want)
			}
			p.ask(13, true, "/")
			p.hears("HEADERS 13 end*")
		})
	}
	for _, v := range connectionErrors {
		f(v, true)
	}
	for _, v := range streamErrors {
		f(v, false)
	}
	for _, v := range noErrors {
		f(v, false)
	}
}

// TestPreface: what is no preface, or is not followed by SETTINGS, ends the connection.
func TestPreface(t *testing.T) {
	f := func(name, sent, want string) {
		inBubble(t, name, answer(echo), func(t *testing.T, r *rig) {
			near, far := bufferedPipe()
			r.serving.Go(func() { r.server.Serve(far, nil) })
			p := newPeer(t, near)
			p.deaf = true
			p.raw(sent)
			p.hears("GOAWAY 0 "+want, "closed")
		})
	}
	f("HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROTOCOL_ERROR")
	f("nearly", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", "PROTOCOL_ERROR")
	f("a PING first", http2.ClientPreface+"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678", "PROTOCOL_ERROR")
	f("an acknowledgement first", http2.ClientPreface+"\x00\x00\x00\x04\x01\x00\x00\x00\x00", "PROTOCOL_ERROR")
	f("DATA first", http2.ClientPreface+"\x00\x00\x01\x00\x00\x00\x00\x00\x01a", "PROTOCOL_ERROR")
	f("nothing", "", "NO_ERROR")
	f("half of it", "PRI * HTTP/2.0\r\n", "NO_ERROR")
}

// TestLast: END_STREAM stands on the last frame where that is known before it leaves, otherwise on one of its own.
func TestLast(t *testing.T) {
	f := func(name string, stage answer, want ...string) {
		inBubble(t, name, stage, func(t *testing.T, r *rig) {
			p := r.peer()
			p.hears("SETTINGS", "SETTINGS ack")
			synctest.Wait() // nothing else leaves that could take half of an answer along
			p.head(1, true, ":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/", "te", "trailers")
			p.hears(want...)
		})
	}
	f("no body", func(x *exchange.Exchange) exchange.Verdict { x.Answer(200); return exchange.Respond }, "HEADERS 1 end*")
	f("a small body", answer(exchangetest.Say(200, "hi")), "HEADERS 1 :*", "DATA 1 end hi")
	f("a body whose end is not known", respond(func(*exchange.Exchange) exchange.Body {
		from := make(chan string, 2)
		from <- "one"
		from <- "two"
		close(from)
		return &pieces{from: from, size: -1}
	}), "HEADERS 1 :*", "DATA 1 one", "DATA 1*")
	f("trailers", func(x *exchange.Exchange) exchange.Verdict {
		exchangetest.Say(200, "hi")(x)
		x.Resp.Trailers.AddNamed([]byte("Grpc-Status"), []byte("0"))
		return exchange.Respond
	}, "HEADERS 1 :*", "DATA 1 hi", "HEADERS 1 end grpc-status=0")
	f("a head of 30 KB", func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		for i := range 30 {
			x.Resp.Fields.AddNamed(fmt.Appendf(nil, "X-%d", i), []byte(strings.Repeat(string(rune('a'+i%26)), 1000)))
		}
		return exchange.Respond
	}, "HEADERS 1 end :status=200 x-0="+strings.Repeat("a", 1000)+" x-1="+strings.Repeat("b", 1000)+"*")
}

// TestFrames: a large body comes in frames that every client must take.
func TestFrames(t *testing.T) {
	inBubble(t, "64,000 bytes", answer(sized), func(t *testing.T, r *rig) {
		p := r.peer()
		p.ask(1, true, "/64000")
		body, frames, last := p.collects(1)
		if len(body) != 64000 || !strings.HasPrefix(last, "DATA 1 end ") || frames > 10 {
			t.Errorf("%d bytes came in %d frames, the last %.20q", len(body), frames, last)
		}
	})
}
