package engine

import (
	"bytes"
	"slices"

	"skerry.dev/skerry/waf/seclang"
)

// action is an Action ready to use.
type action struct {
	set *setVar
	ctl *ctl
}

type setVar struct {
	op    seclang.SetOp
	tx    int32 // the variable's number; -1: name says it
	name  text
	value text
	num   int  // of value
	isNum bool // value is fixed and a number
}

type ctl struct {
	kind   seclang.CtlKind
	ranges []seclang.Range
	value  []byte
	target target
}

// act runs what a match does beside being one.
func (t *Transaction) act(r *rule) {
	for i := range r.actions {
		switch a := &r.actions[i]; {
		case a.set != nil:
			t.setTX(a.set)
		case a.ctl != nil:
			t.control(a.ctl)
		}
	}
}

func (t *Transaction) setTX(s *setVar) {
	v := (*txVar)(nil)
	if s.tx >= 0 {
		v = t.txAt(s.tx)
	} else if v = t.txNamed(t.lower(t.expand(&s.name))); v == nil {
		return
	}
	switch s.op {
	case seclang.SetRemove:
		*v = txVar{}
	case seclang.SetTo:
		*v = txVar{kind: txText, text: t.expand(&s.value)}
	case seclang.SetAdd, seclang.SetSub:
		n := s.num
		if !s.isNum {
			n = t.int(&s.value)
		}
		if s.op == seclang.SetSub {
			n = -n
		}
		*v = txVar{kind: txNumber, num: max(-numberMax, min(v.int()+n, numberMax))}
	}
}

// lower is a name in lower case.
func (t *Transaction) lower(name []byte) []byte {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			out := t.mem.Copy(name)
			for j := i; j < len(out); j++ {
				if c := out[j]; 'A' <= c && c <= 'Z' {
					out[j] = c + 'a' - 'A'
				}
			}
			return out
		}
	}
	return name
}

// removal is an exclusion that holds for this request only: of rules, or of a target of rules.
type removal struct {
	ranges   []seclang.Range
	tag, msg []byte // instead of ranges; a tag also stands for those below it
	target   *target
}

func (m *removal) of(r *rule) bool {
	head := r.head
	switch {
	case len(m.tag) > 0:
		return slices.ContainsFunc(head.tags, func(tag []byte) bool { return bytes.Equal(tag, m.tag) })
	case len(m.msg) > 0:
		return bytes.Equal(head.msgText, m.msg)
	}
	return slices.ContainsFunc(m.ranges, func(g seclang.Range) bool { return g.First <= head.id && head.id <= g.Last })
}

func (t *Transaction) control(c *ctl) {
	switch c.kind {
	case seclang.CtlRuleEngine:
		t.ruleEngine(c.value)
	case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveByMsg,
		seclang.CtlRuleRemoveTargetByID, seclang.CtlRuleRemoveTargetByTag, seclang.CtlRuleRemoveTargetByMsg:
		if m, ok := c.removal(); ok {
			t.addRemoval(m)
		}
	case seclang.CtlRequestBodyProcessor:
		t.processor = c.value
		t.set(seclang.VarReqbodyProcessor, bytes.ToUpper(c.value))
	case seclang.CtlForceRequestBodyVariable:
		t.forceBody = string(c.value) == "on"
	case seclang.CtlRequestBodyAccess:
		t.bodyOff = string(c.value) == "off"
	case seclang.CtlResponseBodyAccess:
		t.responseOff = string(c.value) == "off"
	case seclang.CtlAudit:
		// The log event is the spec's.
	}
}

func (t *Transaction) ruleEngine(value []byte) {
	switch string(value) {
	case "on":
		t.mode = ModeBlock
	case "detectiononly":
		t.mode = ModeDetect
	case "off":
		t.mode = ModeOff
	}
	if t.p.detect && t.mode == ModeBlock {
		t.mode = ModeDetect // a rule cannot make an entrypoint refuse that was told to watch
	}
}

// removal is what a ctl action takes out, if it is one that does.
func (c *ctl) removal() (m removal, ok bool) {
	m.ranges = c.ranges
	switch c.kind {
	case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveTargetByID:
	case seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveTargetByTag:
		m.tag = c.value
	case seclang.CtlRuleRemoveByMsg, seclang.CtlRuleRemoveTargetByMsg:
		m.msg = c.value
	default:
		return m, false
	}
	switch c.kind {
	case seclang.CtlRuleRemoveTargetByID, seclang.CtlRuleRemoveTargetByTag, seclang.CtlRuleRemoveTargetByMsg:
		m.target = &c.target
	}
	return m, true
}

func (t *Transaction) addRemoval(m removal) {
	if len(t.removals) >= removalsMax {
		t.refuse(LimitRemovals)
		return
	}
	t.removals = append(t.removals, m)
	t.rulesRemoved = t.rulesRemoved || m.target == nil
}

// gone reports whether this request took a rule out.
func (t *Transaction) gone(r *rule) bool {
	if !t.rulesRemoved {
		return false
	}
	for i := range t.removals {
		if m := &t.removals[i]; m.target == nil && m.of(r) {
			return true
		}
	}
	return false
}

// removed reports whether this request took a field out of a rule's target.
func (t *Transaction) removed(r *rule, g *target, f *got) bool {
	for i := range t.removals {
		m := &t.removals[i]
		if m.target != nil && (m.target.v == g.v || m.target.v == f.v) && m.target.covers(f.key) && m.of(r) {
			return true
		}
	}
	return false
}
