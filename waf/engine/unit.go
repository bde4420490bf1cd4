package engine

import (
	"slices"

	"skerry.dev/skerry/waf/injection"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/transform"
)

// unit is the first link of a rule as the scan sees it: something to find in values, whose outcome depends on nothing but
// the value.
type unit struct {
	rule *rule
	node int32         // the transformations before it
	rx   *match.Regexp // of @rx
	low  *match.Regexp // of @rx, reading lower case itself, behind the transformations up to rule.folded; nil: rx only
	list int           // of @pm: its number among the phrase lists, else -1
	op   operator      // of the others, and of all with multiMatch
	need need
	path []int32 // the stages of the transformations, from the value as it is to node
	cut  int     // from path[cut] on a value never grows: one that is too short there is too short for good
}

// need is what a value must have for an operator other than @rx and @pm to match.
type need struct {
	all match.Mask // each of these classes
	any match.Mask // one of these; 0: no matter
	sql bool
	xss bool
}

// maskEntry is what follows from the mask of a value.
type maskEntry struct {
	alive    match.Bits // units that may match a value of this mask, transformed as they ask
	possible match.Bits // units that may match a value of this mask once it has been transformed
	same     uint64     // transformations, by their number, that leave a value of this mask as it is
}

// identity reports whether a transformation leaves a value of the entry's mask as it is; not if nobody knows.
func (e *maskEntry) identity(id transform.ID) bool { return e.same>>id&1 != 0 }

func (p *Program) addUnits(c *compiler) {
	for _, r := range p.rules {
		if !scannable(r) {
			continue
		}
		u := unit{rule: r, node: r.node, list: -1, op: r.op}
		switch o := r.op.(type) {
		case *rxOp:
			u.rx = o.re
			if r.folded >= 0 && !r.src.MultiMatch {
				pattern, _ := r.src.Operator.Arg.Fixed()
				u.low = c.regexp(r.src.Pos, pattern, true)
			}
		case *pmOp:
			u.list = o.list
		default:
			u.need = needOf(r.op)
		}
		u.path, u.cut = p.tree.path(u.node)
		r.unit = int32(len(p.units))
		p.units = append(p.units, u)
	}
	all := match.NewBits(len(p.units))
	for i := range p.units {
		all.Set(i)
	}
	p.anything = maskEntry{alive: all, possible: all}
}

// path is the nodes from the root to one, and the first of them from which on no transformation makes a value longer.
func (t *tree) path(node int32) (path []int32, cut int) {
	for ; node != 0; node = t.nodes[node].parent {
		path = append(path, node)
	}
	path = append(path, 0)
	slices.Reverse(path)
	const n = 1 << 10
	for i, at := range path {
		if at != 0 && t.nodes[at].id.Max(n) > n {
			cut = i
		}
	}
	return path, cut
}

// least is the fewest bytes that a value must have for the unit to match it.
func (u *unit) least() int {
	if u.rx != nil {
		return u.rx.Min()
	}
	return 0
}

// scannable reports whether the first link of a rule depends on nothing but each value by itself.
func scannable(r *rule) bool {
	if r.op == nil || r.not {
		return false
	}
	for i := range r.targets {
		g := &r.targets[i]
		switch g.v {
		case seclang.VarTX, seclang.VarMatchedVar, seclang.VarMatchedVarName, seclang.VarMatchedVars, seclang.VarMatchedVarsNames,
			seclang.VarHighestSeverity, seclang.VarRule, seclang.VarDuration, seclang.VarReqbodyProcessor:
			return false
		}
		if g.count {
			return false
		}
	}
	switch o := r.op.(type) {
	case *rxOp, *pmOp, sqliOp, xssOp, *byteRangeOp, urlEncodingOp, utf8Op:
		return true
	case *textOp:
		return o.op != seclang.OpWithin && len(o.arg.parts) == 0
	}
	return false
}

func needOf(op operator) need {
	switch o := op.(type) {
	case *textOp:
		return need{all: match.MaskOf(o.arg.fixed)}
	case sqliOp:
		return need{sql: true}
	case xssOp:
		return need{xss: true}
	case *byteRangeOp:
		n := need{}
		for c, valid := range o.valid {
			if !valid {
				n.any |= match.MaskOfByte(byte(c))
			}
		}
		return n
	case urlEncodingOp:
		return need{all: match.MaskOfByte('%')}
	case utf8Op:
		return need{all: match.MaskHigh}
	}
	return need{}
}

// possible reports whether any value whose classes are in m can match, the transformations done.
func (u *unit) possible(p *Program, m match.Mask) bool {
	switch {
	case u.rx != nil:
		return u.rx.Possible(m)
	case u.list >= 0:
		return p.phrases.Possible(u.list, m)
	case u.need.sql:
		return injection.SQLiPossible(m)
	case u.need.xss:
		return injection.XSSPossible(m)
	case u.need.any != 0:
		return m&u.need.any != 0
	}
	return m&u.need.all == u.need.all
}

// exactly is possible for values that have each class of m.
func (u *unit) exactly(p *Program, m match.Mask) bool {
	if u.rx != nil {
		return u.rx.PossibleExactly(m) || u.low != nil && u.low.PossibleExactly(m)
	}
	return u.possible(p, m)
}

// entry is what follows from a mask, remembered if there is room.
func (t *Transaction) entry(m match.Mask) *maskEntry {
	p := t.p.prog
	if e, ok := p.memo.Get(m); ok {
		return e
	}
	if t.cold >= coldMasks {
		return &p.anything
	}
	t.cold++
	return p.memo.Put(m, p.judgeMask(m))
}

// judgeMask works out which units a value of a mask leaves possible: before its transformations, and after.
func (p *Program) judgeMask(m match.Mask) maskEntry {
	e := maskEntry{alive: match.NewBits(len(p.units)), possible: match.NewBits(len(p.units))}
	outs := make([]bound, len(p.tree.nodes))
	outs[0] = bound{mask: m, same: true}
	for id := range transform.Count {
		if id.Identity(m) {
			e.same |= 1 << id
		}
	}
	for i := 1; i < len(outs); i++ {
		n := p.tree.nodes[i]
		if in := outs[n.parent]; n.id.Identity(in.mask) {
			outs[i] = in
		} else {
			outs[i] = bound{mask: n.id.Output(in.mask)}
		}
	}
	for i := range p.units {
		u := &p.units[i]
		if u.exactly(p, m) {
			e.possible.Set(i)
		}
		if u.alive(p, m, outs, e.possible.Has(i)) {
			e.alive.Set(i)
		}
	}
	return e
}

// bound is what the classes of a value can be after transformations.
type bound struct {
	mask match.Mask // no others
	same bool       // the value is as it was
}

// alive reports whether a value of mask m may match once it is transformed; untouched, whether it may as it is.
func (u *unit) alive(p *Program, m match.Mask, outs []bound, untouched bool) bool {
	out := outs[u.node]
	switch {
	case u.rule.src.MultiMatch: // at any stage
		for node := u.node; ; node = p.tree.nodes[node].parent {
			if outs[node].same {
				return untouched // and so are the stages before it
			}
			if u.possible(p, outs[node].mask) {
				return true
			}
		}
	case u.low != nil && outs[u.rule.folded].same:
		return untouched
	case u.low != nil:
		return u.low.Possible(outs[u.rule.folded].mask) || u.rx.Possible(out.mask)
	case out.same:
		return untouched
	}
	return u.possible(p, out.mask)
}
