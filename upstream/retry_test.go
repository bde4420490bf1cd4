package upstream_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/wiretest"
)

// wired is an HTTP/1.1 server whose requests go to the stage.
type wired struct {
	server   h1.Server
	listener net.Listener
	lease    *upstream.Lease
	serving  sync.WaitGroup
}

func startWired(t testing.TB, o wiretest.Origin) wiretest.Proxy {
	s := service("s", o.Addr)
	s.Host = spec.HostPreserve
	w := &wired{lease: newKeeper(t, upstream.Options{}).Lease()}
	stage, problems := upstream.New([]spec.Weighted{{Service: s, Weight: 1}}, policy(), "e/r", w.lease)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	w.server.Handler = exchange.NewPath(func(x *exchange.Exchange) { x.Resp.Status = fault.Of(x.Fault).Status() }, stage).Run
	var err error
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	w.serving.Go(func() {
		for {
			c, err := w.listener.Accept()
			if err != nil {
				return
			}
			w.serving.Go(func() { w.server.Serve(c, nil) })
		}
	})
	return w
}

func (w *wired) Client() (net.Conn, error) { return net.Dial("tcp", w.listener.Addr().String()) }

func (w *wired) Stop() {
	w.listener.Close()
	w.server.Close()
	w.serving.Wait()
	w.lease.Release()
}

const (
	plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	fine  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	bad   = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
)

func requestOf(method, body string) string {
	if body == "" {
		return method + " / HTTP/1.1\r\nHost: a\r\n\r\n"
	}
	return method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n" + body
}

// TestRetry: one more try if a kept connection dies before the first byte of a response, of requests that may be sent
// twice; none otherwise.
func TestRetry(t *testing.T) {
	send, arrives, answer, gets := wiretest.Send, wiretest.Arrives, wiretest.Answer, wiretest.Gets
	hangUp := wiretest.OriginHangsUp()
	f := func(name string, script ...wiretest.Step) {
		t.Run(name, func(t *testing.T) {
			kept := []wiretest.Step{send(plain), arrives(plain), answer(fine), gets(fine)}
			wiretest.NewRig(t, startWired).Play(append(kept, script...)...)
		})
	}
	again := func(request string) []wiretest.Step {
		return []wiretest.Step{send(request), arrives(request), hangUp, arrives(request), answer(fine), gets(fine)}
	}
	once := func(request string) []wiretest.Step {
		return []wiretest.Step{send(request), arrives(request), hangUp, gets(bad)}
	}
	f("GET", again(plain)...)
	f("HEAD, then a body for nobody", send(requestOf("HEAD", "")), arrives(requestOf("HEAD", "")), hangUp, arrives(requestOf("HEAD", "")),
		answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), gets("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"))
	f("PUT with its body", again(requestOf("PUT", "hello"))...)
	f("DELETE", again(requestOf("DELETE", ""))...)
	f("POST", once(requestOf("POST", "hello"))...)
	f("PATCH", once(requestOf("PATCH", "hello"))...)
	f("an extension method", once(requestOf("MKCOL", ""))...)
	f("once, not twice", send(plain), arrives(plain), hangUp, arrives(plain), hangUp, gets(bad))
	f("not on a new connection", wiretest.OriginHangsUp(), send(plain), arrives(plain), hangUp, gets(bad))
	f("not after the first byte of a response", send(plain), arrives(plain), answer("H"), hangUp, gets(bad))
	f("not after an interim response", send(plain), arrives(plain), answer("HTTP/1.1 103 Early Hints\r\n\r\n"), hangUp, gets("HTTP/1.1 103 Early Hints\r\n\r\n"), gets(bad))
	chunks := "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	f("not if the body went by a pump", send(chunks), arrives(chunks), hangUp, gets(bad))
	f("PUT that waits for 100", send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
		arrives("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"), hangUp,
		arrives("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"), answer("HTTP/1.1 100 Continue\r\n\r\n"),
		gets("HTTP/1.1 100 Continue\r\n\r\n"), send("hello"), arrives("hello"), answer(fine), gets(fine))
}

// TestStale: a kept connection that the origin has closed, or on which it spoke unasked, carries nothing, and the
// request, of any method and with its body, goes over a new one.
func TestStale(t *testing.T) {
	send, arrives, answer, gets := wiretest.Send, wiretest.Arrives, wiretest.Answer, wiretest.Gets
	chunks := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	long := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("a", 20000)
	for _, request := range []string{plain, requestOf("POST", "hello"), chunks, long} {
		f := func(name string, spoil ...wiretest.Step) {
			t.Run(name+", "+request[:4], func(t *testing.T) {
				steps := append([]wiretest.Step{send(plain), arrives(plain), answer(fine), gets(fine)}, spoil...)
				wiretest.NewRig(t, startWired).Play(append(steps, send(request), arrives(request), answer(fine), gets(fine))...)
			})
		}
		f("closed", wiretest.OriginHangsUp())
		f("half closed", wiretest.OriginEnds(), wiretest.OriginNext())
		f("unasked bytes", answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), wiretest.OriginNext())
	}
}
