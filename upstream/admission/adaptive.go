package admission

// This file is the clockwork between a gate and its learner: which requests a window counts, and when it is over. Requests
// that enter look at the clock; between them there is nothing to learn.
//
// Requests carry the epoch in which they entered. A window counts those of its epoch only, which changes whenever the
// limit is lowered by a tenth or more: what entered before still feels the old one. A step of a probe takes the limit down,
// lets requests in for a while and then waits for them: to count only who is back early would count the fast ones.

// tick looks whether a window, or a step of a probe, is over.
func (g *Gate) tick(at int64) {
	if !g.mu.TryLock() { // the next request will
		return
	}
	defer g.mu.Unlock()
	if at < g.hot.due.Load() {
		return
	}
	switch l := &g.learner; {
	case !l.probe.on:
		g.window(at)
	case l.probe.limit > l.probe.goal:
		g.glide(at)
	case g.hot.epoch.Load() == g.hot.sampling.Load():
		g.closeStep(at)
	default:
		g.endStep(at)
	}
}

// begin starts a window at an instant, or a step of a probe.
func (g *Gate) begin(at int64) {
	g.began = at
	g.hot.restart(g.Open())
	epoch := g.hot.epoch.Load()
	if epoch != g.hot.sampling.Load() {
		g.turned = at
	}
	length := g.learner.window
	switch p := &g.learner.probe; {
	case !p.on:
	case p.limit > p.goal:
		length = 0
	default:
		epoch = epoch + 2 | 1
		length = int64(windowMin)
		g.hot.in.Store(0)
		g.hot.out.Store(0)
	}
	g.hot.epoch.Store(epoch)
	g.hot.sampling.Store(epoch)
	g.hot.due.Store(at + length)
}

// window ends a window that has enough samples.
func (g *Gate) window(at int64) {
	s, age := g.hot.read(), at-g.began
	switch {
	case s.n >= windowFull && s.se <= errorMax, s.n >= samplesMin && age >= int64(windowLong):
		young := g.began-g.turned < max(int64(youth), 2*s.slow())
		g.learner.observe(s, int(g.hot.peak.Load()), young, at)
		g.apply()
		g.begin(at)
	case age >= int64(windowOld):
		g.begin(at)
	default:
		g.hot.due.Store(at + int64(windowLook))
	}
}

// glide goes on lowering the limit, and begins to count when it is where the step wants it.
func (g *Gate) glide(at int64) {
	there := g.learner.probe.glide(at - g.began)
	g.apply()
	if there {
		g.begin(at)
		return
	}
	g.hot.due.Store(at + int64(windowLook))
}

// stepPatience is how long a step waits for requests to come, and then to leave.
func (g *Gate) stepPatience() int64 {
	return max(int64(probeWait), 2*g.learner.probe.before.slow())
}

// closeStep lets no more requests into a step that has enough.
func (g *Gate) closeStep(at int64) {
	if int(g.hot.in.Load()) < g.learner.probe.fill(g.hot.read()) && at-g.began < g.stepPatience() {
		g.hot.due.Store(at + int64(windowLook))
		return
	}
	g.began = at
	g.hot.epoch.Add(1) // even: who enters now is not of the step, but its limit holds until it is over
	if g.hot.out.Load() >= g.hot.in.Load() {
		g.endStep(at)
		return
	}
	g.hot.due.Store(at + g.stepPatience())
}

// endStep takes what a step has seen.
func (g *Gate) endStep(at int64) {
	g.learner.probed(g.hot.read(), at)
	g.apply()
	g.begin(at)
}

// apply puts the learner's limit in force and lets in who may go then.
func (g *Gate) apply() {
	limit := g.learner.places()
	for {
		w := g.word.Load()
		before := limitOf(w)
		if before == limit {
			return
		}
		if !g.word.CompareAndSwap(w, w&(waitingBit|openMask)|uint64(limit)<<limitShift) {
			continue
		}
		if limit < before-before/10 {
			g.hot.epoch.Add(2)
		}
		g.fill()
		return
	}
}
