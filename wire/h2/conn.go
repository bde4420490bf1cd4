package h2

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// side is what the server and the client side of a connection do differently. Its methods are called by the goroutine that
// reads, without the connection's lock.
type side interface {
	// head takes a complete header block of a stream.
	head(id uint32, l *fieldList, end bool) error
	// goAway takes the peer's GOAWAY.
	goAway(last uint32, code errCode)
	// pause hears that everything that has come is dealt with. It does what is due, and says until when to wait for more; the
	// error ends the connection.
	pause(now time.Time) (by time.Time, err error)
	// hold counts memory that bodies take, and what windows could make them take beyond their first size: more, or less. It reports
	// whether there may be more.
	hold(n int, window bool) bool
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

// ended is a stream that was ended by the peer, or by the end of the connection. Its exchange may be over before its owner
// hears of it, and the owner another stream's.
type ended struct {
	owner interface{ ended(c *conn, id uint32) }
	id    uint32
}

// arriving is a DATA frame whose payload is coming.
type arriving struct {
	stream uint32
	left   int // of the data
	pad    int // behind it
	end    bool
	on     bool
}

// block is a header block that is coming.
type block struct {
	stream uint32
	end    bool       // END_STREAM stood on its HEADERS
	memory *outBuffer // what came of it, if it is in several frames
	frames int        // CONTINUATION frames
	on     bool
}

// cut is why a connection ends by our own will.
type cut struct {
	code errCode
	why  string
}

func (c *cut) Error() string { return c.code.String() + ": " + c.why }

func violation(code errCode, why string) error { return &cut{code, why} }

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

// afterwards tells of streams that a violation has ended.
func (c *conn) afterwards() {
	for i, e := range c.ended {
		c.ended[i] = ended{}
		e.owner.ended(c, e.id)
	}
	c.ended = c.ended[:0]
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

// unpad cuts the padding off.
func unpad(f frame, payload []byte) ([]byte, error) {
	if !f.has(flagPadded) {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) > len(payload)-1 {
		return nil, violation(codeProtocol, "a frame is all padding, and more (RFC 9113 section 6.1)")
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

// headers begins a header block.
func (c *conn) headers(f frame, payload []byte) error {
	if f.stream == 0 {
		return violation(codeProtocol, "HEADERS on stream 0")
	}
	payload, err := unpad(f, payload)
	if err != nil {
		return err
	}
	if f.has(flagPriority) {
		if len(payload) < priorityBytes {
			return violation(codeFrameSize, "HEADERS is too short for its priority")
		}
		if c.dependsOnItself(f.stream, payload) {
			return violation(codeProtocol, "a stream depends on itself (RFC 7540 section 5.3.1)")
		}
		payload = payload[priorityBytes:]
	}
	c.block = block{stream: f.stream, end: f.has(flagEndStream), on: true}
	return c.fragment(f, payload)
}

func (c *conn) dependsOnItself(id uint32, priority []byte) bool {
	return (uint32(priority[0])<<24|uint32(priority[1])<<16|uint32(priority[2])<<8|uint32(priority[3]))&streamIDMax == id
}

// continuation goes on with it.
func (c *conn) continuation(f frame, payload []byte) error {
	if !c.block.on {
		return violation(codeProtocol, "CONTINUATION without a header block (RFC 9113 section 6.10)")
	}
	if c.block.frames++; c.block.frames > continuationsMax {
		return c.defend(continuations)
	}
	return c.fragment(f, payload)
}

// fragment takes a part of a header block. One in several parts is gathered in memory that is given back: the decoder would keep
// its own.
func (c *conn) fragment(f frame, payload []byte) error {
	b := &c.block
	if b.memory == nil && f.has(flagEndHeaders) {
		return c.decode(payload)
	}
	if b.memory == nil {
		b.memory = outBuffers.Get().(*outBuffer)
	}
	if len(b.memory.bytes)+len(payload) > blockBytesMax {
		return c.defend(continuations)
	}
	b.memory.bytes = append(b.memory.bytes, payload...)
	if f.has(flagEndHeaders) {
		return c.decode(b.memory.bytes)
	}
	if c.since.IsZero() {
		c.since = time.Now()
	}
	return nil
}

// decode takes a header block that is complete.
func (c *conn) decode(block []byte) error {
	if err := c.tableUpdates(block); err != nil {
		return err
	}
	c.list.clear()
	_, err := c.decoder.Write(block)
	if err == nil {
		err = c.decoder.Close()
	}
	if err != nil {
		return violation(codeCompression, err.Error())
	}
	if c.list.count > blockFieldsMax {
		return c.defend(headerList)
	}
	c.flood.useful++
	err = c.side.head(c.block.stream, &c.list, c.block.end)
	c.list.clear()
	c.block.release()
	c.since = time.Time{}
	return err
}

// release ends a block and gives its memory back.
func (b *block) release() {
	if b.memory != nil {
		b.memory.recycle()
	}
	*b = block{}
}

// resetCame ends a stream as the peer wishes.
func (c *conn) resetCame(f frame, payload []byte) error {
	switch {
	case f.stream == 0:
		return violation(codeProtocol, "RST_STREAM on stream 0")
	case len(payload) != resetBytes:
		return violation(codeFrameSize, "RST_STREAM is not 4 bytes long")
	}
	code := errCode(uint32(payload[0])<<24 | uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3]))
	c.mu.Lock()
	s := c.streams.get(f.stream)
	if s == nil {
		idle := c.idle(f.stream)
		c.mu.Unlock()
		if idle {
			return violation(codeProtocol, "RST_STREAM on an idle stream")
		}
		return c.idler()
	}
	if s.reset != nil { // once is enough
		c.mu.Unlock()
		return c.idler()
	}
	s.fail(c.resetError(code))
	c.ended = append(c.ended, ended{s.owner, s.id})
	c.mu.Unlock()
	return c.resets()
}

// idle reports whether a stream has never been opened. The caller holds the lock.
func (c *conn) idle(id uint32) bool { return id > c.newest || id%2 == 0 }

// settings takes the peer's settings and acknowledges them.
func (c *conn) settings(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "SETTINGS on a stream")
	case f.has(flagAck) && len(payload) > 0:
		return violation(codeFrameSize, "an acknowledgement of SETTINGS with a payload")
	case len(payload)%settingBytes != 0:
		return violation(codeFrameSize, "SETTINGS is not a multiple of 6 bytes")
	case f.has(flagAck):
		return c.idler()
	}
	c.mu.Lock()
	err := c.apply(payload)
	if err == nil {
		err = c.ownFrames(settingsAck)
	}
	c.callNext()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.idler()
}

var settingsAck = appendFrame(nil, 0, frameSettings, flagAck, 0)

// apply takes settings. The caller holds the lock.
func (c *conn) apply(payload []byte) error {
	window := c.initial
	for ; len(payload) > 0; payload = payload[settingBytes:] {
		id := uint16(payload[0])<<8 | uint16(payload[1])
		v := uint32(payload[2])<<24 | uint32(payload[3])<<16 | uint32(payload[4])<<8 | uint32(payload[5])
		switch id {
		case settingTableSize:
			c.tableChanged = true
		case settingPush:
			if v > 1 || c.client && v > 0 {
				return violation(codeProtocol, "SETTINGS_ENABLE_PUSH is neither 0 nor 1, or a server's")
			}
		case settingStreams:
			c.room = v
		case settingWindow:
			if v > windowMax {
				return violation(codeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1")
			}
			window = int64(v)
		case settingFrameSize:
			if v < 1<<14 || v > frameSizeMax {
				return violation(codeProtocol, "SETTINGS_MAX_FRAME_SIZE is not from 16,384 to 16,777,215")
			}
		case settingConnect:
			if v > 1 {
				return violation(codeProtocol, "SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1")
			}
			c.connects = v == 1
		}
	}
	return c.openWindows(window)
}

// openWindows takes the windows of streams that the peer allows: once a frame, however often that names them. The caller holds the
// lock.
func (c *conn) openWindows(initial int64) error {
	by := initial - c.initial
	if by == 0 {
		return nil
	}
	c.initial = initial
	for s := range c.streams.all {
		if s.window += by; s.window > windowMax {
			return violation(codeFlowControl, "SETTINGS_INITIAL_WINDOW_SIZE takes a window above 2^31-1")
		}
	}
	return nil
}

// ping answers a PING, or takes the answer to ours.
func (c *conn) ping(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "PING on a stream")
	case len(payload) != pingBytes:
		return violation(codeFrameSize, "PING is not 8 bytes long")
	case f.has(flagAck):
		if string(payload) == drainPing {
			c.goAwayHeard()
		}
		return c.idler()
	}
	c.mu.Lock()
	var frame [frameHeaderBytes + pingBytes]byte
	err := c.ownFrames(appendPing(frame[:0], flagAck, payload))
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.idler()
}

// goAwayHeard hears that the peer has seen the notice that we are about to go.
func (c *conn) goAwayHeard() {
	if s, ok := c.side.(interface{ noticed() }); ok {
		s.noticed()
	}
}

func (c *conn) goAwayCame(f frame, payload []byte) error {
	switch {
	case f.stream != 0:
		return violation(codeProtocol, "GOAWAY on a stream")
	case len(payload) < goAwayBytes:
		return violation(codeFrameSize, "GOAWAY is shorter than 8 bytes")
	}
	last := (uint32(payload[0])<<24 | uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3])) & streamIDMax
	c.side.goAway(last, errCode(uint32(payload[4])<<24|uint32(payload[5])<<16|uint32(payload[6])<<8|uint32(payload[7])))
	return c.idler()
}

// windowUpdate opens a window.
func (c *conn) windowUpdate(f frame, payload []byte) error {
	if len(payload) != windowUpdateBytes {
		return violation(codeFrameSize, "WINDOW_UPDATE is not 4 bytes long")
	}
	by := int64(uint32(payload[0])<<24|uint32(payload[1])<<16|uint32(payload[2])<<8|uint32(payload[3])) & windowMax
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.stream == 0 {
		switch c.window += by; {
		case by == 0:
			return violation(codeProtocol, "WINDOW_UPDATE by nothing")
		case c.window > windowMax:
			return violation(codeFlowControl, "WINDOW_UPDATE takes the window of the connection above 2^31-1")
		}
		c.callNext()
		return c.updates()
	}
	s := c.streams.get(f.stream)
	switch {
	case s == nil && c.idle(f.stream):
		return violation(codeProtocol, "WINDOW_UPDATE on an idle stream")
	case s == nil || s.reset != nil:
		return c.updates()
	case by == 0:
		return c.provoked(s, codeProtocol, errPeerFrames)
	}
	if s.window += by; s.window > windowMax {
		return c.provoked(s, codeFlowControl, errPeerFrames)
	}
	if s.queued {
		c.callNext()
	}
	return c.updates()
}

// priority takes PRIORITY, which says nothing any more, and PRIORITY_UPDATE.
func (c *conn) priority(f frame, payload []byte) error {
	if f.kind == framePriority {
		switch {
		case f.stream == 0:
			return violation(codeProtocol, "PRIORITY on stream 0")
		case len(payload) != priorityBytes:
			return c.refuse(f.stream, codeFrameSize)
		case c.dependsOnItself(f.stream, payload):
			return c.refuse(f.stream, codeProtocol)
		}
		return c.idler()
	}
	if f.stream != 0 || len(payload) < priorityUpdateLeast {
		return violation(codeProtocol, "PRIORITY_UPDATE on a stream, or without one (RFC 9218 section 7.1)")
	}
	id := (uint32(payload[0])<<24 | uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3])) & streamIDMax
	if id == 0 {
		return violation(codeProtocol, "PRIORITY_UPDATE for stream 0 (RFC 9218 section 7.1)")
	}
	c.mu.Lock()
	if s := c.streams.get(id); s != nil {
		s.urgency, s.incremental = parsePriority(payload[priorityUpdateLeast:], urgencyDefault, false)
	}
	c.mu.Unlock()
	return c.idler()
}

// resetStream resets a stream, if it is open. The caller holds the lock.
func (c *conn) resetStream(s *stream, code errCode, why error) {
	if s.reset != nil {
		return
	}
	out := c.pending()
	*out = appendReset(*out, s.id, code)
	c.history.add(s.id, true)
	s.ours = true
	s.fail(why)
	c.callNext()
}

// provoked resets a stream for a violation of its peer's. The caller holds the lock.
func (c *conn) provoked(s *stream, code errCode, why error) error {
	var frame [frameHeaderBytes + resetBytes]byte
	if err := c.ownFrames(appendReset(frame[:0], s.id, code)); err != nil {
		return err
	}
	c.history.add(s.id, true)
	s.ours = true
	s.fail(why)
	c.ended = append(c.ended, ended{s.owner, s.id})
	return c.provocation()
}

// refuse resets a stream for a violation, also one that is not open any more.
func (c *conn) refuse(id uint32, code errCode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuseLocked(id, code)
}

// refuseLocked is refuse for a caller that holds the lock.
func (c *conn) refuseLocked(id uint32, code errCode) error {
	if s := c.streams.get(id); s != nil && s.reset == nil {
		return c.provoked(s, code, errPeerFrames)
	}
	var frame [frameHeaderBytes + resetBytes]byte
	if err := c.ownFrames(appendReset(frame[:0], id, code)); err != nil {
		return err
	}
	c.history.add(id, true)
	return c.provocation()
}

// breakOff ends every stream: the connection is of no use any more. The caller holds the lock.
func (c *conn) breakOff(why error) {
	if c.broken != nil {
		return
	}
	c.broken = why
	for s := range c.streams.all {
		s.fail(c.lost())
	}
	c.net.Close()
}

// lost is what a stream comes to when its connection has ended.
func (c *conn) lost() error {
	if c.client {
		return errOriginLost
	}
	return errClientLeft
}

// resetError is what a stream comes to that the peer has reset.
func (c *conn) resetError(code errCode) error {
	switch {
	case !c.client:
		return errClientReset
	case code == codeRefused:
		return errRefused
	case code == codeNone:
		return errStopped
	case code == codeCancel:
		return errCancelled
	}
	return fault.New(fault.OriginClosed, "the origin reset the stream: "+code.String())
}

// shutdown ends a connection that is not read any more: with GOAWAY, if that is of use, and a moment in which it can be read.
func (c *conn) shutdown(why error) {
	var own *cut
	c.mu.Lock()
	if errors.As(why, &own) && c.broken == nil {
		out := c.pending()
		*out = appendGoAway(*out, c.taken, own.code)
	}
	c.mu.Unlock()
	if own != nil && c.farewell(farewellTime) {
		c.linger()
	}
	c.mu.Lock()
	c.breakOff(c.lost())
	for s := range c.streams.all {
		c.ended = append(c.ended, ended{s.owner, s.id})
	}
	c.mu.Unlock()
	c.afterwards()
	c.block.release()
	c.r, c.w = 0, 0
	c.Return()
}

// linger closes the sending side and reads on for a moment: closing with bytes unread would reset the connection and could
// destroy what was said last.
func (c *conn) linger() {
	h, ok := c.net.(transport.HalfCloser)
	if !ok || h.CloseWrite() != nil {
		return
	}
	give := time.Now().Add(farewellTime)
	c.r, c.w = 0, 0
	scratch := c.Lend()
	for total := 0; total < lingerBytesMax; {
		n, err := c.net.Read(scratch, give)
		if total += n; err != nil && (err != transport.ErrInterrupted || !time.Now().Before(give)) {
			return
		}
		if err == transport.ErrInterrupted {
			c.net.Interrupt(false)
		}
	}
}

// gone reports whether an error of a read says that the peer has ended the connection in order.
func gone(err error) bool { return err == io.EOF }
