package wiretest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// HTTP2 is the Protocol of HTTP/2 (RFC 9113), on one connection that begins with its preface.
type HTTP2 struct {
	// Bytewise sends the first bytes of the connection one by one.
	Bytewise bool
}

// Can is what frames can say.
func (HTTP2) Can() Needs { return Lengths | Pseudo | Frames | Streams }

// Client implements Protocol.
func (p HTTP2) Client(dial func() (net.Conn, error), patience time.Duration) Client {
	c := &http2Client{dial: dial, bytewise: p.Bytewise, patience: patience}
	c.changed.L = &c.mu
	return c
}

// http2Client reads in a goroutine of its own, so that it can wait for leave to send more.
type http2Client struct {
	dial     func() (net.Conn, error)
	bytewise bool
	patience time.Duration

	mu      sync.Mutex
	changed sync.Cond
	out     *outbox
	h       *H2
	wrong   string // the first thing that a server may not do
	window  int64  // what may be sent on the connection
	initial int64  // and on a new stream
	streams map[uint32]*http2Call
	left    bool // the client has closed the connection itself
	reading sync.WaitGroup
}

// Begin opens a stream.
func (c *http2Client) Begin() (Call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.h == nil || c.left {
		if err := c.open(); err != nil {
			return nil, err
		}
	}
	if c.h.Closed != nil || c.h.GoAway != nil {
		return nil, fmt.Errorf("the connection should go on, and ends: %v, GOAWAY %v", c.h.Closed, c.h.GoAway)
	}
	return &http2Call{client: c}, nil
}

// open connects, with the lock held.
func (c *http2Client) open() error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	c.out = newOutbox(conn, c.bytewise)
	c.h, c.streams, c.window, c.initial, c.left = NewH2(c.out), map[uint32]*http2Call{}, 65535, 65535, false
	c.h.Patience = c.patience
	h := c.h
	c.reading.Go(func() { c.read(h) })
	return nil
}

// read takes frames until the connection ends.
func (c *http2Client) read(h *H2) {
	for {
		f, err := h.ReadFrame()
		c.mu.Lock()
		if err != nil {
			h.Closed = err
		} else {
			c.take(h, f)
		}
		c.changed.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take looks at one frame before the client of frames takes it.
func (c *http2Client) take(h *H2, f http2.Frame) {
	id := f.Header().StreamID
	s := c.streams[id]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if n, ok := f.Value(http2.SettingInitialWindowSize); ok {
			for _, s := range c.streams {
				s.window += int64(n) - c.initial
			}
			c.initial = int64(n)
		}
	case *http2.WindowUpdateFrame:
		if id == 0 {
			c.window += int64(f.Increment)
		} else if s != nil {
			s.window += int64(f.Increment)
		}
	case *http2.MetaHeadersFrame:
		c.check(s, f.RegularFields())
	case *http2.DataFrame:
		if s == nil || h.Stream(id).Over() || h.Stream(id).Status == "" {
			c.blame("DATA on a stream that has no head, or is over")
		}
	case *http2.PushPromiseFrame, *http2.ContinuationFrame:
		c.blame(f.Header().String())
	}
	h.take(f)
}

func (c *http2Client) blame(what string) {
	if c.wrong == "" {
		c.wrong = what
	}
}

// check looks for what may not stand in a head or in trailers.
func (c *http2Client) check(s *http2Call, fields []hpack.HeaderField) {
	if s == nil || c.h.Stream(s.id).Over() {
		c.blame("HEADERS on a stream that was not opened, or is over")
	}
	for _, f := range fields {
		switch f.Name {
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			c.blame("the field " + f.Name)
		}
	}
}

// wait waits until something is so, with the lock held, and reports whether it became so.
func (c *http2Client) wait(so func() bool) bool {
	late := false
	stop := time.AfterFunc(c.patience, func() {
		c.mu.Lock()
		late = true
		c.changed.Broadcast()
		c.mu.Unlock()
	})
	defer stop.Stop()
	for !so() {
		if late || c.h.Closed != nil {
			return so()
		}
		c.changed.Wait()
	}
	return true
}

// Spent implements Client: no exchange costs a connection.
func (c *http2Client) Spent() error { return nil }

// HangUp implements Client.
func (c *http2Client) HangUp() {
	c.mu.Lock()
	c.left = true
	out := c.out
	c.changed.Broadcast()
	c.mu.Unlock()
	if out != nil {
		out.Close()
		c.reading.Wait()
	}
}

// Close implements Client.
func (c *http2Client) Close() error {
	c.mu.Lock()
	ended := c.h != nil && !c.left && c.h.Closed != nil
	wrong := c.wrong
	c.mu.Unlock()
	c.HangUp()
	switch {
	case wrong != "":
		return errors.New("the server said what it may not: " + wrong)
	case ended:
		return fmt.Errorf("the connection should go on, and has ended: %v", c.h.Closed)
	}
	return nil
}

// http2Call is one stream.
type http2Call struct {
	client *http2Client
	id     uint32
	q      *Request
	window int64
	parts  []part // of the body, that wait for the windows
	gone   bool   // the client has left
	wrong  string
	reply  Reply
}

// Head opens the stream.
func (s *http2Call) Head(q *Request) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s.q, s.window = q, c.initial
	if q.Tunnel {
		const enableConnect = 8 // RFC 8441 section 3
		c.wait(func() bool { return len(c.h.Settings) > 0 })
		if c.h.Settings[enableConnect] != 1 {
			s.wrong = "no extended CONNECT"
			return
		}
	}
	s.id = c.h.next
	c.h.next += 2
	c.streams[s.id] = s
	if q.Cut {
		block := c.h.Block(q.http2()...)
		c.h.note(c.h.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block[:len(block)/2], EndStream: !q.bodied()}))
		return
	}
	c.h.Headers(s.id, !q.bodied() && !q.Tunnel, q.http2()...)
}

// http2 is the head as HTTP/2 says it.
func (q *Request) http2() (fields []string) {
	if q.Raw != nil {
		return q.Raw
	}
	method := or(q.Method, "GET")
	if q.Tunnel {
		method = "CONNECT"
		fields = append(fields, ":protocol", "websocket")
	}
	for _, f := range [][2]string{{":method", method}, {":scheme", or(q.Scheme, "http")}, {":authority", or(q.Authority, "a")}, {":path", or(q.Path, "/")}} {
		if f[1] != None {
			fields = append(fields, f[0], f[1])
		}
	}
	for i := 0; i < len(q.Fields); i += 2 {
		fields = append(fields, strings.ToLower(q.Fields[i]), q.Fields[i+1])
	}
	if q.TakesTrailers {
		fields = append(fields, "te", "trailers")
	}
	return fields
}

// Body sends a piece as the windows allow, at once or when they open.
func (s *http2Call) Body(piece string, last bool) { s.send(part{data: piece, end: last}) }

// Trailers ends the stream with a section.
func (s *http2Call) Trailers(fields []string) {
	small := slices.Clone(fields)
	for i := 0; i < len(fields); i += 2 {
		small[i] = strings.ToLower(fields[i])
	}
	s.send(part{trailers: small, end: true})
}

// part is a piece of a body, or the trailers.
type part struct {
	data     string
	trailers []string
	end      bool
}

// send sends a part behind those that wait for the windows.
func (s *http2Call) send(p part) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s.parts = append(s.parts, p)
	if len(s.parts) > 1 {
		return // somebody is at it
	}
	if int64(len(p.data)) <= min(s.window, c.window) {
		s.pour()
		return
	}
	c.reading.Go(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.pour()
	})
}

// pour sends all parts as the windows open, with the lock held but while it waits.
func (s *http2Call) pour() {
	c := s.client
	open := func() bool { return s.window > 0 && c.window > 0 }
	over := func() bool { return s.gone || c.left || c.h.Closed != nil || c.h.Stream(s.id).Reset != nil }
	for ; len(s.parts) > 0; s.parts = s.parts[1:] {
		p := s.parts[0]
		if p.trailers != nil {
			c.h.Headers(s.id, true, p.trailers...)
			continue
		}
		for first := true; first || p.data != ""; first = false {
			if c.wait(func() bool { return p.data == "" || open() || over() }); p.data != "" && !open() || s.gone || c.left {
				s.parts = nil
				return
			}
			n := min(int64(len(p.data)), s.window, c.window)
			s.window -= n
			c.window -= n
			c.h.Data(s.id, p.end && n == int64(len(p.data)), p.data[:n])
			p.data = p.data[n:]
		}
	}
}

// Leave resets the stream.
func (s *http2Call) Leave() {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s.gone = true
	c.changed.Broadcast()
	c.h.note(c.h.WriteRSTStream(s.id, http2.ErrCodeCancel))
}

// Until waits for what the reader takes.
func (s *http2Call) Until(so func(*Reply) bool) *Reply {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.id == 0 {
		s.reply = Reply{End: Broken, Wrong: s.wrong}
		return &s.reply
	}
	c.wait(func() bool {
		s.read()
		return so(&s.reply) || s.reply.End != Open
	})
	return &s.reply
}

// read makes the reply out of what has come.
func (s *http2Call) read() {
	h := s.client.h
	a := h.Stream(s.id)
	status, _ := strconv.Atoi(a.Status)
	if s.q.Tunnel && status == 200 {
		status = 101
	}
	s.reply = Reply{Status: status, Fields: sortLines(a.Header), Body: a.Body, Trailers: sortLines(a.Trailers), End: Open, Wrong: s.client.wrong}
	for _, i := range a.Interim {
		number, lines, _ := strings.Cut(i, " ")
		s.reply.Interim = append(s.reply.Interim, strings.TrimSpace(number+" "+sortLines(lines+"\n")))
	}
	switch {
	case a.Ended: // what comes behind it only stops the request
		s.reply.End = Complete
		if s.reply.lengthWrong(s.q.Method) {
			s.reply.Wrong = "a length that is not that of the body"
		}
	case a.Reset != nil && *a.Reset == http2.ErrCodeProtocol:
		s.reply.End = Malformed
	case a.Reset != nil || h.Closed != nil:
		s.reply.End = Broken
	}
}

// sortLines is lines of "name: value" as a Reply has them.
func sortLines(lines string) string {
	var fields []string
	for line := range strings.Lines(lines) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			fields = append(fields, name, value)
		}
	}
	return fieldLines(fields)
}
