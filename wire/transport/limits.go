package transport

// pipeBytes is the size of the pipe of a splice, and so the piece that one deadline covers: with a patience of a minute, a
// peer that takes fewer than about 2 KB/s is cut off. Where the system allows less, pieces are smaller.
const pipeBytes = 128 << 10

const (
	// recordBytes is the most that one TLS record holds (RFC 8446 section 5.1); pieces of a write are joined up to it.
	recordBytes = 16 << 10
	// heldBytes is how much of a write of several TLS records is held back to leave in one system call.
	heldBytes = 64 << 10
	// ownBytesMax is how many bytes of records that TLS makes by itself may wait for a peer that does not read: some 150
	// answers to KeyUpdates. Beyond it: the next write fails.
	ownBytesMax = 4 << 10
	// openingBytesMax is how much of what a peer sends first Open can show: a whole PROXY header (proxyheader.BytesMax). It is taken
	// from a pool for each look. A larger size is a bug of the caller.
	openingBytesMax = 4 << 10
)
