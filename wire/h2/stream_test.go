package h2_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/exchange/exchangetest"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/wiretest"
)

// pieces is a body whose pieces come when a test sends them; the end is closing the channel.
type pieces struct {
	from chan string
	size int64
	err  error // at the end; nil: io.EOF
}

func (p *pieces) Next() ([]byte, error) {
	piece, ok := <-p.from
	if !ok && p.err != nil {
		return nil, p.err
	}
	if !ok {
		return nil, io.EOF
	}
	return []byte(piece), nil
}
func (p *pieces) Size() int64  { return p.size }
func (p *pieces) Replay() bool { return false }
func (p *pieces) Close() error { return nil }

// respond is a last stage that answers 200 with a body.
func respond(body func(x *exchange.Exchange) exchange.Body) answer {
	return func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Body = body(x)
		return exchange.Respond
	}
}

// TestHeads is what becomes of a response's head.
func TestHeads(t *testing.T) {
	f := func(name, method, want string, edit func(x *exchange.Exchange)) {
		t.Run(name, func(t *testing.T) {
			r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
				x.Answer(200)
				x.Resp.Fields.Add(exchange.NameDate, []byte("now"))
				edit(x)
				return exchange.Respond
			}))
			c := r.client()
			a := c.Await(c.Ask(true, ask(":method", method)...))
			if got := a.Status + " " + strings.ReplaceAll(a.Header, "\n", "|") + a.Body; got != want || !a.Ended || a.Reset != nil {
				t.Errorf("got %q, want %q (%v)", got, want, a)
			}
		})
	}
	body := func(x *exchange.Exchange, text string) { x.Resp.Body = exchange.NewBytes([]byte(text)) }
	f("no body", "GET", "200 date: now|", func(x *exchange.Exchange) {})
	f("a body", "GET", "200 date: now|content-length: 2|hi", func(x *exchange.Exchange) { body(x, "hi") })
	f("an empty body", "GET", "200 date: now|content-length: 0|", func(x *exchange.Exchange) { body(x, "") })
	f("no guess at a type", "GET", "200 date: now|content-length: 6|<html>", func(x *exchange.Exchange) { body(x, "<html>") })
	f("HEAD with a length", "HEAD", "200 date: now|content-length: 7|", func(x *exchange.Exchange) { x.Resp.Length = 7 })
	f("HEAD without one", "HEAD", "200 date: now|", func(x *exchange.Exchange) {})
	f("HEAD with a body", "HEAD", "200 date: now|content-length: 2|", func(x *exchange.Exchange) { body(x, "hi") })
	f("204", "GET", "204 date: now|", func(x *exchange.Exchange) { x.Resp.Status = 204; x.Resp.Length = 3 })
	f("304", "GET", "304 date: now|content-length: 9|", func(x *exchange.Exchange) { x.Resp.Status = 304; x.Resp.Length = 9 })
	f("two cookies stay two", "GET", "200 date: now|set-cookie: b|set-cookie: a|", func(x *exchange.Exchange) {
		x.Resp.Fields.Add(exchange.NameSetCookie, []byte("b"))
		x.Resp.Fields.Add(exchange.NameSetCookie, []byte("a"))
	})
	f("fields of a connection go", "GET", "200 date: now|x-y: 1|", func(x *exchange.Exchange) {
		for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Content-Length", "Trailer", "TE"} {
			x.Resp.Fields.AddNamed([]byte(name), []byte("close"))
		}
		x.Resp.Fields.AddNamed([]byte("X-Y"), []byte("1"))
	})
}

// TestInterim: 103 goes ahead with its own fields, 100 does not.
func TestInterim(t *testing.T) {
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		var hints exchange.Fields
		hints.Add(exchange.NameLink, []byte("</a.css>"))
		if err := errors.Join(x.Sink.Interim(x, 100, nil), x.Sink.Interim(x, 103, hints)); err != nil {
			t.Error(err)
		}
		return exchangetest.Say(200, "hi")(x)
	}))
	c := r.client()
	a := c.Await(c.Get())
	if len(a.Interim) != 1 || a.Interim[0] != "103 link: </a.css>" || a.Status != "200" || a.Field("link") != "" {
		t.Errorf("got %v, %q", a, a.Header)
	}
}

// TestBroken: an answer that breaks off, or does not keep to its length, ends in a reset, and the connection goes on.
func TestBroken(t *testing.T) {
	f := func(name string, size int64, err error, want string, sent ...string) {
		t.Run(name, func(t *testing.T) {
			r := serve(t, respond(func(*exchange.Exchange) exchange.Body {
				from := make(chan string, len(sent))
				for _, s := range sent {
					from <- s
				}
				close(from)
				return &pieces{from: from, size: size, err: err}
			}))
			c := r.client()
			a := c.Await(c.Get())
			if a.Reset == nil || *a.Reset != http2.ErrCodeInternal || a.Ended || a.Body != want {
				t.Errorf("got %v, want %q and a reset", a, want)
			}
			if next := c.Await(c.Ask(true, ask(":method", "HEAD")...)); next.Status != "200" || !next.Ended {
				t.Errorf("after it: %v, %v", next, c.Closed)
			}
		})
	}
	f("too short", 5, nil, "abc", "abc")
	f("too long", 2, nil, "a", "a", "bc")
	f("breaks off", -1, fault.New(fault.OriginIncomplete, "a test"), "abc", "abc")
	f("breaks off before the first byte", 5, fault.New(fault.OriginIncomplete, "a test"), "")
}

// TestAbort: a stage that says Abort resets the stream without a head.
func TestAbort(t *testing.T) {
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict { return exchange.Abort }))
	c := r.client()
	if a := c.Await(c.Get()); a.Reset == nil || a.Status != "" {
		t.Errorf("got %v, want only a reset", a)
	}
}

// TestPanic: a panic outside the path ends its stream and is told; other streams of the connection go on.
func TestPanic(t *testing.T) {
	r := serveHandler(t, func(x *exchange.Exchange) bool {
		if string(x.Req.Path) == "/boom" {
			panic("the log blew up")
		}
		return exchange.NewPath(render, answer(exchangetest.Say(200, "hi"))).Run(x)
	})
	c := r.client()
	boom, other := c.Ask(true, ask(":path", "/boom")...), c.Get()
	if a := c.Await(boom); a.Reset == nil {
		t.Errorf("got %v, want a reset", a)
	}
	if a := c.Await(other); a.Status != "200" || a.Body != "hi" {
		t.Errorf("the other stream: %v, %v", a, c.Closed)
	}
	if what := <-r.panicked; !strings.HasPrefix(what, "the log blew up\n") || !strings.Contains(what, "stream_test.go") {
		t.Errorf("told %q, want the panic and where it was", what)
	}
}

// TestTrailers: those of a response go to who says te: trailers, and a request's arrive, announced or not.
func TestTrailers(t *testing.T) {
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		if x.Req.Body != nil {
			if _, err := x.Req.Body.(exchange.Whole).Whole(); err != nil {
				return x.Fail(err)
			}
			for {
				if _, err := x.Req.Body.Next(); err == io.EOF {
					break
				} else if err != nil {
					return x.Fail(err)
				}
			}
		}
		exchangetest.Say(200, "hi")(x)
		x.Resp.Trailers.AddNamed([]byte("Grpc-Status"), []byte("0"))
		x.Resp.Trailers.Add(exchange.NameAuthorization, []byte("never"))
		for _, f := range x.Req.Trailers {
			x.Resp.Trailers = append(x.Resp.Trailers, exchange.Field{ID: f.ID, Name: append([]byte("Got-"), f.Name...), Value: f.Value})
		}
		return exchange.Respond
	}))
	f := func(name, want string, send func(c *wiretest.H2) uint32) {
		t.Run(name, func(t *testing.T) {
			c := r.client()
			if a := c.Await(send(c)); a.Status+" "+strings.ReplaceAll(a.Trailers, "\n", "|") != want || !a.Ended {
				t.Errorf("got %v, want %q", a, want)
			}
		})
	}
	f("not asked for", "200 ", func(c *wiretest.H2) uint32 { return c.Get() })
	f("asked for", "200 grpc-status: 0|", func(c *wiretest.H2) uint32 { return c.Get("te", "trailers") })
	sent := func(c *wiretest.H2, head []string, trailers ...string) uint32 {
		id := c.Post(append(head, "te", "trailers")...)
		c.Data(id, false, "abc")
		c.Headers(id, true, trailers...)
		return id
	}
	f("of a request", "200 grpc-status: 0|got-x-b: 1|got-x-b: 2|got-x-d: not announced|", func(c *wiretest.H2) uint32 {
		return sent(c, []string{"trailer", "x-b, x-c"}, "x-b", "1", "x-b", "2", "x-d", "not announced")
	})
}

// TestBadTrailers: a trailer section that breaks a rule resets the stream; who reads the body hears it, and the connection goes on.
func TestBadTrailers(t *testing.T) {
	f := func(name string, trailers ...string) {
		t.Run(name, func(t *testing.T) {
			r := serve(t, answer(echo))
			c := r.client()
			id := c.Post("trailer", "x-b")
			c.Data(id, false, "abc")
			c.Headers(id, true, trailers...)
			if a := c.Await(id); a.Reset == nil || *a.Reset != http2.ErrCodeProtocol || a.Status != "" {
				t.Errorf("got %v, want only a reset with PROTOCOL_ERROR", a)
			}
			if next := c.Await(c.Get()); next.Status != "200" {
				t.Errorf("after it: %v, %v", next, c.Closed)
			}
		})
	}
	f("a pseudo field", ":path", "/")
	f("a name of framing", "content-length", "3")
	f("a name of routing", "host", "a")
	f("a name of a connection", "transfer-encoding", "chunked")
	f("a name in capitals", "X-B", "1")
	f("a line end", "x-b", "1\r\nx-c: 2")
	f("white space", "x-b", " 1")
	f("a name of the edge's own", "x_forwarded_for", "192.0.2.1")
	f("9 KB", "x-b", strings.Repeat("a", 9<<10))
	f("101 fields", many(101)...)
	t.Run("no END_STREAM", func(t *testing.T) {
		c := serve(t, answer(echo)).client()
		id := c.Post()
		c.Headers(id, false, "x-b", "1")
		if a := c.Await(id); a.Reset == nil || *a.Reset != http2.ErrCodeProtocol {
			t.Errorf("got %v, want a reset with PROTOCOL_ERROR", a)
		}
	})
}

// TestContinue: 100 is sent when the body is first read, and the stages know that the client waits for it.
func TestContinue(t *testing.T) {
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		if !x.Req.ExpectContinue {
			t.Error("the expectation was lost")
		}
		if string(x.Req.Path) == "/no" {
			return exchangetest.Say(413, "")(x)
		}
		return echo(x)
	}))
	c := r.client()
	id := c.Ask(false, ask(":method", "POST", "expect", "100-continue", "content-length", "3")...)
	a := c.Stream(id)
	c.Until(func() bool { return len(a.Interim) > 0 || a.Over() })
	c.Data(id, true, "abc")
	if c.Await(id); len(a.Interim) != 1 || a.Interim[0] != "100" || !strings.HasSuffix(a.Body, "abc") {
		t.Errorf("got %v", a)
	}
	a = c.Await(c.Ask(false, ask(":method", "POST", ":path", "/no", "expect", "100-continue", "content-length", "3")...))
	if len(a.Interim) != 0 || a.Status != "413" {
		t.Errorf("an early no: got %v", a)
	}
}

// TestStreaming: a piece of a body is with the client before the next is there, behind a head that did not wait for it.
func TestStreaming(t *testing.T) {
	from := make(chan string)
	r := serve(t, respond(func(*exchange.Exchange) exchange.Body { return &pieces{from: from, size: -1} }))
	c := r.client()
	id := c.Get()
	a := c.Stream(id)
	see := func(what string, so func() bool) {
		t.Helper()
		if !c.Until(so) {
			t.Fatalf("%s: got %v, %v", what, a, c.Closed)
		}
	}
	see("head", func() bool { return a.Status == "200" })
	from <- "data: 1\n\n"
	see("first event", func() bool { return a.Body == "data: 1\n\n" })
	from <- "data: 2\n\n"
	see("second event", func() bool { return a.Body == "data: 1\n\ndata: 2\n\n" })
	close(from)
	see("end", func() bool { return a.Ended })
}

// TestSlowReader: a stream whose client takes nothing does not hold up the others.
func TestSlowReader(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		if string(x.Req.Path) == "/big" {
			return exchangetest.Say(200, big)(x)
		}
		return exchangetest.Say(200, "small")(x)
	}))
	c := r.client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
	c.Slow = true
	id := c.Ask(true, ask(":path", "/big")...)
	a := c.Stream(id)
	c.Until(func() bool { return len(a.Body) == 1000 })
	for range 10 {
		if next := c.Await(c.Get()); next.Body != "small" {
			t.Fatalf("beside it: %v, %v", next, c.Closed)
		}
	}
	if len(a.Body) != 1000 {
		t.Errorf("%d bytes came through a window of 1000", len(a.Body))
	}
	c.Slow = false
	c.WriteWindowUpdate(0, 1<<20)
	c.WriteWindowUpdate(id, 1<<20)
	if c.Await(id); a.Body != big || !a.Ended {
		t.Errorf("the rest: %d bytes, %v", len(a.Body), c.Closed)
	}
}

// TestGone: a client that resets a stream, or leaves, is seen by Watch, by who reads the body and by who writes.
func TestGone(t *testing.T) {
	leave := map[string]func(c *wiretest.H2, id uint32){
		"reset": func(c *wiretest.H2, id uint32) { c.WriteRSTStream(id, http2.ErrCodeCancel) },
		"close": func(c *wiretest.H2, id uint32) { c.Conn.Close() },
	}
	for name, go_ := range leave {
		t.Run(name, func(t *testing.T) {
			watching, saw := make(chan struct{}), make(chan error, 1)
			r := serveHandler(t, func(x *exchange.Exchange) bool {
				gone := make(chan struct{})
				stop := x.Sink.Watch(func() { close(gone) })
				close(watching)
				<-gone
				stop()
				stop()
				_, err := x.Req.Body.Next()
				if err == nil { // what had come before is still to be had
					_, err = x.Req.Body.Next()
				}
				x.Answer(200)
				x.Resp.Body = exchange.NewBytes([]byte("too late"))
				saw <- errors.Join(err, x.Sink.Send(x))
				return false
			})
			c := r.client()
			id := c.Post()
			c.Data(id, false, "abc")
			<-watching
			go_(c, id)
			both := (<-saw).(interface{ Unwrap() []error }).Unwrap()
			if len(both) != 2 || fault.Of(both[0]) != fault.ClientGone || fault.Of(both[1]) != fault.ClientGone {
				t.Errorf("reading and writing say %v, want client_gone twice", both)
			}
			if name == "reset" {
				if a := c.Await(c.Ask(true, ask(":method", "TRACE")...)); c.Closed != nil {
					t.Errorf("the connection did not go on: %v", a)
				}
				if r.meters.Counter("skerry_h2_resets_total", "Streams that clients have reset.").Value() != 1 {
					t.Errorf("%d resets were counted, want 1", r.meters.Counter("skerry_h2_resets_total", "Streams that clients have reset.").Value())
				}
			}
		})
	}
}

// TestWatchStopped: a watch that was stopped is not called, also not by the end of the exchange.
func TestWatchStopped(t *testing.T) {
	var called atomic.Bool
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		x.Sink.Watch(func() { called.Store(true) })()
		return exchangetest.Say(200, "")(x)
	}))
	c := r.client()
	c.Await(c.Get())
	r.stop()
	if called.Load() {
		t.Error("it was called")
	}
}

// TestInterrupt: a reader of the body that waits for the client is let go.
func TestInterrupt(t *testing.T) {
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		x.Go(func() {
			_, err := x.Req.Body.Next()
			if fault.Of(err) != fault.ClientGone {
				t.Errorf("Next says %v", err)
			}
		})
		runtime.Gosched()
		x.Sink.Interrupt()
		x.Join()
		return exchangetest.Say(200, "early")(x)
	}))
	c := r.client()
	// The client is told to stop sending, without an error.
	if a := c.Await(c.Post()); a.Body != "early" || !a.Ended {
		t.Errorf("got %v", a)
	}
}

// TestManyStreams opens 1,000 streams over 10 connections at once and holds them all until the last is there.
func TestManyStreams(t *testing.T) {
	const conns, each = 10, 100
	var there sync.WaitGroup
	there.Add(conns * each)
	r := serve(t, answer(func(x *exchange.Exchange) exchange.Verdict {
		there.Done()
		there.Wait()
		return echo(x)
	}))
	var clients sync.WaitGroup
	for range conns {
		c := r.client()
		clients.Go(func() {
			var ids []uint32
			for i := range each {
				id := c.Post("x-n", string(rune('a'+i%26)))
				c.Data(id, true, strings.Repeat("b", i))
				ids = append(ids, id)
			}
			for i, id := range ids {
				a := c.Await(id)
				if want := "POST /\nHost: a\nx-n: " + string(rune('a'+i%26)) + "\n" + strings.Repeat("b", i); a.Body != want {
					t.Errorf("stream %d: %v, %v", id, a, c.Closed)
					return
				}
			}
		})
	}
	clients.Wait()
	if n := r.open.Value(); n != conns {
		t.Errorf("%d connections are counted as open, want %d", n, conns)
	}
}
