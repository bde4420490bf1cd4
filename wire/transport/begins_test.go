package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// ends returns two ends of a loopback connection.
func ends(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// TestBeginsWith sends in pieces, each after the one before has been looked at as far as anybody can tell, and holds the answer and
// that not a byte is lost.
func TestBeginsWith(t *testing.T) {
	whole := preface + strings.Repeat("frames ", 10_000)
	var cases [][]string
	for cut := 1; cut < len(preface); cut++ {
		wrong := []byte(preface[:cut] + "\x00")
		cases = append(cases, []string{preface[:cut], whole[cut:]}, []string{preface[:cut], "\x00more"}, []string{string(wrong)}, []string{preface[:cut]})
	}
	cases = append(cases, []string{whole}, []string{preface}, []string{"GET / HTTP/1.1\r\n\r\n"}, []string{""}, strings.Split(whole[:200], ""))
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
				far.(*net.TCPConn).CloseWrite()
			}()
			begins, conn, err := transport.BeginsWith(near, preface, within())
			if err != nil || begins != strings.HasPrefix(all, preface) {
				t.Fatalf("raw %v, %.40q: got %v, %v", raw, pieces, begins, err)
			}
			if (conn == near) != (raw || all == "") {
				t.Fatalf("raw %v: the connection is a %T", raw, conn)
			}
			c := transport.New(conn)
			if got, err := readAll(c); got != all || err != io.EOF {
				t.Fatalf("raw %v, %.40q: read %d bytes, %v, want %d", raw, pieces, len(got), err, len(all))
			}
			c.Close()
			far.Close()
		}
	}
}

func readAll(c transport.Conn) (string, error) {
	var all []byte
	in := make([]byte, 10_000)
	for {
		n, err := c.Read(in, within())
		if all = append(all, in[:n]...); err != nil {
			return string(all), err
		}
	}
}

// TestBeginsWithDecidesAtOnce: nothing more is waited for than what decides.
func TestBeginsWithDecidesAtOnce(t *testing.T) {
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		for send, want := range map[string]bool{"G": false, "PRI * HTTP/1": false, preface: true} {
			near, far := ends(t)
			if _, err := io.WriteString(far, send); err != nil {
				t.Fatal(err)
			}
			if begins, _, err := transport.BeginsWith(near, preface, within()); begins != want || err != nil {
				t.Errorf("raw %v, %q: got %v, %v", raw, send, begins, err)
			}
		}
	}
}

// TestBeginsWithEnds: by the deadline, which is then gone, and by a Close from elsewhere.
func TestBeginsWithEnds(t *testing.T) {
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		for _, send := range []string{"", "P", preface[:23]} {
			near, far := ends(t)
			_, _ = io.WriteString(far, send)
			if begins, _, err := transport.BeginsWith(near, preface, time.Now().Add(10*time.Millisecond)); begins || err != transport.ErrTimeout {
				t.Errorf("raw %v, %q: got %v, %v", raw, send, begins, err)
			}
			near, far = ends(t)
			_, _ = io.WriteString(far, send)
			done := make(chan error)
			go func() {
				_, _, err := transport.BeginsWith(near, preface, within())
				done <- err
			}()
			near.Close()
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("raw %v, %q: closed: got %v", raw, send, err)
			}
		}
		near, far := ends(t)
		_, _ = io.WriteString(far, "GET")
		patience := 50 * time.Millisecond
		by := time.Now().Add(patience)
		_, conn, err := transport.BeginsWith(near, preface, by)
		for err == transport.ErrTimeout && patience < 20*time.Second { // this machine stood still until then
			patience *= 2
			by = time.Now().Add(patience)
			_, conn, err = transport.BeginsWith(near, preface, by)
		}
		if err != nil {
			t.Fatalf("raw %v: %v", raw, err)
		}
		time.AfterFunc(time.Until(by)+50*time.Millisecond, func() { _, _ = io.WriteString(far, " /") })
		if got, err := io.ReadAll(io.LimitReader(conn, 5)); string(got) != "GET /" || err != nil {
			t.Errorf("raw %v: after the deadline: got %q, %v", raw, got, err)
		}
	}
}

// TestBeginsWithElsewhere: on a connection that is no socket.
func TestBeginsWithElsewhere(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		for _, piece := range []string{"PRI * H", preface[7:] + "fra", "mes"} {
			_, _ = io.WriteString(far, piece)
		}
		far.Close()
	}()
	begins, conn, err := transport.BeginsWith(near, preface, within())
	if !begins || err != nil {
		t.Fatalf("got %v, %v", begins, err)
	}
	if got, err := io.ReadAll(conn); string(got) != preface+"frames" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestBeginsWithReset: an error of the socket is reported.
func TestBeginsWithReset(t *testing.T) {
	for _, raw := range []bool{true, false} {
		transport.UseRaw(raw)
		defer transport.UseRaw(true)
		near, far := ends(t)
		_ = far.(*net.TCPConn).SetLinger(0)
		far.Close()
		if begins, _, err := transport.BeginsWith(near, preface, within()); begins || err == nil {
			t.Errorf("raw %v: got %v, %v", raw, begins, err)
		}
	}
}

func ExampleBeginsWith() {
	near, far := net.Pipe()
	go func() { _, _ = io.WriteString(far, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }()
	begins, conn, err := transport.BeginsWith(near, "PRI *", time.Now().Add(10*time.Second))
	fmt.Println(begins, err)
	conn.Close()
	// Output: true <nil>
}

// within is a deadline that no test reaches.
func within() time.Time { return time.Now().Add(20 * time.Second) }
