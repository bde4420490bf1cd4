package proxyheader

const (
	// BytesMax is the most that a header may have, in bytes. Addresses take 52 of version 2; what balancers add about TLS, or the
	// address that they were reached at, some hundred; nginx takes as much. Beyond it: FlawTooLong.
	BytesMax = 4 << 10
	// lineBytesMax is the longest header of version 1, with its CR LF (section 2.1). Beyond it: FlawTooLong.
	lineBytesMax = 107
)
