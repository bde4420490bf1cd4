package h2_test

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// bufferedPipe is two ends of a connection that holds what was written until it is read, as a socket does: net.Pipe
// holds nothing, so two peers that write at once would wait for each other. It works inside a synctest bubble.
func bufferedPipe() (a, b net.Conn) {
	up, down := newFlow(), newFlow()
	return &end{in: up, out: down}, &end{in: down, out: up}
}

type end struct{ in, out *flow }

func (e *end) Read(p []byte) (int, error)         { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error)        { return e.out.write(p) }
func (e *end) Close() error                       { e.in.close(); e.out.close(); return nil }
func (e *end) LocalAddr() net.Addr                { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443} }
func (e *end) RemoteAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }
func (e *end) SetDeadline(t time.Time) error      { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(t time.Time) error { return nil }
func (e *end) SetReadDeadline(t time.Time) error  { e.in.deadline(t); return nil }

// flow is one direction.
type flow struct {
	mu     sync.Mutex
	cond   *sync.Cond
	data   []byte
	closed bool
	by     time.Time
	timer  *time.Timer
}

func newFlow() *flow {
	f := &flow{}
	f.cond = sync.NewCond(&f.mu)
	return f
}

func (f *flow) read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case len(f.data) > 0:
			n := copy(p, f.data)
			f.data = f.data[n:]
			return n, nil
		case f.closed:
			return 0, io.EOF
		case !f.by.IsZero() && !time.Now().Before(f.by):
			return 0, os.ErrDeadlineExceeded
		}
		f.cond.Wait()
	}
}

func (f *flow) write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, net.ErrClosed
	}
	f.data = append(f.data, p...)
	f.cond.Broadcast()
	return len(p), nil
}

func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.cond.Broadcast()
}

func (f *flow) deadline(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by = t
	if f.timer != nil {
		f.timer.Stop()
	}
	if !t.IsZero() {
		f.timer = time.AfterFunc(time.Until(t), f.wake)
	}
	f.cond.Broadcast()
}

func (f *flow) wake() {
	f.mu.Lock()
	f.cond.Broadcast()
	f.mu.Unlock()
}
