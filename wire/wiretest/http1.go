package wiretest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// HTTP1 is the Protocol of HTTP/1.1 (RFC 9112), on connections as many as there are exchanges at once.
type HTTP1 struct {
	// Bytewise sends the first bytes of a connection one by one.
	Bytewise bool
}

// Can implements Protocol: lines of text need nothing special.
func (HTTP1) Can() Needs { return 0 }

// Client implements Protocol.
func (p HTTP1) Client(dial func() (net.Conn, error), patience time.Duration) Client {
	return &http1Client{dial: dial, bytewise: p.Bytewise, patience: patience}
}

type http1Client struct {
	dial     func() (net.Conn, error)
	bytewise bool
	patience time.Duration
	calls    []*http1Call // the newest of each connection that is open
	last     *http1Call
}

// Begin takes the connection whose exchange was over last, if there is one that goes on.
func (c *http1Client) Begin() (Call, error) {
	for i := len(c.calls) - 1; i >= 0; i-- {
		before := c.calls[i]
		switch {
		case before.reply.End != Complete:
			continue
		case before.last:
			return nil, errors.New("the connection ends, and should go on")
		}
		c.last = &http1Call{client: c, out: before.out, in: before.in, reply: Reply{End: Open}}
		c.calls[i] = c.last
		return c.last, nil
	}
	conn, err := c.dial()
	if err != nil {
		return nil, err
	}
	c.last = &http1Call{client: c, out: newOutbox(conn, c.bytewise), in: bufio.NewReader(conn), reply: Reply{End: Open}}
	c.calls = append(c.calls, c.last)
	return c.last, nil
}

// Spent implements Client.
func (c *http1Client) Spent() error {
	err := c.last.ended()
	c.last.hangUp()
	return err
}

// HangUp implements Client.
func (c *http1Client) HangUp() {
	for len(c.calls) > 0 {
		c.calls[0].hangUp()
	}
}

// Close implements Client.
func (c *http1Client) Close() error {
	var all []error
	for len(c.calls) > 0 {
		call := c.calls[0]
		if call.reply.End == Complete && call.last {
			all = append(all, errors.New("the connection ends, and should go on"))
		}
		if call.reply.End == Complete && call.out.closeWrite() {
			all = append(all, call.ended())
		}
		call.hangUp()
	}
	return errors.Join(all...)
}

// http1Call is one exchange.
type http1Call struct {
	client  *http1Client
	out     *outbox
	in      *bufio.Reader
	q       *Request
	chunked bool // the request's body
	reply   Reply
	last    bool // the connection ends behind the reply
	next    func(c *http1Call) error
	left    int64 // bytes of the body, or of the chunk, still to come
}

// hangUp closes the connection.
func (c *http1Call) hangUp() {
	c.out.Close()
	for i, open := range c.client.calls {
		if open == c {
			c.client.calls = append(c.client.calls[:i], c.client.calls[i+1:]...)
			return
		}
	}
}

// ended waits for the end of the connection, before which nothing may come.
func (c *http1Call) ended() error {
	c.out.SetReadDeadline(time.Now().Add(c.client.patience))
	one, err := c.in.ReadByte()
	switch {
	case err == nil:
		rest, _ := c.in.Peek(c.in.Buffered())
		return fmt.Errorf("the client got more than its replies: %q", string(one)+string(rest))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the connection of the client stays open")
	}
	return nil
}

// Head sends the head.
func (c *http1Call) Head(q *Request) {
	c.q, c.next = q, (*http1Call).readHead
	c.chunked = q.bodied() && !q.has("Content-Length") && !q.Tunnel
	text := q.http1()
	if q.Cut {
		text = text[:len(text)/2]
	}
	io.WriteString(c.out, text)
}

// http1 is the head as HTTP/1.1 says it.
func (q *Request) http1() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", or(q.Method, "GET"), or(q.Path, "/"))
	if q.Authority != None {
		b.WriteString("Host: " + or(q.Authority, "a") + "\r\n")
	}
	for i := 0; i < len(q.Fields); i += 2 {
		b.WriteString(q.Fields[i] + ": " + q.Fields[i+1] + "\r\n")
	}
	switch {
	case q.Tunnel:
		b.WriteString("Sec-WebSocket-Key: " + socketKey + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
	case q.bodied() && !q.has("Content-Length"):
		b.WriteString("Transfer-Encoding: chunked\r\n")
	}
	if q.TakesTrailers {
		b.WriteString("TE: trailers\r\nConnection: TE\r\n")
	}
	return b.String() + "\r\n"
}

// socketKey is a key for a WebSocket (RFC 6455 section 1.3).
const socketKey = "dGhlIHNhbXBsZSBub25jZQ=="

// Body sends a piece.
func (c *http1Call) Body(piece string, last bool) {
	switch {
	case c.chunked && piece != "":
		fmt.Fprintf(c.out, "%x\r\n%s\r\n", len(piece), piece)
	case piece != "":
		io.WriteString(c.out, piece)
	}
	switch {
	case last && c.chunked:
		io.WriteString(c.out, "0\r\n\r\n")
	case last && c.q.Tunnel:
		c.out.closeWrite()
	}
}

// Trailers ends a body in chunks.
func (c *http1Call) Trailers(fields []string) {
	io.WriteString(c.out, "0\r\n")
	for i := 0; i < len(fields); i += 2 {
		io.WriteString(c.out, fields[i]+": "+fields[i+1]+"\r\n")
	}
	io.WriteString(c.out, "\r\n")
}

// Leave closes the connection: there is no other way to leave.
func (c *http1Call) Leave() { c.hangUp() }

// Until reads on.
func (c *http1Call) Until(so func(*Reply) bool) *Reply {
	c.out.SetReadDeadline(time.Now().Add(c.client.patience))
	for !so(&c.reply) && c.reply.End == Open {
		err := c.next(c)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &c.reply
		case errors.As(err, new(wrongReply)):
			c.reply.Wrong, c.reply.End = err.Error(), Broken
		default:
			c.reply.End = Broken
			c.hangUp()
		}
	}
	return &c.reply
}

// complete notes the end of the reply.
func (c *http1Call) complete() error {
	c.reply.End = Complete
	if c.reply.lengthWrong(c.q.Method) {
		return wrongReply("a length that is not that of the body")
	}
	return nil
}

// wrongReply is what HTTP/1.1 does not allow a server to say.
type wrongReply string

func (w wrongReply) Error() string { return string(w) }

// line reads a line, which must end in CRLF.
func (c *http1Call) line() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line, ok := strings.CutSuffix(line, "\r\n")
	if !ok || strings.ContainsAny(line, "\r\x00") {
		return "", wrongReply(fmt.Sprintf("the line %q", line))
	}
	return line, nil
}

// section reads field lines up to the empty one.
func (c *http1Call) section() (fields []string, err error) {
	for {
		line, err := c.line()
		if err != nil || line == "" {
			return fields, err
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name == "" || strings.ContainsAny(name, " \t") || strings.TrimSpace(value) != value {
			return nil, wrongReply(fmt.Sprintf("the field %q", line))
		}
		fields = append(fields, name, value)
	}
}

// readHead reads an interim or a final head.
func (c *http1Call) readHead() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	number, _, ok := strings.Cut(strings.TrimPrefix(line, "HTTP/1.1 "), " ")
	status, err := strconv.Atoi(number)
	if err != nil || !ok || len(number) != 3 || !strings.HasPrefix(line, "HTTP/1.1 ") {
		return wrongReply(fmt.Sprintf("the status line %q", line))
	}
	fields, err := c.section()
	if err != nil {
		return err
	}
	if status < 200 && status != 101 {
		c.reply.Interim = append(c.reply.Interim, strings.TrimSpace(number+" "+fieldLines(fields)))
		return nil
	}
	return c.frame(status, fields)
}

// frame takes in a final head.
func (c *http1Call) frame(status int, fields []string) error {
	var kept []string
	length, chunked := int64(-1), false
	for i := 0; i < len(fields); i += 2 {
		name, value := fields[i], fields[i+1]
		switch {
		case name == "Connection" && value == "close":
			c.last = true
		case name == "Connection" && status == 101 || name == "Upgrade" && status == 101:
		case name == "Transfer-Encoding" && value == "chunked" && length < 0 && !chunked:
			chunked = true
		case name == "Connection" || name == "Transfer-Encoding":
			return wrongReply(fmt.Sprintf("the field %s: %s", name, value))
		case name == "Content-Length":
			n, err := strconv.ParseInt(value, 10, 63)
			if err != nil || length >= 0 || chunked {
				return wrongReply("the framing")
			}
			length = n
			fallthrough
		default:
			kept = append(kept, name, value)
		}
	}
	c.reply.Status, c.reply.Fields = status, fieldLines(kept)
	switch {
	case status == 101:
		c.last, c.next = true, (*http1Call).readTunnel
	case chunked && (c.q.Method == "HEAD" || status == 204 || status == 304):
		return wrongReply("chunks where no body may be")
	case c.q.Method == "HEAD" || status == 204 || status == 304 || length == 0:
		return c.complete()
	case chunked:
		c.next = (*http1Call).readChunk
	case length < 0:
		return wrongReply("a body whose end nobody can tell")
	default:
		c.left, c.next = length, (*http1Call).readBody
	}
	return nil
}

// take reads what is there of the body, at most what is left of it.
func (c *http1Call) take() error {
	part := make([]byte, min(c.left, 32<<10))
	n, err := c.in.Read(part)
	c.reply.Body += string(part[:n])
	c.left -= int64(n)
	return err
}

// readBody reads on in a body with a length.
func (c *http1Call) readBody() error {
	if err := c.take(); err != nil || c.left > 0 {
		return err
	}
	return c.complete()
}

// readChunk reads the size of a chunk, or the trailers.
func (c *http1Call) readChunk() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	c.left, err = strconv.ParseInt(line, 16, 63)
	if err != nil || strconv.FormatInt(c.left, 16) != line {
		return wrongReply(fmt.Sprintf("the chunk size %q", line))
	}
	if c.left > 0 {
		c.next = (*http1Call).readChunkData
		return nil
	}
	fields, err := c.section()
	if err != nil {
		return err
	}
	c.reply.Trailers = fieldLines(fields)
	return c.complete()
}

func (c *http1Call) readChunkData() error {
	if c.left > 0 {
		return c.take()
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	if line != "" {
		return wrongReply(fmt.Sprintf("%q behind a chunk", line))
	}
	c.next = (*http1Call).readChunk
	return nil
}

// readTunnel reads what comes through a tunnel.
func (c *http1Call) readTunnel() error {
	c.left = 32 << 10
	if err := c.take(); err == io.EOF {
		return c.complete()
	} else if err != nil {
		return err
	}
	return nil
}
