package body

import "bytes"

// hexDigits is the value of a hexadecimal digit, -1 for other bytes.
var hexDigits = func() (t [256]int8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = int8(c - '0')
		case c >= 'a' && c <= 'f':
			t[c] = int8(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			t[c] = int8(c - 'A' + 10)
		default:
			t[c] = -1
		}
	}
	return t
}()

// tokens are the characters of an RFC 9110 token (section 5.6.2).
var tokens = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// token reports whether s is one.
func token(s []byte) bool {
	for _, c := range s {
		if !tokens[c] {
			return false
		}
	}
	return len(s) > 0
}

// equalFold reports whether s is the lower-case ASCII text want, whatever its case.
func equalFold(s []byte, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i, c := range s {
		if lower(c) != want[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lowered is s in lower case: s itself if it is already.
func lowered(s []byte, mem *Memory) []byte {
	for _, c := range s {
		if c != lower(c) {
			copied := mem.Copy(s)
			for i, c := range copied {
				copied[i] = lower(c)
			}
			return copied
		}
	}
	return s
}

// trimBlanks takes spaces and tabs off both ends.
func trimBlanks(s []byte) []byte { return bytes.Trim(s, " \t") }
