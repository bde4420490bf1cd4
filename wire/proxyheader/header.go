package proxyheader

import "net/netip"

// Version is a version of the protocol.
type Version uint8

// The versions; None is no header at all.
const (
	None Version = iota
	V1           // one line of text
	V2           // binary
)

// Header is what a sender says of the connection.
type Header struct {
	Version Version
	// Source is who connected to the sender, Destination the address that was connected to there; IPv4 never has the form of IPv6.
	// Neither is valid if the sender speaks for itself, as in a health check (LOCAL), or cannot say for whom (UNKNOWN, AF_UNSPEC):
	// then it is the peer that counts.
	Source, Destination netip.AddrPort
}

// Flaw is what is wrong with a header; its text is a label.
type Flaw uint8

// The flaws.
const (
	FlawNone      Flaw = iota
	FlawMissing        // what comes is no header of either version
	FlawMalformed      // it is one, but not by the specification
	FlawFamily         // addresses that no connection of TCP over IP has: UNIX, UDP, or none that the specification knows
	FlawTooLong        // it has no end within lineBytesMax, or says that it is longer than BytesMax
	FlawChecksum       // its checksum is another
	flaws
)

var flawTexts = [flaws]string{"none", "missing", "malformed", "family", "too_long", "checksum"}

// String is the flaw as metrics print it.
func (f Flaw) String() string { return flawTexts[f] }

// Parse reads the header at the beginning of what has come so far. size is its length in bytes; 0 without a flaw means that more
// has to come, which is so for no b of BytesMax bytes. A flaw is final, whatever follows.
func Parse(b []byte) (h Header, size int, flaw Flaw) {
	switch {
	case len(b) == 0:
		return Header{}, 0, FlawNone
	case b[0] == signature[0]:
		return parse2(b)
	}
	return parse1(b)
}

// startsLike reports whether b may become, or is, something that begins so.
func startsLike(b []byte, begin string) bool {
	n := min(len(b), len(begin))
	return string(b[:n]) == begin[:n]
}

// Append appends the header of a connection that is made for a client at source, which came to destination. If either is not
// valid it is that of a connection made for nobody: UNKNOWN or LOCAL. Addresses of two families are both written as IPv6. None
// appends nothing.
func Append(b []byte, v Version, source, destination netip.AddrPort) []byte {
	said := source.IsValid() && destination.IsValid()
	if said {
		source, destination = alike(source, destination)
	}
	switch v {
	case V1:
		return append1(b, said, source, destination)
	case V2:
		return append2(b, said, source, destination)
	}
	return b
}

// alike brings two addresses into one family, and leaves zones out.
func alike(a, b netip.AddrPort) (netip.AddrPort, netip.AddrPort) {
	one, other := plain(a.Addr()), plain(b.Addr())
	if one.Is4() != other.Is4() {
		one, other = netip.AddrFrom16(one.As16()), netip.AddrFrom16(other.As16())
	}
	return netip.AddrPortFrom(one, a.Port()), netip.AddrPortFrom(other, b.Port())
}

// plain is an address as a Header has it.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
