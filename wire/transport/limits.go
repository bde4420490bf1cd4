package transport

// pipeBytes is the size of the pipe of a splice, and so the piece that one deadline covers: with a patience of a minute, a
// peer that takes fewer than about 2 KB/s is cut off. Where the system allows less, pieces are smaller.
const pipeBytes = 128 << 10
