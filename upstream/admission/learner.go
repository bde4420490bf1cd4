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
// a base line that an earlier probe measured, it is confirmed. If not, the limit is lowered until latency does not fall any more: then the service
// has nothing to wait for, and that is its latency now, be it longer or shorter. So one measurement tells fewer places (latency
// falls with the limit) from slower ones (it does not).
//
// A probe costs something only below what the service has room for: for some latencies, a third or a half of its work is not done. As long as
// latency falls in proportion to the limit the service is still full, so the limit is halved; then it goes down more carefully. Its way
// down is no step: better classes go on entering. It is made only while the service is used to its limit and visibly slower than
// the base line, 10 to 30 s after it was last confirmed; at once if there is no base line yet, or if the limit has lost a third since,
// or is less than were open without waiting. Not if it is just less than the first limit, which nobody had used: so an overload
// after a calm time begins without a probe. Windows far below the limit are measurements for nothing, and windows as fast as
// the base line confirm it.
//
// What it fails at. A service whose latency depends on the request is compared between windows with other requests: a lasting
// change of what is asked looks like a slower service until the next probe. A base line seen just before an overload while the service was
// nearly full is too long, and the limit too high, until the next probe. Several edges that keep one service full for minutes probe it one at a
// time: each sees the others' requests, takes a part of their waiting for the service's own latency, and the base lines drift up:
// the service still does its work, with more of it waiting there. Fewer than ten answers in thirty seconds are not
// learned from at all. A service whose latency is near queueTime cannot serve all of the better classes during a probe: it lasts for several
// latencies. A service that answers errors faster than it works looks fast: that is the breaker's matter.
type learner struct {
	min, max float64
	limit    float64 // without a probe
	base     float64 // binary logarithm of nanoseconds; valid if known
	known    bool
	proven   bool // the base line comes from a probe: not only was it seen far below the limit, but fewer open ones are no faster

	confirmed int64   // when the base line last was
	enough    float64 // a limit below it is a reason for a probe: so many were open then without waiting, or most of the limit
	interval  int64   // until a probe is due after that
	probedAt  int64   // when the last probe ended
	window    int64   // how long the next window lasts
	peak      int     // of the last window

	probe probe
}

// probe is a measurement of the base line: steps with lower and lower limits.
type probe struct {
	on     bool
	step   int
	goal   float64 // the limit of this step
	limit  float64 // in force: on the way to the goal, or there
	before level   // the step before; at the first, the last window
	full   level   // where the service last had more to do than it could
	began  int64
}

// level is what was seen under a limit.
type level struct {
	sample
	limit float64
}

// fill is how many requests a step needs to be as certain as a window, by what it has seen so far and the one before.
func (p *probe) fill(so sample) int {
	n := max(so.sd, p.before.sd) / errorMax
	return min(max(probeFill, int(n*n)), probeFillMax)
}

func newLearner(low, high int) learner {
	l := learner{min: float64(low), max: float64(high), window: int64(windowMin), probedAt: -int64(probeAgain)}
	l.limit = min(max(adaptiveStart, l.min), l.max)
	l.confirm(l.limit, 0)
	return l
}

// places is the limit in force, also of a probe.
func (l *learner) places() int {
	if l.probe.on {
		return int(l.probe.limit)
	}
	return int(l.limit)
}

// confirm notes that the base line is right as of now, and draws when it must be looked at again. open is how many were open.
func (l *learner) confirm(open float64, at int64) {
	l.confirmed, l.enough = at, min(open, l.limit*2/3)
	l.interval = int64(probeMin) + rand.Int64N(int64(probeMax-probeMin))
}

// band is how far above the base line a window may be and count as unhindered.
func band(s sample) float64 { return min(math.Log2(calm)+s.se, math.Log2(calmMax)) }

// observe takes a window in which at most peak were open. young says that it counts only who
// entered shortly before, so that the slowest answers are missing: it is good enough to move the limit, not the base line. Afterwards places may be another.
func (l *learner) observe(s sample, peak int, young bool, at int64) {
	l.window = min(max(int64(windowMin), 2*s.slow()), int64(windowMax))
	open := float64(min(peak, l.peak)) // when a load comes, peak is ahead of latency
	l.peak = peak
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
		l.confirm(open, at)
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
		l.confirm(open, at)
	}
	l.follow(slower, s.late, peak)
	if l.probeDue(at) {
		// What is open beyond what works waits, and makes the others slower in proportion.
		l.startProbe(s, careful*l.limit*math.Exp2(-max(0, slower)), at)
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
	return at >= l.confirmed+l.interval || l.limit < l.enough
}

// startProbe begins the first step.
func (l *learner) startProbe(s sample, goal float64, at int64) {
	now := level{sample: s, limit: l.limit}
	l.probe = probe{on: true, goal: min(max(goal, l.min), l.limit), limit: l.limit, before: now, full: now, began: at}
}

// glide takes the limit towards the goal of a step that began so long ago, and reports whether it is there. It falls half as fast as
// requests leave: for two that leave one may enter, so that those of the better classes need not wait until the service has worked off
// the rest.
func (p *probe) glide(age int64) bool {
	from := p.before.limit
	leaving := from * math.Exp2(-p.before.mean) // in a nanosecond
	p.limit = max(p.goal, from-float64(age)*leaving/2)
	return p.limit == p.goal
}

// probed takes what a step has seen; without enough samples the probe ends without a result. Afterwards the probe may be over.
func (l *learner) probed(s sample, at int64) {
	p := &l.probe
	if s.n < samplesMin {
		l.endProbe(at)
		return
	}
	fell, lower := p.before.mean-s.mean, math.Log2(p.before.limit/p.goal)
	full := p.before.late || fell > lower*fallen+math.Hypot(s.se, p.before.se)
	same := l.proven && math.Abs(s.mean-l.base) <= band(s)
	if full {
		p.full = p.before
	}
	switch {
	case same && !s.late:
		l.base += (s.mean - l.base) / 2
	case p.step+1 < probeSteps && p.goal > l.min && (s.late || full || p.step == 0):
		p.step++
		p.before = level{sample: s, limit: p.goal}
		if s.late || fell > lower*inProportion {
			p.goal /= 2
		} else {
			p.goal *= careful
		}
		p.goal = max(l.min, p.goal)
		return
	case s.late: // even so few are too many, or it is down
		l.endProbe(at)
		return
	default:
		l.base, l.known, l.proven = s.mean, true, true
		l.limit = max(p.limit, min(l.limit, tolerance*p.full.limit*math.Exp2(l.base-p.full.mean))) // the gradient, at once
	}
	l.confirm(l.limit, at)
	l.interval = max(l.interval, probeShare*(at-p.began))
	l.endProbe(at)
}

// endProbe goes back to the limit of before.
func (l *learner) endProbe(at int64) {
	l.probe.on = false
	l.probedAt = at
}
