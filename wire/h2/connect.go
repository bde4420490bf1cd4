package h2

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire/transport"
)

// A WebSocket over HTTP/2 is an extended CONNECT (RFC 8441). Inside of the edge, and towards an origin of HTTP/1.1, it is what
// it is there: a GET that asks for an upgrade, with a key that proves that the origin has understood.

// connect is what a stream knows of its WebSocket.
type connect struct {
	on     bool
	accept []byte // what an origin of HTTP/1.1 must answer to the key
}

var (
	websocket  = []byte("websocket")
	methodGet  = []byte("GET")
	errAccept  = fault.New(fault.OriginProtocol, "the origin's Sec-WebSocket-Accept does not fit the key (RFC 6455 section 4.1)")
	acceptSalt = []byte("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
)

const (
	keyBytes    = 24 // 16 bytes in base64
	acceptBytes = 28
)

// acceptOf appends the answer to a key (RFC 6455 section 4.2.2).
func acceptOf(out, key []byte) []byte {
	h := sha1.New()
	h.Write(key)
	h.Write(acceptSalt)
	var sum [sha1.Size]byte
	return base64.StdEncoding.AppendEncode(out, h.Sum(sum[:0]))
}

// beginConnect makes an extended CONNECT the GET that the rest of the edge knows.
func (s *serverStream) beginConnect(x *exchange.Exchange, h *requestHead, end bool) error {
	r := h.r
	switch {
	case h.protocol != string(websocket):
		return errProtocol
	case end || h.length >= 0 || r.ExpectContinue:
		return errConnectEnd
	}
	r.Method, r.MethodName, r.Upgrade = exchange.MethodGet, methodGet, websocket
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	key := base64.StdEncoding.AppendEncode(x.Scratch.Alloc(keyBytes)[:0], raw[:])
	r.Fields.Set(exchange.NameSecWebSocketKey, key)
	s.connect = connect{on: true, accept: acceptOf(x.Scratch.Alloc(acceptBytes)[:0], key)}
	return nil
}

// sendConnect answers an extended CONNECT. Only a tunnel is a success: a service that took the request for an ordinary one has not
// opened any.
func (s *serverStream) sendConnect(x *exchange.Exchange) error {
	r := &x.Resp
	s.connect.on = false
	if r.Tunnel == nil {
		if r.Status >= 200 && r.Status < 300 {
			x.Answer(501)
		}
		return s.Send(x)
	}
	if string(r.Fields.Get(exchange.NameSecWebSocketAccept)) != string(s.connect.accept) {
		return errAccept
	}
	r.Started = true
	r.Status = 200
	r.Fields.Del(exchange.NameSecWebSocketAccept)
	if err := s.sendHead(x, false, -1); err != nil {
		return err
	}
	s.owner.flush()
	fromClient, toClient, err := s.owner.server.tunnels.Join(tunnelEnd{&s.stream}, r.Tunnel, s.owner.server.Timeouts.Tunnel, r.Age)
	x.Facts.Entry.BytesIn, r.Sent = fromClient, toClient
	return err
}

// tunnelEnd is a stream as one end of a tunnel.
type tunnelEnd struct{ *stream }

// Receive waits for bytes from the peer.
func (t tunnelEnd) Receive(by time.Time) (view []byte, err error) {
	view, err = t.pull(by)
	switch err {
	case transport.ErrTimeout:
		err = nil
	case transport.ErrInterrupted:
		t.conn.mu.Lock()
		t.interrupted = false
		t.conn.mu.Unlock()
		err = nil
	case nil, io.EOF:
	}
	return view, err
}

// Send gives bytes to the peer.
func (t tunnelEnd) Send(view []byte, patience time.Duration) error {
	if err := t.send(view, patience); err != nil {
		return err
	}
	t.conn.flush()
	return nil
}

// End ends our side of the stream.
func (t tunnelEnd) End() {
	t.conn.mu.Lock()
	if t.reset == nil && t.conn.broken == nil {
		t.end()
	}
	t.conn.mu.Unlock()
	t.conn.flush()
}

// Wake interrupts a Receive.
func (t tunnelEnd) Wake() { t.interrupt() }

// Break resets the stream.
func (t tunnelEnd) Break() {
	t.conn.mu.Lock()
	if !t.remoteOver || !t.localOver {
		t.conn.resetStream(t.stream, codeCancel, errWrite)
	}
	t.conn.mu.Unlock()
	t.conn.flush()
}

var _ exchange.Tunnel = tunnelEnd{}
