package engine

import (
	"slices"
	"sync"
	"weak"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/match"
	"skerry.dev/skerry/waf/seclang"
)

// Program is a rule set made ready to run. It is never changed after New, but for tables that grow while it is used, and any
// number of policies and transactions share it.
type Program struct {
	rules   []*rule // starters, in order
	items   []step  // rules and markers, in order
	names   *txNames
	tables  *match.Tables
	tree    *tree
	phrases *match.Phrases
	lists   int       // of phrases
	pool    sync.Pool // of *Transaction: their tables have the program's size
	units   []unit
	classes [seclang.VarCount]class
	uses    uses
	memo    *match.Memo[maskEntry]
	recall  *recall

	mu       sync.Mutex
	initials map[string]weak.Pointer[initial] // of policies, by what is in them
	forces   []match.Bits                     // what is in force in a phase of a policy, each once; their numbers are what recall compares
	regexps  map[string]*match.Regexp         // by pattern, for own rules of policies
	anything maskEntry                        // of a mask that nobody worked out: everything is possible
}

// step is a rule's starter, or a marker.
type step struct {
	rule   *rule
	marker string
}

// uses says which variables any rule looks at.
type uses [seclang.VarCount]bool

// New makes a rule set ready. The set's own edits (SecRuleRemoveById and the like) are applied; problems name the place.
func New(set *seclang.Set) (*Program, []fault.Problem) {
	p := &Program{names: newTXNames(), tables: match.NewTables(0), tree: newTree(), memo: match.NewMemo[maskEntry](masksMax), recall: newRecall(), initials: map[string]weak.Pointer[initial]{}}
	c := newCompiler(p.names, p.tables, p.tree)
	edited := newEdits(set.Edits)
	c.problems = append(c.problems, edited.problems...)
	for _, item := range set.Items {
		if item.Rule == nil {
			p.items = append(p.items, step{marker: item.Marker})
			continue
		}
		src := edited.apply(item.Rule)
		if src == nil {
			continue
		}
		r := c.rule(src, int32(len(p.rules)))
		p.rules = append(p.rules, r)
		p.items = append(p.items, step{rule: r})
		p.uses.rule(r)
	}
	p.addUnits(c)
	p.phrases, p.lists = c.finish(), len(c.lists)
	p.regexps, p.names.shared = c.regexps, true
	for _, r := range p.rules {
		for ; r != nil; r = r.next {
			for i := range r.targets {
				r.targets[i].cover(p.names)
			}
		}
	}
	p.classes = classesOf(p.units)
	return p, c.problems
}

// force is the number of a set of units that are in force, and the one copy of it.
func (p *Program) force(active match.Bits) (number uint32, same match.Bits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, known := range p.forces {
		if slices.Equal(known, active) {
			return uint32(i), known
		}
	}
	p.forces = append(p.forces, active)
	return uint32(len(p.forces) - 1), active
}

// Bound sets how many bytes the tables of its patterns may take; 0: match.TablesBytesMax. What is taken stays so.
func (p *Program) Bound(tablesBytes int64) { p.tables.Bound(tablesBytes) }

// Rules is how many rules the program has, chains counted once.
func (p *Program) Rules() int { return len(p.rules) }

// Bytes is the memory that the program's automata take now.
func (p *Program) Bytes() int64 { return p.tables.Bytes() + p.phrases.Bytes() }

// rule adds what a rule looks at, in its targets and in its macros.
func (u *uses) rule(r *rule) {
	for ; r != nil; r = r.next {
		for i := range r.targets {
			u.variable(r.targets[i].v)
		}
		for i := range r.actions {
			if s := r.actions[i].set; s != nil {
				u.text(&s.name)
				u.text(&s.value)
			}
		}
		switch o := r.op.(type) {
		case *textOp:
			u.text(&o.arg)
		case *numberOp:
			u.text(&o.arg)
		}
		u.text(&r.msg)
		u.text(&r.data)
		u.text(&r.redirect)
	}
}

func (u *uses) text(x *text) {
	for i := range x.parts {
		u.variable(x.parts[i].v)
	}
}

func (u *uses) variable(v seclang.Variable) {
	u[v] = true
	for _, part := range parts(v) {
		u[part] = true
	}
}

// scalars lists the variables without keys that are looked at: each has a value from the start, if an empty one.
func (u *uses) scalars() (list []seclang.Variable) {
	for i := range u {
		if v := seclang.Variable(i); u[i] && v != seclang.VarNone && !collection(v) {
			list = append(list, v)
		}
	}
	return list
}
