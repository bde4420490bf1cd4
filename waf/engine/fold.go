package engine

import (
	"bytes"
	"slices"

	"skerry.dev/skerry/waf/seclang"
)

// A rule set begins with rules that only arrange its own variables, and every section of it with gates that ask for the
// paranoia level. Under one policy most of them have one outcome, whatever the request: fold runs them once, when the policy is
// made, in the order in which a request would. What they set is what transactions start with, and what they jump over is left out.
//
// It goes on through rules that do depend on the request, and keeps account of what those could change: a variable that one of
// them may have set is not known any more, one that it may have read must not change any more, a part of the rules that it may
// jump over is not certain to run, nor is what follows an allow, and a rule that it may take out is not certain to be there.
//
// Only the log phase may tell the difference: where a request is refused, it finds set what rules that never ran would have set.
type folder struct {
	y        *Policy
	t        *Transaction // to evaluate with; its variables are what is known
	unknown  []bool       // by TX number: may have been set by a rule that stays
	read     []bool       // by TX number: may have been read by one
	open     []string     // markers that rules that stay may jump to, not passed yet
	removals []removal    // what rules that stay may take out
	targets  []removal    // and of which targets
	held     int          // rules that a skip counts, which must all stay
	skippers []skipper    // the rules with these skips
	ended    int          // the last phase that a rule that stays may end before the rules that follow it have run; 0: none
	now      int          // the phase
}

// skipper is a rule that stays and may skip others, and how many removals there were that may have taken it out before it did.
type skipper struct {
	rule     *rule
	removals int
}

// fold leaves in the steps what depends on the request. The reference runs everything each time.
func (y *Policy) fold(steps *[6][]step) {
	if y.reference {
		return
	}
	f := &folder{y: y, unknown: make([]bool, len(y.tx)), read: make([]bool, len(y.tx))}
	for i := range y.where {
		x := &y.where[i]
		m := x.removal()
		if x.Target != nil {
			m.target = &y.whereTargets[i]
		}
		f.remove(m)
	}
	f.t = &Transaction{p: y, reference: true, mode: ModeDetect, tx: slices.Clone(y.tx), spans: y.spans, fields: slices.Clone(y.scalars), severity: 255}
	for phase := 1; phase <= 4; phase++ {
		f.now = phase
		steps[phase] = f.phase(steps[phase])
		f.open, f.held, f.skippers = nil, 0, nil
	}
	for i := range y.tx { // also of those that a rule that stays may change later: this is what it finds
		y.tx[i] = f.t.tx[i]
		y.tx[i].text = bytes.Clone(y.tx[i].text)
	}
}

// phase returns the steps that stay.
func (f *folder) phase(steps []step) (kept []step) {
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if s.rule == nil {
			f.open = slices.DeleteFunc(f.open, func(m string) bool { return m == s.marker })
			kept = append(kept, s)
			continue
		}
		if f.held > 0 {
			if f.counts(s.rule) {
				f.held--
			}
			f.stay(s.rule)
			kept = append(kept, s)
			continue
		}
		matched, certain := f.evaluate(s.rule)
		switch {
		case certain && !matched:
			continue
		case certain && s.rule.skipAfter != "":
			if to := f.jump(steps, i); to > 0 {
				f.apply(s.rule)
				i = to - 1 // the marker itself is looked at next
				continue
			}
		case certain && f.settable(s.rule):
			f.apply(s.rule)
			continue
		}
		f.stay(s.rule)
		kept = append(kept, s)
	}
	return kept
}

// evaluate runs a rule on what is known, without its actions. certain is false if the outcome depends on anything else.
func (f *folder) evaluate(r *rule) (matched, certain bool) {
	for link := r; link != nil; link = link.next {
		if !f.knows(link) {
			return false, false
		}
		n := f.holds(link)
		if n == 0 {
			return false, true
		}
		if acts := len(link.actions) > 0 || link.capture; acts && (n > 1 || len(link.targets) > 1 || link.next != nil) {
			return false, false // it acts for each value, which may change the next, and whether or not the chain holds to its end
		}
	}
	return true, true
}

// knows reports whether everything that a link looks at is known.
func (f *folder) knows(r *rule) bool {
	if r.src.MultiMatch || slices.ContainsFunc(f.targets, func(m removal) bool { return m.of(r) }) {
		return false
	}
	for i := range r.targets {
		if g := &r.targets[i]; g.v != seclang.VarTX || g.tx < captures || f.unknown[g.tx] {
			return false
		}
	}
	switch o := r.op.(type) {
	case *textOp:
		return f.knowsText(&o.arg)
	case *numberOp:
		return f.knowsText(&o.arg)
	case *ipOp, sqliOp, xssOp:
		return false
	}
	return true
}

func (f *folder) knowsText(x *text) bool {
	for i := range x.parts {
		if p := &x.parts[i]; p.v != seclang.VarNone && (p.v != seclang.VarTX || p.tx < captures || f.unknown[p.tx]) {
			return false
		}
	}
	return true
}

// holds runs a link's operator on what is known, and counts the values that match.
func (f *folder) holds(r *rule) (n int) {
	t := f.t
	if r.op == nil {
		return 1
	}
	for i := range r.targets {
		t.picked = t.picked[:0]
		t.collect(r, &r.targets[i])
		for _, g := range t.picked {
			value := g.val
			for _, id := range r.chain {
				value = t.transform(id, value)
			}
			if r.op.match(t, value, false) != r.not {
				n++
			}
		}
	}
	return n
}

// jump is where a rule that certainly matches, and jumps, goes on: the index of its marker; 0 if it has to stay.
func (f *folder) jump(steps []step, at int) int {
	r := steps[at].rule
	if !f.quiet(r) || acts(r) && !f.settable(r) {
		return 0
	}
	to := at + 1
	for ; to < len(steps) && (steps[to].rule != nil || steps[to].marker != r.skipAfter); to++ {
		if steps[to].rule == nil && slices.Contains(f.open, steps[to].marker) {
			return 0 // another rule may come down in between
		}
	}
	for i := range f.removals {
		m := &f.removals[i]
		if !m.of(r) {
			continue
		}
		for _, s := range steps[at+1 : to] {
			if s.rule != nil && !m.of(s.rule) {
				return 0 // without the jump these would run
			}
		}
	}
	return to
}

// acts reports whether a rule does anything beside jumping, in any link.
func acts(r *rule) bool {
	for link := r; link != nil; link = link.next {
		if len(link.actions) > 0 {
			return true
		}
	}
	return false
}

// quiet reports whether a rule does nothing but set variables and jump.
func (f *folder) quiet(r *rule) bool {
	if r.logged || r.severity >= 0 || r.skip > 0 || r.disruptive != seclang.DisruptivePass && r.disruptive != seclang.DisruptiveBlock {
		return false
	}
	for link := r; link != nil; link = link.next {
		if link.capture {
			return false
		}
		for i := range link.actions {
			if link.actions[i].set == nil {
				return false
			}
		}
	}
	return true
}

// settable reports whether what a rule sets can be set beforehand.
func (f *folder) settable(r *rule) bool {
	if !f.quiet(r) || len(f.open) > 0 || f.now <= f.ended || slices.ContainsFunc(f.removals, func(m removal) bool { return m.of(r) }) {
		return false
	}
	for link := r; link != nil; link = link.next {
		for i := range link.actions {
			s := link.actions[i].set
			if s.tx < 0 || f.unknown[s.tx] || f.read[s.tx] || !f.knowsText(&s.value) {
				return false
			}
		}
	}
	return true
}

// apply does what a rule that certainly matches sets.
func (f *folder) apply(r *rule) {
	for link := r; link != nil; link = link.next {
		f.t.act(link)
	}
}

// stay notes what a rule that depends on the request may do.
func (f *folder) stay(r *rule) {
	if r.skipAfter != "" {
		f.open = append(f.open, r.skipAfter)
	}
	switch r.disruptive {
	case seclang.DisruptiveAllowPhase:
		f.ended = max(f.ended, f.now)
	case seclang.DisruptiveAllowRequest:
		f.ended = max(f.ended, 2)
	}
	if f.held == 0 {
		f.skippers = f.skippers[:0]
	}
	if r.skip > 0 {
		f.held, f.skippers = max(f.held, r.skip), append(f.skippers, skipper{r, len(f.removals)})
	}
	for link := r; link != nil; link = link.next {
		for i := range link.targets {
			if g := &link.targets[i]; g.v == seclang.VarTX {
				if g.tx >= 0 {
					f.read[g.tx] = true
				} else {
					f.readAny(g)
				}
			}
		}
		f.readsOf(link)
		if link.capture {
			for n := range captures {
				f.unknown[n] = true
			}
		}
		for i := range link.actions {
			f.acts(&link.actions[i])
		}
	}
}

// counts reports whether a skip certainly counts a rule: one that is taken out is not counted, unless what skips went with it.
func (f *folder) counts(r *rule) bool {
	for i := range f.removals {
		m := &f.removals[i]
		if m.of(r) && slices.ContainsFunc(f.skippers, func(s skipper) bool { return i >= s.removals || !m.of(s.rule) }) {
			return false
		}
	}
	return true
}

// readAny notes that a rule reads all variables whose names a pattern chooses.
func (f *folder) readAny(g *target) {
	for n, name := range f.y.names.names {
		if g.covers(name) {
			f.read[n] = true
		}
	}
}

func (f *folder) readsOf(link *rule) {
	switch o := link.op.(type) {
	case *textOp:
		f.reads(&o.arg)
	case *numberOp:
		f.reads(&o.arg)
	}
	f.reads(&link.msg)
	f.reads(&link.data)
}

func (f *folder) reads(x *text) {
	for i := range x.parts {
		if p := &x.parts[i]; p.v == seclang.VarTX {
			f.read[p.tx] = true
		}
	}
}

// acts notes what an action may change.
func (f *folder) acts(a *action) {
	switch {
	case a.set != nil:
		f.reads(&a.set.name)
		f.reads(&a.set.value)
		if a.set.tx >= 0 {
			f.unknown[a.set.tx] = true
			return
		}
		prefix := []byte(nil)
		if first := a.set.name.parts[0]; first.v == seclang.VarNone {
			prefix = bytes.ToLower(first.lit)
		}
		for n, name := range f.y.names.names {
			if bytes.HasPrefix(name, prefix) {
				f.unknown[n] = true
			}
		}
	case a.ctl != nil:
		if m, ok := a.ctl.removal(); ok {
			f.remove(m)
		}
	}
}

// remove notes what a request may take out.
func (f *folder) remove(m removal) {
	switch {
	case m.target == nil:
		f.removals = append(f.removals, m)
	case m.target.v == seclang.VarTX:
		f.targets = append(f.targets, m)
	}
}

// removal is the exclusion as what a request adds when it meets its conditions.
func (x *Exclusion) removal() removal {
	m := removal{tag: []byte(x.Tag)}
	if x.Tag == "" {
		m.ranges = []seclang.Range{x.Rules}
	}
	return m
}
