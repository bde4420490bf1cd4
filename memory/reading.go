package memory

import (
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
)

// Reading is what the process uses at one moment.
type Reading struct {
	InUse  int64  // bytes that nobody else can have: what the Go runtime has of the system, or the resident memory that no file backs, whichever is more
	Live   int64  // of the runtime's bytes, those that the last collection found in use, with stacks and its own
	Cycles uint64 // collections so far
}

// The runtime's figures, in this order.
const (
	sampleTotal = iota
	sampleReleased
	sampleFree
	sampleUnused
	sampleObjects
	sampleLive
	sampleCycles
	samples
)

var sampleNames = [samples]string{
	"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes", "/memory/classes/heap/unused:bytes",
	"/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes", "/gc/cycles/total:gc-cycles",
}

// reader reads what this process uses. It is one goroutine's.
type reader struct {
	samples [samples]metrics.Sample
	statm   *os.File // nil: there is no /proc, or it is not ours to read
	buf     [128]byte
}

func newReader() *reader {
	r := &reader{}
	for i, name := range sampleNames {
		r.samples[i].Name = name
	}
	r.statm, _ = os.Open("/proc/self/statm") // without it the runtime's figures are all there is
	return r
}

func (r *reader) close() {
	if r.statm != nil {
		r.statm.Close() // read only
	}
}

// read returns the figures of now, without allocating.
func (r *reader) read() Reading {
	metrics.Read(r.samples[:])
	v := func(i int) int64 { return int64(r.samples[i].Value.Uint64()) }
	mapped := v(sampleTotal) - v(sampleReleased)
	idle := v(sampleFree) + v(sampleUnused) + v(sampleObjects) - v(sampleLive)
	return Reading{InUse: max(mapped, r.anonymous()), Live: mapped - idle, Cycles: r.samples[sampleCycles].Value.Uint64()}
}

// anonymous is the resident memory that no file backs (proc(5), statm): unlike pages of the program it cannot be read again
// from anywhere, and so cannot be taken back. 0: unknown.
func (r *reader) anonymous() int64 {
	if r.statm == nil {
		return 0
	}
	n, _ := r.statm.ReadAt(r.buf[:], 0) // io.EOF behind a short line
	return anonymousOf(string(r.buf[:n])) * int64(os.Getpagesize())
}

// anonymousOf is resident less shared, the second and the third number; 0 if they do not stand there.
func anonymousOf(statm string) (pages int64) {
	_, rest, _ := strings.Cut(statm, " ")
	resident, rest, _ := strings.Cut(rest, " ")
	shared, _, _ := strings.Cut(rest, " ")
	r, rerr := strconv.ParseInt(resident, 10, 64)
	s, serr := strconv.ParseInt(shared, 10, 64)
	if rerr != nil || serr != nil || s > r {
		return 0
	}
	return r - s
}
