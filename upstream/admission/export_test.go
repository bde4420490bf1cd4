package admission

import "math"

// SetLimit changes the limit of a gate, as an adaptive one does.
func (g *Gate) SetLimit(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learner.limit, g.learner.probe.on = float64(n), false
	g.apply()
}

// Idle reports whether nobody is in and nobody is marked as waiting.
func (g *Gate) Idle() bool {
	w := g.word.Load()
	return openOf(w) == 0 && w&waitingBit == 0 && g.Waiting() == 0
}

// Found is what an adaptive gate has found: its limit without a probe, and the base line in seconds (0: none yet).
func (g *Gate) Found() (limit, base float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.learner.known {
		base = math.Exp2(g.learner.base) / 1e9
	}
	return g.learner.limit, base
}
