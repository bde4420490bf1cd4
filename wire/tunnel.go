package wire

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// halfOpen is how long the second direction of a tunnel may go on after the first has ended.
const halfOpen = 10 * time.Second

const (
	// livelyWindow is how long pieces are forwarded before a read looks whether all that came was seen. By so much later the end of a
	// lively direction may be seen.
	livelyWindow = 100 * time.Millisecond
	// livelyPieces is how many pieces must have gone through in a window to forward in the next. Fewer are received one by one: the look
	// at the window's end, and its deadline, would cost more than they save.
	livelyPieces = 10
)

// errIdle ends a tunnel on which both sides are silent.
var errIdle = fault.New(fault.SlowClient, "nothing went through the tunnel for as long as it may be silent (Timeouts.Tunnel, 1 h)")

// errParted ends a tunnel whose client was told to connect again.
var errParted = fault.New(fault.Draining, "the process that has the tunnel ends: its client was told by status 1012 to connect again")

// Tunnels are the open tunnels of a server. The zero value has none.
type Tunnels struct {
	mu      sync.Mutex
	open    map[*lane]struct{} // the directions towards clients
	parting bool
}

// Part ends every tunnel, now or later, between two messages of its origin: its client gets a close frame of WebSocket with status 1012
// (service restart), and has a moment to answer it. A tunnel in the middle of a frame goes on to the frame's end. It does not wait.
func (t *Tunnels) Part() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parting = true
	for l := range t.open {
		l.parting.Store(true)
		l.from.Wake()
	}
}

func (t *Tunnels) add(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[*lane]struct{}{}
	}
	t.open[l] = struct{}{}
	l.parting.Store(t.parting)
}

func (t *Tunnels) remove(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, l)
}

// A Forwarder is an end that can give what it receives to another without asking after each piece whether there is more. Forward
// returns nil if it cannot be done with that one. Otherwise it returns a function that forwards until by or until Wake is called, and
// says by took what has gone. It may return sooner, and must when to does not take something at once: rest is a view of that, and it
// and the error are as Receive returns them. An end that comes together with the last piece may go unseen until by.
type Forwarder interface {
	Forward(to exchange.Tunnel, took func(view []byte)) func(by time.Time) (rest []byte, err error)
}

// lane is one direction of a tunnel.
type lane struct {
	from, to exchange.Tunnel
	forward  func(by time.Time) (rest []byte, err error) // of a Forwarder; nil: from is none, or not with to
	idle     time.Duration
	age      time.Time     // when the tunnel must be over; zero: never
	last     *atomic.Int64 // when a byte last went through, either way, in nanoseconds since the epoch
	closing  *atomic.Bool  // the other direction has ended
	cause    *error        // what ended the tunnel: of the direction that ended first
	moved    int64
	pieces   int         // how many went through since the window began
	counted  int         // of them, those that last tells of
	window   time.Time   // its beginning: see livelyWindow
	lively   bool        // enough went through in the window before
	frames   *frames     // that went through, of the direction towards the client; nil of the other
	parting  atomic.Bool // it is to end between two of them
}

// Join carries bytes both ways between the ends of a tunnel until both have ended, one breaks off, neither says anything for
// idle, or age has come, if it is not zero. It returns how many bytes went each way; the error is of kind SlowClient after
// silence, ErrAge, or that of the end that broke.
func (t *Tunnels) Join(client, origin exchange.Tunnel, idle time.Duration, age time.Time) (fromClient, toClient int64, err error) {
	var last atomic.Int64
	var closing atomic.Bool
	last.Store(time.Now().UnixNano())
	up := lane{from: client, to: origin, idle: idle, age: age, last: &last, closing: &closing, cause: &err}
	down := lane{from: origin, to: client, idle: idle, age: age, last: &last, closing: &closing, cause: &err, frames: new(frames)}
	t.add(&down)
	defer t.remove(&down)
	var wg sync.WaitGroup
	wg.Go(up.run)
	down.run()
	wg.Wait()
	return up.moved, down.moved, err
}

// run moves bytes until the end of from, then ends the sending side of to and gives the other direction a moment.
func (l *lane) run() {
	if f, ok := l.from.(Forwarder); ok {
		l.forward = f.Forward(l.to, l.gone)
	}
	err := l.move()
	second := l.closing.Swap(true)
	if err == errParted && !second {
		*l.cause = err
	}
	if err == nil || err == errParted {
		l.to.End()
	} else {
		if !second { // what breaks later is an echo of that, or was not wanted any more
			*l.cause = err
		}
		l.to.Break()
		l.from.Break()
	}
	l.to.Wake() // the other direction, which receives from to, is to take up its new deadline
}

func (l *lane) move() error {
	since := time.Time{} // when the other direction was seen to have ended
	for {
		if l.parting.Load() && l.frames.between() {
			if err := l.send(closeRestart); err != nil {
				return err
			}
			return errParted
		}
		view, err := l.receive(l.deadline(&since))
		if len(view) > 0 {
			if err == nil && l.parting.Load() {
				view = l.frames.first(view) // what comes behind it stays behind
			}
			if err := l.send(view); err != nil {
				return err
			}
			l.gone(view)
		}
		now := time.Now()
		l.count(now)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case !since.IsZero() && now.Sub(since) >= halfOpen:
			return nil
		case !l.age.IsZero() && !now.Before(l.age):
			return ErrAge
		case since.IsZero() && now.Sub(time.Unix(0, l.last.Load())) >= l.idle:
			return errIdle
		}
	}
}

// receive waits for the next piece that is to be sent, at most until by. While the direction is lively, what comes has mostly gone already
// when it returns.
func (l *lane) receive(by time.Time) (view []byte, err error) {
	if !l.lively || l.parting.Load() { // a piece that goes by may hold the end of the frame that is waited for
		return l.from.Receive(by)
	}
	if end := l.window.Add(livelyWindow); end.Before(by) {
		by = end
	}
	return l.forward(by)
}

// send waits for a taker as long as the tunnel may be silent, but not beyond its age: if neither side takes anything, nobody else looks
// whether that has come.
func (l *lane) send(view []byte) error {
	patience := l.idle
	if !l.age.IsZero() {
		patience = min(patience, max(time.Until(l.age), time.Millisecond))
	}
	err := l.to.Send(view, patience)
	if err != nil && !l.age.IsZero() && !time.Now().Before(l.age) {
		return ErrAge
	}
	return err
}

// gone takes account of a piece that went through.
func (l *lane) gone(view []byte) {
	l.pieces++
	l.moved += int64(len(view))
	if l.frames != nil {
		l.frames.see(view)
	}
}

// count notes that it is now: when pieces went through last, and at the end of a window whether it was lively.
func (l *lane) count(now time.Time) {
	if l.pieces > l.counted {
		l.last.Store(now.UnixNano())
		l.counted = l.pieces
	}
	if now.Sub(l.window) >= livelyWindow {
		l.lively = l.pieces >= livelyPieces && l.forward != nil
		l.pieces, l.counted, l.window = 0, 0, now
	}
}

// deadline is when the tunnel has been silent too long, or soon once the other direction has ended.
func (l *lane) deadline(since *time.Time) time.Time {
	by := time.Unix(0, l.last.Load()).Add(l.idle)
	if l.closing.Load() {
		if since.IsZero() {
			*since = time.Now()
		}
		by = since.Add(halfOpen)
	}
	if !l.age.IsZero() && l.age.Before(by) {
		return l.age
	}
	return by
}
