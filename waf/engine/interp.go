package engine

import (
	"skerry.dev/skerry/waf/seclang"
)

// run evaluates the rules of a phase in their order.
func (t *Transaction) run(phase int) {
	t.phase, t.scanned, t.skip = phase, false, 0
	if t.mode == ModeOff || t.allow == seclang.DisruptiveAllow && phase != 5 || t.allow == seclang.DisruptiveAllowRequest && phase <= 2 {
		return
	}
	t.allow = seclang.DisruptivePass // one that was for an earlier phase is over
	skipAfter := ""
	for _, r := range t.p.steps[phase] {
		if r.marker != "" {
			if r.marker == skipAfter {
				skipAfter = ""
			}
			continue
		}
		if skipAfter != "" || t.gone(r) {
			continue
		}
		if t.skip > 0 {
			t.skip--
			continue
		}
		if !t.step(r) {
			continue
		}
		skipAfter = r.skipAfter
		t.skip = r.skip
		if t.stopped() {
			return
		}
	}
}

// stopped reports whether a rule of this phase, or a limit, has ended it.
func (t *Transaction) stopped() bool {
	return t.verdict.Refused() || t.mode == ModeOff || t.allow != seclang.DisruptivePass
}

// step evaluates a starter and its chain, and does what a match asks for.
func (t *Transaction) step(r *rule) bool {
	hits := false
	if r.unit >= 0 && !t.reference {
		if !t.scanned {
			t.scan()
		}
		if t.hitHead[r.unit] == 0 {
			return false
		}
		hits = true
	}
	from := len(t.results)
	t.matched, t.hasMatch = t.matched[:0], false
	if !t.link(r, hits) {
		return false
	}
	for next := r.next; next != nil; next = next.next {
		if !t.link(next, false) {
			t.results = t.results[:from]
			return false
		}
	}
	t.finish(r, from)
	return true
}

// link evaluates one link on all its targets. What is not disruptive is done for each value that matches, whether or not
// the chain holds to its end.
func (t *Transaction) link(r *rule, hits bool) (matched bool) {
	if r.op == nil { // SecAction
		t.lastMatch, t.current = got{field: -1}, r
		t.act(r)
		t.result(r, &t.lastMatch)
		return true
	}
	for i := range r.targets {
		g := &r.targets[i]
		t.picked = t.picked[:0]
		if hits {
			t.collectHits(r, g)
		} else {
			t.collect(r, g)
		}
		for j := range t.picked {
			if t.value(r, t.picked[j]) {
				matched = true
			}
		}
	}
	return matched
}

// value holds one value against a link, transformed as the link says.
func (t *Transaction) value(r *rule, g got) (matched bool) {
	if r.src.MultiMatch {
		return t.multi(r, g)
	}
	value := g.val
	for _, id := range r.chain {
		value = t.transform(id, value)
	}
	t.spend(len(value))
	if r.op.match(t, value, r.capture) == r.not {
		return false
	}
	g.val = value
	t.hit(r, g)
	return true
}

// multi holds a value against a link before its transformations and after each that changes it.
func (t *Transaction) multi(r *rule, g got) (matched bool) {
	value := g.val
	for i := 0; ; i++ {
		t.spend(len(value))
		if r.op.match(t, value, r.capture) != r.not {
			stage := g
			stage.val = value
			t.hit(r, stage)
			matched = true
		}
		for {
			if i == len(r.chain) {
				return matched
			}
			if next := t.transform(r.chain[i], value); string(next) != string(value) {
				value = next
				break
			}
			i++
		}
	}
}

// hit records that a value matched and does the link's actions for it.
func (t *Transaction) hit(r *rule, g got) {
	t.lastMatch, t.hasMatch, t.current = g, true, r
	if len(t.matched) < matchesMax {
		t.matched = append(t.matched, g)
	}
	t.act(r)
	t.result(r, &g)
}

// finish does what the match of a whole chain asks for.
func (t *Transaction) finish(r *rule, from int) {
	if r.severity >= 0 && r.severity < t.severity {
		t.severity = r.severity
		t.set(seclang.VarHighestSeverity, t.number(t.severity))
	}
	t.current = r
	if r.logged {
		t.loggedAny = true
		t.describe(r, from)
	}
	switch r.disruptive {
	case seclang.DisruptivePass, seclang.DisruptiveBlock:
	case seclang.DisruptiveAllow, seclang.DisruptiveAllowPhase, seclang.DisruptiveAllowRequest:
		if t.mode == ModeBlock && (r.disruptive != seclang.DisruptiveAllowRequest || t.phase <= 2) {
			t.allow = r.disruptive
		}
	default:
		t.deny(r)
	}
}
