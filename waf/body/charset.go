package body

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
	switch string(name) {
	case "iso-8859-1", "iso-8859-15", "latin1", "windows-1252":
		return true
	}
	return unicodeCharset(name)
}
