package cert

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/meter"
)

// Store puts tables in force. Handshakes that begin after Use see the new one; connections stay on what they got.
type Store struct {
	keeper *Keeper
	table  atomic.Pointer[Table]
	config *tls.Config
	refuse *tls.Config
	counts counts
	told   [refusals]meter.Rarely // why clients' certificates were refused
	lookAt atomic.Int64           // when to look for certificates that end soon, Unix seconds
}

// NewStore returns a store without a table: it refuses every handshake.
func NewStore(k *Keeper) *Store {
	s := &Store{keeper: k, counts: newCounts(k.opt.Meters)}
	s.config = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: s.forClient, Time: k.opt.Now}
	// Without any certificate crypto/tls sends unrecognized_name. Without tickets, because a resumption needs no certificate.
	s.refuse = &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true, Time: k.opt.Now}
	return s
}

// Config returns the one configuration of every server connection. The connection below must be a *Socket.
func (s *Store) Config() *tls.Config { return s.config }

// Use puts a table in force, sets the metrics of its certificates and tells of its problems and warnings. One call at a time.
func (s *Store) Use(t *Table) {
	s.keeper.tickets.use(t.secret)
	old := s.table.Swap(t)
	m := s.keeper.opt.Meters
	kept := map[string]bool{}
	for _, l := range t.leaves {
		kept[l.document] = true
		setExpiry(m, l)
	}
	if old != nil {
		for _, l := range old.leaves {
			if !kept[l.document] {
				m.Drop("certificate", l.document)
			}
		}
	}
	if s.keeper.orders != nil {
		s.keeper.orders.use(t)
	}
	now := s.keeper.opt.Now()
	s.lookAt.Store(now.Add(t.lookEvery()).Unix())
	s.warn(t, now)
}

// setExpiry says in the metrics when a certificate ends.
func setExpiry(m *meter.Set, l *leaf) {
	m.Gauge("skerry_certificate_expiry_timestamp_seconds", "When a certificate ends, in seconds since 1970.", "certificate", l.document).Set(l.x509().NotAfter.Unix())
}

// look warns once in a while of what ends soon; a handshake is when it matters, and so what asks.
func (s *Store) look(t *Table) {
	now, by := s.keeper.opt.Now(), s.lookAt.Load()
	if now.Unix() >= by && s.lookAt.CompareAndSwap(by, now.Add(expiryLook).Unix()) {
		s.lookAt.Store(now.Add(t.lookEvery()).Unix())
		s.warn(t, now)
	}
}

func (s *Store) warn(t *Table, now time.Time) {
	all := append(t.Problems(now), t.Warnings(now)...)
	for i, p := range all {
		w := p.Text
		if i == expiryEventsMax {
			w = fmt.Sprintf("%d more certificates end soon, are not in force or cover nothing", len(all)-i)
		}
		s.keeper.opt.Meters.Events().Add("certificate", w)
		if i == expiryEventsMax {
			return
		}
	}
}

// forClient is crypto/tls's GetConfigForClient: it chooses by the name the client sent, and keeps the choice on the Socket.
func (s *Store) forClient(h *tls.ClientHelloInfo) (*tls.Config, error) {
	sock := socketOf(h.Conn)
	if asksChallenge(h) {
		if config := s.keeper.challenge(h.ServerName); config != nil {
			sock.challenge = true
			return config, nil
		}
	}
	t := s.table.Load()
	if t == nil {
		sock.refused = true
		return s.refuse, nil
	}
	s.look(t)
	c, ok := t.choose(h.ServerName, localAddr(h.Conn))
	if !ok {
		sock.refused = true
		return s.refuse, nil
	}
	sock.choice = c
	if sock.leaf == nil && c.demand {
		sock.leaf = s.keeper.orders.demand(h.Context(), c.name)
	}
	if sock.leaf == nil {
		var err error
		if sock.leaf, err = s.keeper.local(c.issue); err != nil {
			return nil, err
		}
	}
	sock.old, sock.apart = !speaks(h.SupportedVersions, c.policy.min), !c.policy.shares(h.SupportedCurves)
	return c.policy.config, nil
}

func speaks(versions []uint16, least uint16) bool {
	for _, v := range versions {
		if v >= least && v <= tls.VersionTLS13 {
			return true
		}
	}
	return false
}

// Socket is what stands below crypto/tls on a client's connection: it keeps what the handshake chose, because the table
// may be another one a moment later. Conn is the connection below; the other fields are Store's.
type Socket struct {
	net.Conn
	choice
	refused   bool // the name is not served
	old       bool // the client speaks no version that the policy takes
	challenge bool // it got the certificate of a challenge of ACME
	apart     bool // it offers no key exchange that the policy takes
}

// NetConn returns the connection below, so that wire/transport finds the socket.
func (s *Socket) NetConn() net.Conn { return s.Conn }

func socketOf(c net.Conn) *Socket {
	sock, ok := c.(*Socket)
	if !ok {
		panic(fmt.Sprintf("BUG: TLS on a %T, not on a *cert.Socket", c))
	}
	return sock
}

func localAddr(c net.Conn) netip.Addr {
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
