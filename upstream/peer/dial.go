package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/proxyheader"
	"skerry.dev/skerry/wire/transport"
)

// ErrFull says that as many connections are open as there may be.
var ErrFull = fault.New(fault.OriginBusy, "as many connections to the endpoint are open as it may have (keepAlive.connections)")

// Dial opens a connection. Its errors are ErrFull and faults of the kinds OriginRefused, OriginUnreachable, OriginConnectTimeout,
// OriginTLS with what is wrong with the certificate or with what ALPN settled on, Overloaded where the edge itself has no
// descriptor or port left, Draining after Stop, and what the keeper's control says. If ctx was cancelled, the error is
// wire.ErrAbandoned. Get comes first: a kept connection counts as open.
//
// Of HTTP/2 it is a place on a connection: on one that others wait for as well, or on one that was there all the same. Then the
// error may also be that the origin lets nothing begin, OriginProtocol or OriginClosed.
func (p *Peer) Dial(ctx context.Context) (*Conn, error) { return p.DialFor(ctx, Client{}) }

// Client is whom a connection is made for: who connected, and to which address; if that is not known, not valid, it is the
// peer's. Without a valid Source it is nobody: the edge itself.
type Client struct {
	Source, Destination netip.AddrPort
	// Conn is the client's own connection, for whose later exchanges that with the PROXY header may be kept: Source and Destination are
	// the same for all of them. nil: there is none, and it is not kept.
	Conn *exchange.Conn
}

// DialFor is Dial for a client, whom the PROXY header names where the identity has one.
func (p *Peer) DialFor(ctx context.Context, client Client) (*Conn, error) {
	if p.key.http2 {
		return p.dialShared(ctx)
	}
	if !p.enter() {
		p.keeper.full.Inc()
		return nil, ErrFull
	}
	c, err := p.makeConn(ctx, client, false)
	if err != nil {
		p.open.Add(-1)
	}
	return c, err
}

// DialBeside is Dial for a check, which takes no part in keepAlive.connections: an endpoint must not be ill for being busy, nor
// busy with being checked. The connection is the caller's alone, and is closed, not kept.
func (p *Peer) DialBeside(ctx context.Context) (*Conn, error) {
	if !p.key.http2 {
		return p.makeConn(ctx, Client{}, true)
	}
	l, err := p.makeLine(ctx, true)
	if err != nil {
		return nil, err
	}
	c := l.place()
	if c == nil {
		err := l.none()
		l.end(endUse)
		return nil, err
	}
	return c, nil
}

// makeConn makes a connection of HTTP/1.1 and counts how that went.
func (p *Peer) makeConn(ctx context.Context, client Client, beside bool) (*Conn, error) {
	raw, secure, err := p.dial(ctx, client)
	if err != nil {
		return nil, p.failed(err)
	}
	c := p.newConn(raw, secure)
	c.beside, c.client = beside, client.Conn
	if !p.keeper.add(c) {
		c.own.Close()
		return nil, p.failed(errStopped)
	}
	p.keeper.dialled.Inc()
	return c, nil
}

// makeLine makes a connection of HTTP/2 and counts how that went.
func (p *Peer) makeLine(ctx context.Context, beside bool) (*line, error) {
	raw, secure, err := p.dial(ctx, Client{})
	if err != nil {
		return nil, p.failed(err)
	}
	l, err := p.newLine(raw, secure, beside)
	if err != nil {
		return nil, p.failed(err)
	}
	p.keeper.dialled.Inc()
	return l, nil
}

// failed counts why a connection could not be made.
func (p *Peer) failed(err error) error {
	p.keeper.connects(fault.Of(err).Name()).Inc()
	return err
}

// enter counts a connection that is to be made, unless there are enough.
func (p *Peer) enter() bool {
	most := int64(p.limits.Keep.Connections)
	for {
		n := p.open.Load()
		if most > 0 && n >= most {
			if p.yield() { // what is kept for others gives way
				continue
			}
			return false
		}
		if p.open.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// dial connects, says for whom if the peer is to be told, and shakes hands if it is not plain. raw is what to speak on; secure is
// the same, nil if it is plain.
func (p *Peer) dial(asker context.Context, client Client) (raw net.Conn, secure *tls.Conn, err error) {
	k := p.keeper
	ctx, cancel := context.WithTimeout(asker, p.limits.Connect)
	defer cancel()
	defer context.AfterFunc(k.ctx, cancel)()
	if raw, err = k.connect(ctx, "tcp", p.label); err != nil {
		return nil, nil, p.dialError(asker, "connect to ", err)
	}
	if err = p.introduce(raw, client); err != nil {
		raw.Close()
		return nil, nil, p.dialError(asker, "send the PROXY header to ", err)
	}
	if p.tls == nil {
		return raw, nil, nil
	}
	var wanted bool
	secure = tls.Client(transport.Under(raw), p.config(&wanted))
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, nil, p.handshakeError(asker, err, wanted)
	}
	if chosen := secure.ConnectionState().NegotiatedProtocol; p.key.http2 && chosen != alpnHTTP2 {
		secure.Close()
		return nil, nil, p.notHTTP2(chosen)
	}
	return secure, secure, nil
}

// introduce sends the PROXY header, if the peer gets one, before anything else. It does not wait: a socket that has carried
// nothing has room for it.
func (p *Peer) introduce(raw net.Conn, client Client) error {
	if !p.announces() {
		return nil
	}
	if !client.Destination.IsValid() {
		client.Destination = p.key.addr
	}
	_, err := raw.Write(proxyheader.Append(nil, p.key.proxy, client.Source, client.Destination))
	return err
}

// notHTTP2 is the fault of an origin that does not speak HTTP/2, but what ALPN chose; empty: it chose nothing.
func (p *Peer) notHTTP2(chosen string) error {
	if chosen == "" {
		chosen = "nothing"
	}
	return fault.New(fault.OriginTLS, "TLS handshake with "+p.label+": "+p.unsettled()+", but "+chosen)
}

// unsettled is what the service expects of ALPN.
func (p *Peer) unsettled() string {
	if p.key.http2 {
		return "the origin did not choose h2 by ALPN, as the service says (protocol: http2)"
	}
	return "the origin did not choose http/1.1 by ALPN, as the service says (protocol: http1)"
}

// config is the peer's, for one handshake; wanted becomes true if the origin asks for a certificate that there is not.
func (p *Peer) config(wanted *bool) *tls.Config {
	if p.shows {
		return p.tls
	}
	c := p.tls.Clone()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		*wanted = true
		return new(tls.Certificate), nil
	}
	return c
}

var errStopped = fault.New(fault.Draining, "the edge stops, and opens no connection any more")

// dialError says what kind of failure it was to do something.
func (p *Peer) dialError(asker context.Context, do string, err error) error {
	var own *fault.Error
	var timeout net.Error
	switch {
	case errors.As(err, &own):
		return own
	case p.keeper.ctx.Err() != nil:
		return errStopped
	case errors.Is(asker.Err(), context.Canceled):
		return wire.ErrAbandoned
	case asker.Err() != nil:
		return fault.Wrap(fault.OriginConnectTimeout, do+p.label+" before the request's own time was up (timeouts.try, timeouts.whole)", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Wrap(fault.OriginRefused, do+p.label, err)
	case short(err):
		return fault.Wrap(fault.Overloaded, do+p.label+": the edge itself has no descriptor, port or memory left (--max-exchanges, ulimit -n)", err)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.OriginConnectTimeout, do+p.label+" within "+p.limits.Connect.String()+" (timeouts.connect)", err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Wrap(fault.OriginConnectTimeout, do+p.label, err)
	}
	return fault.Wrap(fault.OriginUnreachable, do+p.label, err)
}

// short reports whether a dial failed for want of something that the edge, and not the origin, should have: descriptors,
// memory, ports.
func short(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// handshakeError spells out what a TLS handshake failed for.
func (p *Peer) handshakeError(asker context.Context, err error, wanted bool) error {
	var timeout net.Error
	late := errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
	if late || asker.Err() != nil || p.keeper.ctx.Err() != nil {
		return p.dialError(asker, "TLS handshake with ", err)
	}
	text := "TLS handshake with " + p.label
	if why := p.blame(err, wanted); why != "" {
		text += ": " + why
	}
	return fault.Wrap(fault.OriginTLS, text, err)
}

// blame says in a sentence whose certificate is wrong in what way, and which setting governs it; empty: it is something else.
func (p *Peer) blame(err error, wanted bool) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "the origin's certificate comes from an authority that is not trusted (tls.ca)"
	case errors.As(err, &name):
		return "the origin's certificate is not for " + p.tls.ServerName + " (tls.serverName)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the origin's certificate has expired, or is not valid yet"
	case errors.As(err, &invalid):
		return "the origin's certificate is not valid for a server"
	case errors.As(err, &record):
		return "the origin does not speak TLS"
	}
	alert := alertOf(err)
	switch {
	case alert == noProtocol:
		return p.unsettled()
	case !strings.Contains(alert, "certificate") && !(wanted && alert == handshakeFailure):
		return ""
	case !p.shows:
		return "the origin wants a client certificate (tls.certificate)"
	}
	return "the origin refuses the client certificate that it was shown (tls.certificate)"
}

// handshakeFailure is the alert by which TLS 1.2 misses a certificate (RFC 5246 section 7.4.6), among other things.
const handshakeFailure = "tls: handshake failure"

// noProtocol is the alert of a server that speaks nothing of what ALPN offered (RFC 7301 section 3.2).
const noProtocol = "tls: no application protocol"

// alertOf returns the text of the alert by which the other side ended TLS; empty if it did not. The standard library has no
// type for one.
func alertOf(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

// Explain returns why a new connection died under its first request, if TLS knows more than err says, and err otherwise: since
// TLS 1.3 an origin refuses a client's certificate, or misses one, only after the handshake. It may be called for every error of
// Send and Receive, before Close.
func (c *Conn) Explain(err error) error {
	switch {
	case err == nil || err != wire.ErrDied && fault.Of(err) != fault.Internal:
		return err
	case c.line == nil && !c.carried:
		return c.peer.explain(c.tls, err)
	case c.line != nil && c.line.dead(err):
		return c.peer.explain(c.line.tls, err)
	}
	return err
}

// explain asks TLS why a connection is dead.
func (p *Peer) explain(c *tls.Conn, err error) error {
	if c == nil {
		return err
	}
	// TLS remembers the alert; the deadline is for where there is none. It cannot be set if the connection has been closed, which
	// does as well.
	_ = c.SetReadDeadline(time.Unix(1, 0))
	_, cause := c.Read(make([]byte, 1))
	if alertOf(cause) == "" {
		return err
	}
	text := "the origin " + p.label + " ended TLS after the handshake"
	if why := p.blame(cause, false); why != "" {
		text += ": " + why
	}
	return fault.Wrap(fault.OriginTLS, text, cause)
}
