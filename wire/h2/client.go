package h2

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"skerry.dev/skerry/exchange"
)

// Client is one connection to an origin, shared by exchanges: each begins a Call.
type Client struct {
	conn
	over     func()
	panicked func(what string)
	greeted  chan struct{} // closed when the origin's settings have come
	own      meters
	secure   bool

	open    int       // calls; guarded by mu, as is what follows
	leaving bool      // no call may begin any more
	quiet   time.Time // since when no call is open
	busy    time.Time // since when one is
	free    []*Call   // for the next ones
}

// ClientOptions are the settings of a Client.
type ClientOptions struct {
	// Over is called once, from any goroutine, when no exchange may begin any more and the last one is over, or when the
	// connection broke; nil: nobody hears.
	Over func()
	// Panicked hears of a panic that ended the connection; nil: nobody does.
	Panicked func(what string)
}

var clientTimeouts = Timeouts{}.WithDefaults()

// NewClient takes over a connection, whose TLS handshake, if it has one, is done. It reads it in a goroutine of its own until
// it ends.
func NewClient(conn net.Conn, o ClientOptions) *Client {
	c := &Client{over: o.Over, panicked: o.Panicked, greeted: make(chan struct{}), quiet: time.Now()}
	c.init(conn, c, streamWindow, clientConnWindow)
	c.client, c.last = true, c.quiet
	_, c.secure = conn.(interface{ ConnectionState() tls.ConnectionState })
	c.own.timeouts = &clientTimeouts
	c.meters, c.patience = &c.own, clientTimeouts.Write
	out := c.pending()
	*out = append(*out, preface...)
	*out = appendSettings(*out, settingPush, 0, settingHeaderList, headerListBytes, settingNoPriorities, 1)
	*out = appendWindowUpdate(*out, 0, clientConnWindow-windowDefault)
	// At once: an origin closes a connection that says nothing, and its settings come the earlier.
	c.flush()
	go c.run()
	return c
}

// run reads the connection until it ends.
func (c *Client) run() {
	why := c.readFenced()
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	c.greet()
	c.shutdown(why)
	c.net.Close()
	if c.over != nil {
		c.over()
	}
}

// readFenced is read behind a fence: a panic on what an origin has sent ends its connection and nothing else.
func (c *Client) readFenced() (why error) {
	defer func() {
		if v := recover(); v != nil {
			if c.panicked != nil {
				c.panicked(fmt.Sprintf("%v\n%s", v, debug.Stack()))
			}
			why = violation(codeInternal, "BUG: a panic")
		}
	}()
	return c.read()
}

// greet lets those go on who wait for the origin's settings: they have come, or will not.
func (c *Client) greet() {
	select {
	case <-c.greeted:
	default:
		close(c.greeted)
	}
}

// Begin takes a place for one exchange; nil: the connection is full, or leaves.
func (c *Client) Begin() *Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.roomNow() <= 0 {
		return nil
	}
	if c.open++; c.open == 1 {
		c.busy = time.Now()
	}
	var k *Call
	if n := len(c.free) - 1; n >= 0 {
		k, c.free[n] = c.free[n], nil
		c.free = c.free[:n]
	} else {
		k = new(Call)
	}
	k.client = c
	return k
}

// roomNow is Room for a caller that holds the lock.
func (c *Client) roomNow() int {
	if c.leaving || c.broken != nil || c.newest > streamIDMax-4*streamsMax {
		return 0
	}
	return int(min(c.room, streamsMax)) - c.open
}

// Room returns how many more exchanges may begin now; 0 also when it leaves.
func (c *Client) Room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.roomNow(), 0)
}

// Leaving reports whether no exchange may begin any more.
func (c *Client) Leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving || c.broken != nil || c.newest > streamIDMax-4*streamsMax
}

// Quiet reports whether no exchange is open, and since when.
func (c *Client) Quiet() (since time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet, c.open == 0
}

// Retire makes the connection close after its last exchange; none begins any more.
func (c *Client) Retire() {
	c.mu.Lock()
	c.leaving = true
	last := c.open == 0
	c.mu.Unlock()
	if last {
		c.net.Interrupt(true)
	}
}

// Close closes the connection now, whatever it is in.
func (c *Client) Close() error {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	return c.net.Close()
}

// head takes a response's head, or its trailers.
func (c *Client) head(id uint32, l *fieldList, end bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams.get(id)
	switch {
	case s == nil && c.idle(id):
		return violation(codeProtocol, "HEADERS on an idle stream")
	case s == nil || s.reset != nil:
		return nil // given up meanwhile
	case s.remoteOver:
		return c.provoked(s, codeStreamClosed, errOriginFrames)
	}
	return s.owner.(*Call).head(l, end)
}

// goAway takes the origin's last word: what it will not deal with may be asked elsewhere.
func (c *Client) goAway(last uint32, _ errCode) {
	c.mu.Lock()
	c.leaving = true
	for s := range c.streams.all {
		if s.id > last {
			s.fail(errRefused)
		}
	}
	c.mu.Unlock()
}

// pause does what is due.
func (c *Client) pause(now time.Time) (by time.Time, err error) {
	c.mu.Lock()
	open, leaving, heard := c.open, c.leaving, c.last
	if c.busy.After(heard) {
		heard = c.busy
	}
	c.mu.Unlock()
	if c.heard {
		c.greet()
	}
	switch {
	case open == 0 && leaving:
		return by, violation(codeNone, "no more requests")
	case open == 0:
		return now.Add(clientTimeouts.Silence), nil // whoever has made it decides how long it is kept
	case !c.asked.IsZero():
		if by = c.asked.Add(pingWait); !now.Before(by) {
			return by, violation(codeNone, "the origin does not answer PING")
		}
		return by, nil
	}
	if by = heard.Add(clientTimeouts.Silence); !now.Before(by) {
		c.say(appendPing(nil, 0, []byte(idlePing)))
		c.asked = now
		by = now.Add(pingWait)
	}
	return by, nil
}

// hold and widen have nothing to count: what responses take is bounded by their windows, and their number.
func (c *Client) hold(int) error { return nil }

func (c *Client) widen(int64) (may bool) { return true }

// end gives a call's place back.
func (c *Client) end(k *Call) (reusable bool) {
	c.mu.Lock()
	if k.id != 0 {
		if !k.remoteOver || !k.localOver {
			c.resetStream(&k.stream, codeCancel, errInterrupted)
		}
		c.leave(&k.stream)
	}
	c.open--
	if c.open == 0 {
		c.quiet = time.Now()
	}
	reusable = !c.leaving && c.broken == nil
	last := c.open == 0 && c.leaving
	c.mu.Unlock()
	c.flush()
	if last {
		c.net.Interrupt(true)
	}
	return reusable
}

var _ exchange.Body = (*responseBody)(nil)
