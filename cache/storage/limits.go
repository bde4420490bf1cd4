package storage

// Sizes of objects.
const (
	// keyBytesMax is the longest key, in bytes: its length takes two of them in each object. A longer one is not stored.
	keyBytesMax = 1<<16 - 1
	// metaBytesMax bounds key, signature, groups, head and trailers of an object together. More is not stored.
	metaBytesMax = 4 << 20
	// joinBytesMax is the largest body that is copied behind its head, so that both are one piece of memory and one write. Larger ones
	// stay in the pieces that they came in.
	joinBytesMax = 64 << 10
	// pieceSlack says which pieces of a body are copied to give back the room behind them: more of it than 1/8 of what is in them.
	pieceSlack = 8
	// pieceBytes is what a piece costs beside its bytes: a slice and its end.
	pieceBytes = 32
	// variantsMax is how many variants a key has. Beyond it the oldest is dropped: a service whose Vary makes more is not cached well
	// in any case.
	variantsMax = 16
)
