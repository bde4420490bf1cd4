package transport

import "time"

// A Forwarding carries what one TCP connection receives to another, without asking the kernel in vain after each piece. One
// goroutine uses it, which alone reads from the one and writes to the other.
//
// A read that got less than it had room for has emptied the socket; an ordinary read that follows is one system call in three. To
// wait at once is safe if no readiness gets lost between the read and the wait. The netpoller forgets what it knew when RawConn.Read
// begins, so no other may begin in between: read, send and wait are one callback, and whatever comes after its read is a readiness
// that its wait finds.
//
// What the read left is none: a FIN or RST of which the kernel told together with the bytes, and what stands behind urgent data, are
// seen when more comes, or by the first read of another Run. So by should be soon.
type Forwarding struct {
	to, from *netConn
	lender   Lender
	took     func(view []byte)
	sent     int
	callback func(fd uintptr) bool
	give     func(fd uintptr)
}

// NewForwarding returns one that reads into memory of lender and calls took for what the kernel has taken to send; nil if it cannot
// be done between these connections.
func NewForwarding(to, from Conn, lender Lender, took func(view []byte)) *Forwarding {
	f := &Forwarding{to: rawOf(to), from: rawOf(from), lender: lender, took: took}
	if f.to == nil || f.from == nil {
		return nil
	}
	f.callback, f.give = f.run, func(fd uintptr) { f.to.writing.run(fd) }
	return f
}

// Run forwards until by, or until the memory was filled, or the taker did not take everything at once. Its errors are those of
// Conn.Read. The last piece, if any, is in the lent memory: got bytes, of which sent have been sent. While Run waits no memory is lent.
func (f *Forwarding) Run(by time.Time) (sent, got int, err error) {
	f.from.reading.beginLent(f.lender)
	got, err = f.from.readUntil(by, f)
	f.from.reading.in, f.from.reading.lender = nil, nil
	if got == 0 {
		return 0, 0, err
	}
	return f.sent, got, nil
}

func (f *Forwarding) once(n *netConn) (int, error) {
	if err := n.raw.Read(f.callback); err != nil {
		return 0, err
	}
	return n.reading.got, n.reading.err
}

// run is the callback: false means wait until the socket is readable, then call again. It carries one piece, so that a deadline or
// an Interrupt is heeded before the next, and does not wait for the taker: Close of this end would have to wait for it too.
func (f *Forwarding) run(fd uintptr) (over bool) {
	r := &f.from.reading
	if !r.run(fd) {
		return false
	}
	if r.err != nil {
		return true
	}
	room, view := len(r.in), r.in[:r.got]
	if f.send(view); f.sent > 0 {
		f.took(view[:f.sent])
	}
	if f.sent < len(view) || len(view) == room {
		return true
	}
	r.giveBack()
	r.got = 0
	return false
}

// send gives to what it takes at once. Why it takes no more is for an ordinary write to find out.
func (f *Forwarding) send(view []byte) {
	w := &f.to.writing
	w.begin([3][]byte{view})
	w.sent, w.err = 0, nil
	_ = f.to.raw.Control(f.give)
	f.sent = int(w.sent)
	w.end()
}
