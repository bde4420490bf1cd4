package body

import "bytes"

// unicodeCharset reports whether a text in the charset is UTF-8. None is said: that is UTF-8 for JSON (RFC 8259 section 8.1),
// XML without a declaration, and forms.
func unicodeCharset(name []byte) bool {
	switch string(name) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// latinCharset reports whether ASCII means ASCII in the charset, in every byte and sequence of bytes: so it does not in
// UTF-7, UTF-16, EBCDIC, or Shift JIS, in whose two-byte characters the second may be a backslash.
func latinCharset(name []byte) bool {
	if string(name) == "latin1" || unicodeCharset(name) {
		return true
	}
	for _, family := range [...]string{"iso-8859-", "windows-125"} {
		if n, ok := bytes.CutPrefix(name, []byte(family)); ok {
			return len(n) > 0 && len(n) <= 2 && len(bytes.Trim(n, "0123456789")) == 0
		}
	}
	return false
}
