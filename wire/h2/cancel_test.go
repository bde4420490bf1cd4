package h2_test

import (
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/h2"
)

// TestOriginResets: what it means that the origin ends a stream before its head. CANCEL has a kind of its own: servers of gRPC say it
// of a call whose time is up.
func TestOriginResets(t *testing.T) {
	f := func(code http2.ErrCode, want fault.Kind) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			near, far := bufferedPipe()
			c := h2.NewClient(near, h2.ClientOptions{})
			defer far.Close()
			defer c.Close()
			o := originPeer(t, far)
			k, x := c.Begin(), exchange.Acquire()
			defer x.Release()
			defer k.End(x)
			x.Req.Method, x.Req.MethodName, x.Now = exchange.MethodGet, []byte("GET"), time.Now()
			q := wire.Request{Host: []byte("a"), Path: []byte("/"), Patience: time.Second, FirstByte: time.Second, Now: x.Now}
			if _, err := k.Send(x, &q); err != nil {
				t.Fatal(err)
			}
			o.ok(o.WriteRSTStream(1, code))
			if err := k.Receive(x); fault.Of(err) != want {
				t.Errorf("%v: got %v, want %s", code, err, want.Name())
			}
		})
	}
	f(http2.ErrCodeCancel, fault.OriginCancelled)
	f(http2.ErrCodeInternal, fault.OriginClosed)
	f(http2.ErrCodeEnhanceYourCalm, fault.OriginClosed)
	f(http2.ErrCodeNo, fault.OriginClosed)
}
