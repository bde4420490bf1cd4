package exchange

import (
	"bytes"
	"net/netip"

	"skerry.dev/skerry/fault"
)

// The one normal form of host and path. Router, access rules, firewall, cache key and origin all see what comes out of
// NormalHost and NormalPath, so none of them can be made to disagree with another about what was asked for. What two
// honest readers could read differently is refused, never repaired.

// Why a host or a path is refused. The values are shared: refusing allocates nothing.
var (
	errHostEmpty   = refuse("the host name is empty or has an empty label")
	errHostByte    = refuse("the host name has a byte that is not a letter, a digit, '-', '_' or '.'")
	errHostLong    = refuse("the host name is longer than 253 bytes or has a label longer than 63 (RFC 1035 section 2.3.4)")
	errHostAddress = refuse("the host is not an IPv6 address in brackets without a zone")
	errHostPort    = refuse("the port is not a number from 1 to 65535")

	errPathStart    = refuse("the path does not start with '/'")
	errPathByte     = refuse("the path has a byte outside 0x21-0x7e, or '?' or '#'")
	errPathCode     = refuse("the path has a '%' that is not followed by two hex digits")
	errPathNul      = refuse("the path has %00")
	errPathSlash    = refuse("the path has a backslash or %5C, which some servers read as '/'")
	errPathCodedDot = refuse("the path has a dot segment written with percent-codes")
	errPathHidden   = refuse("the path has a dot segment that only some servers see, beside %2F or before ';'")
	errPathAbove    = refuse("the path leads above its root with '..'")
	errPathMany     = refuse("the path has more than 256 segments")
)

func refuse(text string) *fault.Error { return fault.New(fault.BadRequest, text) }

// maxLabelBytes is the longest label of a host name (RFC 1035 section 2.3.4). Beyond it: 400.
const maxLabelBytes = 63

// maxPortDigits is how a port may be written: 1*5DIGIT. Beyond it: 400.
const maxPortDigits = 5

// maxIPv6Bytes is the longest text of an IPv6 address, with an IPv4 address in its last part. Beyond it: 400.
const maxIPv6Bytes = 45

// NormalHost returns the normal form of the host of an authority, uri-host [":" port] (RFC 9110 section 7.2), and its
// port, 0 if it names none: lower case, one trailing dot removed, an IPv6 address in its shortest text (RFC 5952) in
// brackets. The host is a view of authority if that is in normal form already, otherwise it lives in s.
//
// It is stricter than RFC 3986: no percent-codes, no userinfo, no sub-delims, no empty host or label, no IPv6 zone, no
// ":" without a port. None of these names a host that anyone can have registered. Only an IPv6 address allocates.
func NormalHost(authority []byte, s *Scratch) (host []byte, port uint16, err error) {
	if len(authority) > 0 && authority[0] == '[' {
		return normalIPv6(authority, s)
	}
	if colon := bytes.IndexByte(authority, ':'); colon >= 0 {
		if port, err = parsePort(authority[colon+1:]); err != nil {
			return nil, 0, err
		}
		authority = authority[:colon]
	}
	if host, err = normalName(authority, s); err != nil {
		return nil, 0, err
	}
	return host, port, nil
}

func normalName(name []byte, s *Scratch) ([]byte, error) {
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	if len(name) > MaxHostBytes {
		return nil, errHostLong
	}
	label, capital := 0, false
	for _, c := range name {
		switch hostByte[c] {
		case hostCapital:
			capital = true
			fallthrough
		case hostPlain:
			label++
			if label > maxLabelBytes {
				return nil, errHostLong
			}
		case hostDot:
			if label == 0 {
				return nil, errHostEmpty
			}
			label = 0
		default:
			return nil, errHostByte
		}
	}
	if label == 0 {
		return nil, errHostEmpty
	}
	if !capital {
		return name, nil
	}
	small := s.Alloc(len(name))
	for i, c := range name {
		small[i] = lower[c]
	}
	return small, nil
}

func normalIPv6(authority []byte, s *Scratch) (host []byte, port uint16, err error) {
	end := bytes.IndexByte(authority, ']')
	if end < 0 || end-1 > maxIPv6Bytes || bytes.IndexByte(authority[:end], '%') >= 0 {
		return nil, 0, errHostAddress
	}
	addr, bad := netip.ParseAddr(string(authority[1:end]))
	if bad != nil || !addr.Is6() {
		return nil, 0, errHostAddress
	}
	if rest := authority[end+1:]; len(rest) > 0 {
		if rest[0] != ':' {
			return nil, 0, errHostAddress
		}
		if port, err = parsePort(rest[1:]); err != nil {
			return nil, 0, err
		}
	}
	piece := s.Alloc(maxIPv6Bytes + 2)
	text := append(addr.AppendTo(append(piece[:0], '[')), ']')
	if bytes.Equal(text, authority[:end+1]) {
		s.Trim(piece, 0)
		return authority[:end+1], port, nil
	}
	return s.Trim(piece, len(text)), port, nil
}

func parsePort(digits []byte) (uint16, error) {
	if len(digits) == 0 || len(digits) > maxPortDigits {
		return 0, errHostPort
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, errHostPort
		}
		n = n*10 + int(c-'0')
	}
	if n == 0 || n > 65535 {
		return 0, errHostPort
	}
	return uint16(n), nil
}

// NormalPath returns the normal form of a path without its query: dot segments removed (RFC 3986 section 5.2.4),
// percent-codes of unreserved characters decoded (section 6.2.2.2), hex digits in upper case. Everything else stays as
// sent and stays distinct: "//", ";", %2F and every other code. The result is path itself if that is in normal form
// already, otherwise it lives in s.
//
// Refused is what servers behind the edge are known to read in different ways: %00, backslash and %5C, broken
// percent-codes, dot segments written with percent-codes, and dot segments that show only to a server that decodes %2F
// or cuts a segment at ';' ("..;x", "a%2F..%2Fb"). RFC 3986 lets ".." at the root vanish; here it is refused, because
// no browser or library sends it (they resolve before they send) and whoever does is probing.
func NormalPath(path []byte, s *Scratch) ([]byte, error) {
	if len(path) == 0 || path[0] != '/' {
		return nil, errPathStart
	}
	// Almost every path of honest clients is in normal form: one look-up a byte says so.
	segments := 0
	for i, c := range path {
		switch pathByte[c] {
		case pathPlain:
		case pathSlash:
			if segments++; segments > MaxPathSegments {
				return nil, errPathMany
			}
			if i+1 < len(path) && path[i+1] == '.' {
				return rewritePath(path, s)
			}
		case pathPercent:
			return rewritePath(path, s)
		default:
			return nil, pathRefusal(c)
		}
	}
	return path, nil
}

// rewritePath is NormalPath for a path that may have to change.
func rewritePath(path []byte, s *Scratch) ([]byte, error) {
	out, n, segments := s.Alloc(len(path)), 0, 0
	for i := 0; i < len(path); {
		if segments++; segments > MaxPathSegments {
			return nil, errPathMany
		}
		start := n
		out[n] = '/'
		read, wrote, coded, err := rewriteSegment(out[n+1:], path[i+1:])
		if err != nil {
			return nil, err
		}
		i, n = i+1+read, n+1+wrote
		switch dots := dotSegment(out[start+1 : n]); {
		case dots == 0 && hidesDotSegment(out[start+1:n]):
			return nil, errPathHidden
		case dots == 0:
			continue
		case coded:
			return nil, errPathCodedDot
		case dots == 2 && start == 0:
			return nil, errPathAbove
		case dots == 2:
			n = bytes.LastIndexByte(out[:start], '/')
		default:
			n = start
		}
		if i == len(path) { // "/a/." and "/a/b/.." are the directory "/a/"
			out[n] = '/'
			n++
		}
	}
	if bytes.Equal(out[:n], path) {
		s.Trim(out, 0)
		return path, nil
	}
	return s.Trim(out, n), nil
}

// rewriteSegment writes the normal form of the segment that src starts with to dst and says how many bytes it read and
// wrote, and whether there was any percent-code.
func rewriteSegment(dst, src []byte) (read, wrote int, coded bool, err error) {
	for read < len(src) {
		c := src[read]
		switch pathByte[c] {
		case pathPlain:
			dst[wrote] = c
			read, wrote = read+1, wrote+1
			continue
		case pathSlash:
			return read, wrote, coded, nil
		case pathPercent:
		default:
			return 0, 0, false, pathRefusal(c)
		}
		if len(src)-read < 3 || hexValue[src[read+1]] < 0 || hexValue[src[read+2]] < 0 {
			return 0, 0, false, errPathCode
		}
		v := byte(hexValue[src[read+1]])<<4 | byte(hexValue[src[read+2]])
		switch {
		case v == 0:
			return 0, 0, false, errPathNul
		case v == '\\':
			return 0, 0, false, errPathSlash
		case unreserved[v]:
			dst[wrote] = v
			wrote++
		default:
			dst[wrote], dst[wrote+1], dst[wrote+2] = '%', upperHex[v>>4], upperHex[v&15]
			wrote += 3
		}
		read, coded = read+3, true
	}
	return read, wrote, coded, nil
}

// dotSegment returns how many dots a dot segment has, 0 if the segment is none.
func dotSegment(segment []byte) int {
	switch {
	case len(segment) == 1 && segment[0] == '.':
		return 1
	case len(segment) == 2 && segment[0] == '.' && segment[1] == '.':
		return 2
	}
	return 0
}

// hidesDotSegment reports whether a segment in normal form becomes, or falls apart into, a dot segment for a server
// that decodes %2F, that cuts parameters off at ';', sent as such or as %3B, that takes what it decoded for a URL again
// (%3F, %23), or that trims blanks and controls (%01 to %20, %7F).
func hidesDotSegment(segment []byte) bool {
	for {
		dots := 0
		for dots < len(segment) && segment[dots] == '.' {
			dots++
		}
		if (dots == 1 || dots == 2) && endsPiece(segment[dots:]) {
			return true
		}
		i := bytes.Index(segment, codedSlash)
		if i < 0 {
			return false
		}
		segment = segment[i+len(codedSlash):]
	}
}

var codedSlash = []byte("%2F")

// endsPiece reports whether some server takes the name before rest as ended.
func endsPiece(rest []byte) bool {
	if len(rest) == 0 || rest[0] == ';' {
		return true
	}
	if rest[0] != '%' { // a whole code follows: rest is in normal form
		return false
	}
	switch v := byte(hexValue[rest[1]])<<4 | byte(hexValue[rest[2]]); v {
	case '/', ';', '?', '#', 0x7f:
		return true
	default:
		return v <= ' '
	}
}

func pathRefusal(c byte) error {
	if c == '\\' {
		return errPathSlash
	}
	return errPathByte
}

// HasDotSegment reports whether a path has a segment "." or "..", so that its reader would still have to resolve it.
// A path in normal form has none.
func HasDotSegment(path []byte) bool {
	for i, c := range path {
		if c != '/' {
			continue
		}
		rest := path[i+1:]
		if end := bytes.IndexByte(rest, '/'); end >= 0 {
			rest = rest[:end]
		}
		if dotSegment(rest) > 0 {
			return true
		}
	}
	return false
}

// The classes of a byte in a host name; hostBad, the zero value, is refused.
const (
	hostBad = iota
	hostPlain
	hostCapital
	hostDot
)

// The classes of a byte in a path; pathBad, the zero value, is refused.
const (
	pathBad = iota
	pathPlain
	pathSlash
	pathPercent
)

const upperHex = "0123456789ABCDEF"

var hostByte, pathByte, unreserved, hexValue = func() (host, path [256]uint8, unres [256]bool, hex [256]int8) {
	for i := range 256 {
		c := byte(i)
		digit, small, capital := '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z'
		switch {
		case small, digit, c == '-', c == '_':
			host[c] = hostPlain
		case capital:
			host[c] = hostCapital
		case c == '.':
			host[c] = hostDot
		}
		switch {
		case c == '/':
			path[c] = pathSlash
		case c == '%':
			path[c] = pathPercent
		case 0x21 <= c && c <= 0x7e && c != '\\' && c != '?' && c != '#':
			path[c] = pathPlain
		}
		unres[c] = small || capital || digit || c == '-' || c == '.' || c == '_' || c == '~'
		switch hex[c] = -1; {
		case digit:
			hex[c] = int8(c - '0')
		case 'a' <= c && c <= 'f':
			hex[c] = int8(c - 'a' + 10)
		case 'A' <= c && c <= 'F':
			hex[c] = int8(c - 'A' + 10)
		}
	}
	return
}()
