package h2

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/wire/transport"
)

// side is what the server and the client side of a connection do differently. Its methods are called by the goroutine that
// reads, without the connection's lock; hold and widen by anybody, with or without it: they take no lock.
type side interface {
	// head takes a complete header block of a stream.
	head(id uint32, l *fieldList, end bool) error
	// goAway takes the peer's GOAWAY.
	goAway(last uint32, code errCode)
	// pause hears that everything that has come is dealt with. It does what is due, and says until when to wait for more; the
	// error ends the connection.
	pause(now time.Time) (by time.Time, err error)
	// hold counts memory that bodies take: more, or less. The error says that more is too much: the body that took it ends so.
	hold(n int) error
	// widen counts by how much windows are larger than their first size: more, which it may refuse, or less.
	widen(by int64) (may bool)
}

// conn is a connection, as both sides know it. One goroutine reads it; the ones of the streams write it. Without other note
// fields belong to the goroutine that reads.
type conn struct {
	net     transport.Conn
	side    side
	meters  *meters
	client  bool // we are the client's side of it
	receive int64
	writer  func() // writes what waits, for who has claimed it

	data    []byte // what was read: data[r:w] is not dealt with
	r, w    int
	heard   bool      // the peer's first frame has come
	since   time.Time // when the frame, or header block, that is not complete began; zero: there is none
	body    arriving  // the DATA frame that is coming
	block   block
	list    fieldList
	decoder *hpack.Decoder
	flood   flood
	ended   []ended   // while a frame was dealt with
	said    bool      // frames of our own wait to be written
	aware   bool      // the peer has answered the PING behind the notice of a drain
	asked   time.Time // when a PING was sent because nothing came; zero: none is under way
	last    time.Time // when something came

	mu           sync.Mutex
	streams      table
	history      history
	newest       uint32 // the highest stream that was opened, by the peer if we are the server
	taken        uint32 // the highest of the peer's that was, or will be, dealt with
	window       int64  // bytes of bodies that we may still send
	initial      int64  // of a stream, as the peer says
	credit       int64  // bytes of bodies that the peer may still send
	owed         int64
	target       int64
	room         uint32 // streams that the peer allows at once
	connects     bool   // the peer takes extended CONNECT
	tableChanged bool   // the peer has changed the size of the table, of which we use nothing
	out          *outBuffer
	gen          uint64 // grows when what waits begins to leave
	own          int    // bytes of what waits that the peer made us say
	flushing     bool
	written      chan struct{} // closed when nobody writes any more; nil: nobody wants to know
	patience     time.Duration // of a write
	waiting      []*stream     // for a window or room
	turns        uint64
	sent         atomic.Int64 // bytes of bodies
	moved        time.Time    // when the last 16 KB of bodies had been sent
	progress     int          // bytes of the next
	broken       error        // nothing goes any more
}

// arriving is a DATA frame whose payload is coming.
type arriving struct {
	stream uint32
	left   int // of the data
	pad    int // behind it
	end    bool
	on     bool
}

func (c *conn) init(n net.Conn, s side, receive, receiveAll int64) {
	c.net, c.side, c.receive = transport.New(n), s, receive
	c.writer = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.write(nil, false)
	}
	c.decoder = hpack.NewDecoder(tableBytes, c.list.add)
	c.window, c.initial, c.credit, c.target, c.room = windowDefault, windowDefault, receiveAll, receiveAll, streamsMax
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

var readBuffers = sync.Pool{New: func() any { return new([readBytes]byte) }}

// Lend and Return make a connection that waits hold no memory for what may come.
func (c *conn) Lend() []byte {
	if c.data == nil {
		c.data = readBuffers.Get().(*[readBytes]byte)[:]
	}
	return c.data[c.w:]
}

// Return takes the memory back.
func (c *conn) Return() {
	if c.data != nil && c.r == c.w {
		readBuffers.Put((*[readBytes]byte)(c.data))
		c.data, c.r, c.w = nil, 0, 0
	}
}

// read reads until the connection ends, and says why it did.
func (c *conn) read() error {
	for {
		by, err := c.side.pause(time.Now())
		if err != nil {
			return err
		}
		switch err = c.fill(by); {
		case err == transport.ErrTimeout:
			if !c.since.IsZero() && !time.Now().Before(c.frameBy()) {
				c.count(slowFrame)
				return violation(codeNone, "a frame or header block was not complete in time (Timeouts.Head, Timeouts.Body)")
			}
			continue
		case err == transport.ErrInterrupted:
			c.net.Interrupt(false)
			continue
		case err != nil:
			return err
		}
		c.last, c.asked = time.Now(), time.Time{}
		if err := c.frames(); err != nil {
			return err
		}
	}
}

// fill reads once.
func (c *conn) fill(by time.Time) (err error) {
	if c.r > 0 {
		copy(c.data, c.data[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	if !c.since.IsZero() {
		if frame := c.frameBy(); frame.Before(by) {
			by = frame
		}
	}
	var n int
	if l, ok := c.net.(transport.LentReader); ok && c.w == 0 {
		n, err = l.ReadLent(c, by)
	} else {
		n, err = c.net.Read(c.Lend(), by)
	}
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// frameBy is when the frame or header block that is coming must be complete.
func (c *conn) frameBy() time.Time {
	t := c.meters.timeouts
	if c.body.on {
		return c.since.Add(t.Body)
	}
	return c.since.Add(t.Head)
}

// frames deals with the frames that have come.
func (c *conn) frames() error {
	for c.r < c.w {
		before := c.r
		err := c.next()
		if len(c.ended) > 0 {
			c.afterwards()
		}
		if err != nil {
			return err
		}
		if c.r == before {
			break // the rest of a frame is to come
		}
	}
	if c.said {
		c.said = false
		c.flushSoon()
	}
	switch {
	case c.r == c.w && !c.body.on && !c.block.on:
		c.since = time.Time{}
		c.Return()
	case c.since.IsZero():
		c.since = time.Now()
	}
	return nil
}

// next deals with one frame, or a part of a DATA frame, if it is there.
func (c *conn) next() error {
	if c.body.on {
		return c.dataCome()
	}
	have := c.data[c.r:c.w]
	if len(have) < frameHeaderBytes {
		return nil
	}
	f := parseFrame(have)
	if f.length > frameBytes {
		return violation(codeFrameSize, "a frame is longer than SETTINGS_MAX_FRAME_SIZE allows (frameBytes, 16 KB)")
	}
	switch {
	case c.block.on && (f.kind != frameContinuation || f.stream != c.block.stream):
		return violation(codeProtocol, "a header block is broken by another frame (RFC 9113 section 6.10)")
	case !c.heard && (f.kind != frameSettings || f.has(flagAck)):
		return violation(codeProtocol, "the first frame is not SETTINGS (RFC 9113 section 3.4)")
	case f.kind == frameData:
		return c.dataBegins(f, have[frameHeaderBytes:])
	case len(have) < frameHeaderBytes+f.length:
		return nil
	}
	c.heard = true
	payload := have[frameHeaderBytes : frameHeaderBytes+f.length]
	c.r += frameHeaderBytes + f.length
	if !c.block.on {
		c.since = time.Time{}
	}
	switch f.kind {
	case frameHeaders:
		return c.headers(f, payload)
	case frameContinuation:
		return c.continuation(f, payload)
	case frameReset:
		return c.resetCame(f, payload)
	case frameSettings:
		return c.settings(f, payload)
	case framePing:
		return c.ping(f, payload)
	case frameGoAway:
		return c.goAwayCame(f, payload)
	case frameWindowUpdate:
		return c.windowUpdate(f, payload)
	case framePriority, framePriorityUpdate:
		return c.priority(f, payload)
	case framePushPromise:
		return violation(codeProtocol, "PUSH_PROMISE, which nobody may send here (RFC 9113 section 8.4)")
	}
	return c.idler() // an unknown frame is ignored (RFC 9113 section 4.1)
}
