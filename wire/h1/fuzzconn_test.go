package h1_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/exchange"
)

// parsingOrigin reads requests with net/http, answers each, and counts the whole ones.
type parsingOrigin struct {
	t     *testing.T
	whole atomic.Int64
	wg    sync.WaitGroup
}

func (o *parsingOrigin) dial() (net.Conn, error) {
	near, far := net.Pipe()
	o.wg.Go(func() { o.serve(far) })
	return near, nil
}

func (o *parsingOrigin) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
				o.t.Errorf("what reaches the origin is no request: %v", err)
			}
			return
		}
		if r.Header.Get("Expect") != "" {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return // cut off: the client's body was broken
		}
		o.whole.Add(1)
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
		if r.Method != http.MethodHead {
			answer += "hi"
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// FuzzServerConn sends arbitrary bytes in arbitrary pieces through the whole proxy, on a clock that costs nothing:
// nothing panics or hangs, the origin gets whole requests only, as many as were forwarded, and the client as many
// answers as there were exchanges.
func FuzzServerConn(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nGET / HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nT: 1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("a", 20000) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 7000) + "\r\nY: " + strings.Repeat("a", 7000) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("3\r\nabc\r\n", 500) + "0\r\n\r\n",
	} {
		f.Add([]byte(s), []byte{})
		f.Add([]byte(s), []byte{0, 7, 90})
	}
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		synctest.Test(t, func(t *testing.T) { throughProxy(t, data, sizes) })
	})
}

func throughProxy(t *testing.T, data, sizes []byte) {
	origin := &parsingOrigin{t: t}
	p := newProxy(origin.dial)
	var forwarded, over int
	var methods []string
	p.after = func(x *exchange.Exchange) {
		over++
		methods = append(methods, string(x.Req.MethodName))
		if x.Facts.Origin.Tries > 0 && x.Cause == nil {
			forwarded++
		}
	}
	client, _ := p.Client()
	got := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(client)
		got <- all
	}()
	writePieces(client, data, sizes)
	answers := <-got
	client.Close()
	p.Stop()
	origin.wg.Wait()
	if int(origin.whole.Load()) != forwarded {
		t.Errorf("%d requests forwarded, the origin reads %d", forwarded, origin.whole.Load())
	}
	in := bufio.NewReader(strings.NewReader(string(answers)))
	n := 0
	for ; ; n++ {
		method := http.MethodGet
		if n < len(methods) {
			method = methods[n]
		}
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			break
		}
		if r.StatusCode == 100 {
			n--
			continue
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("answer %d is broken: %v", n+1, err)
		}
	}
	if n != over || in.Buffered() > 0 {
		t.Errorf("%d exchanges, %d answers, %d bytes behind them: %q", over, n, in.Buffered(), answers)
	}
}

func writePieces(c net.Conn, data, sizes []byte) {
	for turn := 0; len(data) > 0; turn++ {
		n := len(data)
		if len(sizes) > 0 {
			n = min(n, int(sizes[turn%len(sizes)])+1)
		}
		if _, err := c.Write(data[:n]); err != nil {
			return
		}
		data = data[n:]
	}
}
