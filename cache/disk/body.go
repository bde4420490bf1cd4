package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"skerry.dev/skerry/fault"
)

// body is a body with a file of its own: nothing but its bytes. The checksums of its blocks stand in the record of its object, and
// without that record it is nothing: the next start removes it. It implements storage.Spool.
type body struct {
	disk   *Disk
	number uint64
	size   atomic.Int64
	read   atomic.Int64 // when it was last read, Unix nanoseconds
	whole  atomic.Bool  // it is complete: sums are final, and reads are checked
	over   atomic.Bool  // nothing can be appended any more

	// Of who appends, until whole.
	sums []uint32
	part uint32 // checksum of the block that is not full yet
	room int64  // reserved in the budget; under the Disk's lock
	held bool   // its file is kept for who appends; under the Disk's lock

	mu   sync.Mutex
	file *os.File // nil: closed for the moment
	keep bool     // do not close it: it is being written, or has lost its name
}

// stored is what the Disk knows of a body file, under its lock.
type stored struct {
	refs int // objects, and who appends
	size int64
	live weak.Pointer[body]
}

var (
	errOver   = fault.New(fault.Internal, "a body in the disk cache is complete, or was given up: nothing can be appended")
	errRoom   = fault.New(fault.Internal, "the disk cache has no room for a body: one may have 1/4 of --cache-disk, all that are being fetched 1/2")
	errBitten = fault.New(fault.Internal, "a body in the disk cache is damaged: its checksum does not fit")
)

// begin makes a place for a body; size -1: unknown. nil: the disk fails, or has no room for it.
func (d *Disk) begin(size int64) *body {
	d.mu.Lock()
	if d.closed || d.degraded || d.spools >= spoolsMax || size > d.bodyMax() {
		d.mu.Unlock()
		return nil
	}
	d.spools++
	b := &body{disk: d, number: d.tick(), held: true, keep: true}
	d.bodies[b.number] = &stored{refs: 1, live: weak.Make(b)}
	d.mu.Unlock()
	b.read.Store(time.Now().UnixNano())
	if !b.reserve(max(size, 0)) {
		b.Close()
		return nil
	}
	f, err := d.system.create(filepath.Join(d.dir, bodyName(b.number)))
	if err != nil {
		d.fail(err)
		b.Close()
		return nil
	}
	b.mu.Lock()
	b.file = f
	b.mu.Unlock()
	return b
}

func (d *Disk) bodyMax() int64 { return d.bytes / bodyShare }

// reserve takes n bytes more of the budget for a body, and evicts for it.
func (b *body) reserve(n int64) bool {
	d := b.disk
	d.mu.Lock()
	if b.room+n > d.bodyMax() || d.spooling+n > d.bytes/spoolShare {
		d.mu.Unlock()
		return false
	}
	b.room += n
	d.spooling += n
	d.used += n
	d.mu.Unlock()
	return d.makeRoom()
}

// Append adds p to the end, and returns when the operating system has it.
func (b *body) Append(p []byte) error {
	if b.over.Load() {
		return errOver
	}
	size := b.size.Load()
	if size+int64(len(p)) > b.room && !b.reserve(max(int64(len(p)), min(bodyStep, b.disk.bodyMax()-b.room))) {
		return errRoom
	}
	if _, err := b.disk.system.write(b.file, p, size); err != nil {
		b.disk.fail(err)
		return fault.Wrap(fault.Internal, "writing a body to the disk cache", err)
	}
	for at := size; len(p) > 0; {
		n := min(blockBytes-int(at%blockBytes), len(p))
		b.part = updateSum(b.part, p[:n])
		if at += int64(n); at%blockBytes == 0 {
			b.sums, b.part = append(b.sums, b.part), 0
		}
		p = p[n:]
		b.size.Store(at)
	}
	return nil
}

// finish makes it complete.
func (b *body) finish() {
	b.over.Store(true)
	if b.size.Load()%blockBytes != 0 {
		b.sums = append(b.sums, b.part)
	}
	b.whole.Store(true)
	b.mu.Lock()
	b.keep = false
	b.mu.Unlock()
	b.disk.opened.join(b)
}

// Size is how much was appended, in bytes.
func (b *body) Size() int64 { return b.size.Load() }

// Close gives a body up whose object was not Put; otherwise it does nothing.
func (b *body) Close() {
	d := b.disk
	d.mu.Lock()
	if b.held {
		b.over.Store(true)
		d.release(b)
	}
	d.mu.Unlock()
	d.clean()
}

// release ends the time in which a body is written: what it had reserved beyond its size goes back, and its file is kept for objects only.
func (d *Disk) release(b *body) {
	b.held = false
	d.spools--
	d.spooling -= b.room
	d.used -= b.room
	st := d.bodies[b.number]
	st.size = b.size.Load()
	d.used += st.size
	d.unref(b.number)
}

// unref says that a body file is needed by one less. Nobody's files wait in the trash for clean.
func (d *Disk) unref(number uint64) {
	st := d.bodies[number]
	if st.refs--; st.refs > 0 {
		return
	}
	d.used -= st.size
	delete(d.bodies, number)
	d.trash = append(d.trash, rubbish{number, st.live.Value()})
}

// rubbish is a body file that no object has any more.
type rubbish struct {
	number uint64
	reader *body
}

// clean removes the files of bodies that no object has. Who reads one goes on reading it.
func (d *Disk) clean() {
	d.mu.Lock()
	trash := d.trash
	d.trash = nil
	d.mu.Unlock()
	for _, t := range trash {
		if t.reader != nil {
			t.reader.linger()
		}
		os.Remove(filepath.Join(d.dir, bodyName(t.number))) // if it stays, the next start removes it
	}
}

// linger keeps the file open beyond its name for as long as it is read.
func (b *body) linger() {
	idle := time.Since(time.Unix(0, b.read.Load()))
	b.mu.Lock()
	defer b.mu.Unlock()
	if idle >= bodyLinger {
		if b.file != nil {
			b.file.Close()
			b.file = nil
		}
		b.keep = false
		return
	}
	if b.file == nil {
		b.file, _ = os.Open(filepath.Join(b.disk.dir, bodyName(b.number)))
	}
	b.keep = b.file != nil
	if b.keep {
		time.AfterFunc(bodyLinger-idle, b.linger)
	}
}

// handle returns the open file.
func (b *body) handle() (*os.File, error) {
	b.mu.Lock()
	f := b.file
	if f != nil {
		b.mu.Unlock()
		return f, nil
	}
	f, err := os.Open(filepath.Join(b.disk.dir, bodyName(b.number)))
	b.file = f
	b.mu.Unlock()
	if err == nil {
		b.disk.opened.join(b)
	}
	return f, err
}

// there reports whether the file is there, and as long as it should be.
func (b *body) there() error {
	f, err := b.handle()
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if errors.Is(err, os.ErrClosed) {
		return nil // to be opened again by who reads it; it was there
	}
	if err == nil && info.Size() < b.size.Load() {
		err = errTorn
	}
	return err
}

// opened is which body files are open for readers: a ring, in which the next one closes the oldest.
type opened struct {
	mu   sync.Mutex
	ring [bodiesOpen]weak.Pointer[body]
	next int
}

func (o *opened) join(b *body) {
	o.mu.Lock()
	old := o.ring[o.next].Value()
	o.ring[o.next] = weak.Make(b)
	o.next = (o.next + 1) % len(o.ring)
	o.mu.Unlock()
	if old != nil && old != b {
		old.rest()
	}
}

// rest closes the file until somebody reads it again, if it can be opened again.
func (b *body) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil && !b.keep {
		b.file.Close() // who reads from it at this moment is waited for by the file, or opens it again
		b.file = nil
	}
}

// ReadAt reads what was appended; once the body is complete, checked. An error means that it is broken.
func (b *body) ReadAt(p []byte, off int64) (int, error) {
	b.read.Store(time.Now().UnixNano())
	for range 4 {
		f, err := b.handle()
		if err == nil {
			var n int
			if n, err = b.readFrom(f, p, off); err == nil {
				return n, nil
			}
		}
		if !errors.Is(err, os.ErrClosed) {
			return 0, b.broken(err)
		}
	}
	return 0, b.broken(os.ErrClosed)
}

// broken tells of a body that cannot be read. One that was evicted is no fault of the disk's.
func (b *body) broken(err error) error {
	d := b.disk
	d.mu.RLock()
	evicted := d.bodies[b.number] == nil || d.closed
	d.mu.RUnlock()
	if evicted {
		return fault.Wrap(fault.Internal, "a body in the disk cache was evicted while it was read", err)
	}
	d.tellBroken(fmt.Sprintf("%s: %v", bodyName(b.number), err))
	return fault.Wrap(fault.Internal, "reading "+bodyName(b.number)+" of the disk cache", err)
}

func (b *body) readFrom(f *os.File, p []byte, off int64) (n int, err error) {
	whole := b.whole.Load() // before the size
	size := b.size.Load()
	if off < 0 || off >= size {
		return 0, nil
	}
	p = p[:min(int64(len(p)), size-off)]
	if !whole {
		return len(p), full(f, p, off)
	}
	for n < len(p) {
		at, rest := off+int64(n), p[n:]
		m := 0
		if covered := alignedBytes(at, int64(len(rest)), size); covered > 0 {
			m, err = int(covered), b.blocks(f, rest[:covered], at)
		} else {
			m, err = b.partly(f, rest, at, size)
		}
		if err != nil {
			return 0, err
		}
		n += m
	}
	return n, nil
}

// alignedBytes is how many of n bytes from an offset on are whole blocks; the last one of the body may be short.
func alignedBytes(at, n, size int64) int64 {
	if at%blockBytes != 0 {
		return 0
	}
	if at+n == size {
		return n
	}
	return n / blockBytes * blockBytes
}

// blocks reads whole blocks into p.
func (b *body) blocks(f *os.File, p []byte, at int64) error {
	if err := full(f, p, at); err != nil {
		return err
	}
	for i := at / blockBytes; len(p) > 0; i++ {
		block := p[:min(len(p), blockBytes)]
		if int(i) >= len(b.sums) || checksum(block) != b.sums[i] {
			return errBitten
		}
		p = p[len(block):]
	}
	return nil
}

// partly reads the part of one block that p is for.
func (b *body) partly(f *os.File, p []byte, at, size int64) (int, error) {
	room := b.disk.blocks.Get().(*[blockBytes]byte)
	defer b.disk.blocks.Put(room)
	begin := at / blockBytes * blockBytes
	block := room[:min(blockBytes, size-begin)]
	if err := b.blocks(f, block, begin); err != nil {
		return 0, err
	}
	return copy(p, block[at-begin:]), nil
}

// full reads all of p.
func full(f *os.File, p []byte, off int64) error {
	_, err := f.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		return errTorn
	}
	return err
}
