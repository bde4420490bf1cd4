package h2_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
	"skerry.dev/skerry/wire/transport"
)

// link is a client with the origin at the other end of its connection, played by a test.
type link struct {
	*h2.Client
	*peer
	over chan struct{} // closed by Over
}

// newLink is for a bubble.
func newLink(t testing.TB, settings ...http2.Setting) *link {
	t.Helper()
	near, far := bufferedPipe()
	l := &link{over: make(chan struct{})}
	l.Client = h2.NewClient(near, h2.ClientOptions{Over: func() { close(l.over) }})
	l.peer = originPeer(t, far, settings...)
	synctest.Wait() // the settings have come
	return l
}

// end closes the connection from both sides and expects the client to tell.
func (l *link) end() {
	l.conn.Close()
	<-l.over
}

// asking is an exchange that asks for / by GET and records interim responses.
func asking() *exchange.Exchange {
	x := exchange.Acquire()
	x.Sink, x.Now = &exchangetest.Recorder{}, time.Now()
	x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodGet, []byte("GET"), []byte("/")
	return x
}

func plain() *wire.Request {
	return &wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, FirstByte: time.Minute, Now: time.Now()}
}

// outcome is what became of an exchange: the response in one line, or the error's kind behind what there was.
func outcome(x *exchange.Exchange, err error) string {
	var s strings.Builder
	for _, i := range x.Sink.(*exchangetest.Recorder).Interims {
		fmt.Fprintf(&s, "(%s) ", i)
	}
	if err != nil {
		return s.String() + kindOf(err)
	}
	r := &x.Resp
	fmt.Fprintf(&s, "%d", r.Status)
	for _, f := range r.Fields {
		fmt.Fprintf(&s, " %s=%s", f.Name, f.Value)
	}
	if r.Body == nil {
		return s.String()
	}
	text, _, err := readAll(r.Body)
	fmt.Fprintf(&s, " %d %.20q", r.Body.Size(), text)
	if err != nil {
		return s.String() + " " + kindOf(err)
	}
	for _, f := range r.Trailers {
		fmt.Fprintf(&s, " %s=%s", f.Name, f.Value)
	}
	return s.String()
}

func kindOf(err error) string {
	if errors.Is(err, transport.ErrStale) {
		return "stale"
	}
	return fault.Of(err).Name()
}

// talk sends a request and tells what became of it.
func talk(k *h2.Call, x *exchange.Exchange) string {
	_, err := k.Send(x, plain())
	if err == nil {
		err = k.Receive(x)
	}
	return outcome(x, err)
}

// answers is what an origin says to a request on stream 1, and what becomes of it. A row whose name begins with "!" costs the connection.
var answers = []struct {
	name, want string
	say        func(p *peer)
}{
	{"a body", `200 Server=o 5 "hello"`, says(":status=200 server=o content-length=5", "hello")},
	{"a body of unknown length", `200 -1 "hello"`, says(":status=200", "hello")},
	{"no body", "204 x-a=1", heads(1, true, ":status=204 x-a=1")},
	{"an empty body", `200 0 ""`, func(p *peer) { says2(p, ":status=200 content-length=0", ""); synctest.Wait(); p.data(1, true, "") }},
	{"trailers", `200 -1 "hi" Grpc-Status=0`, func(p *peer) {
		heads(1, false, ":status=200")(p)
		p.data(1, false, "hi")
		heads(1, true, "grpc-status=0")(p)
	}},
	{"trailers only", "200 Content-Type=application/grpc Grpc-Status=5", heads(1, true, ":status=200 content-type=application/grpc grpc-status=5")},
	{"interim responses", `(103 Link: </a>) (103 Link: </b>) 200 -1 "hi"`, func(p *peer) {
		heads(1, false, ":status=103 link=</a>")(p)
		heads(1, false, ":status=100")(p)
		heads(1, false, ":status=103 link=</b>")(p)
		says(":status=200", "hi")(p)
	}},
	{"16 interim responses", "204", func(p *peer) { manyInterims(16)(p); heads(1, true, ":status=204")(p) }},
	{"17 interim responses", "origin_protocol", manyInterims(17)},
	{"an interim response that ends the stream", "origin_protocol", heads(1, true, ":status=103")},
	{"padding", `200 3 "abc"`, func(p *peer) {
		p.frame(headers, 4|8, 1, "\x03\x88\x0f\x0d\x013\x00\x00\x00")
		p.frame(data, 8, 1, "\x02a\x00\x00")
		p.frame(data, 1|8, 1, "\x00bc")
	}},
	{"a head in pieces", "204", func(p *peer) {
		p.frame(headers, 1, 1, "\x89")
		p.frame(continuation, 0, 1, "")
		p.frame(continuation, 4, 1, "")
	}},

	{"a body that is too short", `200 5 "" origin_incomplete`, says(":status=200 content-length=5", "abc")},
	{"a body that is too long", `200 2 "" origin_incomplete`, says(":status=200 content-length=2", "abc")},
	{"a length and no body", "origin_protocol", heads(1, true, ":status=200 content-length=5")},
	{"trailers before the length", `200 5 "ab" origin_incomplete`, func(p *peer) { says2(p, ":status=200 content-length=5", "ab"); heads(1, true, "a=b")(p) }},
	{"trailers that go on", `200 -1 "" origin_incomplete`, func(p *peer) { says2(p, ":status=200", ""); heads(1, false, "a=b")(p) }},
	{"trailers with a pseudo field", `200 -1 "" origin_incomplete`, func(p *peer) { says2(p, ":status=200", ""); heads(1, true, ":status=200")(p) }},
	{"trailers with a name of framing", `200 -1 "" origin_incomplete`, func(p *peer) { says2(p, ":status=200", ""); heads(1, true, "content-length=0")(p) }},

	{"no status", "origin_protocol", heads(1, true, "server=o")},
	{"a status of two digits", "origin_protocol", heads(1, true, ":status=20")},
	{"a status of letters", "origin_protocol", heads(1, true, ":status=2x0")},
	{"status 099", "origin_protocol", heads(1, true, ":status=099")},
	{"status 600", "origin_protocol", heads(1, true, ":status=600")},
	{"status 101", "origin_protocol", heads(1, false, ":status=101")},
	{"two statuses", "origin_protocol", heads(1, true, ":status=200 :status=200")},
	{"a pseudo field of requests", "origin_protocol", heads(1, true, ":status=200 :path=/")},
	{"a pseudo field behind a field", "origin_protocol", heads(1, true, "a=b :status=200")},
	{"a name in capitals", "origin_protocol", heads(1, true, ":status=200 Server=o")},
	{"a line end in a value", "origin_protocol", heads(1, true, ":status=200 a=b\r\nc:\x00d")},
	{"a name with a colon", "origin_protocol", heads(1, true, ":status=200 a:b=c")},
	{"Connection", "origin_protocol", heads(1, true, ":status=200 connection=close")},
	{"Transfer-Encoding", "origin_protocol", heads(1, true, ":status=200 transfer-encoding=chunked")},
	{"Upgrade", "origin_protocol", heads(1, true, ":status=200 upgrade=h2c")},
	{"two lengths", "origin_protocol", heads(1, true, ":status=200 content-length=1 content-length=1")},
	{"a length with a sign", "origin_protocol", heads(1, true, ":status=200 content-length=+1")},
	{"101 fields", "origin_head_too_large", heads(1, true, ":status=200"+strings.Repeat(" a=b", 101))},
	{"33 KB", "origin_head_too_large", heads(1, true, ":status=200"+strings.Repeat(" a="+strings.Repeat("b", 1100), 31))},

	{"CANCEL", "origin_cancelled", resets(http2.ErrCodeCancel)},
	{"INTERNAL_ERROR", "origin_closed", resets(http2.ErrCodeInternal)},
	{"REFUSED_STREAM", "stale", resets(http2.ErrCodeRefusedStream)},
	{"REFUSED_STREAM behind an interim response", "(103) origin_closed", func(p *peer) {
		heads(1, false, ":status=103")(p)
		synctest.Wait()
		resets(http2.ErrCodeRefusedStream)(p)
	}},
	{"a reset within the body", `200 -1 "ab" origin_incomplete`, func(p *peer) { says2(p, ":status=200", "ab"); synctest.Wait(); resets(http2.ErrCodeCancel)(p) }},
	{"NO_ERROR behind an answer", `200 2 "hi"`, func(p *peer) { says(":status=200 content-length=2", "hi")(p); resets(http2.ErrCodeNo)(p) }},
	{"DATA first", "origin_protocol", func(p *peer) { p.data(1, false, "ab") }},

	{"!GOAWAY before it was taken", "stale", goes(0)},
	{"!GOAWAY, and an answer", `200 2 "hi"`, func(p *peer) { goes(1)(p); says(":status=200 content-length=2", "hi")(p) }},
	{"!two GOAWAYs, and an answer", "204", func(p *peer) { goes(1<<31 - 1)(p); goes(1)(p); heads(1, true, ":status=204")(p) }},
	{"!GOAWAY within the body", `200 -1 "abcd"`, func(p *peer) { says2(p, ":status=200", "ab"); goes(1)(p); p.data(1, true, "cd") }},
	{"!the end before the head", "origin_closed", func(p *peer) { p.conn.Close() }},
	{"!the end within the head", "origin_closed", func(p *peer) { p.frame(headers, 1, 1, "\x88"); p.conn.Close() }},
	{"!the end within the body", `200 -1 "ab" origin_incomplete`, func(p *peer) { says2(p, ":status=200", "ab"); p.conn.Close() }},
	{"!the end within a frame", `200 -1 "ab" origin_incomplete`, func(p *peer) {
		says2(p, ":status=200", "")
		p.raw("\x00\x00\x05\x00\x00\x00\x00\x00\x01ab")
		p.conn.Close()
	}},
	{"!PUSH_PROMISE", "origin_closed", one(push, 4, 1, "\x00\x00\x00\x02\x82\x86\x84")},
	{"!HEADERS on a stream that nobody opened", "origin_closed", heads(3, true, ":status=200")},
	{"!HEADERS on a stream of its own", "origin_closed", heads(2, true, ":status=200")},
	{"!a frame that is too long", "origin_closed", one(data, 0, 1, strings.Repeat("a", 16385))},
	{"!a block that is no HPACK", "origin_closed", one(headers, 5, 1, "\x80")},
}

// says is a head of "name=value" words and a whole body.
func says(head, body string) func(p *peer) {
	return func(p *peer) { heads(1, false, head)(p); p.data(1, true, body) }
}

// says2 is a head and the beginning of a body.
func says2(p *peer, head, body string) {
	heads(1, false, head)(p)
	if body != "" {
		p.data(1, false, body)
	}
}

func heads(id uint32, end bool, head string) func(p *peer) {
	var fields []string
	for word := range strings.SplitSeq(head, " ") {
		name, value, _ := strings.Cut(word, "=")
		fields = append(fields, name, value)
	}
	return func(p *peer) {
		block := p.block(fields...)
		first := block[:min(len(block), 16<<10)]
		p.ok(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(first) == len(block)}))
		for block = block[len(first):]; len(block) > 0; block = block[len(first):] {
			first = block[:min(len(block), 16<<10)]
			p.ok(p.WriteContinuation(id, len(first) == len(block), first))
		}
	}
}

func manyInterims(n int) func(p *peer) {
	return func(p *peer) {
		for range n {
			heads(1, false, ":status=100")(p)
		}
	}
}

func resets(code http2.ErrCode) func(p *peer) {
	return func(p *peer) { p.ok(p.WriteRSTStream(1, code)) }
}

func goes(last uint32) func(p *peer) {
	return func(p *peer) { p.ok(p.WriteGoAway(last, http2.ErrCodeNo, nil)) }
}

// TestAnswers: every row of answers, and the exchange after it on the same connection, or why there is none.
func TestAnswers(t *testing.T) {
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(t)
				k, x := l.Begin(), asking()
				got := make(chan string, 1)
				go func() { got <- talk(k, x) }()
				l.preface().hears("HEADERS 1 end :method=GET :scheme=http :authority=a :path=/")
				a.say(l.peer)
				if s := <-got; s != a.want {
					t.Errorf("got %s\nwant %s", s, a.want)
				}
				gone := strings.HasPrefix(a.name, "!")
				if k.End(x) == gone {
					t.Errorf("the connection may be used again: %v", !gone)
				}
				x.Release()
				if gone {
					if l.Begin() != nil || l.Room() != 0 || !l.Leaving() {
						t.Error("another exchange may begin")
					}
					<-l.over
					l.conn.Close()
					return
				}
				l.again(3)
				l.end()
			})
		})
	}
}

// again sends another request, which is answered.
func (l *link) again(id uint32) {
	l.t.Helper()
	k, x := l.Begin(), asking()
	got := make(chan string, 1)
	go func() { got <- talk(k, x) }()
	for by := l.patience(); ; {
		line := l.hear(by)
		if strings.HasPrefix(line, fmt.Sprintf("HEADERS %d ", id)) {
			break
		}
		if line == "silence" || line == "closed" {
			l.t.Errorf("%s instead of the next request", line)
			l.conn.Close()
			break
		}
	}
	heads(id, true, ":status=204")(l.peer)
	if s := <-got; s != "204" {
		l.t.Errorf("the next exchange: %s", s)
	}
	if !k.End(x) {
		l.t.Error("the connection may not be used again")
	}
	x.Release()
}

// TestNoBody: DATA where none may be is a violation, and the next exchange does not see it.
func TestNoBody(t *testing.T) {
	f := func(name, method, head, want string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(t)
				k, x := l.Begin(), asking()
				x.Req.MethodName, x.Req.Method = []byte(method), exchange.MethodOf([]byte(method))
				got := make(chan string, 1)
				go func() { got <- talk(k, x) }()
				l.preface().hears("HEADERS 1 end*")
				heads(1, false, head)(l.peer)
				synctest.Wait()
				l.data(1, true, "evil")
				if s := <-got; s != want {
					t.Errorf("got %s, want %s", s, want)
				}
				l.hears("RST_STREAM 1 PROTOCOL_ERROR")
				k.End(x)
				x.Release()
				l.again(3)
				l.end()
			})
		})
	}
	f("HEAD", "HEAD", ":status=200 content-length=4", "200")
	f("204", "GET", ":status=204", "204")
	f("304", "GET", ":status=304 content-length=4", "304")
}

// TestPlaces: as many exchanges begin as the origin allows, no more than we keep, and places come back.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2})
		one, two := l.Begin(), l.Begin()
		if one == nil || two == nil || l.Begin() != nil || l.Room() != 0 || l.Leaving() {
			t.Fatal("not two begin")
		}
		if _, ok := l.Quiet(); ok {
			t.Error("it is quiet")
		}
		x := asking()
		defer x.Release()
		if !one.End(x) || l.Room() != 1 {
			t.Error("the place of a call that sent nothing did not come back")
		}
		l.ok(l.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1 << 31}))
		synctest.Wait()
		if l.Room() != 99 {
			t.Errorf("room is %d, want 99", l.Room())
		}
		l.ok(l.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0}))
		synctest.Wait()
		if l.Room() != 0 || l.Leaving() {
			t.Error("there is room, or it leaves")
		}
		time.Sleep(time.Hour)
		two.End(x)
		if since, ok := l.Quiet(); !ok || time.Since(since) != 0 {
			t.Errorf("quiet %v since %v", ok, since)
		}
		l.Retire()
		<-l.over
		l.deaf = true
		l.preface()
		for by := l.patience(); l.hear(by) != "closed"; {
			continue
		}
	})
}

// TestRetire: after Retire nothing begins, what is open goes on, and the connection closes behind it.
func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		k, x := l.Begin(), asking()
		defer x.Release()
		got := make(chan string, 1)
		go func() { got <- talk(k, x) }()
		l.preface().hears("HEADERS 1 end*")
		l.Retire()
		if l.Begin() != nil || !l.Leaving() {
			t.Error("another exchange begins")
		}
		says(":status=200", "hi")(l.peer)
		if s := <-got; s != `200 -1 "hi"` {
			t.Errorf("got %s", s)
		}
		if k.End(x) {
			t.Error("the connection may be used again")
		}
		<-l.over
		l.conn.Close()
	})
}

// TestSilence: a connection with an exchange that hears nothing asks by PING, and is given up if nothing answers.
func TestSilence(t *testing.T) {
	f := func(name string, deaf bool, want time.Duration, ends string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(t)
				time.Sleep(time.Hour) // nobody asks: nothing to ask about
				start := time.Now()
				k, x := l.Begin(), asking()
				defer x.Release()
				got := make(chan string, 1)
				go func() { got <- talk(k, x) }()
				l.preface()
				l.deaf = deaf
				go func() {
					for by := time.Now().Add(time.Hour); ; {
						if line := l.hear(by); line == "closed" || line == "silence" {
							return
						}
					}
				}()
				if s := <-got; s != ends {
					t.Errorf("got %s, want %s", s, ends)
				}
				if took := time.Since(start); took != want {
					t.Errorf("it took %v, want %v", took, want)
				}
				k.End(x)
				l.end()
			})
		})
	}
	f("an origin that is gone", true, 45*time.Second, "origin_closed")
	f("an origin that is slow", false, time.Minute, "origin_timeout") // plain's FirstByte
}

// TestStarved: a body waits for the origin's window, and gets on when it opens; other exchanges are not held up.
func TestStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
		k, x := l.Begin(), asking()
		defer x.Release()
		x.Req.Method, x.Req.MethodName = exchange.MethodPost, []byte("POST")
		x.Req.Body = unsized{exchange.NewBytes([]byte("0123456789abcdef"))}
		got := make(chan string, 1)
		go func() { got <- talk(k, x) }()
		l.preface().hears("HEADERS 1 :method=POST*", "DATA 1 0123456789")
		l.again(3)
		l.ok(l.WriteWindowUpdate(1, 3))
		l.hears("DATA 1 abc")
		l.ok(l.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 13}))
		if body, _, _ := l.collects(1); body != "def" { // the end stands on it, or on a frame of its own
			t.Errorf("the rest is %q", body)
		}
		heads(1, true, ":status=204")(l.peer)
		if s := <-got; s != "204" {
			t.Errorf("got %s", s)
		}
		k.End(x)
		l.end()
	})
}
