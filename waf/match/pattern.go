package match

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// namesBytes says whether a pattern is one of bytes: its text, with each \xNN taken for the byte NN, is no UTF-8. That is
// how Coraza decides, and its quirks are part of the meaning of a rule: \xc3\xa9 are two characters, not one and not
// bytes, and the x of an escaped backslash may begin an escape.
func namesBytes(pattern string) bool {
	text := make([]byte, 0, len(pattern))
	for len(pattern) > 0 {
		c, size := byteEscape(pattern)
		text = append(text, c)
		pattern = pattern[size:]
	}
	return !utf8.Valid(text)
}

// byteEscape is the first byte of a pattern, or the one that an escape stands for, and how long that is.
func byteEscape(pattern string) (byte, int) {
	if len(pattern) < 4 || pattern[0] != '\\' || pattern[1] != 'x' {
		return pattern[0], 1
	}
	digits, size := pattern[2:4], 4
	if pattern[2] == '{' && len(pattern) >= 6 {
		if end := strings.IndexByte(pattern, '}'); end >= 0 {
			digits, size = pattern[3:end], end+1
		}
	}
	if len(digits) < 2 { // \x{9}: not the escape of a byte as Coraza reads it
		return pattern[0], 1
	}
	n, err := strconv.ParseUint(digits[:2], 16, 8)
	if err != nil {
		return pattern[0], 1
	}
	return byte(n), size
}
