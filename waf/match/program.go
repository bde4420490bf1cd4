package match

import (
	"encoding/binary"
	"fmt"
	"regexp/syntax"
	"slices"
)

// program is a pattern as a machine of many states at once: the leaves it waits at. The leaves from which a match may begin are
// active before every character and never listed; so a value in which nothing begins has the empty list.
type program struct {
	*alphabet
	leaves []leaf
	takes  [][4]uint64 // by set of characters: its columns
	after  []closure   // what leaves lead to
	start  [kinds][]closure
	left   [kinds]kind // the contexts that the program tells apart
	plain  bool        // what begins does not depend on the context
	over   bool        // nothing begins but at the beginning of the value
}

// leaf waits for a character of a set, or for an assertion to hold.
type leaf struct {
	asserts syntax.EmptyOp // all of these; 0: a character
	takes   uint16         // index of the set
	then    uint32         // index into after
}

// closure is where one gets without a character.
type closure struct {
	leaves []uint16
	match  bool
}

// newProgram compiles a parsed pattern. It fails if the pattern is too large for an automaton.
func newProgram(re *syntax.Regexp, o reading) (*program, error) {
	code, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	p := &program{}
	sets, uses, number, err := p.collect(code)
	if err != nil {
		return nil, err
	}
	if p.alphabet, err = classify(sets, o, uses); err != nil {
		return nil, err
	}
	for _, s := range sets {
		var takes [4]uint64
		for n, r := range p.rep {
			if n > 0 && n < p.end && s.has(r) {
				takes[n>>6] |= 1 << (n & 63)
			}
		}
		p.takes = append(p.takes, takes)
	}
	p.contexts(uses)
	if err := p.close(code, number); err != nil {
		return nil, err
	}
	return p, nil
}

// collect numbers the instructions that become leaves and the sets that they take.
func (p *program) collect(code *syntax.Prog) (sets []runeSet, uses syntax.EmptyOp, number []int, err error) {
	known, key := map[string]uint16{}, []byte(nil)
	number = make([]int, len(code.Inst))
	for pc := range code.Inst {
		in, l := &code.Inst[pc], leaf{}
		switch in.Op {
		case syntax.InstEmptyWidth:
			l.asserts = syntax.EmptyOp(in.Arg)
			uses |= l.asserts
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			s := setOf(in)
			key = key[:0]
			for _, r := range s {
				key = binary.LittleEndian.AppendUint32(key, uint32(r))
			}
			n, ok := known[string(key)]
			if !ok {
				n = uint16(len(sets))
				known[string(key)], sets = n, append(sets, s)
			}
			l.takes = n
		default:
			continue
		}
		if len(p.leaves) == leavesMax {
			return nil, 0, nil, fmt.Errorf("more than %d positions", leavesMax)
		}
		number[pc] = len(p.leaves)
		p.leaves = append(p.leaves, l)
	}
	return sets, uses, number, nil
}

// contexts finds which kinds to the left the assertions tell apart.
func (p *program) contexts(uses syntax.EmptyOp) {
	p.left = [kinds]kind{kindOther, kindOther, kindOther, kindOther}
	if uses&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 {
		p.left[kindWord] = kindWord
	}
	if uses&syntax.EmptyBeginLine != 0 {
		p.left[kindNewline], p.left[kindText] = kindNewline, kindNewline
	}
	if uses&syntax.EmptyBeginText != 0 {
		p.left[kindText] = kindText
	}
}

// close computes where each leaf leads, and what begins in each context. It fails if that is too much.
func (p *program) close(code *syntax.Prog, number []int) error {
	known, size := map[uint32]uint32{}, 0
	k := &linker{code: code, number: number, seen: make([]uint32, len(code.Inst))}
	implied := make([]bool, len(p.leaves))
	begins := k.reach(uint32(code.Start), implied)
	for _, l := range begins.leaves {
		implied[l] = true
	}
	for pc := range code.Inst {
		in := &code.Inst[pc]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstMatch, syntax.InstFail, syntax.InstNop:
			continue
		}
		n, ok := known[in.Out]
		if !ok {
			n = uint32(len(p.after))
			c := k.reach(in.Out, implied)
			if size += len(c.leaves); size > linksMax {
				return fmt.Errorf("more than %d ways from one position to another", linksMax)
			}
			known[in.Out], p.after = n, append(p.after, c)
		}
		p.leaves[number[pc]].then = n
	}
	p.open(begins)
	return nil
}

// open computes what begins in each context.
func (p *program) open(begins closure) {
	w := newWork(len(p.leaves))
	for left := range kinds {
		if p.left[left] != left && left != kindOther {
			continue
		}
		p.start[left] = make([]closure, p.end+1)
		for col := 1; col <= p.end; col++ {
			w.from.load(begins.leaves)
			w.to.reset()
			match := begins.match || p.advance(w, left, uint8(col))
			c := closure{match: match}
			if !match {
				c.leaves = slices.Clone(w.to.list)
			}
			p.start[left][col] = c
		}
	}
	p.plain, p.over = true, true
	for left := range kinds {
		for col, c := range p.start[left] {
			o := p.start[kindOther][col]
			p.plain = p.plain && c.match == o.match && slices.Equal(c.leaves, o.leaves)
			p.over = p.over && (left == kindText || !c.match && len(c.leaves) == 0)
		}
	}
}

// linker follows instructions that take no character.
type linker struct {
	code   *syntax.Prog
	number []int    // of the leaf that an instruction is
	seen   []uint32 // by instruction: the last pass that met it
	pass   uint32
	stack  []uint32
}

func (k *linker) push(pc uint32) {
	if k.seen[pc] != k.pass {
		k.seen[pc] = k.pass
		k.stack = append(k.stack, pc)
	}
}

// reach is the leaves reached from pc without a character and without an assertion, but for those that are implied.
func (k *linker) reach(pc uint32, implied []bool) closure {
	var c closure
	k.pass++
	k.push(pc)
	for len(k.stack) > 0 {
		pc := k.stack[len(k.stack)-1]
		k.stack = k.stack[:len(k.stack)-1]
		in := &k.code.Inst[pc]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			k.push(in.Arg)
			k.push(in.Out)
		case syntax.InstCapture, syntax.InstNop:
			k.push(in.Out)
		case syntax.InstMatch:
			c.match = true
		case syntax.InstFail:
		default:
			if n := k.number[pc]; !implied[n] {
				c.leaves = append(c.leaves, uint16(n))
			}
		}
	}
	return c
}

// advance goes from w.from, with the given kind to the left, over a character of a column to w.to, which it adds to; what
// begins here is not its affair. It says whether the pattern has been found, and then w is of no use.
func (p *program) advance(w *work, left kind, col uint8) bool {
	word, bit := col>>6, uint64(1)<<(col&63)
	right := p.kind[col]
	for i := 0; i < len(w.from.list); i++ { // grows
		l := &p.leaves[w.from.list[i]]
		to := &w.to
		if l.asserts != 0 {
			if holds(left, right)&l.asserts != l.asserts {
				continue
			}
			to = &w.from
		} else if p.takes[l.takes][word]&bit == 0 {
			continue
		}
		c := &p.after[l.then]
		if c.match {
			return true
		}
		for _, n := range c.leaves {
			to.add(n)
		}
	}
	return false
}

// step is advance with what begins here, and gives the context to the left of the next character, as far as it matters.
func (p *program) step(w *work, left kind, col uint8) (kind, bool) {
	w.to.reset()
	begun := &p.start[left][col]
	if begun.match {
		return 0, true
	}
	if p.advance(w, left, col) {
		return 0, true
	}
	for _, n := range begun.leaves {
		w.to.add(n)
	}
	return p.settle(&w.to, p.left[p.kind[col]]), false
}

// settle takes out of a list what cannot come true in its context, and drops the context if nothing depends on it.
func (p *program) settle(list *sparse, left kind) kind {
	depends := !p.plain
	for i := 0; i < len(list.list); {
		asks := p.leaves[list.list[i]].asserts
		if asks == 0 {
			i++
			continue
		}
		begin := asks & (syntax.EmptyBeginLine | syntax.EmptyBeginText)
		if holds(left, kindOther)&begin != begin {
			list.remove(i)
			continue
		}
		depends = true
		i++
	}
	if !depends {
		return kindOther
	}
	return left
}

// dead says whether nothing can be found any more.
func (p *program) dead(list *sparse, left kind) bool {
	return p.over && left != kindText && len(list.list) == 0
}
