package transport

// SpliceBytes is the piece of a splice that one deadline covers. With a patience of a minute a peer that takes fewer
// than about 2 KB/s is cut off.
const SpliceBytes = 128 << 10
