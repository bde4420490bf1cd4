package peer_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/peer"
	"skerry.dev/skerry/wire"
)

// origin2 is an origin of HTTP/2 that does what a test says. Its connections are pipes.
type origin2 struct {
	*rig
	settings []http2.Setting
	ask      func(f *far, id uint32) // for every request, on the connection's own goroutine; nil: it answers
	gate     chan struct{}           // a connection is there when something comes; nil: at once

	mu  sync.Mutex
	far []*far
	now atomic.Int32 // streams that wait for an answer
}

// far is the origin's end of a connection. What it says leaves in another goroutine than the one that listens: two ends of a pipe
// that both only write would wait for ever.
type far struct {
	origin *origin2
	conn   net.Conn
	out    chan func(*http2.Framer)
	gone   chan struct{}
}

func newOrigin2(t *testing.T) *origin2 {
	o := &origin2{rig: newRig(t)}
	o.keeper.Connect(func(ctx context.Context, _, _ string) (net.Conn, error) {
		o.dials.Add(1)
		if o.gate != nil {
			select {
			case <-o.gate:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		near, there := net.Pipe()
		o.listen(there)
		return near, nil
	})
	return o
}

func (o *origin2) listen(c net.Conn) *far {
	f := &far{origin: o, conn: c, out: make(chan func(*http2.Framer), 1<<12), gone: make(chan struct{})}
	o.mu.Lock()
	o.far = append(o.far, f)
	o.mu.Unlock()
	fr := http2.NewFramer(c, c)
	f.say(func(fr *http2.Framer) { fr.WriteSettings(o.settings...) })
	go f.speak(fr)
	go f.listen(fr)
	return f
}

func (f *far) say(what func(*http2.Framer)) { f.out <- what }

func (f *far) speak(fr *http2.Framer) {
	for {
		select {
		case what := <-f.out:
			what(fr)
		case <-f.gone:
			return
		}
	}
}

func (f *far) listen(fr *http2.Framer) {
	defer f.conn.Close()
	defer close(f.gone)
	if _, err := io.ReadFull(f.conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.say(func(fr *http2.Framer) { fr.WriteSettingsAck() })
			}
		case *http2.PingFrame:
			if data := frame.Data; !frame.IsAck() {
				f.say(func(fr *http2.Framer) { fr.WritePing(true, data) })
			}
		case *http2.HeadersFrame:
			f.origin.now.Add(1)
			if f.origin.ask == nil {
				f.answer(frame.StreamID)
			} else {
				f.origin.ask(f, frame.StreamID)
			}
		}
	}
}

// answer answers with 200 and an empty body.
func (f *far) answer(id uint32) {
	f.origin.now.Add(-1)
	f.say(func(fr *http2.Framer) {
		var b bytes.Buffer
		hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true})
	})
}

// leave says GOAWAY: what came behind a stream was not taken.
func (f *far) leave(last uint32) {
	f.say(func(fr *http2.Framer) { fr.WriteGoAway(last, http2.ErrCodeNo, nil) })
}

// ends is how many connections were made.
func (o *origin2) ends() []*far {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*far(nil), o.far...)
}

// acquire2 is acquire for HTTP/2.
func (o *origin2) acquire2(keep spec.KeepAlive) *peer.Peer {
	o.t.Helper()
	id := peer.Identity{Addr: addr2, Protocol: spec.ProtocolHTTP2}
	p, err := o.keeper.Acquire(id, peer.Limits{Keep: keep, Connect: time.Second})
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// get is Get, or else Dial.
func get(p *peer.Peer) (*peer.Conn, error) {
	if c := p.Get(time.Now()); c != nil {
		return c, nil
	}
	return p.Dial(context.Background())
}

func mustGet(t testing.TB, p *peer.Peer) *peer.Conn {
	t.Helper()
	c, err := get(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open is an exchange under way.
type open struct {
	c *peer.Conn
	x *exchange.Exchange
}

// begin sends a request.
func begin(t testing.TB, p *peer.Peer) *open {
	t.Helper()
	o := &open{mustGet(t, p), exchange.Acquire()}
	x := o.x
	x.Now = time.Now()
	x.Req.Method, x.Req.MethodName, x.Req.Path = exchange.MethodGet, []byte("GET"), []byte("/")
	q := wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Hour, FirstByte: time.Hour, Now: x.Now}
	if _, err := o.c.Send(x, &q); err != nil {
		t.Fatal(err)
	}
	return o
}

// end waits for the answer and gives the place back.
func (o *open) end() error {
	err := o.c.Receive(o.x)
	for err == nil && o.x.Resp.Body != nil {
		_, err = o.x.Resp.Body.Next()
	}
	if err == io.EOF {
		err = nil
	}
	if o.c.End(o.x) {
		o.c.Keep(time.Now())
	} else {
		o.c.Close()
	}
	o.x.Release()
	return err
}

// drop gives it up.
func (o *open) drop() {
	o.c.End(o.x)
	o.c.Close()
	o.x.Release()
}
