package wiretest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A Proxy is started by a protocol's test: it serves client connections and sends what they ask to the origin.
type Proxy interface {
	// Client returns a new connection of a client to the proxy.
	Client() (net.Conn, error)
	// Stop ends the proxy and everything it keeps: connections to origins close.
	Stop()
}

// An Origin is the script's other end, as a proxy reaches it.
type Origin struct {
	Dial func() (net.Conn, error)
	Addr string // host:port; empty on pipes
}

// Start starts a proxy in front of an origin.
type Start func(t testing.TB, o Origin) Proxy

// A Rig holds the two ends of a proxy.
type Rig struct {
	t        testing.TB
	start    time.Time
	patience time.Duration // longest wait of a step
	proxy    Proxy
	accepted chan net.Conn // connections of the proxy to the origin
	listener net.Listener  // nil on pipes
	client   net.Conn      // nil if the script's client has a protocol
	talk     Client        // the client of a protocol
	call     Call          // its newest exchange
	beside   Call          // an exchange that is open all the time, and its connection to the origin
	standby  net.Conn
	spare    []net.Conn // connections to the origin that the proxy may have kept
	several  bool       // exchanges run beside each other: which connection to the origin the next one takes is open
	key      string     // what a tunnel was asked for with
	origin   net.Conn   // the connection the script is on; nil: the next step takes the next one
	gone     bool       // the client's connection has ended
	bodied   bool       // a request with a body came on the origin's connection
	parted   *int       // counts connections that the proxy gave up behind such a one; nil: it may give up none
	Dials    int        // connections to the origin that the script has taken
	unused   int        // connections that it has not taken, seen at the end
}

// NewRig starts a proxy between TCP sockets, with a client's connection.
func NewRig(t testing.TB, start Start) *Rig {
	t.Helper()
	r := newRig(t, start)
	r.Reconnect()
	return r
}

// newRig is NewRig without a client.
func newRig(t testing.TB, start Start) *Rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Rig{t: t, start: time.Now(), patience: 20 * time.Second, accepted: make(chan net.Conn, 64), listener: l}
	go func() {
		defer close(r.accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.accepted <- c
		}
	}()
	r.proxy = start(t, Origin{Addr: l.Addr().String(), Dial: func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }})
	return r
}

// NewPipeRig starts a proxy between pipes, for tests of time inside a testing/synctest bubble. A pipe cannot be closed
// on one side only.
func NewPipeRig(t testing.TB, start Start) *Rig {
	t.Helper()
	r := newPipeRig(t, start)
	r.Reconnect()
	return r
}

// newPipeRig is NewPipeRig without a client.
func newPipeRig(t testing.TB, start Start) *Rig {
	t.Helper()
	r := &Rig{t: t, start: time.Now(), patience: 24 * time.Hour, accepted: make(chan net.Conn, 64)}
	r.proxy = start(t, Origin{Dial: func() (net.Conn, error) {
		near, far := net.Pipe()
		r.accepted <- far
		return near, nil
	}})
	return r
}

// Reconnect gives the script a new client connection.
func (r *Rig) Reconnect() {
	r.t.Helper()
	if r.client != nil {
		r.client.Close()
	}
	c, err := r.proxy.Client()
	if err != nil {
		r.t.Fatal(err)
	}
	r.client, r.gone = c, false
}

// Origin is the origin's connection; it waits for one if the script is on none.
func (r *Rig) Origin() net.Conn {
	r.t.Helper()
	if r.origin == nil {
		select {
		case c, ok := <-r.accepted:
			if !ok {
				r.t.Fatal("the origin's listener is closed")
			}
			r.origin, r.bodied = c, false
			r.Dials++
		case <-time.After(r.patience):
			r.t.Fatal("the proxy opened no connection to the origin")
		}
	}
	return r.origin
}

// A Step is one thing that happens, or must be seen, at one end.
type Step struct {
	name string
	run  func(r *Rig) error
}

// Play runs a script and then checks that nothing else arrives anywhere. A connection to the origin
// that carries nothing is allowed.
func (r *Rig) Play(steps ...Step) {
	r.t.Helper()
	for i, s := range steps {
		if err := s.run(r); err != nil {
			r.t.Errorf("step %d, %s: %v", i+1, s.name, err)
			r.stop()
			return
		}
	}
	r.Finish()
}

// Finish ends client, proxy and origin, in this order, and reports bytes that no step has taken.
func (r *Rig) Finish() {
	r.t.Helper()
	if err := r.rest(); err != nil {
		r.t.Error(err)
	}
}

func (r *Rig) stop() {
	if r.client != nil {
		r.client.Close()
	}
	if r.talk != nil {
		r.talk.HangUp()
	}
	for _, c := range append(r.spare, r.origin, r.standby) {
		if c != nil {
			c.Close()
		}
	}
	if r.listener != nil {
		r.listener.Close()
	}
	r.proxy.Stop()
	for len(r.accepted) > 0 {
		if c, ok := <-r.accepted; ok {
			c.Close()
		}
	}
}

func (r *Rig) rest() error {
	var at []error
	if r.talk != nil {
		at = append(at, r.talk.Close())
	}
	if half, ok := r.client.(*net.TCPConn); ok && !r.gone {
		half.CloseWrite()
		at = append(at, r.unread("client", r.client))
	}
	if r.client != nil {
		r.client.Close()
	}
	// The marker comes behind every connection that the proxy opened.
	var marker net.Conn
	if r.listener != nil {
		marker, _ = net.Dial("tcp", r.listener.Addr().String())
		defer marker.Close()
	}
	r.proxy.Stop()
	for _, c := range append(r.spare, r.origin) {
		if c != nil {
			at = append(at, r.unread("origin", c))
		}
	}
	for r.listener != nil || len(r.accepted) > 0 {
		c := <-r.accepted
		if marker != nil && c.RemoteAddr().String() == marker.LocalAddr().String() {
			c.Close()
			break
		}
		r.unused++
		at = append(at, r.unread("origin", c))
	}
	if r.listener != nil {
		r.listener.Close()
	}
	return errors.Join(at...)
}

// unread reads to the end, where nothing must be.
func (r *Rig) unread(who string, c net.Conn) error {
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(r.patience))
	got, err := io.ReadAll(c)
	if len(got) > 0 {
		return fmt.Errorf("the %s got more than the script says: %q", who, got)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the connection of the %s stays open", who)
	}
	return nil
}

// dateLine is the Date field that the edge adds; scripts do not mention it.
var dateLine = regexp.MustCompile(`Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// expect reads until want has arrived, not counting Date fields, and compares.
func (r *Rig) expect(c net.Conn, want string) error {
	c.SetReadDeadline(time.Now().Add(r.patience))
	var got bytes.Buffer
	one := make([]byte, 32<<10)
	for {
		seen := dateLine.ReplaceAllString(got.String(), "")
		miss := len(want) - len(seen)
		switch {
		case seen == want:
			return nil
		case strings.HasPrefix(want, seen):
		case inDate(seen):
			miss = 1
		default:
			return fmt.Errorf("got\n%q\nwant\n%q", seen, want)
		}
		// Never more than is missing: what comes behind belongs to another step.
		n, err := c.Read(one[:min(len(one), miss)])
		got.Write(one[:n])
		if err == io.EOF && got.Len() == 0 {
			return fmt.Errorf("%w came, want\n%q", errNothing, want)
		}
		if err != nil && n == 0 {
			return fmt.Errorf("got\n%q\nthen %v, want\n%q", seen, err, want)
		}
	}
}

// inDate reports whether the last line may still become a Date field.
func inDate(seen string) bool {
	const date = "Date: "
	last := seen[strings.LastIndexByte(seen, '\n')+1:]
	return strings.HasPrefix(last, date) || strings.HasPrefix(date, last)
}

func short(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// Send is what the client sends.
func Send(data string) Step {
	return Step{"client sends " + short(data), func(r *Rig) error { return write(r.client, data, r.patience) }}
}

func write(c net.Conn, data string, patience time.Duration) error {
	c.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c, data)
	return err
}

// SendAside is Send beside the steps that follow, for data that nobody may take.
func SendAside(data string) Step {
	return Step{"client sends " + short(data), func(r *Rig) error {
		c := r.client
		go write(c, data, r.patience)
		return nil
	}}
}

// Arrives is the bytes that must arrive at the origin next, exactly.
func Arrives(data string) Step {
	return Step{"origin gets " + short(data), func(r *Rig) error { return r.arrives(data) }}
}

// arrives expects bytes on the origin's connection; if the script is on none, on the next one that carries any.
func (r *Rig) arrives(data string) error {
	for fresh := r.origin == nil; ; {
		err := r.expect(r.Origin(), data)
		if !errors.Is(err, errNothing) || !fresh && !r.partedFrom() {
			if strings.Contains(data, " HTTP/1.1\r\n") {
				r.bodied = strings.Contains(data, "\r\nTransfer-Encoding: ") || strings.Contains(data, "\r\nContent-Length: ")
			}
			return err
		}
		r.origin.Close()
		r.origin, fresh = nil, true
	}
}

// partedFrom reports whether the connection to the origin may have ended before the next request. Who sends a body beside the exchange may
// take some milliseconds to see that all of it has gone, on a busy machine more than a proxy waits when the answer is there. So one time or
// another the connection is given up; partedMax says how often.
func (r *Rig) partedFrom() bool {
	if r.parted == nil || !r.bodied {
		return false
	}
	*r.parted++
	return true
}

// partedMax is how often that may be in a whole table, in which many requests have a body.
const partedMax = 5

func checkParted(t *testing.T, parted int) {
	if parted > partedMax {
		t.Errorf("%d connections to the origin were not kept behind a request with a body", parted)
	}
}

// errNothing says that a connection ended before it carried a byte.
var errNothing = errors.New("nothing")

// Answer is what the origin sends.
func Answer(data string) Step {
	return Step{"origin sends " + short(data), func(r *Rig) error { return write(r.Origin(), data, r.patience) }}
}

// AnswerAside is Answer beside the steps that follow.
func AnswerAside(data string) Step {
	return Step{"origin sends " + short(data), func(r *Rig) error {
		c := r.Origin()
		go write(c, data, r.patience)
		return nil
	}}
}

// Gets is the bytes that must arrive at the client next, exactly but for the Date field of the edge.
func Gets(data string) Step {
	return Step{"client gets " + short(data), func(r *Rig) error { return r.expect(r.client, data) }}
}

// OriginHangsUp closes the origin's connection; a later step is on the next one.
func OriginHangsUp() Step {
	return Step{"origin hangs up", func(r *Rig) error {
		err := r.Origin().Close()
		r.origin = nil
		return err
	}}
}

// OriginEnds closes the sending side of the origin.
func OriginEnds() Step {
	return Step{"origin closes its sending side", func(r *Rig) error { return r.Origin().(*net.TCPConn).CloseWrite() }}
}

// ClientEnds closes the sending side of the client.
func ClientEnds() Step {
	return Step{"client closes its sending side", func(r *Rig) error { return r.client.(*net.TCPConn).CloseWrite() }}
}

// ClientHangsUp closes the client's connection.
func ClientHangsUp() Step {
	return Step{"client hangs up", func(r *Rig) error { r.gone = true; return r.client.Close() }}
}

// ClientClosed is the end of the connection, as the client must see it next.
func ClientClosed() Step {
	return Step{"client sees the end", func(r *Rig) error {
		r.gone = true
		return r.ended(r.client)
	}}
}

// OriginClosed is the end of the connection, as the origin must see it next; a later step is on the next one.
func OriginClosed() Step {
	return Step{"origin sees the end", func(r *Rig) error {
		err := r.ended(r.Origin())
		if err == nil {
			r.origin.Close()
			r.origin = nil
		}
		return err
	}}
}

// OriginSeesEnd is the end of what the client sends, as the origin must see it; its own side stays open.
func OriginSeesEnd() Step {
	return Step{"origin sees the end of the client", func(r *Rig) error { return r.ended(r.Origin()) }}
}

// ClientSeesEnd is the end of what the origin sends, as the client must see it; its own side stays open.
func ClientSeesEnd() Step {
	return Step{"client sees the end of the origin", func(r *Rig) error { return r.ended(r.client) }}
}

func (r *Rig) ended(c net.Conn) error {
	c.SetReadDeadline(time.Now().Add(r.patience))
	var one [256]byte
	n, err := c.Read(one[:])
	if n > 0 {
		return fmt.Errorf("got %q, want the end of the connection", one[:n])
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the connection stays open")
	}
	return nil
}

// OriginCut is the end of an origin's connection that the proxy no longer reads: an end or a reset.
func OriginCut() Step {
	return Step{"origin is cut off", func(r *Rig) error {
		c := r.Origin()
		c.SetReadDeadline(time.Now().Add(r.patience))
		_, err := c.Read(make([]byte, 1))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return errors.New("the connection stays open")
		}
		c.Close()
		r.origin = nil
		return nil
	}}
}

// OriginNext leaves the origin's connection open and puts the script on the next one.
func OriginNext() Step {
	return Step{"origin takes another connection", func(r *Rig) error {
		old := r.Origin()
		r.t.Cleanup(func() { old.Close() })
		r.origin = nil
		return nil
	}}
}

// ClientNext gives the script a new client connection.
func ClientNext() Step {
	return Step{"another client", func(r *Rig) error { r.Reconnect(); return nil }}
}

// Wait lets time pass; only for scripts on pipes in a synctest bubble.
func Wait(d time.Duration) Step {
	return Step{"wait " + d.String(), func(*Rig) error {
		<-time.After(d)
		return nil
	}}
}

// At is the time since the script's start, which must be exact: only in a synctest bubble.
func At(want time.Duration) Step {
	return Step{"clock", func(r *Rig) error {
		if got := time.Since(r.start); got != want {
			return fmt.Errorf("%v since the start, want %v", got, want)
		}
		return nil
	}}
}

// OnClient does anything with the client's connection.
func OnClient(name string, f func(c net.Conn) error) Step {
	return Step{name, func(r *Rig) error { return f(r.client) }}
}

// Do runs anything.
func Do(name string, f func() error) Step {
	return Step{name, func(*Rig) error { return f() }}
}
