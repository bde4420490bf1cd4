package disk

import (
	"os"
)

// What tests of a failing system need.
const (
	RetryPause   = retryPause
	BlockBytes   = blockBytes
	InlineMax    = inlineMax
	HeaderBytes  = headerBytes
	BodyLinger   = bodyLinger
	KeepWait     = keepWait
	RunShift     = runShift
	ChainMax     = chainMax
	OwedMax      = owedMax
	MarksSlack   = marksSlack
	SegmentsLeft = segmentsLeast
)

// System is what a Disk asks the operating system for.
type System struct {
	Create func(name string) (*os.File, error)
	Write  func(f *os.File, b []byte, off int64) (int, error)
	Sync   func(f *os.File) error
	Boot   string
}

// RealSystem is what Open uses.
func RealSystem() System {
	s := realSystem()
	return System{s.create, s.write, s.sync, s.boot}
}

// OpenOn is Open on another system.
func OpenOn(dir string, o Options, s System) (*Disk, error) {
	return open(dir, o, system{s.Create, s.Write, s.Sync, s.Boot})
}

// Scanned is closed when the files of earlier processes are read.
func (d *Disk) Scanned() <-chan struct{} { return d.scanned }

// Flush returns when all that was handed over is with the operating system, or the disk fails.
func (d *Disk) Flush() {
	for {
		d.mu.Lock()
		idle, settled := len(d.queue)+len(d.notes) == 0 && d.idle || d.degraded, d.settled
		d.mu.Unlock()
		if idle {
			return
		}
		<-settled
	}
}

// Tidy is Flush, and returns when the files of bodies that nobody has are removed too: the writer does that first in a step, so what was given
// up in the middle of one goes in the next.
func (d *Disk) Tidy() {
	d.Flush()
	for range 2 { // the first one may have begun before
		settled := d.Settled()
		if d.Degraded() {
			return
		}
		d.kick()
		<-settled
	}
}

// Degraded reports whether nothing is written.
func (d *Disk) Degraded() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.degraded
}

// Settled returns a channel that is closed at the end of the writer's next step.
func (d *Disk) Settled() <-chan struct{} {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.settled
}

// Counted is what a Disk has in memory.
func (d *Disk) Counted() (objects, bodies, marks, segments int, used int64) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.index.n, len(d.bodies), len(d.marks.known), len(d.segments), d.used
}

// IndexBytes is what the index takes.
func (d *Disk) IndexBytes() int64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.index.bytes()
}

// SetMarksMax bounds the purges that are remembered.
func (d *Disk) SetMarksMax(n int) {
	d.mu.Lock()
	d.marksMax = n
	d.mu.Unlock()
}

// Counts reads counters.
func (d *Disk) Counts() (puts, found, dropped, broken, evicted, copied, met uint64) {
	c := &d.counts
	return c.puts.Value(), c.found.Value(), c.dropped.Value(), c.broken.Value(), c.evicted.Value(), c.copied.Value(), c.met.Value()
}

// ParseRecord reads a record as Find and the scan do, and reports the kind of what it was.
func ParseRecord(b []byte, segment uint64) (kind uint8, ok bool) {
	h, err := parseHeader(b, segment)
	if err != nil {
		return 0, false
	}
	p, err := h.checked(b)
	if err != nil {
		return 0, false
	}
	switch h.kind {
	case kindObject, kindLarge:
		_, _, ok = parseObject(p)
	case kindPurge:
		_, ok = parsePurge(&h, p)
	}
	return uint8(h.kind), ok
}

// Resign puts fitting checksums into a record, so that what follows them is tested as well.
func Resign(b []byte, segment uint64) []byte {
	if len(b) < headerBytes {
		return b
	}
	var h header
	h.kind, h.flags = kind(b[2])%kindEnd, b[3]
	h.length = uint32(len(b) - headerBytes)
	h.sum = checksum(b[headerBytes:])
	h.put(b, segment)
	return b
}

// KeyHash is what the index tells keys of one URL apart by.
func KeyHash(key []byte) uint32 { return hashKey(key).key }

// CloseBodies closes the files that are open for readers, as others that are read do.
func (d *Disk) CloseBodies() {
	for range bodiesOpen {
		d.opened.join(&body{disk: d})
	}
}
