package rewrite

import (
	"bytes"
	"net/netip"

	"github.com/gaissmai/bart"
)

// newSet is the set of addresses below any of the prefixes, nil if there are none.
func newSet(prefixes []netip.Prefix) *bart.Lite {
	if len(prefixes) == 0 {
		return nil
	}
	set := new(bart.Lite)
	for _, p := range prefixes {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		set.Insert(p.Masked())
	}
	return set
}

// parseNode reads an address as proxies write it: bare, or with a port, which is dropped; an IPv6 address with a port
// stands in brackets (RFC 7239 section 6). The address comes without zone, and as IPv4 if it is one written as IPv6.
func parseNode(b []byte) (netip.Addr, bool) {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !validNodePort(b[end+1:]) {
			return netip.Addr{}, false
		}
		return parseIPv6(b[1:end])
	}
	colon := bytes.IndexByte(b, ':')
	if colon >= 0 && bytes.IndexByte(b[colon+1:], ':') >= 0 {
		return parseIPv6(b)
	}
	if colon >= 0 {
		if !validNodePort(b[colon:]) {
			return netip.Addr{}, false
		}
		b = b[:colon]
	}
	v4, ok := parseIPv4(b)
	return netip.AddrFrom4(v4), ok
}

// validNodePort reports whether b is nothing, or ":" and a node-port: up to five digits, or an obfuscated one.
func validNodePort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ':' || len(b) < 2 {
		return false
	}
	b = b[1:]
	if b[0] == '_' {
		for _, c := range b[1:] {
			if !tokenByte[c] {
				return false
			}
		}
		return len(b) > 1
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) <= 5
}

// parseIPv4 is netip.ParseAddr for four decimal numbers, of bytes: that one wants a string, which would have to be
// allocated for every request that comes through a proxy.
func parseIPv4(b []byte) (v4 [4]byte, ok bool) {
	for i := range v4 {
		n, digits := 0, 0
		for digits < len(b) && '0' <= b[digits] && b[digits] <= '9' {
			n = n*10 + int(b[digits]-'0')
			if digits++; n > 255 {
				return v4, false
			}
		}
		if digits == 0 || digits > 1 && b[0] == '0' { // 010 is 8 to some and 10 to others
			return v4, false
		}
		v4[i], b = byte(n), b[digits:]
		if i < 3 {
			if len(b) == 0 || b[0] != '.' {
				return v4, false
			}
			b = b[1:]
		}
	}
	return v4, len(b) == 0
}

// parseIPv6 is netip.ParseAddr for IPv6, of bytes; it drops the zone and unmaps.
func parseIPv6(b []byte) (netip.Addr, bool) {
	zone := bytes.IndexByte(b, '%')
	if zone == len(b)-1 && zone >= 0 {
		return netip.Addr{}, false
	}
	if zone >= 0 {
		b = b[:zone]
	}
	v6, ok := parseGroups(b)
	a := netip.AddrFrom16(v6)
	if !ok || zone >= 0 && a.Is4In6() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

func parseGroups(b []byte) (v6 [16]byte, ok bool) {
	n, gap := 0, -1
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		if gap, b = 0, b[2:]; len(b) == 0 {
			return v6, true
		}
	}
	for n < 16 {
		value, digits := parseHex(b)
		if digits == 0 || digits > 4 {
			return v6, false
		}
		if digits < len(b) && b[digits] == '.' {
			v4, ok := parseIPv4(b)
			if !ok || n > 12 || gap < 0 && n != 12 {
				return v6, false
			}
			copy(v6[n:], v4[:])
			n, b = n+4, nil
			break
		}
		v6[n], v6[n+1] = byte(value>>8), byte(value)
		if n, b = n+2, b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return v6, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return v6, false
			}
			if gap, b = n, b[1:]; len(b) == 0 {
				break
			}
		}
	}
	if len(b) > 0 || (n == 16) != (gap < 0) {
		return v6, false
	}
	if gap >= 0 {
		copy(v6[gap+16-n:], v6[gap:n])
		clear(v6[gap : gap+16-n])
	}
	return v6, true
}

// parseHex reads at most five hex digits.
func parseHex(b []byte) (value, digits int) {
	for digits < len(b) && digits < 5 {
		h := hexDigit(b[digits])
		if h < 0 {
			break
		}
		value, digits = value<<4|h, digits+1
	}
	return value, digits
}

// hexDigit is the value of a hex digit, -1 for any other byte.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
