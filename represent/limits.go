package represent

const (
	// spansMax is how many ranges one answer has parts for; viewers of documents ask for a few. A request for more gets
	// the whole (RFC 9110 section 14.2 allows it), as does one whose ranges overlap: so an answer is never much longer than it.
	spansMax = 16
	// pieceBytes is how much is read at once from a source that is not in memory, into pooled memory that an answer holds to
	// its end: it is what one slow reader costs.
	pieceBytes = 64 << 10
	// boundaryBytes is the length of the line between parts: 128 random bits in hex. RFC 2046 section 5.1.1 allows 70.
	boundaryBytes = 32
	// contentRangeBytesMax is the longest Content-Range: three numbers of 19 digits.
	contentRangeBytesMax = len("bytes -/") + 3*19
)
