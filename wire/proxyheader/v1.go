package proxyheader

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// line1 is how every header of version 1 begins (section 2.1).
const line1 = "PROXY "

// parse1 is Parse for what does not begin as version 2.
func parse1(b []byte) (Header, int, Flaw) {
	if !startsLike(b, line1) {
		return Header{}, 0, FlawMissing
	}
	end := bytes.IndexByte(b[:min(len(b), lineBytesMax)], '\n')
	switch {
	case end < 0 && len(b) >= lineBytesMax:
		return Header{}, 0, FlawTooLong
	case end < 0:
		return Header{}, 0, FlawNone
	case end < len(line1) || b[end-1] != '\r':
		return Header{}, 0, FlawMalformed
	}
	h := Header{Version: V1}
	if !h.line(string(b[len(line1) : end-1])) { // the one allocation: package netip parses strings
		return Header{}, 0, FlawMalformed
	}
	return h, end + 1, FlawNone
}

// line reads what stands between the first word and CR LF.
func (h *Header) line(text string) bool {
	family, rest, _ := strings.Cut(text, " ")
	switch family {
	case "UNKNOWN": // what follows says nothing; but a CR alone would be the end to some
		return strings.IndexByte(rest, '\r') < 0
	case "TCP4":
		return h.ends(rest, false)
	case "TCP6":
		return h.ends(rest, true)
	}
	return false
}

// ends reads two addresses and two ports.
func (h *Header) ends(text string, six bool) bool {
	var part [3]string
	for i := range part {
		var ok bool
		if part[i], text, ok = strings.Cut(text, " "); !ok {
			return false
		}
	}
	source, ok1 := address(part[0], six)
	destination, ok2 := address(part[1], six)
	from, ok3 := port(part[2])
	to, ok4 := port(text)
	h.Source, h.Destination = pair(source, from, destination, to)
	return ok1 && ok2 && ok3 && ok4
}

// pair brings two addresses into the form that Header promises.
func pair(source netip.Addr, from uint16, destination netip.Addr, to uint16) (netip.AddrPort, netip.AddrPort) {
	return netip.AddrPortFrom(source.Unmap(), from), netip.AddrPortFrom(destination.Unmap(), to)
}

// address reads an address of one family. IPv4 within IPv6 may end in the dotted form, as balancers that listen on both write it.
func address(text string, six bool) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a, err == nil && a.Is6() == six && a.Zone() == ""
}

// port reads a decimal number without zeros in front.
func port(text string) (uint16, bool) {
	if text == "" || len(text) > 5 || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n <= 65535
}

func append1(b []byte, said bool, source, destination netip.AddrPort) []byte {
	switch {
	case !said:
		return append(b, line1+"UNKNOWN\r\n"...)
	case source.Addr().Is4():
		b = append(b, line1+"TCP4 "...)
	default:
		b = append(b, line1+"TCP6 "...)
	}
	b = append(source.Addr().AppendTo(b), ' ')
	b = append(destination.Addr().AppendTo(b), ' ')
	b = append(strconv.AppendUint(b, uint64(source.Port()), 10), ' ')
	return append(strconv.AppendUint(b, uint64(destination.Port()), 10), "\r\n"...)
}
