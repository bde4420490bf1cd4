package listen_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/listen"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/h1"
	"skerry.dev/skerry/wire/transport"
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// newBoth is an address for HTTP/1.1 and HTTP/2, whose server says on each connection what it was told of it, and what it read.
func newBoth(t *testing.T, grace time.Duration, opt listen.Options) (*listen.Set, *meter.Set) {
	t.Helper()
	opt.Meters = meter.NewSet()
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0", H2C: true}}, opt)
	if err != nil {
		t.Fatal(err)
	}
	s.SetGrace(grace)
	s.Serve(func(c net.Conn, settled *exchange.TLS, protocol string) {
		if _, socket := c.(*net.TCPConn); !socket || settled != nil {
			t.Errorf("the server got a %T, %+v", c, settled)
		}
		conn := transport.New(c)
		defer conn.Close()
		in := make([]byte, 1000)
		n, err := conn.Read(in, time.Now().Add(10*time.Second))
		if err != nil && err != io.EOF {
			t.Error(err)
		}
		if _, err = fmt.Fprintf(c, "%q read %q", protocol, in[:n]); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.Close()
		s.Abort()
		s.Wait()
	})
	return s, opt.Meters
}

// answer is what a client reads to the end of the connection; a reset counts as an end.
func answer(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return string(got)
}

func TestPrefaceTellsApart(t *testing.T) {
	s, _ := newBoth(t, time.Second, listen.Options{})
	f := func(want string, pieces ...string) {
		t.Helper()
		c := dial(t, s)
		defer c.Close()
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.(*net.TCPConn).CloseWrite()
		if got := answer(t, c); got != want {
			t.Errorf("%q: got %s, want %s", pieces, got, want)
		}
	}
	f(`"" read "GET / HTTP/1.1\r\n\r\n"`, "GET / HTTP/1.1\r\n\r\n")
	f(`"" read "PUT / HTTP/1.1\r\n\r\n"`, "PUT / HTTP/1.1\r\n\r\n")
	f(`"" read "\x16\x03\x01"`, "\x16\x03\x01")
	f(`"" read "PRI * HTTP/1.1\r\n\r\n"`, "PRI * HTTP/1.1\r\n\r\n")
	f(`"" read "PRI * HTTP/2.0\r\n\r\nGET"`, "PRI * HTTP/2.0\r\n\r\nGET")
	f(`"" read "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"`, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r") // and then nothing more
	f(`"" read ""`)
	f(fmt.Sprintf(`"h2" read %q`, preface), preface)
	f(fmt.Sprintf(`"h2" read %q`, preface+"frames"), preface+"frames")
	slow := dial(t, s)
	defer slow.Close()
	for _, b := range []byte(preface) {
		_, _ = slow.Write([]byte{b})
	}
	if got, want := answer(t, slow), fmt.Sprintf(`"h2" read %q`, preface); got != want {
		t.Errorf("byte for byte: got %s, want %s", got, want)
	}
}

// TestPrefaceInTime: who says nothing, or not enough, is closed after the deadline, counted, and its place is free.
func TestPrefaceInTime(t *testing.T) {
	s, meters := newBoth(t, time.Second, listen.Options{Conns: 1, Preface: 50 * time.Millisecond})
	for i, send := range []string{"", "P", preface[:23]} {
		c := dial(t, s)
		_, _ = io.WriteString(c, send)
		if got := answer(t, c); got != "" {
			t.Errorf("%q: got %s", send, got)
		}
		c.Close()
		if n := meters.Counter("skerry_protocol_unknown_total", "").Value(); n != uint64(i+1) {
			t.Errorf("%q: %d connections are counted, want %d", send, n, i+1)
		}
	}
	silent := meters.Counter("skerry_protocol_unknown_total", "")
	for by := time.Now().Add(30 * time.Second); ; {
		before := silent.Value()
		c := dial(t, s)
		defer c.Close()
		_, _ = io.WriteString(c, "GET")
		got := answer(t, c)
		if got == "" && silent.Value() > before && time.Now().Before(by) {
			continue // on a busy machine that was too late
		}
		if got != `"" read "GET"` {
			t.Errorf("got %s", got)
		}
		return
	}
}

// TestPrefaceGivesWay: at the limit, who has not said what it speaks makes room, like a handshake.
func TestPrefaceGivesWay(t *testing.T) {
	s, meters := newBoth(t, 0, listen.Options{Conns: 2})
	var silent [2]net.Conn
	for i, send := range []string{"", "PRI"} {
		silent[i] = dial(t, s)
		defer silent[i].Close()
		_, _ = io.WriteString(silent[i], send)
		awaitOpen(t, s, i+1, i+1)
	}
	for range 2 {
		c := dial(t, s)
		_, _ = io.WriteString(c, preface)
		if got := answer(t, c); !strings.HasPrefix(got, `"h2"`) {
			t.Errorf("got %s", got)
		}
		c.Close()
	}
	if got := answer(t, silent[0]); got != "" {
		t.Errorf("the one that was shed got %s", got)
	}
	if n := meters.Counter("skerry_handshakes_shed_total", "").Value(); n == 0 || n > 2 {
		t.Errorf("%d were shed", n)
	}
}

// TestPrefaceDrains: Close ends those that have said nothing, and takes no other for idle.
func TestPrefaceDrains(t *testing.T) {
	s, _ := newBoth(t, time.Second, listen.Options{})
	silent, begun := dial(t, s), dial(t, s)
	defer silent.Close()
	defer begun.Close()
	_, _ = io.WriteString(begun, preface[:5])
	awaitOpen(t, s, 2, 2)
	s.Close()
	if got := answer(t, silent) + answer(t, begun); got != "" {
		t.Errorf("got %s", got)
	}
	s.Wait()
}

func awaitOpen(t *testing.T, s *listen.Set, open, shaking int) {
	t.Helper()
	(&port{t: t, sockets: s}).awaitOpen(open, shaking)
}

// TestPrefaceElsewhere: on an address that is not for it, HTTP/1.1 says that it does not speak that.
func TestPrefaceElsewhere(t *testing.T) {
	s, err := listen.Open([]listen.Listener{{Addr: "127.0.0.1:0"}}, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := h1.Server{Handler: func(x *exchange.Exchange) bool {
		x.Answer(fault.Of(x.Fault).Status())
		return x.Sink.Send(x) == nil
	}}
	s.Serve(func(c net.Conn, tls *exchange.TLS, protocol string) {
		if protocol != "" {
			t.Errorf("the server was told %q", protocol)
		}
		server.Serve(c, tls)
	})
	defer s.Wait()
	defer s.Close()
	c := dial(t, s)
	defer c.Close()
	_, _ = io.WriteString(c, preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	if got := answer(t, c); !strings.HasPrefix(got, "HTTP/1.1 505 ") {
		t.Errorf("got %q", got)
	}
}
