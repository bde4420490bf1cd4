package proxyheader

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// signature is how every header of version 2 begins (section 2.2). No request of HTTP and no record of TLS does.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// What follows it: version and command, family and transport, the length of the rest.
const (
	fixedBytes = len(signature) + 4

	commandLocal = 0x20
	commandProxy = 0x21

	familyNone = 0x00
	familyTCP4 = 0x11
	familyTCP6 = 0x21

	bytes4 = 2*4 + 2*2  // of the addresses and ports of TCP over IPv4
	bytes6 = 2*16 + 2*2 // and over IPv6
)

// What follows the addresses: a type, a length of two bytes and a value each (section 2.2.1).
const (
	entryBytes    = 3
	entryChecksum = 0x03 // PP2_TYPE_CRC32C
)

// parse2 is Parse for what begins with the signature's first byte.
func parse2(b []byte) (Header, int, Flaw) {
	switch {
	case !startsLike(b, signature):
		return Header{}, 0, FlawMissing
	case len(b) < fixedBytes:
		return Header{}, 0, FlawNone
	}
	size := fixedBytes + int(binary.BigEndian.Uint16(b[fixedBytes-2:]))
	command, family := b[len(signature)], b[len(signature)+1]
	need := addressBytes(family)
	switch {
	case command != commandLocal && command != commandProxy:
		return Header{}, 0, FlawMalformed
	case command == commandProxy && need < 0:
		return Header{}, 0, FlawFamily
	case size > BytesMax:
		return Header{}, 0, FlawTooLong
	case command == commandProxy && size < fixedBytes+need:
		return Header{}, 0, FlawMalformed
	case len(b) < size:
		return Header{}, 0, FlawNone
	case command == commandLocal: // all the rest, the family too, says nothing
		return Header{Version: V2}, size, FlawNone
	}
	if flaw := checkEntries(b[:size], fixedBytes+need); flaw != FlawNone {
		return Header{}, 0, flaw
	}
	h := Header{Version: V2}
	h.addresses(b[fixedBytes:][:need])
	return h, size, FlawNone
}

// addressBytes is how many bytes the addresses of a family take; negative: it is none that is taken.
func addressBytes(family byte) int {
	switch family {
	case familyNone:
		return 0
	case familyTCP4:
		return bytes4
	case familyTCP6:
		return bytes6
	}
	return -1
}

// addresses reads those of a family.
func (h *Header) addresses(b []byte) {
	if len(b) == 0 {
		return
	}
	each := (len(b) - 4) / 2
	source, _ := netip.AddrFromSlice(b[:each])
	destination, _ := netip.AddrFromSlice(b[each : 2*each])
	ports := b[2*each:]
	h.Source, h.Destination = pair(source, binary.BigEndian.Uint16(ports), destination, binary.BigEndian.Uint16(ports[2:]))
}

// checkEntries walks through the entries of a header from an offset on, and verifies its checksum if there is one.
func checkEntries(header []byte, at int) Flaw {
	sum := 0 // where it stands
	for at < len(header) {
		if len(header)-at < entryBytes {
			return FlawMalformed
		}
		value := at + entryBytes
		size := int(binary.BigEndian.Uint16(header[at+1:]))
		if size > len(header)-value {
			return FlawMalformed
		}
		if header[at] == entryChecksum {
			if size != crc32.Size || sum > 0 {
				return FlawMalformed
			}
			sum = value
		}
		at = value + size
	}
	if sum > 0 && checksum(header, sum) != binary.BigEndian.Uint32(header[sum:]) {
		return FlawChecksum
	}
	return FlawNone
}

// checksum is CRC32c over a header, in which the checksum itself counts as zeros.
func checksum(header []byte, at int) uint32 {
	c := crc32.Update(0, castagnoli, header[:at])
	c = crc32.Update(c, castagnoli, zeros[:])
	return crc32.Update(c, castagnoli, header[at+crc32.Size:])
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	zeros      [crc32.Size]byte
)

func append2(b []byte, said bool, source, destination netip.AddrPort) []byte {
	b = append(b, signature...)
	if !said {
		return append(b, commandLocal, familyNone, 0, 0)
	}
	if source.Addr().Is4() {
		b = append(b, commandProxy, familyTCP4, 0, bytes4)
	} else {
		b = append(b, commandProxy, familyTCP6, 0, bytes6)
	}
	for _, a := range [...]netip.Addr{source.Addr(), destination.Addr()} {
		if a.Is4() {
			four := a.As4()
			b = append(b, four[:]...)
		} else {
			sixteen := a.As16()
			b = append(b, sixteen[:]...)
		}
	}
	b = binary.BigEndian.AppendUint16(b, source.Port())
	return binary.BigEndian.AppendUint16(b, destination.Port())
}
