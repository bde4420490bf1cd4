package match

import (
	"cmp"
	"math/bits"
	"slices"
)

// trie is phrases while their automaton is built. State 0 is the root.
type trie struct {
	states []trieState
	order  []uint32 // by distance from the root, once linked
	used   [256]int // by byte: in how many phrases' letters
}

type trieState struct {
	children []trieEdge // ordered by byte
	depth    uint32
	fail     uint32
	ends     []ending // ordered by list
}

type trieEdge struct {
	byte byte
	to   uint32
}

func newTrie() *trie { return &trie{states: make([]trieState, 1)} }

// find is the child of a state; ok is false if there is none, and at is where it would be.
func (s *trieState) find(c byte) (at int, ok bool) {
	return slices.BinarySearchFunc(s.children, c, func(e trieEdge, c byte) int { return cmp.Compare(e.byte, c) })
}

// add enters a phrase of a list.
func (t *trie) add(phrase string, list uint32) {
	s := uint32(0)
	for i := range len(phrase) {
		c := phrase[i]
		t.used[c]++
		at, ok := t.states[s].find(c)
		if !ok {
			n := uint32(len(t.states))
			t.states[s].children = slices.Insert(t.states[s].children, at, trieEdge{c, n})
			t.states = append(t.states, trieState{depth: uint32(i + 1)})
		}
		s = t.states[s].children[at].to
	}
	if s != 0 {
		t.states[s].ends = union(t.states[s].ends, []ending{{list, uint32(len(phrase))}})
	}
}

// union is the longest ending of each list.
func union(a, b []ending) []ending {
	if len(a) == 0 {
		return b
	}
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, func(x, y ending) int {
		return cmp.Or(cmp.Compare(x.list, y.list), -cmp.Compare(x.length, y.length))
	})
	return slices.CompactFunc(all, func(x, y ending) bool { return x.list == y.list })
}

// link finds for each state the longest other one that is an end of it, and inherits what ends there.
func (t *trie) link() {
	t.order = append(t.order[:0], 0)
	for i := 0; i < len(t.order); i++ {
		s := t.order[i]
		for _, e := range t.states[s].children {
			t.order = append(t.order, e.to)
			if s == 0 {
				continue
			}
			fail := t.move(t.states[s].fail, e.byte)
			t.states[e.to].fail = fail
			t.states[e.to].ends = union(t.states[e.to].ends, t.states[fail].ends)
		}
	}
}

// move is where a linked state goes with a byte.
func (t *trie) move(s uint32, c byte) uint32 {
	for {
		if at, ok := t.states[s].find(c); ok {
			return t.states[s].children[at].to
		}
		if s == 0 {
			return 0
		}
		s = t.states[s].fail
	}
}

// pack lays the automaton out: states are numbered by their distance from the root.
func (p *Phrases) pack(t *trie) {
	number := make([]uint32, len(t.states))
	for n, s := range t.order {
		number[s] = uint32(n)
	}
	letters := classes(t, &p.class)
	p.shift = uint8(bits.Len(uint(len(letters) - 1)))
	p.depth, p.ends = make([]uint32, len(t.order)), make([][]ending, len(t.order))
	for n, s := range t.order {
		p.depth[n], p.ends[n] = t.states[s].depth, t.states[s].ends
	}
	p.dense = uint32(min(len(t.order), markFirst-1, max(1, phrasesRowBytes>>(p.shift+1))))
	for !p.fill(t, number, letters) {
		p.dense /= 2
	}
	for _, s := range t.order[p.dense:] {
		state := &t.states[s]
		p.deep = append(p.deep, deepState{uint32(len(p.edges)), number[state.fail]})
		for _, e := range state.children {
			p.edges = append(p.edges, edgeTo{p.encode(number[e.to]), p.class[e.byte]})
		}
	}
	p.deep = append(p.deep, deepState{edges: uint32(len(p.edges))})
}

// fill writes the rows. It fails if they lead to more special states than 16 bits can name; one row never does.
func (p *Phrases) fill(t *trie, number []uint32, letters []byte) bool {
	p.rows, p.marks = make([]uint16, int(p.dense)<<p.shift), nil
	marked := map[move]uint16{}
	for n, s := range t.order[:p.dense] {
		for class, c := range letters[1:] {
			m := p.encode(number[t.move(s, c)])
			to := uint16(m & (markFirst - 1))
			if m >= markFirst {
				known, ok := marked[m]
				if !ok {
					if len(p.marks) == markFirst {
						return false
					}
					known = uint16(markFirst + len(p.marks))
					marked[m], p.marks = known, append(p.marks, m)
				}
				to = known
			}
			p.rows[n<<p.shift|(class+1)] = to
		}
	}
	return true
}

// encode is a state with its marks.
func (p *Phrases) encode(s uint32) move {
	m := move(s)
	if len(p.ends[s]) > 0 {
		m |= moveEnds
	}
	if s >= p.dense {
		m |= moveDeep
	}
	return m
}

// classes numbers the bytes that are in phrases from 1 on, and gives the byte of each number; both cases of a letter have
// the number of the small one. Frequent bytes come first, so that what texts use of a row is next to each other.
func classes(t *trie, class *[256]uint8) []byte {
	letters := make([]byte, 1)
	for c := range 256 {
		if t.used[c] > 0 {
			letters = append(letters, byte(c))
		}
	}
	slices.SortStableFunc(letters[1:], func(a, b byte) int { return t.used[b] - t.used[a] })
	for n, c := range letters[1:] {
		class[c] = uint8(n + 1)
	}
	for c := 'A'; c <= 'Z'; c++ {
		class[c] = class[c+'a'-'A']
	}
	return letters
}
