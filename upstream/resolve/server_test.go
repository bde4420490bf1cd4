package resolve_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// query is what a server was asked, and the way to answer it.
type query struct {
	dnsmessage.Message
	key  string // "shop.test. A"
	tcp  bool
	from netip.AddrPort
	send func(msg []byte) // as the server
}

// server is a DNS server on loopback, UDP and TCP on one port, that does what its script says.
type server struct {
	addr netip.AddrPort
	mu   sync.Mutex
	seen []query
}

// serve starts a server. The script answers by query.send, as often as it likes; it is called for one query at a time.
func serve(t testing.TB, script func(q query)) *server {
	t.Helper()
	var udp *net.UDPConn
	var tcp *net.TCPListener
	var err error
	for range 10 { // the port may be taken on the other side
		if tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0"))); err != nil {
			t.Fatal(err)
		}
		if udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(tcp.Addr().(*net.TCPAddr).AddrPort())); err == nil {
			break
		}
		tcp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: tcp.Addr().(*net.TCPAddr).AddrPort()}
	var running sync.WaitGroup
	running.Go(func() { s.udp(udp, script) })
	running.Go(func() { s.tcp(tcp, script) })
	t.Cleanup(func() { udp.Close(); tcp.Close(); running.Wait() })
	return s
}

func (s *server) udp(conn *net.UDPConn, script func(query)) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			s.take(script, buf[:n], query{from: from, send: func(msg []byte) { conn.WriteToUDPAddrPort(msg, from) }})
		}
	}
}

func (s *server) tcp(listener *net.TCPListener, script func(query)) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		var size [2]byte
		if _, err = io.ReadFull(conn, size[:]); err == nil {
			msg := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err = io.ReadFull(conn, msg); err == nil {
				s.take(script, msg, query{tcp: true, send: func(msg []byte) {
					conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...))
				}})
			}
		}
		conn.Close()
	}
}

func (s *server) take(script func(query), msg []byte, q query) {
	if err := q.Unpack(msg); err != nil || len(q.Questions) != 1 {
		panic(fmt.Sprintf("a query that cannot be read: %v", err))
	}
	q.key = q.Questions[0].Name.String() + " " + q.Questions[0].Type.String()[4:]
	s.mu.Lock()
	s.seen = append(s.seen, q)
	s.mu.Unlock()
	script(q)
}

// asked is what was asked so far.
func (s *server) asked() []query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// keys are the questions so far, those over TCP with a mark.
func (s *server) keys() (all []string) {
	for _, q := range s.asked() {
		key := q.key
		if q.tcp {
			key += " tcp"
		}
		all = append(all, key)
	}
	return all
}

// zone answers by "name type", each with the records of one string, one a line. A line may be a word: NXDOMAIN, SERVFAIL,
// REFUSED, RCODE11, TC (truncated over UDP), SILENT, LAME. A key that is missing is NXDOMAIN.
type zone map[string]string

func (z zone) script(q query) {
	text, ok := z[q.key]
	if !ok {
		text = "NXDOMAIN"
	}
	if m, ok := response(q, text); ok {
		q.send(packed(m))
	}
}

// response makes the answer of a zone's string.
func response(q query, text string) (m dnsmessage.Message, ok bool) {
	m = dnsmessage.Message{Header: q.Header, Questions: q.Questions}
	m.Response, m.RecursionAvailable = true, true
	for line := range strings.Lines(text) {
		switch line := strings.TrimSpace(line); line {
		case "SILENT":
			return m, false
		case "NXDOMAIN":
			m.RCode = dnsmessage.RCodeNameError
		case "SERVFAIL":
			m.RCode = dnsmessage.RCodeServerFailure
		case "REFUSED":
			m.RCode = dnsmessage.RCodeRefused
		case "RCODE11":
			m.RCode = 11
		case "LAME":
			m.RecursionAvailable = false
		case "TC":
			if !q.tcp {
				m.Truncated, m.Answers = true, nil
				return m, true
			}
		case "":
		default:
			m.Answers = append(m.Answers, record(line))
		}
	}
	return m, true
}

// record reads "name ttl type value".
func record(line string) dnsmessage.Resource {
	f := strings.Fields(line)
	ttl, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil {
		panic(err)
	}
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(f[0]), Class: dnsmessage.ClassINET, TTL: uint32(ttl)}}
	switch f[2] {
	case "A":
		r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(f[3]).As4()}
	case "AAAA":
		r.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[3]).As16()}
	case "CNAME":
		r.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[3])}
	case "TXT":
		r.Body = &dnsmessage.TXTResource{TXT: []string{f[3]}}
	case "CHAOS": // an A record of another class
		r.Header.Class = dnsmessage.ClassCHAOS
		r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(f[3]).As4()}
	default:
		panic("record " + line)
	}
	return r
}

func packed(m dnsmessage.Message) []byte {
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return msg
}
