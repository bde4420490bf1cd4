package cert

import (
	"net/netip"
	"strings"
)

// normalName is the normal form of a host name that stands alone (SNI, a name of a certificate): what
// exchange.NormalHost makes of it, without port, address in brackets or trailing dot. It allocates only for capitals.
func normalName(s string) (name string, ok bool) {
	if len(s) > nameBytesMax {
		return "", false
	}
	label, capital := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = 0
			continue
		case c >= 'A' && c <= 'Z':
			capital = true
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return "", false
		}
		if label++; label > labelBytesMax {
			return "", false
		}
	}
	if label == 0 {
		return "", false
	}
	if capital {
		s = strings.ToLower(s)
	}
	return s, true
}

// addressOf reads an IP literal as hosts of an entrypoint are written: an IPv6 address stands in brackets.
func addressOf(host string) (netip.Addr, bool) {
	bare, six := strings.CutPrefix(host, "[")
	if six {
		if bare, six = strings.CutSuffix(bare, "]"); !six {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(bare)
	if err != nil || a.Zone() != "" || a.Is6() != six {
		return netip.Addr{}, false
	}
	return a, true
}

// hostOf is addressOf the other way round.
func hostOf(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// parent is what stands behind the first dot of a name; empty if there is none.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}
