package static

import "time"

const (
	// keptMax is how many files stay open between requests, at most; the copies in a coding count. Beyond it, files that
	// nobody is reading give way in no order. It is a small part of the descriptors an edge needs for its connections.
	keptMax = 1024
	// keptFor is how long the way from a name to its files is taken for granted: a link that was replaced, or a copy that
	// was added, is seen after it at the latest. What happens to the files themselves is seen at once.
	keptFor = time.Second
	// sweepEvery is how often files that nobody has asked for are closed; until then a deleted one keeps its disk space.
	sweepEvery = 5 * time.Second
	// pathBytesMax is the longest path that is looked for, one less than Linux can take (PATH_MAX counts a NUL). Beyond it: 404.
	pathBytesMax = 4095
	// extensionBytesMax is the longest extension in the table of types. Beyond it: application/octet-stream.
	extensionBytesMax = 11
	// settleTime is how old a file's last change must be before its validators are strong: two changes within one tick of the
	// file system's clock (4 ms on Linux, 2 s on FAT) can leave size and time the same (RFC 9110 section 8.8.1).
	settleTime = 2 * time.Second
)

// placeholderBefore ends the time in which no file was changed: packaging tools that want reproducible archives write
// 1970-01-01 or 1980-01-01 on every file. Such a date says nothing about when the content changed.
var placeholderBefore = time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC)
