package wiretest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// H2 is a client of HTTP/2 made of frames: it sends what it is told, well-formed or not, and collects what it gets, by
// stream. It acknowledges SETTINGS and PING by itself and gives back flow control unless Slow.
type H2 struct {
	*http2.Framer
	Conn     net.Conn
	Patience time.Duration // longest wait of a step
	Slow     bool          // DATA is not acknowledged: the windows run empty
	GoAway   *http2.ErrCode
	Closed   error // what ended the reading
	Broken   error // the first write that failed: a server may close while a client speaks
	Settings map[http2.SettingID]uint32

	table   bytes.Buffer
	encoder *hpack.Encoder
	streams map[uint32]*H2Answer
	next    uint32
}

// H2Answer is what came on one stream so far.
type H2Answer struct {
	Interim  []string // "103 link: <a>"
	Status   string
	Header   string // "name: value" lines in the order of the wire
	Body     string
	Trailers string         // as Header
	Ended    bool           // END_STREAM has come
	Reset    *http2.ErrCode // RST_STREAM has come
}

// Over reports whether nothing more can come.
func (a *H2Answer) Over() bool { return a.Ended || a.Reset != nil }

// Field returns the value of the first header field of a name, empty if there is none.
func (a *H2Answer) Field(name string) string {
	for line := range strings.Lines(a.Header) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	return ""
}

// String says what a person wants to know in a test's message.
func (a *H2Answer) String() string {
	s := fmt.Sprintf("%s body %s", a.Status, short(a.Body))
	if len(a.Interim) > 0 {
		s = strings.Join(a.Interim, ", ") + ", " + s
	}
	if a.Trailers != "" {
		s += fmt.Sprintf(" trailers %q", a.Trailers)
	}
	switch {
	case a.Reset != nil:
		s += " reset " + a.Reset.String()
	case !a.Ended:
		s += " not ended"
	}
	return s
}

// NewH2 sends the preface and the client's settings on a connection.
func NewH2(c net.Conn, settings ...http2.Setting) *H2 {
	h := &H2{Conn: c, Framer: http2.NewFramer(c, c), Patience: 20 * time.Second, streams: map[uint32]*H2Answer{}, next: 1, Settings: map[http2.SettingID]uint32{}}
	h.encoder = hpack.NewEncoder(&h.table)
	h.AllowIllegalWrites = true
	h.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err := io.WriteString(c, http2.ClientPreface)
	h.note(err)
	h.note(h.WriteSettings(settings...))
	return h
}

func (h *H2) note(err error) {
	if h.Broken == nil {
		h.Broken = err
	}
}

// Block encodes fields, given as name, value, name, value.
func (h *H2) Block(fields ...string) []byte {
	h.table.Reset()
	for i := 0; i < len(fields); i += 2 {
		// The only error is that of the buffer, which has none.
		_ = h.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return slices.Clone(h.table.Bytes())
}

// Ask opens a stream with these fields, in frames as large as every peer must take, and returns its number.
func (h *H2) Ask(end bool, fields ...string) (id uint32) {
	id = h.next
	h.next += 2
	h.Headers(id, end, fields...)
	return id
}

// Get is Ask for GET / of host a, with more fields.
func (h *H2) Get(fields ...string) (id uint32) {
	return h.Ask(true, append([]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "/"}, fields...)...)
}

// Post is Ask for POST / of host a, with more fields; the body follows by Data.
func (h *H2) Post(fields ...string) (id uint32) {
	return h.Ask(false, append([]string{":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/"}, fields...)...)
}

// Headers sends fields on a stream: a request's or its trailers.
func (h *H2) Headers(id uint32, end bool, fields ...string) {
	const most = 16 << 10
	block := h.Block(fields...)
	first := block[:min(len(block), most)]
	block = block[len(first):]
	h.note(h.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0}))
	for len(block) > 0 {
		part := block[:min(len(block), most)]
		block = block[len(part):]
		h.note(h.WriteContinuation(id, len(block) == 0, part))
	}
}

// Data sends a body in frames of at most 16 KB, and its end if end says so. It knows no flow control.
func (h *H2) Data(id uint32, end bool, body string) {
	for first := true; first || body != ""; first = false {
		part := body[:min(len(body), 16<<10)]
		body = body[len(part):]
		h.note(h.WriteData(id, end && body == "", []byte(part)))
	}
}

// Stream is what came on a stream so far.
func (h *H2) Stream(id uint32) *H2Answer {
	a := h.streams[id]
	if a == nil {
		a = &H2Answer{}
		h.streams[id] = a
	}
	return a
}

// Await reads until the answer on a stream is over, or the connection.
func (h *H2) Await(id uint32) *H2Answer {
	a := h.Stream(id)
	h.Until(a.Over)
	return a
}

// Until reads until something is so, and reports whether it became so before the connection ended.
func (h *H2) Until(so func() bool) bool {
	for !so() {
		if h.Closed != nil {
			return false
		}
		h.note(h.Conn.SetReadDeadline(time.Now().Add(h.Patience)))
		f, err := h.ReadFrame()
		if err != nil {
			h.Closed = err
			return so()
		}
		h.take(f)
	}
	return true
}

// Listen reads for so long, for scripts in which time passes: a client that does not listen answers no PING.
func (h *H2) Listen(d time.Duration) {
	end := time.Now().Add(d)
	for h.Closed == nil {
		h.note(h.Conn.SetReadDeadline(end))
		f, err := h.ReadFrame()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			h.Closed = err
		default:
			h.take(f)
		}
	}
}

// take notes one frame.
func (h *H2) take(f http2.Frame) {
	a := h.Stream(f.Header().StreamID)
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			h.note(f.ForeachSetting(func(s http2.Setting) error { h.Settings[s.ID] = s.Val; return nil }))
			h.note(h.WriteSettingsAck())
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			h.note(h.WritePing(true, f.Data))
		}
	case *http2.GoAwayFrame:
		code := f.ErrCode
		h.GoAway = &code
	case *http2.RSTStreamFrame:
		code := f.ErrCode
		a.Reset = &code
	case *http2.MetaHeadersFrame:
		a.head(f)
	case *http2.DataFrame:
		a.Body += string(f.Data())
		a.Ended = f.StreamEnded()
		if n := f.Length; n > 0 && !h.Slow {
			h.note(h.WriteWindowUpdate(0, n))
			if !a.Ended {
				h.note(h.WriteWindowUpdate(f.StreamID, n))
			}
		}
	}
}

// head notes a head, interim or final, or trailers.
func (a *H2Answer) head(f *http2.MetaHeadersFrame) {
	var lines strings.Builder
	for _, field := range f.RegularFields() {
		fmt.Fprintf(&lines, "%s: %s\n", field.Name, field.Value)
	}
	status := f.PseudoValue("status")
	switch {
	case a.Status != "":
		a.Trailers = lines.String()
	case strings.HasPrefix(status, "1"):
		a.Interim = append(a.Interim, strings.TrimSpace(status+" "+lines.String()))
	default:
		a.Status, a.Header = status, lines.String()
	}
	a.Ended = f.StreamEnded()
}
