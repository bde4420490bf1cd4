package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"skerry.dev/skerry/wire/transport"
)

// shelf is a Lender of one piece of memory.
type shelf struct {
	memory []byte
	lent   bool
}

func (s *shelf) Lend() []byte {
	s.lent = true
	return s.memory
}

func (s *shelf) Return() { s.lent = false }

// bridge forwards one way, with the ordinary calls where Run leaves something, until from has ended. by is of each Run.
func bridge(to, from transport.Conn, room int, by time.Time) error {
	s := &shelf{memory: make([]byte, room)}
	f := transport.NewForwarding(to, from, s, func([]byte) {})
	for {
		sent, got, err := f.Run(by)
		if err == io.EOF {
			return to.(transport.HalfCloser).CloseWrite()
		}
		if err == nil && sent < got {
			_, err = to.Write(s.memory[sent:got], nil, nil, time.Minute)
		}
		if err != nil {
			return err
		}
	}
}

// TestForwardingLosesNothing: bytes go both ways through a proxy that never looks again, in pieces of any size, at any pace, in question
// and answer, so that a readiness lost once hangs both sides.
func TestForwardingLosesNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, processors := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(processors)
		var all sync.WaitGroup
		for n := range uint64(8) {
			all.Go(func() {
				if err := talk(t, rand.New(rand.NewPCG(seed, n))); err != nil {
					t.Errorf("%d processors, pair %d: %v", processors, n, err)
				}
			})
		}
		if all.Wait(); t.Failed() {
			return
		}
	}
}

// turns is how often both ends of each pair speak.
const turns = 80

// talk has a client and an origin speak by turns through two Forwardings.
func talk(t *testing.T, r *rand.Rand) error {
	near, client := pair(t)
	far, origin := pair(t)
	room := []int{100, 4 << 10, 16 << 10}[r.IntN(3)]
	ended := make(chan error, 2)
	for _, ends := range [][2]transport.Conn{{far, near}, {near, far}} {
		go func() {
			err := bridge(ends[0], ends[1], room, time.Now().Add(time.Hour))
			if err != nil { // nobody is to wait for what will not come
				ends[0].Close()
				ends[1].Close()
			}
			ended <- err
		}()
	}
	var err error
	for turn := 0; err == nil && turn < turns; turn++ {
		if err = errors.Join(client.SetDeadline(soon()), origin.SetDeadline(soon())); err == nil {
			err = errors.Join(say(client, origin, r), say(origin, client, r))
		}
		if err != nil {
			err = fmt.Errorf("turn %d: %w", turn, err)
		}
	}
	client.CloseWrite()
	origin.CloseWrite()
	if err != nil {
		client.Close()
		origin.Close()
	}
	return errors.Join(err, <-ended, <-ended)
}

// say sends a turn in pieces, and checks what comes at the other end.
func say(from, to *net.TCPConn, r *rand.Rand) error {
	all := make([]byte, 1+r.IntN([]int{10, 2000, 2000, 40_000}[r.IntN(4)]))
	start := r.Uint32()
	for i := range all {
		all[i] = byte((start + uint32(i)) * 2654435761 >> 24)
	}
	cuts := [3]int{r.IntN(8), r.IntN(100), r.IntN(3)}
	sent := make(chan error, 1)
	go func() {
		for rest := all; len(rest) > 0; {
			n := len(rest)
			if cuts[0] < 4 {
				n = min(n, 1+len(all)/(1+cuts[0]))
			}
			if _, err := from.Write(rest[:n]); err != nil {
				sent <- err
				return
			}
			rest = rest[n:]
			for range cuts[1] * cuts[2] {
				runtime.Gosched()
			}
		}
		sent <- nil
	}()
	got := make([]byte, len(all))
	_, err := io.ReadFull(to, got)
	if err == nil && !bytes.Equal(got, all) {
		err = errors.New("other bytes came than were sent")
	}
	return errors.Join(err, <-sent)
}

// TestForwardingEnds: every way in which a Run ends.
func TestForwardingEnds(t *testing.T) {
	type rig struct {
		near, far      transport.Conn
		client, origin *net.TCPConn
		shelf          *shelf
		took           bytes.Buffer
		run            func(by time.Time) (sent, got int, err error)
	}
	f := func(name string, do func(r *rig)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := &rig{shelf: &shelf{memory: make([]byte, 100)}}
			r.near, r.client = pair(t)
			r.far, r.origin = pair(t)
			r.run = transport.NewForwarding(r.far, r.near, r.shelf, func(view []byte) { r.took.Write(view) }).Run
			do(r)
		})
	}
	brief := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	check := func(r *rig, by time.Time, sent, got int, want error, took string) {
		t.Helper()
		s, g, err := r.run(by)
		for give := soon(); err == transport.ErrTimeout && err == want && r.took.String() != took && time.Now().Before(give); {
			s, g, err = r.run(brief()) // on a busy machine a deadline may pass before the first look
		}
		if s != sent || g != got || err != want {
			t.Errorf("Run: sent %d of %d, %v; want %d of %d, %v", s, g, err, sent, got, want)
		}
		if r.took.String() != took || got == 0 && r.shelf.lent {
			t.Errorf("took %q, want %q; memory is lent: %v", r.took.String(), took, r.shelf.lent)
		}
	}
	f("the deadline", func(r *rig) {
		r.client.Write([]byte("a"))
		check(r, brief(), 0, 0, transport.ErrTimeout, "a")
		r.client.Write([]byte("b"))
		check(r, brief(), 0, 0, transport.ErrTimeout, "ab")
	})
	f("an end that comes later", func(r *rig) {
		r.client.Write([]byte("a"))
		go func() {
			if _, err := io.ReadFull(r.origin, make([]byte, 1)); err == nil {
				r.client.CloseWrite()
			}
		}()
		check(r, soon(), 0, 0, io.EOF, "a")
	})
	f("an end that came with the bytes is for the next one", func(r *rig) {
		r.client.Write([]byte("a"))
		r.client.CloseWrite()
		for by := soon(); ; { // the FIN may come apart from the byte
			_, _, err := r.run(brief())
			if err == io.EOF {
				return
			}
			if err != transport.ErrTimeout || time.Now().After(by) {
				t.Fatal(err)
			}
		}
	})
	f("an interrupt", func(r *rig) {
		go func() {
			if _, err := io.ReadFull(r.origin, make([]byte, 1)); err == nil {
				r.near.Interrupt(true)
			}
		}()
		r.client.Write([]byte("a"))
		check(r, soon(), 0, 0, transport.ErrInterrupted, "a")
		r.near.Interrupt(false)
		r.client.Write([]byte("b"))
		check(r, brief(), 0, 0, transport.ErrTimeout, "ab")
	})
	f("all of the memory filled", func(r *rig) {
		r.client.Write(bytes.Repeat([]byte("a"), 100))
		check(r, soon(), 100, 100, nil, string(bytes.Repeat([]byte("a"), 100)))
	})
	f("a close", func(r *rig) {
		go func() {
			if _, err := io.ReadFull(r.origin, make([]byte, 1)); err == nil {
				r.near.Close()
			}
		}()
		r.client.Write([]byte("a"))
		if _, _, err := r.run(soon()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Run: %v, want net.ErrClosed", err)
		}
	})
	f("the other end closed", func(r *rig) {
		r.far.Close()
		r.client.Write([]byte("a"))
		check(r, soon(), 0, 1, nil, "")
	})
}

// TestForwardingDoesNotWaitToSend: what the taker does not take at once is left to the caller, and both ends can be closed meanwhile.
func TestForwardingDoesNotWaitToSend(t *testing.T) {
	near, client := pair(t)
	far, _ := pair(t)
	s := &shelf{memory: make([]byte, 1<<20)}
	run := transport.NewForwarding(far, near, s, func([]byte) {}).Run
	go func() {
		for piece := make([]byte, 64<<10); ; {
			if _, err := client.Write(piece); err != nil {
				return
			}
		}
	}()
	for sent, got := 0, 0; sent == got; {
		var err error
		if sent, got, err = run(soon()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForwardingAllocs: forwarding allocates nothing.
func TestForwardingAllocs(t *testing.T) {
	near, client := pair(t)
	far, origin := pair(t)
	go echo(origin)
	ended := make(chan error, 2)
	for _, ends := range [][2]transport.Conn{{far, near}, {near, far}} {
		go func() { ended <- bridge(ends[0], ends[1], 100, soon()) }()
	}
	b := make([]byte, 50)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := client.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per round trip", n)
	}
	client.CloseWrite()
	origin.CloseWrite()
	if err := errors.Join(<-ended, <-ended); err != nil {
		t.Error(err)
	}
}
