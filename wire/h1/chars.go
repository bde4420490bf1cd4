package h1

import "encoding/binary"

// class is a set of properties of a byte.
type class uint8

const (
	tchar  class = 1 << iota // RFC 9110 section 5.6.2
	target                   // allowed in a request target: visible ASCII but '#'
	digit
	hexDigit
)

var classes = func() (t [256]class) {
	for c := '0'; c <= '9'; c++ {
		t[c] |= tchar | digit | hexDigit
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= tchar
		t[c-'a'+'A'] |= tchar
	}
	for c := 'a'; c <= 'f'; c++ {
		t[c] |= hexDigit
		t[c-'a'+'A'] |= hexDigit
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= tchar
	}
	for c := 0x21; c <= 0x7e; c++ {
		if c != '#' {
			t[c] |= target
		}
	}
	return
}()

// validValue reports whether a field value holds no control character but the tab (RFC 9110 section 5.5). It looks at
// eight bytes at a time: subtracting 0x20 borrows into the top bit of every byte below it, and XOR with 0x7f makes DEL
// the byte zero.
func validValue(v []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(v) >= 8 {
		w := binary.LittleEndian.Uint64(v)
		del := w ^ (0x7f * ones)
		if ((w-0x20*ones)&^w|(del-ones)&^del)&tops != 0 && !validBytes(v[:8]) {
			return false
		}
		v = v[8:]
	}
	return validBytes(v)
}

func validBytes(v []byte) bool {
	for _, c := range v {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
