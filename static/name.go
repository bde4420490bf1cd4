package static

import (
	"bytes"

	"skerry.dev/skerry/fault"
)

var slash, wellKnown = []byte("/"), []byte(".well-known")

// appendName appends the name that a path asks for, relative and with slashes, and says whether it is that of a
// directory. The path is in the normal form of exchange: its percent-codes are decoded here, once, and what comes out is
// never decoded or resolved again. No segment of the name is empty, starts with a dot or has a slash, a backslash or a control
// character in it: there is no ".." left for anybody to resolve.
func appendName(name, path []byte) (_ []byte, directory bool, _ *fault.Error) {
	if len(path) == 0 || path[0] != '/' || len(path) > pathBytesMax {
		return nil, false, errName
	}
	directory = true
	for rest := path[1:]; len(rest) > 0; {
		var segment []byte
		segment, rest, directory = bytes.Cut(rest, slash)
		if len(name) > 0 {
			name = append(name, '/')
		}
		start := len(name)
		name = appendSegment(name, segment)
		if len(name) == start {
			return nil, false, errName
		}
		if name[start] == '.' && (start > 0 || !bytes.Equal(name, wellKnown)) {
			return nil, false, errHidden
		}
	}
	return name, directory, nil
}

// appendSegment appends a decoded segment, or nothing if it is none that a file can have.
func appendSegment(name, segment []byte) []byte {
	whole := name
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c <= ' ' || c >= 0x7f {
			return whole // not in normal form
		}
		if c == '%' {
			if len(segment)-i < 3 {
				return whole
			}
			high, low := hexDigit(segment[i+1]), hexDigit(segment[i+2])
			if high|low < 0 {
				return whole
			}
			c = byte(high<<4 | low)
			i += 2
		}
		if c < ' ' || c == 0x7f || c == '/' || c == '\\' {
			return whole
		}
		name = append(name, c)
	}
	return name
}

// hexDigit is the value of a hex digit, -1 for any other byte.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// extension is what comes after the last dot of a name's last segment; empty if there is none.
func extension(name []byte) []byte {
	for i := len(name) - 1; i >= 0 && name[i] != '/'; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return nil
}
