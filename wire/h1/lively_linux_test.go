package h1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
)

// seen is an end that tells when it has begun to forward.
type seen struct {
	*end
	forwards chan struct{}
}

func (s *seen) Forward(to exchange.Tunnel, took func(view []byte)) func(by time.Time) (rest []byte, err error) {
	forward, first := s.end.Forward(to.(*seen).end, took), true
	return func(by time.Time) (rest []byte, err error) {
		if first {
			close(s.forwards)
		}
		first = false
		return forward(by)
	}
}

// lively is a tunnel whose directions both forward.
type lively struct {
	client, origin *net.TCPConn
	tunnels        wire.Tunnels
	up, down       int64 // what was sent; negative: nobody knows how much of it went through
	either         bool  // it depends on who sees the end first whether Join has an error
	joined         chan ending
}

// ending is what Join returned.
type ending struct {
	up, down int64
	err      error
}

// sayings are what goes to and fro: frames of WebSocket.
var sayings = [2][]byte{{0x82, 0x83, 1, 2, 3, 4, 5, 6, 7}, append([]byte{0x82, 126, 2, 0}, make([]byte, 512)...)}

// converse sends a frame each way.
func (l *lively) converse() error {
	for i, ends := range [2][2]*net.TCPConn{{l.client, l.origin}, {l.origin, l.client}} {
		if _, err := ends[0].Write(sayings[i]); err != nil {
			return err
		}
		got := make([]byte, len(sayings[i]))
		if _, err := io.ReadFull(ends[1], got); err != nil {
			return err
		}
		if !bytes.Equal(got, sayings[i]) {
			return fmt.Errorf("%x came, %x was sent", got, sayings[i])
		}
	}
	l.up += int64(len(sayings[0]))
	l.down += int64(len(sayings[1]))
	return nil
}

// converseTo sends frames each way until there is an end.
func (l *lively) converseTo(end <-chan struct{}) error {
	for {
		if err := l.converse(); err != nil {
			return err
		}
		select {
		case <-end:
			return nil
		default:
		}
	}
}

// newLively joins two connections, and returns when both directions forward.
func newLively(t *testing.T, age time.Duration) *lively {
	t.Helper()
	var over time.Time
	if age > 0 {
		over = time.Now().Add(age)
	}
	near, client := tcpPair(t)
	far, origin := tcpPair(t)
	by := time.Now().Add(30 * time.Second) // a test that hangs is to say where
	if err := errors.Join(client.SetDeadline(by), origin.SetDeadline(by)); err != nil {
		t.Fatal(err)
	}
	l := &lively{client: client, origin: origin, joined: make(chan ending, 1)}
	ends := [2]*seen{}
	for i, b := range []*buffer{{conn: near}, {conn: far}} {
		ends[i] = &seen{newEnd(b), make(chan struct{})}
	}
	go func() {
		up, down, err := l.tunnels.Join(ends[0], ends[1], time.Hour, over)
		for _, e := range ends {
			e.release()
			e.Break()
		}
		l.joined <- ending{up, down, err}
	}()
	for _, e := range ends {
		if err := l.converseTo(e.forwards); err != nil && age == 0 { // which may have come already
			t.Fatal(err)
		}
	}
	return l
}

// rest is what comes until the end, without frames of the conversation.
func rest(t *testing.T, from *net.TCPConn, want string) {
	t.Helper()
	if got, err := io.ReadAll(from); err != nil || string(got) != want {
		t.Errorf("at the end came %q, %v; want %q", got, err, want)
	}
}

// TestLivelyTunnelEnds: what ends a tunnel ends one whose bytes are forwarded without a look whether there is more.
func TestLivelyTunnelEnds(t *testing.T) {
	f := func(name string, age time.Duration, do func(t *testing.T, l *lively), want ...fault.Kind) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			l := newLively(t, age)
			do(t, l)
			e := <-l.joined
			if l.up >= 0 && e.up != l.up || l.down >= 0 && e.down != l.down {
				t.Errorf("%d and %d bytes are said to have gone through, sent were %d and %d", e.up, e.down, l.up, l.down)
			}
			if l.either {
				return
			}
			if len(want) == 0 && e.err != nil || len(want) > 0 && (e.err == nil || fault.Of(e.err) != want[0]) {
				t.Errorf("the tunnel ended with %v, want %v", e.err, want)
			}
		})
	}
	say := func(t *testing.T, from *net.TCPConn, count *int64, text string) {
		t.Helper()
		n, err := from.Write([]byte(text))
		*count += int64(n)
		if err != nil {
			t.Fatal(err)
		}
	}
	f("first the client, its end behind its last bytes", 0, func(t *testing.T, l *lively) {
		say(t, l.client, &l.up, "bye")
		l.client.CloseWrite()
		rest(t, l.origin, "bye")
		say(t, l.origin, &l.down, "farewell")
		l.origin.CloseWrite()
		rest(t, l.client, "farewell")
	})
	f("first the origin, its end later", 0, func(t *testing.T, l *lively) {
		l.origin.CloseWrite()
		rest(t, l.client, "")
		say(t, l.client, &l.up, "bye")
		l.client.CloseWrite()
		rest(t, l.origin, "bye")
	})
	f("a client that resets", 0, func(t *testing.T, l *lively) {
		say(t, l.client, &l.up, "bye")
		if _, err := io.ReadFull(l.origin, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		l.client.SetLinger(0)
		l.client.Close()
		rest(t, l.origin, "")
	}, fault.ClientGone)
	f("a reset behind the last bytes", 0, func(t *testing.T, l *lively) {
		say(t, l.client, &l.up, "bye")
		say(t, l.client, &l.up, "bye")
		l.client.SetLinger(0)
		l.client.Close()
		if got, err := io.ReadAll(l.origin); err != nil { // the kernel may throw away what was not read
			t.Errorf("at the end came %q, %v", got, err)
		} else {
			l.up += int64(len(got)) - 6
		}
	}, fault.ClientGone)
	f("a restart", 0, func(t *testing.T, l *lively) {
		go l.tunnels.Part()
		written := make(chan struct{})
		go func() { // until nobody takes it any more
			defer close(written)
			for {
				if _, err := l.origin.Write(sayings[1]); err != nil {
					return
				}
			}
		}()
		got, err := io.ReadAll(l.client)
		frames, ok := strings.CutSuffix(string(got), "\x88\x02\x03\xf4")
		if l.down += int64(len(frames)); err != nil || !ok || len(frames)%len(sayings[1]) != 0 {
			t.Errorf("the client got %d bytes, %v, not whole frames and status 1012", len(got), err)
		}
		l.client.CloseWrite()
		<-written
	}, fault.Draining)
	f("age", 500*time.Millisecond, func(t *testing.T, l *lively) {
		if err := l.converseTo(nil); err == nil {
			t.Error("the tunnel did not break off")
		}
		l.up, l.down = -1, -1
	}, fault.StreamAge)
	f("age, while neither takes anything", 500*time.Millisecond, func(t *testing.T, l *lively) {
		var both sync.WaitGroup
		for _, c := range []*net.TCPConn{l.client, l.origin} {
			both.Go(func() {
				for piece := make([]byte, 64<<10); ; {
					if _, err := c.Write(piece); err != nil {
						return
					}
				}
			})
		}
		both.Wait()
		l.up, l.down = -1, -1
	}, fault.StreamAge)
	f("an origin that takes nothing, and then resets", 0, func(t *testing.T, l *lively) {
		full := make(chan struct{})
		go func() {
			defer close(full)
			for piece := make([]byte, 64<<10); ; {
				if _, err := l.client.Write(piece); err != nil {
					return
				}
			}
		}()
		l.client.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		<-full
		l.origin.SetLinger(0)
		l.origin.Close()
		io.Copy(io.Discard, l.client)
		l.up, l.either = -1, true
	})
}
