package adopt

// The limits of a spec, beyond which a document would not be taken.
const (
	// nameBytesMax is the longest name of a document or a route, in bytes.
	nameBytesMax = 63
	// hostBytesMax is the longest host, in bytes (RFC 1035 section 2.3.4).
	hostBytesMax = 253
	// hostLabelMax is the longest part of a host between two dots, in bytes (RFC 1035 section 2.3.4).
	hostLabelMax = 63
	// textBytesMax is the longest path or value of a field, in bytes.
	textBytesMax = 4096
	// segmentsMax is how many segments a path may have.
	segmentsMax = 32
	// labelsMax is how many labels a document may have.
	labelsMax = 64
	// namesMax is how many fields, cookies or parameters a key may name.
	namesMax = 32
	// cookieNameBytesMax is the longest name of a cookie, in bytes.
	cookieNameBytesMax = 64
	// queryNameBytesMax is the longest name of a parameter, in bytes.
	queryNameBytesMax = 256
)
