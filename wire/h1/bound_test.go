package h1_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

// TestBounds: Request.Head and Request.Until end an exchange at their moment, whatever it is in, and never one that is
// through by then, nor a tunnel.
func TestBounds(t *testing.T) {
	const s, try, whole = time.Second, 10 * time.Second, 20 * time.Second
	f := func(name string, head, until time.Duration, want error, script ...wiretest.Step) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cause error
				wiretest.NewPipeRig(t, func(_ testing.TB, o wiretest.Origin) wiretest.Proxy {
					p := newProxy(o.Dial)
					p.after = func(x *exchange.Exchange) { cause = x.Cause }
					p.bound = func(q wire.Request) wire.Request {
						if head > 0 {
							q.Head = q.Now.Add(head)
						}
						if until > 0 {
							q.Until = q.Now.Add(until)
						}
						return q
					}
					return p
				}).Play(script...)
				bounded := errors.Is(cause, wire.ErrTry) || errors.Is(cause, wire.ErrWhole)
				if want == nil && bounded || want != nil && !errors.Is(cause, want) {
					t.Errorf("ended as %v, want %v", cause, want)
				}
			})
		})
	}
	late := wiretest.EdgeAnswerKept(504)
	tenBytes := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	inChunks := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	f("no head in a try", try, 0, wire.ErrTry, send(get), arrives(get), gets(late), originClosed(), at(try))
	f("no head in a try, which is the shorter one", try, whole, wire.ErrTry, send(get), arrives(get), gets(late), originClosed(), at(try))
	f("no head in the whole time", 0, whole, wire.ErrWhole, send(get), arrives(get), gets(late), originClosed(), at(whole))
	f("no head in the whole time, which is the shorter one", whole, try, wire.ErrWhole, send(get), arrives(get), gets(late), originClosed(), at(try))
	f("half a head", try, 0, wire.ErrTry, send(get), arrives(get), answer("HTTP/1.1 2"), gets(late), originClosed(), at(try))
	f("interim responses do not put it off", try, 0, wire.ErrTry, send(get), arrives(get), wait(9*s), answer("HTTP/1.1 103 Early Hints\r\n\r\n"),
		gets("HTTP/1.1 103 Early Hints\r\n\r\n"), gets(late), originClosed(), at(try))
	f("a head just in time, and a body that takes its own", try, 0, nil,
		steps([]wiretest.Step{send(get), arrives(get), wait(9 * s), answer(tenBytes), gets(tenBytes)}, slowAnswer("0123456789", 5*s))...)
	f("a body that stalls", 0, whole, wire.ErrWhole, send(get), arrives(get), answer(tenBytes+"ab"), gets(tenBytes+"ab"), clientClosed(), originClosed(), at(whole))
	f("a body that is steady and too slow", 0, whole, wire.ErrWhole, steps([]wiretest.Step{send(get), arrives(get), answer(tenBytes), gets(tenBytes)},
		slowAnswer("0123", 4*s), []wiretest.Step{clientClosed(), originClosed(), at(whole)})...)
	f("chunks that stall", 0, whole, wire.ErrWhole, send(get), arrives(get), answer(inChunks+"3\r\nab"), gets(inChunks+"2\r\nab\r\n"), clientClosed(), originClosed(), at(whole))
	f("all in time", try, whole, nil, send(get), arrives(get), wait(9*s), answer(tenBytes), gets(tenBytes), wait(9*s), answer("0123456789"), gets("0123456789"))
	f("the next exchange has its own", try, 0, nil, send(get), arrives(get), wait(9*s), answer(ok), gets(ok), wait(9*s), send(get), arrives(get), wait(9*s), answer(ok), gets(ok))
	slow := edge(408)
	smallHead := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
	chunk, last := "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n\r\n"
	f("an upload that is longer than a try", try, whole, wire.ErrUpload, send(postHead), arrives(postHead), wait(6*s), send(chunk), arrives(chunk),
		gets(slow), originClosed(), clientClosed(), at(try+20*time.Millisecond))
	f("an upload that takes most of a try", try, whole, wire.ErrUpload, send(postHead), arrives(postHead), wait(6*s), send(last), arrives(last),
		gets(slow), originClosed(), at(try))
	f("an upload that takes less of a try than the origin", try, whole, wire.ErrTry, send(postHead), arrives(postHead), wait(4*s), send(last), arrives(last),
		gets(late), originClosed(), at(try))
	f("a small upload that takes most of a try", try, whole, wire.ErrUpload, send(smallHead), wait(6*s), send("hello"), arrives(smallHead+"hello"),
		gets(slow), originClosed(), at(try))
	f("a small upload that takes most of the whole time", 0, try, wire.ErrUpload, send(smallHead), wait(6*s), send("hello"), arrives(smallHead+"hello"),
		gets(slow), originClosed(), at(try))
	f("a client that does not take what has come", 0, whole, wire.ErrTaker, send(get), arrives(get), answer(tenBytes+"ab"), wait(whole+s), gets(tenBytes+"ab"),
		clientClosed(), originClosed())
	f("an origin that does not take an upload", 0, whole, wire.ErrWhole, send(postHead), arrives(postHead), send("3\r\nabc\r\n0\r\n\r\n"),
		wait(whole+20*time.Millisecond), gets(late), originClosed(), at(whole+20*time.Millisecond))
	f("a client that waits for 100", 0, 500*time.Millisecond, wire.ErrWhole, send(expect), arrives(expect), gets(edge(504)), originClosed(), at(500*time.Millisecond))
	f("a tunnel is exempt", try, whole, nil, send(upgrade), arrives(upgrade), answer(switched), gets(switched), wait(30*s), send("a"), arrives("a"),
		wait(30*s), answer("b"), gets("b"))
}

// TestBoundPassed: a request whose time is up before anything of it left is not sent; one that the origin does not take ends
// in time.
func TestBoundPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(q wire.Request, want error, after time.Duration) {
			t.Helper()
			near, far := net.Pipe()
			defer far.Close()
			c := h1.NewClient(transport.New(near))
			defer c.Close()
			x := asking()
			defer x.Release()
			start := time.Now()
			sent, err := c.Send(x, &q)
			if sent != 0 || !errors.Is(err, want) || fault.Of(err) != fault.OriginTimeout {
				t.Errorf("sent %d, %v; want %v", sent, err, want)
			}
			if took := time.Since(start); took != after {
				t.Errorf("it took %v, want %v", took, after)
			}
			if c.End(x) {
				t.Error("the connection may be used again")
			}
		}
		now := time.Now()
		f(wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, Until: now}, wire.ErrWhole, 0)
		f(wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, Head: now.Add(-1), Until: now.Add(time.Hour)}, wire.ErrTry, 0)
		f(wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, Until: now.Add(time.Second)}, wire.ErrWhole, time.Second)
		now = time.Now()
		f(wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, Head: now.Add(time.Second), Until: now.Add(time.Hour)}, wire.ErrTry, time.Second)
	})
}

// asking returns an exchange that asks for "/" by GET and has no client.
func asking() *exchange.Exchange {
	x := exchange.Acquire()
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodGet, []byte("GET"), []byte("/")
	return x
}
