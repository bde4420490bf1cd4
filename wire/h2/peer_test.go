package h2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer is the other end of a connection, made of frames by x/net: it sends what a test tells it, well-formed or not, and tells
// what it gets in one line a frame. It acknowledges SETTINGS and PING unless it is deaf.
type peer struct {
	*http2.Framer
	t       testing.TB
	conn    net.Conn
	deaf    bool
	table   bytes.Buffer
	encoder *hpack.Encoder
}

func newPeer(t testing.TB, c net.Conn) *peer {
	p := &peer{t: t, conn: c, Framer: http2.NewFramer(c, c)}
	p.AllowIllegalWrites = true
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.encoder = hpack.NewEncoder(&p.table)
	return p
}

// clientPeer is a client that has said hello.
func clientPeer(t testing.TB, c net.Conn, settings ...http2.Setting) *peer {
	t.Helper()
	p := newPeer(t, c)
	p.raw(http2.ClientPreface)
	p.ok(p.WriteSettings(settings...))
	return p
}

// originPeer is an origin that says hello; the client's preface is still to come.
func originPeer(t testing.TB, c net.Conn, settings ...http2.Setting) *peer {
	t.Helper()
	p := newPeer(t, c)
	p.ok(p.WriteSettings(settings...))
	return p
}

// preface reads what a client's connection begins with.
func (p *peer) preface() *peer {
	p.t.Helper()
	b := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.conn, b); err != nil || string(b) != http2.ClientPreface {
		p.t.Errorf("the preface is %q, %v", b, err)
	}
	return p
}

func (p *peer) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Error(err)
	}
}

func (p *peer) raw(bytes string) {
	p.t.Helper()
	_, err := io.WriteString(p.conn, bytes)
	p.ok(err)
}

// frame writes a frame of any kind.
func (p *peer) frame(kind http2.FrameType, flags http2.Flags, id uint32, payload string) {
	p.t.Helper()
	p.ok(p.WriteRawFrame(kind, flags, id, []byte(payload)))
}

func (p *peer) block(fields ...string) []byte {
	p.table.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.ok(p.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	return p.table.Bytes()
}

// head sends a header block.
func (p *peer) head(id uint32, end bool, fields ...string) {
	p.t.Helper()
	p.ok(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(fields...), EndStream: end, EndHeaders: true}))
}

// ask sends a request for a path.
func (p *peer) ask(id uint32, end bool, path string) {
	p.t.Helper()
	p.head(id, end, ":method", map[bool]string{true: "GET", false: "POST"}[end], ":scheme", "http", ":authority", "a", ":path", path)
}

func (p *peer) data(id uint32, end bool, text string) {
	p.t.Helper()
	p.ok(p.WriteData(id, end, []byte(text)))
}

// patience is how long the next frame may take: in a bubble longer than any deadline of a connection but a tunnel's.
func (p *peer) patience() time.Time {
	if _, piped := p.conn.(*end); piped {
		return time.Now().Add(5 * time.Minute)
	}
	return time.Now().Add(10 * time.Second)
}

// hear reads one frame and tells what it says; "closed" if the connection has ended, "silence" if nothing comes until by.
func (p *peer) hear(by time.Time) string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(by) // a connection that has ended is found by the read
	f, err := p.ReadFrame()
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			return "silence"
		}
		return "closed"
	}
	h := f.Header()
	end := ""
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return "SETTINGS ack"
		}
		if !p.deaf {
			p.answer("\x00\x00\x00\x04\x01\x00\x00\x00\x00")
		}
		return "SETTINGS"
	case *http2.PingFrame:
		if f.IsAck() {
			return fmt.Sprintf("PING ack %q", f.Data[:])
		}
		if !p.deaf {
			p.answer("\x00\x00\x08\x06\x01\x00\x00\x00\x00" + string(f.Data[:]))
		}
		return fmt.Sprintf("PING %q", f.Data[:])
	case *http2.MetaHeadersFrame:
		var fields strings.Builder
		for _, one := range f.Fields {
			fmt.Fprintf(&fields, " %s=%s", one.Name, one.Value)
		}
		if f.StreamEnded() {
			end = " end"
		}
		return fmt.Sprintf("HEADERS %d%s%s", h.StreamID, end, &fields)
	case *http2.DataFrame:
		if f.StreamEnded() {
			end = " end"
		}
		return fmt.Sprintf("DATA %d%s %s", h.StreamID, end, f.Data())
	case *http2.RSTStreamFrame:
		return fmt.Sprintf("RST_STREAM %d %v", h.StreamID, f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Sprintf("GOAWAY %d %v", f.LastStreamID, f.ErrCode)
	case *http2.WindowUpdateFrame:
		return fmt.Sprintf("WINDOW_UPDATE %d %d", h.StreamID, f.Increment)
	}
	return fmt.Sprintf("%v %d", h.Type, h.StreamID)
}

// answer writes beside the framer: a test may be writing while another goroutine hears. Whoever has closed meanwhile is found by the
// next read.
func (p *peer) answer(frame string) { _, _ = io.WriteString(p.conn, frame) }

// hears expects frames in this order: each text is the whole line, or its beginning and its end with a star
// between them. Frames of a kind that the
// next text does not begin with are passed over if they are SETTINGS, WINDOW_UPDATE or PING.
func (p *peer) hears(want ...string) {
	p.t.Helper()
	for _, w := range want {
		by := p.patience()
		got := p.hear(by)
		for kind, _, _ := strings.Cut(got, " "); strings.Contains("SETTINGS WINDOW_UPDATE PING", kind) && !strings.HasPrefix(w, kind); kind, _, _ = strings.Cut(got, " ") {
			got = p.hear(by)
		}
		start, end, star := strings.Cut(w, "*")
		if got != w && !(star && strings.HasPrefix(got, start) && strings.HasSuffix(got, end)) {
			p.t.Errorf("heard %.200q, want %.200q", got, w)
			p.conn.Close() // the rest of the test has an end
			return
		}
	}
}

// collects reads the answer on a stream to its end: what came of its body, how many frames that took, and the last line.
func (p *peer) collects(id uint32) (body string, frames int, last string) {
	p.t.Helper()
	by := p.patience()
	prefix := fmt.Sprintf("DATA %d ", id)
	for {
		last = p.hear(by)
		rest, data := strings.CutPrefix(last, prefix)
		switch {
		case data:
			frames++
			if ended, ok := strings.CutPrefix(rest, "end "); ok {
				return body + ended, frames, last
			}
			body += rest
		case last == "closed", last == "silence", strings.HasPrefix(last, fmt.Sprintf("RST_STREAM %d ", id)), strings.HasPrefix(last, fmt.Sprintf("HEADERS %d end", id)):
			return body, frames, last
		}
	}
}
