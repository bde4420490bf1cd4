package wiretest

import (
	"net"
	"sync"
	"time"
)

// outbox writes to a connection beside the one who sends: a client that reads must never wait for a proxy that does not.
type outbox struct {
	net.Conn
	bytewise bool // the first bytes of what is sent go one by one

	mu    sync.Mutex
	cond  sync.Cond
	queue []byte
	over  bool // nothing is sent any more: closed, or broken
	done  chan struct{}
}

// bytewiseMax is how much is sent byte by byte: what comes behind is body, and would only take time.
const bytewiseMax = 300

func newOutbox(c net.Conn, bytewise bool) *outbox {
	o := &outbox{Conn: c, bytewise: bytewise, done: make(chan struct{})}
	o.cond.L = &o.mu
	go o.run()
	return o
}

// Write queues.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, p...)
	o.cond.Broadcast()
	return len(p), nil
}

func (o *outbox) run() {
	defer close(o.done)
	for left := bytewiseMax; ; left-- {
		part := o.next(left > 0)
		if part == nil {
			return
		}
		if _, err := o.Conn.Write(part); err != nil {
			o.end()
			return
		}
		o.written(len(part))
	}
}

// next waits for what is to be written; nil: nothing will be.
func (o *outbox) next(slowly bool) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.over {
		o.cond.Wait()
	}
	if o.over {
		return nil
	}
	n := len(o.queue)
	if o.bytewise && slowly {
		n = 1
	}
	return o.queue[:n:n]
}

func (o *outbox) written(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queue = o.queue[min(n, len(o.queue)):]; len(o.queue) == 0 {
		o.cond.Broadcast()
	}
}

func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over, o.queue = true, nil
	o.cond.Broadcast()
}

// flush waits until everything was sent, a second at most.
func (o *outbox) flush() {
	late := false
	stop := time.AfterFunc(time.Second, func() {
		o.mu.Lock()
		late = true
		o.cond.Broadcast()
		o.mu.Unlock()
	})
	defer stop.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && !o.over && !late {
		o.cond.Wait()
	}
}

// Close closes the connection, when everything was sent or nobody takes it.
func (o *outbox) Close() error {
	o.flush()
	o.end()
	err := o.Conn.Close()
	<-o.done
	return err
}

// closeWrite ends the sending side, and reports whether that is possible: a pipe has no sides.
func (o *outbox) closeWrite() bool {
	half, ok := o.Conn.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	o.flush()
	return half.CloseWrite() == nil
}
