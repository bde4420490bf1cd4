package admission

import (
	"math"
	"math/rand/v2"
)

// learner finds the limit of a service from its latency. It is arithmetic only: adaptive.go tells it what windows have seen.
//
// A service with room for k requests answers in the same time up to k open ones and more slowly in proportion beyond. So the
// limit follows the gradient: each window it becomes limit × tolerance × base / latency + √limit, where base is the latency
// of the service when it has nothing to wait for. It settles where the service is some 1.5 times slower than alone: at 1.5 k and
// a little, so that the service never lacks work, and its queue stays half of what it works on. The limit only grows when
// nearly all of it was in use, and only falls when half of it was: what nobody used says nothing. Falls are smoothed by a half;
// √limit makes it grow by hundreds within seconds.
//
// All hangs on the base line. A minimum of recent windows would drift up under lasting overload, when every window is slow;
// one for ever would keep a service down that has really become slower. So it is measured, by a probe: the limit is
// lowered below what the service seems to have room for, and the requests that enter then are timed. If they are as fast as
// a base line that an earlier probe measured, it is confirmed. If not, the limit is halved until latency does not fall any more: then the service
// has nothing to wait for, and that is its latency now, be it longer or shorter. So one measurement tells fewer places (latency
// falls with the limit) from slower ones (it does not). A probe costs a part of the service's work for some latencies, so it is
// made only while the service is used to its limit and visibly slower than the base line, 10 to 30 s after it was
// last confirmed; at once if the limit has lost a third since, or if there is no base line yet. Windows far below the limit
// are measurements for nothing, and windows as fast as the base line confirm it.
//
// What it fails at. A service whose latency depends on the request is compared between windows with other requests: a lasting
// change of what is asked looks like a slower service until the next probe. A service that slows down at once for several
// edges is probed by one of them while the others go on, so the probe sees less of a fall; that the probes are at random times and the
// tolerance is wide keeps them from following each other down. Fewer than ten answers in thirty seconds are not
// learned from at all. A probe lets nobody in until the service has worked off what is beyond the lower limit, which takes about
// one latency: where that is near queueTime, requests of every class may wait too long then. A service that answers errors faster than it works looks fast: that is the breaker's matter.
type learner struct {
	min, max float64
	limit    float64 // without a probe
	base     float64 // binary logarithm of nanoseconds; valid if known
	known    bool
	proven   bool // the base line comes from a probe: not only was it seen far below the limit, but fewer open ones are no faster

	confirmed int64   // when the base line last was
	heldAt    float64 // the limit then
	interval  int64   // until a probe is due after that
	probedAt  int64   // when the last probe ended
	window    int64   // how long the next window lasts

	probe probe
}

// probe is a measurement of the base line: steps with lower and lower limits.
type probe struct {
	on     bool
	step   int
	limit  float64
	first  sample // of the last window
	before sample // of the step before; at the first, of the last window
	began  int64
}

// fill is how many requests a step needs to be as certain as a window.
func (p *probe) fill() int {
	n := p.before.sd / errorMax
	return min(max(probeFill, int(n*n)), probeFillMax)
}

func newLearner(low, high int) learner {
	l := learner{min: float64(low), max: float64(high), window: int64(windowMin), probedAt: -int64(probeAgain)}
	l.limit = min(max(adaptiveStart, l.min), l.max)
	l.confirm(0)
	return l
}

// places is the limit in force, also of a probe.
func (l *learner) places() int {
	if l.probe.on {
		return int(l.probe.limit)
	}
	return int(l.limit)
}

// confirm notes that the base line is right as of now, and draws when it must be looked at again.
func (l *learner) confirm(at int64) {
	l.confirmed, l.heldAt = at, l.limit
	l.interval = int64(probeMin) + rand.Int64N(int64(probeMax-probeMin))
}

// band is how far above the base line a window may be and count as unhindered.
func band(s sample) float64 { return min(math.Log2(calm)+s.se, math.Log2(calmMax)) }

// observe takes a window in which at most peak were open. young says that it counts only who
// entered shortly before, so that the slowest answers are missing: it is good enough to move the limit, not the base line. Afterwards places may be another.
func (l *learner) observe(s sample, peak int, young bool, at int64) {
	l.window = min(max(int64(windowMin), 2*s.slow()), int64(windowMax))
	if float64(peak)*2 < l.limit { // the service had nothing to wait for
		switch {
		case s.late:
			return
		case !l.known:
			l.base, l.known = s.mean, true
		case !young:
			l.base += 0.2 * (s.mean - l.base)
		}
		l.proven = false
		l.confirm(at)
		return
	}
	if !l.known {
		if at >= l.probedAt+int64(probeAgain) {
			l.startProbe(s, l.limit/2, at)
		}
		return
	}
	slower := s.mean - l.base
	if slower <= band(s) && !young && !s.late {
		l.confirm(at)
	}
	l.follow(slower, s.late, peak)
	if l.probeDue(at) {
		// What is open beyond what works waits, and makes the others slower in proportion.
		l.startProbe(s, 0.7*l.limit*math.Exp2(-max(0, slower)), at)
	}
}

// follow moves the limit along the gradient. If most answers come too late the true one is steeper than it looks.
func (l *learner) follow(slower float64, late bool, peak int) {
	ratio := min(max(tolerance*math.Exp2(-slower), fallMin), 1)
	if late {
		ratio = fallMin
	}
	target := l.limit*ratio + math.Sqrt(l.limit)
	switch {
	case target < l.limit:
		l.limit += (target - l.limit) / 2
	case float64(peak) >= 0.8*l.limit:
		l.limit = target
	}
	l.limit = min(max(l.limit, l.min), l.max)
}

// probeDue reports whether the base line must be measured.
func (l *learner) probeDue(at int64) bool {
	if at < l.probedAt+int64(probeAgain) {
		return false
	}
	return at >= l.confirmed+l.interval || l.limit < l.heldAt*2/3
}

// startProbe begins the first step.
func (l *learner) startProbe(before sample, limit float64, at int64) {
	l.probe = probe{on: true, limit: min(max(limit, l.min), l.limit), first: before, before: before, began: at}
}

// probed takes what a step has seen; without enough samples the probe ends without a result. Afterwards the probe may be over.
func (l *learner) probed(s sample, at int64) {
	p := &l.probe
	if s.n < samplesMin {
		l.endProbe(at)
		return
	}
	fell := p.before.late || s.mean < p.before.mean-math.Log2(fallen)-math.Hypot(s.se, p.before.se)
	same := l.proven && math.Abs(s.mean-l.base) <= band(s)
	switch {
	case same && !s.late:
		l.base += (s.mean - l.base) / 2
	case p.step+1 < probeSteps && p.limit > l.min && (s.late || fell || p.step == 0):
		p.step++
		p.limit = max(l.min, p.limit/2)
		p.before = s
		return
	case s.late: // even so few are too many, or it is down
		l.endProbe(at)
		return
	default:
		l.base, l.known, l.proven = s.mean, true, true
		l.limit = max(p.limit, min(l.limit, tolerance*l.limit*math.Exp2(l.base-p.first.mean))) // the gradient, at once
	}
	l.confirm(at)
	l.interval = max(l.interval, probeShare*(at-p.began))
	l.endProbe(at)
}

// endProbe goes back to the limit of before.
func (l *learner) endProbe(at int64) {
	l.probe.on = false
	l.probedAt = at
}
