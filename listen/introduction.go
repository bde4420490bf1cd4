package listen

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/wire/proxyheader"
	"skerry.dev/skerry/wire/transport"
)

// An introduction is a connection of a proxy that has not said yet for whom it is made. It judges what the proxy sends.
type introduction struct {
	handshaking
	header proxyheader.Header
	flaw   proxyheader.Flaw
	result string // what came of it
}

// What comes of an introduction, as metrics print it, beside the flaws of a header.
const (
	introClient    = "client"    // the header names a client
	introPeer      = "peer"      // it says that the proxy speaks for itself
	introUntrusted = "untrusted" // who connected is no trusted proxy
	introEmpty     = "empty"     // the connection ended without a byte: a check of the port
	introTruncated = "truncated" // it ended within the header
	introLate      = "late"      // the header was not there in time
	introClosed    = "closed"    // it was shed, or the edge ended
)

// complaints say for each result that somebody should hear of what was wrong.
var complaints = map[string]string{
	introUntrusted:                     "it is not in --trusted-proxies",
	introTruncated:                     "its connection ended within the PROXY header",
	introLate:                          "its PROXY header was not there in time",
	proxyheader.FlawMissing.String():   "its connection did not begin with a PROXY header",
	proxyheader.FlawMalformed.String(): "its PROXY header is malformed",
	proxyheader.FlawFamily.String():    "its PROXY header names addresses that are not of TCP over IP",
	proxyheader.FlawTooLong.String():   "its PROXY header is longer than 107 bytes of version 1 may be, or 4 KB of version 2",
	proxyheader.FlawChecksum.String():  "the checksum of its PROXY header is wrong",
}

// result counts the introductions of which one thing came.
type result struct {
	*meter.Counter
	told meter.Rarely // of such a one
}

// registerIntroductions makes the counters of what comes of introductions.
func (s *Set) registerIntroductions() {
	s.headers = map[string]*result{}
	results := []string{introClient, introPeer, introEmpty, introClosed}
	for r := range complaints {
		results = append(results, r)
	}
	for _, r := range results {
		s.headers[r] = &result{Counter: s.meters.Counter("skerry_proxy_headers_total",
			"Connections to addresses that require a PROXY header (--proxy-protocol), by what came of it; all but client and peer were closed.", "result", r)}
	}
}

// Judge takes the header, and not a byte that follows it.
func (i *introduction) Judge(seen []byte, ended bool) (take int, over bool) {
	i.header, take, i.flaw = proxyheader.Parse(seen)
	switch {
	case i.flaw != proxyheader.FlawNone:
		i.result = i.flaw.String()
	case take > 0 && i.header.Source.IsValid():
		i.result = introClient
	case take > 0:
		i.result = introPeer
	case len(seen) > 0:
		i.result = introTruncated
	default:
		i.result = introEmpty
	}
	return take, ended || take > 0 || i.flaw != proxyheader.FlawNone
}

// introduced takes the PROXY header off a trusted proxy's connection, which came at a time. It returns what to go on with: a
// connection that comes from the client, counted for its address, or from the proxy itself, which has no limit. Or it closes the
// connection, and returns none.
func (s *Set) introduced(c net.Conn, proxy netip.Addr, since time.Time) (conn net.Conn, from netip.Addr) {
	i := introduction{handshaking: handshaking{conn: c, since: since}, result: introEmpty}
	defer s.fence(&i.handshaking, "PROXY header")
	if !s.shaking.add(&i.handshaking) {
		c.Close()
		return nil, proxy
	}
	rest, err := transport.Open(c, proxyheader.BytesMax, since.Add(s.patience), &i)
	listed := s.shaking.remove(&i.handshaking)
	switch {
	case !listed: // shed, perhaps when it was just over
		i.result = introClosed
	case err == transport.ErrTimeout:
		i.result = introLate
	case err != nil && i.result != introEmpty: // reset
		i.result = introTruncated
	}
	s.headers[i.result].Inc()
	switch i.result {
	case introPeer: // the address is what it was, and who sent the header is known
		return transport.WithRemote(rest, netip.AddrPortFrom(proxy, portOf(c))), proxy
	case introClient:
		if from = i.header.Source.Addr(); s.addresses.take(from) {
			return transport.WithRemote(rest, i.header.Source), from
		}
		s.refuse(from)
	}
	s.complain(c, proxy, i.result)
	c.Close()
	return nil, proxy
}

// complain tells why a connection was closed, if somebody should hear of it, and of each reason once in a while: what strangers do
// must not hide what is wrong with a balancer.
func (s *Set) complain(c net.Conn, proxy netip.Addr, result string) {
	why := complaints[result]
	if result == introLate {
		why += ", which is " + s.patience.String()
	}
	if why != "" && s.headers[result].told.Due(time.Now(), refusedEventEvery) {
		s.meters.Events().Add("proxy_header", fmt.Sprintf("%v connected to %v, where every connection begins with the PROXY header of a trusted proxy "+
			"(--proxy-protocol), and was closed: %s", proxy, c.LocalAddr(), why))
	}
}

// unwelcome closes a connection of somebody who may not introduce anybody.
func (s *Set) unwelcome(c net.Conn, from netip.Addr) {
	s.headers[introUntrusted].Inc()
	s.complain(c, from, introUntrusted)
	c.Close()
}
