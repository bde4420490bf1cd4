package h2_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/h2"
)

// message is what a second reader makes of a stream: x/net's framer and hpack, without a look at what is allowed.
type message struct {
	heads [][]hpack.HeaderField
	body  []byte
	ended bool
}

// secondReading reads frames until one is no frame, or a block is no HPACK.
func secondReading(frames []byte) map[uint32]*message {
	f := http2.NewFramer(io.Discard, bytes.NewReader(frames))
	f.AllowIllegalReads = true
	d := hpack.NewDecoder(4096, nil)
	streams := map[uint32]*message{}
	at := func(id uint32) *message {
		if streams[id] == nil {
			streams[id] = &message{}
		}
		return streams[id]
	}
	var block []byte
	take := func(id uint32, fragment []byte, last bool) bool {
		if block = append(block, fragment...); !last {
			return true
		}
		fields, err := d.DecodeFull(block)
		m := at(id)
		m.heads = append(m.heads, fields)
		block = nil
		return err == nil
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return streams
		}
		switch frame := frame.(type) {
		case *http2.HeadersFrame:
			if !take(frame.StreamID, frame.HeaderBlockFragment(), frame.HeadersEnded()) {
				return streams
			}
			m := at(frame.StreamID)
			m.ended = m.ended || frame.StreamEnded()
		case *http2.ContinuationFrame:
			if !take(frame.StreamID, frame.HeaderBlockFragment(), frame.HeadersEnded()) {
				return streams
			}
		case *http2.DataFrame:
			m := at(frame.StreamID)
			if m.ended {
				continue // behind the end
			}
			m.body = append(m.body, frame.Data()...)
			m.ended = m.ended || frame.StreamEnded()
		}
	}
}

// request is a message as a request, in the way that asRead writes one.
func (m *message) request() string {
	var method, target string
	var lines, cookies []string
	for _, f := range m.heads[0] {
		switch f.Name {
		case ":method":
			method = f.Value
		case ":path":
			target = f.Value
		case ":authority":
			if f.Value != "" {
				lines = append([]string{"host=" + f.Value}, lines...)
			}
		case ":scheme":
		case "cookie":
			if cookies = append(cookies, f.Value); len(cookies) == 1 {
				lines = append(lines, "cookie=")
			}
		default:
			lines = append(lines, f.Name+"="+f.Value)
		}
	}
	if i := slices.Index(lines, "cookie="); i >= 0 && cookies != nil {
		lines[i] += strings.Join(cookies, "; ")
	}
	return fmt.Sprintf("%s %s\n%s\n\n%s", method, target, strings.Join(lines, "\n"), m.body)
}

// asRead is a request that has passed, and its body.
func asRead(x *exchange.Exchange, body string) string {
	var lines []string
	for _, f := range x.Req.Sent {
		lines = append(lines, strings.ToLower(string(f.Name))+"="+string(f.Value))
	}
	return fmt.Sprintf("%s %s\n%s\n\n%s", x.Req.MethodName, x.Req.Target, strings.Join(lines, "\n"), body)
}

// feed writes all of it and ends that side.
func feed(c net.Conn, text string) {
	_, _ = io.WriteString(c, text)
	c.(*end).out.close()
}

// within fails if something is not over soon: nothing may hang, whatever a peer sends.
func within(t *testing.T, what string, over <-chan struct{}) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	select {
	case <-over:
	case <-limit.C:
		t.Fatal(what + " hangs")
	}
}

const greeting = http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

// frameSeeds are frames for a corpus, made by a framer.
func frameSeeds(write func(p *peer)) []byte {
	near, far := bufferedPipe()
	p := newPeer(nil, near)
	write(p)
	feed(near, "")
	text, _ := io.ReadAll(far)
	return text
}

// FuzzServerFrames sends any bytes behind the preface. Nothing hangs or panics, and a request that passes is the one that another
// implementation reads.
func FuzzServerFrames(f *testing.F) {
	must := func(error) {}
	f.Add(frameSeeds(func(p *peer) {
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(static), EndStream: true, EndHeaders: true}))
		must(p.WriteWindowUpdate(0, 1000))
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: []byte(static + "\x00\x06cookie\x01a\x00\x06cookie\x01b"), EndHeaders: true}))
		must(p.WriteDataPadded(3, false, []byte("hello"), make([]byte, 5)))
		must(p.WriteData(3, true, []byte("world")))
		must(p.WriteRSTStream(1, http2.ErrCodeCancel))
		must(p.WritePing(false, [8]byte{1}))
	}))
	f.Add(frameSeeds(func(p *peer) {
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: []byte("\x83\x86\x84\x41\x01a"), Priority: http2.PriorityParam{StreamDep: 3}}))
		must(p.WriteContinuation(5, true, []byte("\x5c\x015\xbf")))
		must(p.WriteData(5, false, []byte("hello")))
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: []byte("\x00\x01x\x01y"), EndStream: true, EndHeaders: true}))
		must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3}))
		must(p.WriteGoAway(0, http2.ErrCodeNo, nil))
	}))
	f.Add(frameSeeds(func(p *peer) {
		must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("\x02\x07CONNECT\x86\x84\x41\x01a\x00\x09:protocol\x09websocket"), EndHeaders: true}))
		must(p.WriteData(1, true, []byte("frames")))
		must(p.WriteRawFrame(0x10, 0, 0, []byte(four+"u=0, i")))
		must(p.WriteWindowUpdate(1, 1<<31-1))
	}))
	f.Fuzz(func(t *testing.T, frames []byte) {
		var lock sync.Mutex
		var read []string
		server := h2.Server{Panicked: func(what string) { t.Error(what) }}
		server.Handler = func(x *exchange.Exchange) bool {
			body, err := "", error(nil)
			if x.Fault == nil && x.Req.Body != nil {
				body, _, err = readAll(x.Req.Body)
			}
			if x.Fault == nil && err == nil && x.Req.Upgrade == nil {
				lock.Lock()
				read = append(read, asRead(x, body))
				lock.Unlock()
			}
			x.Answer(200)
			x.Resp.Body = exchange.NewBytes([]byte("an answer"))
			return x.Sink.Send(x) == nil
		}
		near, far := bufferedPipe()
		over := make(chan struct{})
		go func() { defer close(over); server.Serve(far, nil) }()
		feed(near, greeting+string(frames))
		within(t, "the server", over)
		server.Close()
		want := map[string]int{}
		for _, m := range secondReading(frames) {
			if len(m.heads) > 0 && m.ended {
				want[m.request()]++
			}
		}
		for _, r := range read {
			if want[r]--; want[r] < 0 {
				t.Fatalf("read\n%q\nwhich another reader does not: %v", r, want)
			}
		}
	})
}

// FuzzClientFrames answers two requests with any bytes. Nothing hangs or panics, and an answer that passes is the one that another
// implementation reads.
func FuzzClientFrames(f *testing.F) {
	f.Add(frameSeeds(func(p *peer) {
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("\x88\x5c\x015"), EndHeaders: true})
		_ = p.WriteData(1, true, []byte("hello"))
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: []byte("\x08\x03103\x00\x04link\x01a"), EndHeaders: true})
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: []byte("\x88"), EndHeaders: true})
		_ = p.WriteData(3, false, []byte("a"))
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: []byte("\x00\x0bgrpc-status\x010"), EndStream: true, EndHeaders: true})
	}))
	f.Add(frameSeeds(func(p *peer) {
		_ = p.WriteRSTStream(1, http2.ErrCodeRefusedStream)
		_ = p.WriteGoAway(1, http2.ErrCodeNo, []byte("bye"))
		_ = p.WriteDataPadded(3, true, []byte("x"), make([]byte, 9))
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
	}))
	f.Fuzz(func(t *testing.T, frames []byte) {
		near, far := bufferedPipe()
		over := make(chan struct{})
		c := h2.NewClient(near, h2.ClientOptions{Over: func() { close(over) }, Panicked: func(what string) { t.Error(what) }})
		first, second := c.Begin(), c.Begin()
		answers := make([]string, 2)
		var calls sync.WaitGroup
		for i, k := range []*h2.Call{first, second} {
			x := asking()
			if i == 1 {
				x.Req.Method, x.Req.MethodName = exchange.MethodPost, []byte("POST")
				x.Req.Body = unsized{exchange.NewBytes([]byte("hello"))}
			}
			_, err := k.Send(x, plain())
			calls.Go(func() {
				if err == nil {
					err = k.Receive(x)
				}
				answers[i] = answered(t, x, err)
				k.End(x)
				x.Join()
				x.Release()
			})
		}
		feed(far, "\x00\x00\x00\x04\x00\x00\x00\x00\x00"+string(frames))
		within(t, "the client", over)
		calls.Wait()
		reading := secondReading(frames)
		for i, got := range answers {
			if got == "" {
				continue
			}
			m := reading[uint32(2*i+1)]
			if m == nil || m.response() != got {
				t.Fatalf("stream %d reads\n%q\nanother reader\n%+v", 2*i+1, got, m)
			}
		}
		far.Close()
	})
}

// answered is an answer that has come whole, in the way that response writes one; empty if it has not.
func answered(t *testing.T, x *exchange.Exchange, err error) string {
	r, body := &x.Resp, ""
	if err != nil {
		if fault.Of(err) == fault.Internal && kindOf(err) != "stale" {
			t.Errorf("it failed as %v", err)
		}
		return ""
	}
	if r.Body != nil {
		size := r.Body.Size()
		if body, _, err = readAll(r.Body); err != nil {
			return ""
		}
		if size >= 0 && int64(len(body)) != size {
			t.Errorf("%d bytes of %d", len(body), size)
		}
	}
	var lines []string
	for _, f := range r.Fields {
		lines = append(lines, strings.ToLower(string(f.Name))+"="+string(f.Value))
	}
	return fmt.Sprintf("%d\n%s\n\n%s", r.Status, strings.Join(lines, "\n"), body)
}

// response is a message as a response: its first head that is no interim one, without what concerns the connection.
func (m *message) response() string {
	for _, head := range m.heads {
		status := ""
		var lines []string
		for _, f := range head {
			switch f.Name {
			case ":status":
				status = f.Value
			default:
				if !exchange.Intern([]byte(f.Name)).HopByHop() {
					lines = append(lines, f.Name+"="+f.Value)
				}
			}
		}
		if !strings.HasPrefix(status, "1") {
			return fmt.Sprintf("%s\n%s\n\n%s", status, strings.Join(lines, "\n"), m.body)
		}
	}
	return ""
}
