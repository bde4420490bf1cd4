package h2_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

// TestAbandon: whatever an exchange is in when it is abandoned, it ends at once, with the error that says so; its origin is told, and
// the connection serves the next.
func TestAbandon(t *testing.T) {
	f := func(name string, upload bool, origin func(p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLink(t)
				k, x := l.Begin(), asking()
				if upload {
					x.Req.Body = unsized{exchange.NewBytes(make([]byte, 100_000))} // more than the window
				}
				l.preface()
				ended := make(chan error, 1)
				begin := make(chan struct{})
				go func() { <-begin; ended <- converse(k, x, plain(), 0) }()
				if origin == nil {
					k.Abandon()
					close(begin)
				} else {
					close(begin)
					l.hears("HEADERS 1*")
					origin(l.peer)
					synctest.Wait()
					k.Abandon()
				}
				start := time.Now()
				if err := <-ended; !errors.Is(err, wire.ErrAbandoned) || time.Since(start) > 0 {
					t.Errorf("got %v after %v, want ErrAbandoned", err, time.Since(start))
				}
				if !k.End(x) {
					t.Error("the connection may not be used again")
				}
				x.Join()
				x.Release()
				if origin != nil {
					for by := l.patience(); ; {
						if line := l.hear(by); line == "RST_STREAM 1 CANCEL" {
							break
						} else if line == "silence" || line == "closed" {
							t.Errorf("%s instead of a reset", line)
							break
						}
					}
				}
				l.again(3)
				l.end()
			})
		})
	}
	f("before it begins", false, nil)
	f("waiting for the head", false, func(*peer) {})
	f("within the head", false, heads(1, false, ":status=103"))
	f("within the body", false, func(p *peer) { says2(p, ":status=200", "ab") })
	f("while it uploads", true, func(*peer) {})
}

// TestAbandonAnytime: at a random moment of an exchange that may be over by then. Either it was through, or it was abandoned: nobody else
// is ever blamed, and the other exchanges of the connection do not notice.
func TestAbandonAnytime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := netHTTP(t)
	through := 0
	var lock sync.Mutex
	var callers sync.WaitGroup
	for n := range uint64(2) {
		random := rand.New(rand.NewPCG(seed, n))
		callers.Go(func() {
			for range 200 { // a few of them take their time
				k, x := c.Begin(), asking()
				x.Req.Path = []byte("/20000")
				ended := make(chan error, 1)
				q := plain()
				q.Path = x.Req.Path
				go func() { ended <- converse(k, x, q, 0) }()
				timer := time.NewTimer(time.Duration(random.IntN(1<<random.IntN(13))) * time.Microsecond)
				<-timer.C
				k.Abandon()
				switch err := <-ended; {
				case err == nil:
					lock.Lock()
					through++
					lock.Unlock()
				case !errors.Is(err, wire.ErrAbandoned):
					t.Errorf("got %v", err)
				}
				if !k.End(x) {
					t.Error("the connection may not be used again")
				}
				x.Release()
			}
		})
	}
	callers.Wait()
	t.Logf("%d of 400 were through", through)
	k, x := c.Begin(), asking()
	defer x.Release()
	q := plain()
	q.Path = []byte("/20000")
	if err := converse(k, x, q, 0); err != nil || !k.End(x) {
		t.Errorf("one that is not abandoned: %v", err)
	}
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

// TestAdopt: the response that came into one exchange becomes another's: head, body and trailers, beyond the life of the first, and
// it is the new one's client who is watched.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		first, second := asking(), asking()
		second.Resp.Status, second.Resp.Started = 502, false
		second.Resp.Fields.AddNamed([]byte("Old"), []byte("gone"))
		k := l.Begin()
		got := make(chan error, 1)
		go func() {
			_, err := k.Send(first, plain())
			got <- errors.Join(err, k.Receive(first))
		}()
		l.preface().hears("HEADERS 1*")
		says2(l.peer, ":status=203 server=o x-one=1", "abc")
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		k.Adopt(second)
		if first.Resp.Status != 0 || first.Resp.Body != nil || len(first.Resp.Fields) != 0 {
			t.Errorf("the first exchange still has %+v", first.Resp)
		}
		first.Release()
		l.data(1, false, "de")
		heads(1, true, "sum=9")(l.peer)
		if s := outcome(second, nil); s != `203 Server=o x-one=1 -1 "abcde" sum=9` {
			t.Errorf("adopted %s", s)
		}
		if !k.End(second) {
			t.Error("the connection may not be used again")
		}
		second.Release()
		l.end()
	})
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		first, second := asking(), asking()
		client := watched{gone: make(chan func(), 1)}
		second.Sink = client
		k := l.Begin()
		got := make(chan error, 1)
		go func() {
			_, err := k.Send(first, plain())
			got <- errors.Join(err, k.Receive(first))
		}()
		l.preface().hears("HEADERS 1*")
		says2(l.peer, ":status=200 content-length=5", "")
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		k.Adopt(second)
		go func() { (<-client.gone)() }()
		if _, err := second.Resp.Body.Next(); fault.Of(err) != fault.ClientGone || errors.Is(err, wire.ErrAbandoned) {
			t.Errorf("got %v, want that the client is gone", err)
		}
		k.End(second)
		l.hears("RST_STREAM 1 CANCEL")
		second.Sink = nil
		first.Release()
		second.Release()
		l.end()
	})
}

// netHTTP is a client of net/http's server of HTTP/2: /n answers with n bytes, /echo with the body and a trailer.
func netHTTP(t *testing.T) *h2.Client {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" {
			w.Header().Set("Trailer", "X-Sum")
			n, _ := io.Copy(w, r.Body)
			w.Header().Set("X-Sum", strconv.FormatInt(n, 10))
			return
		}
		n, _ := strconv.Atoi(r.URL.Path[1:])
		_, _ = w.Write(bytes.Repeat([]byte{'a'}, n))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if far, err := l.Accept(); err == nil {
			(&http2.Server{MaxConcurrentStreams: 100}).ServeConn(far, &http2.ServeConnOpts{Handler: handler})
		}
	})
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	c := h2.NewClient(near, h2.ClientOptions{Over: func() { close(over) }})
	t.Cleanup(func() {
		c.Close()
		<-over
		l.Close()
		serving.Wait()
	})
	return c
}

// TestNetHTTP: uploads and downloads of any size beside each other, with net/http on the other side.
func TestNetHTTP(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := netHTTP(t)
	var callers sync.WaitGroup
	for n := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, n))
		callers.Go(func() {
			for range 60 {
				k, x := c.Begin(), asking()
				q := plain()
				size := random.IntN(1 << random.IntN(20))
				text := bytes.Repeat([]byte{'a'}, size)
				x.Req.Path = strconv.AppendInt([]byte("/"), int64(size), 10)
				if up := random.IntN(3); up > 0 {
					x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodPost, []byte("POST"), []byte("/echo")
					x.Req.AllowTrailers = true
					if x.Req.Body = exchange.NewBytes(text); up == 1 {
						x.Req.Body = &dribble{[]string{string(text[:size/2]), string(text[size/2:])}, 0}
					}
				}
				q.Path = x.Req.Path
				_, err := k.Send(x, q)
				if err == nil {
					err = k.Receive(x)
				}
				got := ""
				if err == nil && x.Resp.Body != nil {
					got, _, err = readAll(x.Resp.Body)
				}
				sum := string(x.Resp.Trailers.Find([]byte("X-Sum")))
				if err != nil || x.Resp.Status != 200 || got != string(text) || x.Req.Body != nil && sum != strconv.Itoa(size) {
					t.Errorf("%s of %d: %d, %d bytes, sum %q, %v", x.Req.Path, size, x.Resp.Status, len(got), sum, err)
				}
				if !k.End(x) {
					t.Error("the connection may not be used again")
				}
				x.Release()
			}
		})
	}
	callers.Wait()
	if since, ok := c.Quiet(); !ok || time.Since(since) > time.Minute {
		t.Error("an exchange is open")
	}
}
