package h2_test

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/wire/transport"
	"skerry.dev/skerry/wire/wiretest"
)

// TestCloseUnread: a hard stop does not wait for a client on TLS that takes nothing of what is being written to it.
func TestCloseUnread(t *testing.T) {
	r := newRig(t, exchange.NewPath(render, answer(func(x *exchange.Exchange) exchange.Verdict {
		x.Answer(200)
		x.Resp.Body = x.InMemory(make([]byte, 64<<20))
		return exchange.Respond
	})).Run)
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	config := &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}}
	s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.serving.Go(func() {
		if near, err := l.Accept(); err == nil {
			secured := tls.Server(transport.Under(near), config)
			if secured.Handshake() == nil {
				r.server.Serve(secured, &exchange.TLS{})
			}
		}
	})
	far, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer far.NetConn().Close()
	c := wiretest.NewH2(far, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	c.Slow = true
	if err := c.WriteWindowUpdate(0, 1<<30); err != nil {
		t.Fatal(err)
	}
	id := c.Get()
	if !c.Until(func() bool { return c.Stream(id).Status == "200" }) {
		t.Fatal("no answer")
	}
	time.Sleep(200 * time.Millisecond) // until the kernel takes no more: nothing tells
	began := time.Now()
	r.stop()
	if took := time.Since(began); took >= 5*time.Second {
		t.Errorf("the hard stop took %v", took)
	}
}
