package disk

import "time"

// The limits of this folder. Sizes are bytes.
const (
	// bytesMin is the least budget: below it four segments would hold a handful of pages. Less: Open refuses.
	bytesMin = 4 << 20
	// segmentsAimed is how many segments the budget is divided into, so that one of them leaving takes 0.4 % of the cache. Each
	// keeps a descriptor open.
	segmentsAimed = 256
	// segmentsLeast bounds a segment to a part of the budget: something must be left when the oldest leaves.
	segmentsLeast = 4
	// segmentBytesMin and segmentBytesMax bound a segment, unless segmentsLeast says less. Offsets are 32 bits wide.
	segmentBytesMin = 4 << 20
	segmentBytesMax = 1 << 30
	// segmentsMax is how many segments there may be, whatever the files of an earlier budget look like. More: the oldest go.
	segmentsMax = 2048

	// inlineMax is the largest body in a segment; a larger one has a file of its own. Up to it a body is read in one piece.
	inlineMax = 256 << 10
	// payloadMax is the longest payload of a record: key, head and an inline body, or the checksums of a body of 64 GB. A longer one
	// is not stored, and at reading it is a broken record.
	payloadMax = 17 << 20
	// listMax is how many fields, trailers or groups an object may have. More: not stored, and at reading a broken record.
	listMax = 4096
	// blockBytes is how much of a body file one checksum covers: what a reader takes at once.
	blockBytes = 16 << 10
	// bodyShare is the part of the budget that one body file may have, and spoolShare that of all which are being written: 1/4 and
	// 1/2. Beyond it Begin returns nil and Append an error.
	bodyShare, spoolShare = 4, 2
	// bodyStep is how much of the budget is reserved at once for a body of unknown size.
	bodyStep = 1 << 20
	// spoolsMax is how many bodies are written at the same time; each has a descriptor. Beyond it Begin returns nil.
	spoolsMax = 256
	// bodiesOpen is how many body files are kept open for readers. Beyond it the one opened first is closed, and opened again when
	// it is read.
	bodiesOpen = 256
	// bodyLinger is how long a body file that was evicted stays readable for who read it last so long ago. Later reads fail.
	bodyLinger = time.Minute

	// objectBytesAimed bounds the index: one object for so many bytes of the budget, at some 60 bytes of memory each, which is less
	// than 1 % of it. More: the oldest segment goes.
	objectBytesAimed = 8 << 10
	// objectsMin is how many objects there may be at least.
	objectsMin = 1 << 16
	// marksMax is how many purges of groups and prefixes are remembered, 100 bytes each. More: the oldest segments go, which are what
	// those were remembered for.
	marksMax = 1 << 18
	// marksSlack is how many purges more than twice those left over the last time make it worth to look which can be forgotten.
	marksSlack = 1 << 10
	// chainMax is how many objects of one URL there may be: keys with other parts, and variants. More: the oldest are forgotten.
	chainMax = 256
	// variantsMax is how many objects of one key Find returns, as in package storage.
	variantsMax = 16
	// goneMax is how many removals are remembered while the files of an earlier process are read. More: what is not read by then
	// is removed.
	goneMax = 1 << 20
	// lateMax is how many removals are remembered, in each of two halves, for objects still on their way here. Older ones become one
	// number below which nothing is taken.
	lateMax = 1 << 12

	// queueBytesMax and queueMax bound what waits to be written. Beyond either an object is dropped and counted; a larger one is
	// taken if nothing else waits.
	queueBytesMax = 16 << 20
	queueMax      = 1 << 14
	// jobBytes is about what an object that waits takes beside its key and body.
	jobBytes = 2 << 10
	// batchObjects is how many objects are taken from the queue under one lock.
	batchObjects = 256
	// owedMax and owedBytesMax bound the removals and purges that wait to be written, when the disk fails or is slow. More: all is given up, since a
	// removal that gets lost would let its object come back.
	owedMax      = 1 << 16
	owedBytesMax = 16 << 20
	// batchBytes is about how much is written at once.
	batchBytes = 1 << 20
	// copyShare is the part of a segment's size that may be copied forward when one is evicted: 1/4, so that evicting always frees
	// more than it writes.
	copyShare = 4
	// retryPause is how long nothing is written after a failure.
	retryPause = 10 * time.Second
	// tellPause is the time between two events that say that records are broken; the counter has the rest.
	tellPause = time.Minute
	// keepWait is how long Keep waits for a purge to be with the operating system. After that it is written as soon as can be.
	keepWait = time.Second
	// scanBuffer is how much of a segment is read at once at start.
	scanBuffer = 256 << 10
	// publishStep is how many objects enter or leave the index under one lock: some 100 µs.
	publishStep = 512
)
