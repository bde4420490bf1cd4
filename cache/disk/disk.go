package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/meter"
)

// Options are what a disk store is made with.
type Options struct {
	Bytes  int64      // the budget of all files together, at least 4 MB (--cache-disk)
	Meters *meter.Set // nil: nobody reads them
	// Lent: the process before may have lent the directory (Lend) to this one, which has not told it everything yet: that is over with Own.
	Lent bool
	// Older: what earlier processes left has lower numbers than this, whatever it says; 0: than those that are given from now on.
	Older uint64
}

// Disk is a store in the files of one directory; it implements storage.Below. All methods may be called by many goroutines at once.
type Disk struct {
	dir          string
	bytes        int64
	segmentBytes int64
	objectsMax   int
	marksMax     int
	number       uint64 // objects of earlier processes count as having this number at most: any purge from now on is later
	system       system
	lock         *os.File
	counts       counts
	opened       opened
	stating      sync.Mutex // around the state's file. Before mu
	blocks       sync.Pool
	wake         chan struct{} // something waits to be written, or is too much
	stop         chan struct{}
	scanned      chan struct{} // closed when the files of earlier processes are read
	running      sync.WaitGroup

	mu       sync.RWMutex
	run      uint64
	ticks    uint64
	index    index
	large    map[uint32]uint64 // of a place, the number of its body
	marks    marks
	late     late
	segments []*segment // oldest first
	slots    []*segment
	free     []uint16 // slots
	current  *segment // the log's end; nil: the next batch begins a segment
	last     uint64   // number of the newest segment
	before   int64    // how long it is
	bodies   map[uint64]*stored
	trash    []rubbish
	used     int64 // bytes of all files, and what is reserved for bodies
	spooling int64 // reserved for bodies that are being written
	spools   int
	queue    []*job
	queued   int64         // bytes of it
	notes    []*note       // they are written before the queue
	owed     int64         // bytes of them
	settled  chan struct{} // closed at the end of the writer's step
	idle     bool          // the writer has nothing to do
	past     *past         // what was removed, while segments are read; nil: they all are
	degraded bool
	lost     bool   // files must be removed before anything is written
	lent     bool   // the files are to be believed by nobody but the process that they are lent to, or by this one if it is that
	noted    uint64 // removals and purges that were to be written, ever
	wrote    uint64 // of them, those that were
	retry    time.Time
	closed   bool
}

// The clock orders everything that happens to objects. Its high bits are the run, so that it goes on after a restart without having read
// a file.
const (
	runShift = 40
	runMax   = 1 << (64 - runShift)
)

// tick is the next instant. With the lock.
func (d *Disk) tick() uint64 {
	d.ticks++
	return d.run<<runShift | d.ticks
}

// Open takes a directory, which it makes if need be, and reads in the background what an earlier process left there: what is not read yet
// is not found yet. An error: another process has it, or it cannot be written.
func Open(dir string, o Options) (*Disk, error) { return open(dir, o, realSystem()) }

func open(dir string, o Options, sys system) (*Disk, error) {
	if o.Bytes < bytesMin {
		return nil, fmt.Errorf("cache directory %s: a budget of %d bytes, at least %d are needed (--cache-disk)", dir, o.Bytes, int64(bytesMin))
	}
	if o.Meters == nil {
		o.Meters = meter.NewSet()
	}
	if o.Older == 0 {
		o.Older = uint64(time.Now().UnixMicro()) + 1
	}
	d := &Disk{
		dir: dir, bytes: o.Bytes, number: o.Older - 1, lent: o.Lent, system: sys, counts: newCounts(o.Meters),
		objectsMax: int(max(objectsMin, o.Bytes/objectBytesAimed)), marksMax: marksMax,
		segmentBytes: max(min(o.Bytes/segmentsAimed, segmentBytesMax), min(segmentBytesMin, o.Bytes/segmentsLeast)),
		blocks:       sync.Pool{New: func() any { return new([blockBytes]byte) }},
		wake:         make(chan struct{}, 1), stop: make(chan struct{}), scanned: make(chan struct{}), settled: make(chan struct{}),
		index: newIndex(), large: map[uint32]uint64{}, marks: newMarks(), bodies: map[uint64]*stored{}, past: newPast(),
	}
	if err := d.take(); err != nil {
		if d.lock != nil {
			if o.Lent { // nobody will tell it what was purged meanwhile
				os.Remove(filepath.Join(dir, stateName))
			}
			d.lock.Close()
		}
		return nil, fmt.Errorf("cache directory %s: %w", dir, err)
	}
	d.counts.watch(d, o.Meters)
	d.running.Add(2)
	old := slices.Clone(d.segments)
	go d.write()
	go d.scan(old)
	return d, nil
}

// take locks the directory, and finds out what in it can be believed.
func (d *Disk) take() (err error) {
	if err = os.MkdirAll(d.dir, dirMode); err != nil {
		return err
	}
	if d.lock, err = lock(d.dir); err != nil {
		return err
	}
	s, ok, err := readState(d.dir)
	if err != nil {
		return err
	}
	if ok && (s.believed(d.system.boot) || s.how == stateLent && d.lent) {
		err = d.openSegments()
	} else {
		switch {
		case s.how == stateLent:
			d.counts.events.Add("cache_disk", d.dir+" begins empty: the process before was being replaced, and what the new one removed may not be known here")
		case s.run > 0:
			d.counts.events.Add("cache_disk", d.dir+" begins empty: the machine stopped while it was in use, and removals may have been lost")
		}
		err = clear(d.dir)
	}
	if err != nil {
		d.closeSegments()
		return err
	}
	d.run = s.run + 1
	if err = d.writeState(stateOpen); err != nil {
		d.closeSegments()
	}
	return err
}

// openSegments opens what there is; only the newest so many are used.
func (d *Disk) openSegments() error {
	numbers, err := list(d.dir, logSuffix)
	if err != nil {
		return err
	}
	for i, n := range numbers {
		name := filepath.Join(d.dir, segmentName(n))
		if len(numbers)-i > segmentsMax {
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return err
		}
		d.enlist(&segment{number: n, name: name, file: f, size: info.Size()})
		d.last, d.before = n, info.Size()
		d.used += info.Size()
	}
	return nil
}

func (d *Disk) closeSegments() {
	for _, s := range d.segments {
		s.file.Close()
	}
}

// enlist adds the newest segment. With the lock.
func (d *Disk) enlist(s *segment) {
	if n := len(d.free); n > 0 {
		s.slot, d.free = d.free[n-1], d.free[:n-1]
		d.slots[s.slot] = s
	} else {
		s.slot = uint16(len(d.slots))
		d.slots = append(d.slots, s)
	}
	d.segments = append(d.segments, s)
}

// Close writes what waits, syncs the log, and lets the directory go; the next process finds everything. Nothing is taken or found after it,
// but what is being read can be read on.
// An error: the disk failed, and the next process begins with nothing.
func (d *Disk) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	close(d.stop)
	d.running.Wait()
	d.clean()
	if d.lent {
		d.linger()
	}
	err := d.leave()
	d.closeSegments()
	d.lock.Close()
	return err
}

// leave makes the log survive the machine; where it is lent, this process.
func (d *Disk) leave() error {
	if d.degraded || d.lost || len(d.notes) > 0 {
		d.dropState()
		return fmt.Errorf("cache directory %s: the disk could not be written at last, so the next start begins with nothing", d.dir)
	}
	if d.lent {
		return nil
	}
	for _, s := range d.segments {
		if err := d.system.sync(s.file); err != nil {
			return err
		}
	}
	if err := d.syncDir(); err != nil {
		return err
	}
	return d.writeState(stateClosed)
}

// Begin makes a place for a body that is too large for memory; size -1: unknown. nil: the disk fails, or has no room: one may have a
// quarter of the budget, all that are being written half of it.
func (d *Disk) Begin(size int64) storage.Spool {
	if b := d.begin(size); b != nil {
		return b
	}
	return nil
}
