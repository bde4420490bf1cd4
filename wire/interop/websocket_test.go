package interop_test

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// echoSocket is an origin that sends back what it gets.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.CloseNow()
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, b); err != nil {
			return
		}
	}
}

// dialSocket opens a WebSocket by HTTP/1.1 or, as a stream, by HTTP/2.
func (to target) dialSocket(t testing.TB, ctx context.Context, http2 bool) *websocket.Conn {
	t.Helper()
	rt := to.upgrades(t)
	if http2 {
		rt = connects{to.http2(t)}
	}
	scheme := "http"
	if to.tls != nil {
		scheme = "https"
	}
	c, _, err := websocket.Dial(ctx, scheme+"://"+to.addr+"/chat", &websocket.DialOptions{Host: to.host, HTTPClient: &http.Client{Transport: rt},
		HTTPHeader: http.Header{"Origin": {scheme + "://" + to.host}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// config is the client's TLS, nil if there is none.
func (to target) config() *tls.Config {
	if to.tls == nil {
		return nil
	}
	c := to.tls.Clone()
	c.ServerName = to.host
	return c
}

// upgrades speaks HTTP/1.1, whose WebSockets are upgrades (RFC 6455).
func (to target) upgrades(t testing.TB) http.RoundTripper {
	tr := &http.Transport{TLSClientConfig: to.config(), Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(true)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// http2 speaks HTTP/2 and nothing else.
func (to target) http2(t testing.TB) http.RoundTripper {
	tr := &http2.Transport{TLSClientConfig: to.config()}
	if to.tls == nil {
		tr.AllowHTTP = true
		tr.DialTLSContext = func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// connects makes an extended CONNECT (RFC 8441) of the upgrade that a WebSocket client asks for, and an upgrade of its answer.
type connects struct{ http2 http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c connects) RoundTrip(upgrade *http.Request) (*http.Response, error) {
	theirs, ours := io.Pipe()
	r := upgrade.Clone(upgrade.Context())
	r.Method, r.Body, r.ContentLength = http.MethodConnect, theirs, -1
	for _, name := range []string{"Connection", "Upgrade", "Sec-WebSocket-Key"} {
		r.Header.Del(name)
	}
	r.Header[":protocol"] = []string{"websocket"}
	resp, err := c.http2.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	if resp.Header.Get("Sec-WebSocket-Accept") != "" {
		resp.Body.Close()
		return nil, errors.New("the answer to an extended CONNECT has Sec-WebSocket-Accept (RFC 8441 section 5)")
	}
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", "websocket")
	accept := sha1.Sum([]byte(upgrade.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	resp.Header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(accept[:]))
	resp.Body = socketStream{resp.Body, ours}
	return resp, nil
}

// socketStream is both ways of a stream.
type socketStream struct {
	io.ReadCloser
	out *io.PipeWriter
}

// Write implements io.Writer.
func (s socketStream) Write(b []byte) (int, error) { return s.out.Write(b) }

// Close implements io.Closer for both ways.
func (s socketStream) Close() error {
	return errors.Join(s.out.Close(), s.ReadCloser.Close())
}
