package route

// maxSegments is how many segments the path of a route may have; requests may have more. Beyond it: a problem of the
// route. It is the size of what a match keeps on its stack.
const maxSegments = 32
