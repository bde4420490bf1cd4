package route

// maxNodes is how many distinct path segments the routes of one entrypoint may have: what a slot can number. Beyond
// it: a problem of the entrypoint.
const maxNodes = 1<<nodeBits - 1
