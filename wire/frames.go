package wire

import "encoding/binary"

// closeRestart is the close frame of a server with status 1012, service restart (RFC 6455 section 5.5.1, and its registry of status codes).
var closeRestart = []byte{0x88, 2, 1012 >> 8, 1012 & 0xff}

// frames follows the frames of WebSocket (RFC 6455 section 5.2) in bytes that go by, as far as to know where one ends. It looks at the
// two to fourteen bytes with which each begins, and skips the rest.
type frames struct {
	head [14]byte
	have int    // of the head of a frame
	left uint64 // of its payload
}

// between reports whether the last byte was the end of a frame, or none has come.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// see takes the next bytes.
func (f *frames) see(view []byte) {
	for len(view) > 0 {
		view = view[f.step(view):]
	}
}

// first returns the next bytes up to where a frame first ends in them, or all.
func (f *frames) first(view []byte) []byte {
	g, n := *f, 0
	for n < len(view) {
		if n += g.step(view[n:]); g.between() {
			break
		}
	}
	return view[:n]
}

// step takes some of the next bytes, at least one, and none behind the end of a frame.
func (f *frames) step(view []byte) (n int) {
	if f.left > 0 {
		n := min(f.left, uint64(len(view)))
		f.left -= n
		return int(n)
	}
	f.head[f.have] = view[0]
	f.have++
	if f.have >= 2 && f.have == f.headBytes() {
		f.left, f.have = f.payload(), 0
	}
	return 1
}

// headBytes is how long a head is, by its first two bytes.
func (f *frames) headBytes() int {
	n := 2
	switch f.head[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.head[1]&0x80 != 0 {
		n += 4 // a mask
	}
	return n
}

// payload is how long the payload is, by a whole head.
func (f *frames) payload() uint64 {
	switch n := f.head[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(n)
	}
}
