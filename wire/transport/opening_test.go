package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// line is a judge that takes a first line, if it has one within its size.
type line struct {
	size  int
	took  string
	looks int
}

func (l *line) Judge(seen []byte, ended bool) (take int, over bool) {
	l.looks++
	if at := strings.IndexByte(string(seen), '\n'); at >= 0 {
		l.took = string(seen[:at+1])
		return at + 1, true
	}
	return 0, ended || len(seen) == l.size
}

// TestOpen: what a judge takes is gone, to the byte, and everything behind it is there, in whatever pieces it came.
func TestOpen(t *testing.T) {
	const size = 20
	cases := [][]string{{"hello\n"}, {"hello\nworld"}, {"hel", "lo\nwor", "ld"}, {"", "\n"}, {"hello"}, {""}, {strings.Repeat("x", 20)},
		{strings.Repeat("x", 19) + "\n" + strings.Repeat("y", 30_000)}, {strings.Repeat("x", 10), strings.Repeat("x", 10) + "\n"}, strings.Split("letters\nand more", "")}
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		for _, pieces := range cases {
			near, far := ends(t)
			all := strings.Join(pieces, "")
			go func() {
				for _, p := range pieces {
					_, _ = io.WriteString(far, p)
					time.Sleep(100 * time.Microsecond) // so that mostly each is looked at alone; the answer is the same if not
				}
				_ = far.(*net.TCPConn).CloseWrite()
			}()
			want := ""
			if at := strings.IndexByte(all, '\n'); at >= 0 && at < size {
				want = all[:at+1]
			}
			l := &line{size: size}
			conn, err := transport.Open(near, size, within(), l)
			if err != nil || l.took != want {
				t.Fatalf("raw %v, %.40q: took %q, %v; want %q", raw, pieces, l.took, err, want)
			}
			if raw && conn != near {
				t.Fatalf("%.40q: the connection is a %T", pieces, conn)
			}
			c := transport.New(conn)
			if got, err := readAll(c); got != all[len(want):] || err != io.EOF {
				t.Fatalf("raw %v, %.40q: read %d bytes, %v, want %d", raw, pieces, len(got), err, len(all)-len(want))
			}
			c.Close()
			far.Close()
		}
	}
}

// TestOpenInTime: not beyond its deadline, which is then gone, and a connection that is reset is an error.
func TestOpenInTime(t *testing.T) {
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		near, far := ends(t)
		_, _ = io.WriteString(far, "hel")
		if _, err := transport.Open(near, 20, time.Now().Add(10*time.Millisecond), &line{size: 20}); err != transport.ErrTimeout {
			t.Errorf("raw %v: got %v", raw, err)
		}
		near, far = ends(t)
		_ = far.(*net.TCPConn).SetLinger(0)
		far.Close()
		if _, err := transport.Open(near, 20, within(), &line{size: 20}); err == nil || errors.Is(err, transport.ErrTimeout) {
			t.Errorf("raw %v, reset: got %v", raw, err)
		}
	}
}

// TestWithRemote: the other address is the one that everybody sees, below TLS too, who said it is known, and bytes pass as before.
func TestWithRemote(t *testing.T) {
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		for _, text := range []string{"203.0.113.7:4444", "[2001:db8::7]:1"} {
			near, far := ends(t)
			c := transport.WithRemote(near, netip.MustParseAddrPort(text))
			secure := tls.Server(transport.Under(c), &tls.Config{})
			for _, got := range []net.Addr{c.RemoteAddr(), secure.RemoteAddr()} {
				if got.String() != text {
					t.Errorf("raw %v: the address is %v, want %v", raw, got, text)
				}
			}
			for _, on := range []net.Conn{c, secure} {
				if by := transport.Announcer(on); by == nil || by.String() != near.RemoteAddr().String() {
					t.Errorf("raw %v: %T was announced by %v, want %v", raw, on, by, near.RemoteAddr())
				}
			}
			for _, on := range []net.Conn{near, tls.Server(transport.Under(near), nil)} {
				if by := transport.Announcer(on); by != nil {
					t.Errorf("raw %v: %T was announced by %v", raw, on, by)
				}
			}
			if c.LocalAddr().String() != near.LocalAddr().String() {
				t.Errorf("raw %v: its own address is %v", raw, c.LocalAddr())
			}
			conn := transport.New(c)
			if _, err := conn.Write([]byte("hello"), nil, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := conn.(transport.HalfCloser).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(far); string(got) != "hello" || err != nil {
				t.Errorf("raw %v: got %q, %v", raw, got, err)
			}
			conn.Close()
		}
	}
}
