package h2_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

// hostile is a connection to an origin that a test plays, frame by frame.
type hostile struct {
	client *h2.Client
	origin *http2.Framer
	end    func()
	last   uint32 // stream that was opened
}

// facing begins with the origin's settings. In a bubble, where the clock stands still while anything moves.
func facing(t *testing.T) *hostile {
	t.Helper()
	near, far := bufferedPipe()
	o := &hostile{client: h2.NewClient(near, h2.ClientOptions{}), origin: http2.NewFramer(far, far), end: func() { far.Close() }}
	o.origin.AllowIllegalWrites = true
	if err := o.origin.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return o
}

// get sends a GET and has the origin say what it likes, then reads the answer.
func (o *hostile) get(t *testing.T, then func(id uint32)) (status int, body string, err error) {
	t.Helper()
	k := o.client.Begin()
	if k == nil {
		return 0, "", fmt.Errorf("there is no place")
	}
	x := exchange.Acquire()
	defer x.Release()
	defer k.End(x)
	if _, err = k.Send(x, question(x)); err != nil {
		return 0, "", err
	}
	if o.last += 2; o.last == 2 {
		o.last = 1
	}
	then(o.last)
	if err = k.Receive(x); err != nil {
		return 0, "", err
	}
	if x.Resp.Body != nil {
		body, _, err = readAll(x.Resp.Body)
	}
	return x.Resp.Status, body, err
}

// question is a GET of /.
func question(x *exchange.Exchange) *wire.Request {
	x.Req.Method, x.Req.MethodName, x.Now = exchange.MethodGet, []byte("GET"), time.Now()
	return &wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: 30 * time.Second, FirstByte: 30 * time.Second, Now: x.Now}
}

// TestBodyBeforeHead: a body that comes before its head is a violation at once, whatever the head says afterwards.
func TestBodyBeforeHead(t *testing.T) {
	for name, end := range map[string]bool{"a piece": false, "all of it": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := facing(t)
				began := time.Now()
				status, body, err := o.get(t, func(id uint32) {
					_ = o.origin.WriteData(id, end, []byte("HTTP/1.1 200 OK"))
					if !end { // :status 200, content-length 0
						_ = o.origin.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88, 0x0f, 0x0d, 0x01, '0'}, EndStream: true, EndHeaders: true})
					}
				})
				if fault.Of(err) != fault.OriginProtocol || time.Since(began) > time.Second {
					t.Errorf("got %d %q, %v, after %v", status, body, err, time.Since(began))
				}
				o.end()
				synctest.Wait()
			})
		})
	}
}

// TestLateData: what comes on streams that were given up, however long ago, costs the connection nothing.
func TestLateData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := facing(t)
		for range 400 {
			k := o.client.Begin()
			x := exchange.Acquire()
			if _, err := k.Send(x, question(x)); err != nil {
				t.Fatal(err)
			}
			k.End(x)
			x.Release()
		}
		o.last = 799
		for id := uint32(1); id < 800; id += 2 {
			_ = o.origin.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true})
			_ = o.origin.WriteData(id, false, []byte(strings.Repeat("x", 10_000)))
			_ = o.origin.WriteWindowUpdate(id, 1)
			_ = o.origin.WriteData(id, true, nil)
		}
		status, body, err := o.get(t, func(id uint32) {
			_ = o.origin.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true})
			_ = o.origin.WriteData(id, true, []byte("hi"))
		})
		if status != 200 || body != "hi" || err != nil {
			t.Errorf("got %d %q, %v", status, body, err)
		}
		o.end()
		synctest.Wait()
	})
}
