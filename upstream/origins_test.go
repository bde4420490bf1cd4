package upstream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// origin is a server whose script has its connections as they are. It counts what it is asked, by the field X-Ask.
type origin struct {
	addr     string
	listener net.Listener
	conns    atomic.Int32 // that it accepted
	closed   atomic.Int32 // of those, that ended
	requests atomic.Int32 // whose head came
	mu       sync.Mutex
	open     map[net.Conn]bool
	asked    map[string]int
	running  sync.WaitGroup
}

// call is one request at an origin.
type call struct {
	*http.Request
	conn net.Conn
	in   *bufio.Reader
	nth  int // on its connection, from 1
	of   int // at the origin, from 1
}

// say writes an answer, whatever it is, and goes on with the connection.
func (c *call) say(answer string) (keep bool) {
	_, err := io.WriteString(c.conn, answer)
	return err == nil
}

// gone waits until the other side has ended the connection.
func (c *call) gone() (keep bool) {
	io.Copy(io.Discard, c.in)
	return false
}

// script says what becomes of a request; if it reports false the connection is closed.
type script func(c *call) (keep bool)

// speak answers every request with the same bytes, after its body.
func speak(answer string) script {
	return func(c *call) bool {
		if c.Header.Get("Expect") != "" {
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
		}
		io.Copy(io.Discard, c.Body)
		return c.say(answer)
	}
}

// newOrigin starts one.
func newOrigin(t testing.TB, s script) *origin {
	t.Helper()
	return newOriginAt(t, "127.0.0.1:0", s)
}

func newOriginAt(t testing.TB, addr string, s script) *origin {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newOriginOn(t, l, s)
}

func newOriginOn(t testing.TB, l net.Listener, s script) *origin {
	o := &origin{addr: l.Addr().String(), listener: l, open: map[net.Conn]bool{}, asked: map[string]int{}}
	o.running.Go(func() { o.accept(s) })
	t.Cleanup(o.stop)
	return o
}

func (o *origin) accept(s script) {
	for {
		c, err := o.listener.Accept()
		if err != nil {
			return
		}
		o.conns.Add(1)
		o.mu.Lock()
		o.open[c] = true
		o.mu.Unlock()
		o.running.Go(func() { o.serve(c, s) })
	}
}

func (o *origin) serve(conn net.Conn, s script) {
	defer func() {
		conn.Close()
		o.closed.Add(1)
		o.mu.Lock()
		delete(o.open, conn)
		o.mu.Unlock()
	}()
	in := bufio.NewReader(conn)
	for nth := 1; ; nth++ {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		of := int(o.requests.Add(1))
		o.mu.Lock()
		o.asked[req.Header.Get("X-Ask")]++
		o.mu.Unlock()
		if !s(&call{req, conn, in, nth, of}) {
			return
		}
	}
}

// of is how often the origin got a request.
func (o *origin) of(ask string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[ask]
}

// hangUp closes the connections that there are.
func (o *origin) hangUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.open {
		c.Close()
	}
}

// stop closes the listener and all connections: from now on connecting is refused.
func (o *origin) stop() {
	o.listener.Close()
	o.hangUp()
	o.running.Wait()
}

// refuses returns an address where nobody listens, nor will while the test runs: a socket that does not listen has the port.
func refuses(t testing.TB) string {
	t.Helper()
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(s) })
	if err := syscall.Bind(s, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(s)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
}

// inside reports whether a goroutine is in one function, and not in another: for what can be seen nowhere else.
func inside(function, but string) bool {
	all := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(stack, function+"(") && !strings.Contains(stack, but+"(") {
			return true
		}
	}
	return false
}

// sent waits until nobody sends a body any more: an origin that has one may answer before its sender knows that all has left.
func sent() {
	for inside("startPump.func1", "none") {
		time.Sleep(time.Millisecond)
	}
}
