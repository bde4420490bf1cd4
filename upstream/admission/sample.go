package admission

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// hot is what an adaptive gate writes for each request. It stands on one cache line with the gate's word, which the same
// request owns in the same moment, so that it costs additions and no transfers between processors.
type hot struct {
	due      atomic.Int64  // when the next request is to look whether a window is over
	sum      atomic.Uint64 // of the window: the number of samples (upper 20 bits) and the sum of their logarithms
	squares  atomic.Uint64 // the sum of their logarithms' squares
	epoch    atomic.Uint32 // of requests that enter now; odd while a probe counts who enters
	sampling atomic.Uint32 // of requests whose latency counts
	peak     atomic.Int32  // the most that were open in this window
	in, out  atomic.Int32  // requests of the probe's epoch that entered, and that left
	late     atomic.Int32  // of the window's samples, how many were given up
}

const (
	countShift = 44
	logShift   = 8 // binary places of a logarithm
)

// entered notes that a request has entered as the open-th.
func (h *hot) entered(t Ticket, open int) {
	if int32(open) > h.peak.Load() {
		h.peak.Store(int32(open)) // of two at once one may be lost: it is one less
	}
	if t.epoch&1 == 1 {
		h.in.Add(1)
	}
}

// leaving takes the sample of a request, if it entered in the epoch that counts.
func (h *hot) leaving(t Ticket, latency time.Duration, late bool) {
	if t.epoch != h.sampling.Load() {
		return
	}
	if latency > 0 && h.sum.Load()>>countShift < sampleCountMax {
		l := logOf(latency)
		h.sum.Add(1<<countShift | l)
		h.squares.Add(l * l)
		if late {
			h.late.Add(1)
		}
	}
	if t.epoch&1 == 1 && h.out.Add(1) >= h.in.Load() && h.epoch.Load() != t.epoch {
		h.due.Store(0) // all that the probe let in are back
	}
}

// restart empties the window.
func (h *hot) restart(open int) {
	h.sum.Store(0)
	h.squares.Store(0)
	h.late.Store(0)
	h.peak.Store(int32(open))
}

// logOf is the binary logarithm of a latency in nanoseconds, with logShift places behind the point, straight between powers of
// two: wrong by a fifteenth of a doubling at most, always in the same direction.
func logOf(d time.Duration) uint64 {
	n := uint64(min(max(d, time.Microsecond), latencyMax))
	whole := uint64(bits.Len64(n) - 1)
	return whole<<logShift | n<<(63-whole)<<1>>(64-logShift)
}

// sample is what a window has seen: logarithms, because a mean of them is not moved by a few slow answers, and its error is
// a factor. A queue at the service moves every answer, so it shows all the same.
type sample struct {
	n    int
	mean float64 // binary logarithm of nanoseconds
	sd   float64 // standard deviation of the logarithms
	se   float64 // standard error of mean
	late bool    // half of the answers or more did not come in time: the true mean is larger
}

// read returns the window so far.
func (h *hot) read() sample {
	sum, squares := h.sum.Load(), h.squares.Load()
	s := sample{n: int(sum >> countShift)}
	s.late = 2*int(h.late.Load()) >= s.n
	if s.n == 0 {
		return s
	}
	const one = 1 << logShift
	n := float64(s.n)
	s.mean = float64(sum&(1<<countShift-1)) / n / one
	variance := max(0, float64(squares)/n/one/one-s.mean*s.mean) // the two words may differ by a sample
	s.sd = math.Sqrt(variance)
	s.se = s.sd / math.Sqrt(n)
	return s
}

// slow is how long a slow answer takes, in nanoseconds: two deviations above the mean, a few in a hundred take longer.
func (s sample) slow() int64 { return int64(math.Exp2(min(s.mean+2*s.sd, logMax))) }

// logMax is more than the logarithm of latencyMax.
const logMax = 42
