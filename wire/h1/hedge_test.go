package h1_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

// link is a client with the other end of its connection.
type link struct {
	*h1.Client
	far net.Conn
}

// tcpLink connects through loopback, where requests go by raw calls.
func tcpLink(t testing.TB) link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return link{h1.NewClient(transport.New(near)), far}
}

func pipeLink(t testing.TB) link {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return link{h1.NewClient(transport.New(near)), far}
}

// hears reads the request.
func (l link) hears(t testing.TB) {
	t.Helper()
	b := make([]byte, 0, 4096)
	for !strings.HasSuffix(string(b), "\r\n\r\n") {
		n, err := l.far.Read(b[len(b):cap(b)])
		if err != nil {
			t.Error(err) // not Fatal: it may not be the test's own goroutine
			return
		}
		b = b[:len(b)+n]
	}
}

// says writes, however long it takes to be read.
func (l link) says(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(l.far, text); err != nil {
		t.Error(err)
	}
}

var plain = wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Minute, FirstByte: time.Minute}

// exchangeOn sends a request and reads the whole answer.
func exchangeOn(c *h1.Client, x *exchange.Exchange) error {
	q := plain
	q.Now = time.Now()
	if _, err := c.Send(x, &q); err != nil {
		return err
	}
	if err := c.Receive(x); err != nil {
		return err
	}
	for x.Resp.Body != nil {
		if _, err := x.Resp.Body.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// TestAbandon: whatever an exchange is in when it is abandoned, it ends at once, with the error that says so; its connection
// is of no more use.
func TestAbandon(t *testing.T) {
	f := func(name string, open func(testing.TB) link, origin func(l link)) {
		t.Run(name, func(t *testing.T) {
			l := open(t)
			x := asking()
			defer x.Release()
			ended := make(chan error, 1)
			begin := make(chan struct{})
			go func() { <-begin; ended <- exchangeOn(l.Client, x) }()
			if origin == nil {
				l.Abandon()
				close(begin)
			} else {
				close(begin)
				origin(l)
				l.Abandon()
			}
			if err := <-ended; !errors.Is(err, wire.ErrAbandoned) {
				t.Errorf("got %v, want ErrAbandoned", err)
			}
			if l.End(x) {
				t.Error("the connection may be used again")
			}
		})
	}
	for name, open := range map[string]func(testing.TB) link{"tcp: ": tcpLink, "pipe: ": pipeLink} {
		f(name+"before it begins", open, nil)
		f(name+"waiting for the head", open, func(l link) { l.hears(t) })
		f(name+"within the head", open, func(l link) { l.hears(t); l.says(t, "HTTP/1.1 2") })
		f(name+"within the body", open, func(l link) { l.hears(t); l.says(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") })
		f(name+"within a chunk", open, func(l link) { l.hears(t); l.says(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab") })
	}
	f("pipe: writing", pipeLink, func(link) {}) // nobody reads
}

// TestAbandonBetween: an Abandon just before Receive begins is not lost.
func TestAbandonBetween(t *testing.T) {
	l := tcpLink(t)
	x := asking()
	defer x.Release()
	x.Req.Body, x.Req.ExpectContinue = x.InMemory([]byte("abc")), true // so that Send does not wait
	q := plain
	q.Now = time.Now()
	if _, err := l.Send(x, &q); err != nil {
		t.Fatal(err)
	}
	l.Abandon()
	if err := l.Receive(x); !errors.Is(err, wire.ErrAbandoned) {
		t.Errorf("got %v, want ErrAbandoned", err)
	}
	l.End(x)
}

// TestAbandonAnytime: at a random moment of an exchange that may be over by then. Either it was through, or it was abandoned:
// nobody else is ever blamed.
func TestAbandonAnytime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	through := 0
	for range 300 {
		l := tcpLink(t)
		go func() { // it may break off anywhere
			b := make([]byte, 4096)
			_, _ = l.far.Read(b)
			for _, piece := range []string{"HTTP/1.1 200", " OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nab", "cde\r\n0\r\n", "\r\n"} {
				_, _ = io.WriteString(l.far, piece)
			}
		}()
		x := asking()
		ended := make(chan error, 1)
		go func() { ended <- exchangeOn(l.Client, x) }()
		timer := time.NewTimer(time.Duration(random.IntN(150)) * time.Microsecond)
		<-timer.C
		l.Abandon()
		switch err := <-ended; {
		case err == nil:
			through++
		case !errors.Is(err, wire.ErrAbandoned):
			t.Fatalf("got %v", err)
		}
		if l.End(x) {
			t.Fatal("the connection may be used again")
		}
		x.Release()
		l.far.Close()
	}
	t.Logf("%d of 300 were through", through)
}

// watched is the sink of a client that can be seen to leave.
type watched struct {
	exchange.Sink
	gone chan func()
}

func (w watched) Watch(gone func()) (stop func()) {
	w.gone <- gone
	return func() {}
}

// TestAdopt: the response that came into one exchange becomes another's: head, body and trailers, beyond the life of the
// first.
func TestAdopt(t *testing.T) {
	l := tcpLink(t)
	first, second := asking(), asking()
	defer second.Release()
	second.Resp.Status, second.Resp.Started = 502, false
	second.Resp.Fields.AddNamed([]byte("Old"), []byte("gone"))
	go func() {
		l.hears(t)
		l.says(t, "HTTP/1.1 203 Fine\r\nServer: o\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	}()
	q := plain
	q.Now = time.Now()
	if _, err := l.Send(first, &q); err != nil {
		t.Fatal(err)
	}
	if err := l.Receive(first); err != nil {
		t.Fatal(err)
	}
	l.Adopt(second)
	if first.Resp.Status != 0 || first.Resp.Body != nil || len(first.Resp.Fields) != 0 {
		t.Errorf("the first exchange still has %+v", first.Resp)
	}
	first.Release()
	go l.says(t, "2\r\nde\r\n0\r\nSum: 9\r\n\r\n")
	r := &second.Resp
	var body []byte
	for {
		view, err := r.Body.Next()
		body = append(body, view...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if r.Status != 203 || string(body) != "abcde" || r.Length != -1 || string(r.Trailers.Find([]byte("Sum"))) != "9" {
		t.Errorf("adopted %d %q, trailers %q", r.Status, body, r.Trailers)
	}
	if len(r.Fields) != 2 || string(r.Fields.Find([]byte("Server"))) != "o" || string(r.Fields.Find([]byte("X-One"))) != "1" {
		t.Errorf("adopted fields %q", r.Fields)
	}
	if !l.End(second) {
		t.Error("the connection may not be used again")
	}
}

// TestAdoptWatch: after Adopt it is the new exchange's client whose leaving ends a silent body.
func TestAdoptWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipeLink(t)
		first, second := asking(), asking()
		defer first.Release()
		defer second.Release()
		client := watched{gone: make(chan func(), 1)}
		second.Sink = client
		go func() {
			l.hears(t)
			l.says(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
		}()
		q := plain
		q.Now = time.Now()
		if _, err := l.Send(first, &q); err != nil {
			t.Fatal(err)
		}
		if err := l.Receive(first); err != nil {
			t.Fatal(err)
		}
		l.Adopt(second)
		go func() { (<-client.gone)() }()
		if _, err := second.Resp.Body.Next(); fault.Of(err) != fault.ClientGone || errors.Is(err, wire.ErrAbandoned) {
			t.Errorf("got %v, want that the client is gone", err)
		}
		if l.End(second) {
			t.Error("the connection may be used again")
		}
		second.Sink = nil
	})
}
