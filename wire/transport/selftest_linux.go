package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// rawOff turns raw system calls off for connections made from now on. It is of the process, because it says something about
// the process: that its runtime or its kernel does not do what raw calls need.
var rawOff atomic.Bool

func rawAllowed() bool { return !rawOff.Load() }

// UseRaw says whether connections made from now on are read and written by raw system calls, as they are at first, or by
// net.Conn's own. On Linux only; elsewhere it does nothing.
func UseRaw(on bool) { rawOff.Store(!on) }

// selfTestWait bounds a whole self-test, which takes some milliseconds.
const selfTestWait = 5 * time.Second

// selfTestRounds is how many questions are asked: a readiness that can get lost does so once in some hundred.
const selfTestRounds = 300

// SelfTest tries on a loopback connection everything the raw calls rely on: that a wait inside a callback loses no
// readiness, whether bytes or a FIN come before it, during it or together, and that deadlines and interrupts end it.
func SelfTest() error {
	near, far, err := loopback()
	if err != nil {
		return fmt.Errorf("transport self-test: %w", err)
	}
	defer far.Close()
	conn := New(near)
	defer conn.Close()
	by := time.Now().Add(selfTestWait)
	if err := errors.Join(near.SetWriteDeadline(by), far.SetDeadline(by)); err != nil {
		return fmt.Errorf("transport self-test: %w", err)
	}
	for _, step := range []struct {
		what string
		run  func(Conn, *net.TCPConn, time.Time) error
	}{
		{"questions and answers", testAsks},
		{"pieces that are forwarded", testForwards},
		{"a deadline and an interrupt", testEnds},
		{"bytes and FIN at once", testMerged},
	} {
		if err := step.run(conn, far, by); err != nil {
			return fmt.Errorf("transport self-test: %s: %w", step.what, err)
		}
	}
	return nil
}

// loopback returns the two ends of a connection.
func loopback() (near, far *net.TCPConn, err error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.DialTCP("tcp", nil, l.Addr().(*net.TCPAddr)); err != nil {
		return nil, nil, err
	}
	if far, err = l.AcceptTCP(); err != nil {
		near.Close()
	}
	return near, far, err
}

// testAsks has the far end echo, at once and late, to an Ask, and to a Write with a Read.
func testAsks(conn Conn, far *net.TCPConn, by time.Time) error {
	ended := make(chan error, 1)
	go func() {
		b := make([]byte, 8)
		for i := range 2 * selfTestRounds {
			if _, err := io.ReadFull(far, b); err != nil {
				ended <- err
				return
			}
			if i%100 == 99 {
				<-time.After(time.Millisecond) // the other side waits already
			}
			if _, err := far.Write(b); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	question, answer := []byte("question"), make([]byte, 64)
	for range selfTestRounds {
		_, got, ok, err := conn.(Asker).Ask(question, nil, answer, by)
		if err != nil || !ok || got != len(question) {
			return fmt.Errorf("an Ask got %d bytes, %v", got, err)
		}
		if _, err := conn.Write(question, nil, nil, selfTestWait); err != nil {
			return err
		}
		if got, err := conn.Read(answer, by); err != nil || got != len(question) {
			return fmt.Errorf("a Read got %d bytes, %w", got, err)
		}
	}
	return <-ended
}

// testForwards forwards what the far end sends back to it, until that has had enough.
func testForwards(conn Conn, far *net.TCPConn, by time.Time) error {
	ended := make(chan error, 1)
	go func() {
		defer conn.Interrupt(true)
		b := make([]byte, 8)
		for range selfTestRounds {
			if _, err := far.Write(b); err != nil {
				ended <- err
				return
			}
			if _, err := io.ReadFull(far, b); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	f := NewForwarding(conn, conn, new(scrap), func([]byte) {})
	if sent, got, err := f.Run(by); err != ErrInterrupted {
		return fmt.Errorf("a Run ended with %d of %d bytes sent, %w", sent, got, err)
	}
	conn.Interrupt(false)
	return <-ended
}

// scrap lends a little memory.
type scrap [64]byte

func (s *scrap) Lend() []byte { return s[:] }

func (s *scrap) Return() {}

// testEnds waits for nothing.
func testEnds(conn Conn, _ *net.TCPConn, _ time.Time) error {
	b := make([]byte, 8)
	if _, err := conn.Read(b, time.Now().Add(time.Millisecond)); err != ErrTimeout {
		return fmt.Errorf("a Read past its deadline: %w", err)
	}
	conn.Interrupt(true)
	defer conn.Interrupt(false)
	if _, err := conn.Read(b, time.Now().Add(selfTestWait)); err != ErrInterrupted {
		return fmt.Errorf("a Read that was interrupted: %w", err)
	}
	return nil
}

// testMerged reads bytes that came with a FIN, then the FIN.
func testMerged(conn Conn, far *net.TCPConn, by time.Time) error {
	if _, err := far.Write([]byte("last")); err != nil {
		return err
	}
	if err := far.CloseWrite(); err != nil {
		return err
	}
	b := make([]byte, 8)
	if got, err := conn.Read(b, by); err != nil || got != 4 {
		return fmt.Errorf("the last bytes: got %d, %w", got, err)
	}
	if _, err := conn.Read(b, by); err != io.EOF {
		return fmt.Errorf("after the FIN: %w", err)
	}
	if conn.Quiet() {
		return errors.New("a connection with a FIN is called quiet")
	}
	return nil
}
