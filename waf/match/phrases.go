package match

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Phrases finds the phrases of many lists at once, whatever the case of ASCII letters: one automaton of Aho and Corasick.
// States near the root, where texts spend their time, have a row for all bytes; deeper ones their few children and where to
// go on without them. So what a long list costs in memory is about twenty bytes for each of its letters.
type Phrases struct {
	class [256]uint8 // of a byte; 0: in no phrase
	shift uint8      // of a state's number to its row
	dense uint32     // the states below it have a row
	rows  []uint16   // where a state goes: to one below markFirst, or to one of marks
	marks []move
	deep  []deepState // the others
	edges []edgeTo
	depth []uint32   // by state: its letters
	ends  [][]ending // by state
	words [][]Mask   // by list: the masks of its phrases, without those that have another's
	empty Bits       // the lists with an empty phrase
}

// move is a state that a byte leads to, with what is special about it. Rows name states without by their number, in 16 bits:
// what a text uses of the rows should fit the first-level cache.
type move uint32

const (
	moveEnds move = 1 << 31 // phrases end there
	moveDeep move = 1 << 30 // it has no row
	moveTo        = moveDeep - 1

	markFirst = 1 << 15 // in rows, this and above: an index into marks
)

// deepState is a state without a row.
type deepState struct{ edges, fail uint32 }

// edgeTo is a child.
type edgeTo struct {
	to    move
	class uint8
}

// ending is the longest phrase of a list that ends in a state.
type ending struct{ list, length uint32 }

// NewPhrases compiles lists of phrases. As Coraza does, it takes letters of all scripts in phrases as lower case, but folds
// only ASCII in values. A list with an empty phrase is found in every value.
func NewPhrases(lists [][]string) *Phrases {
	t, p := newTrie(), &Phrases{empty: NewBits(len(lists)), words: make([][]Mask, len(lists))}
	for n, list := range lists {
		var words []Mask
		for _, phrase := range list {
			low := lower(phrase)
			if low == "" {
				p.empty.Set(n)
			}
			words = append(words, MaskOf([]byte(low)))
			t.add(low, uint32(n))
		}
		p.words[n] = minimal(words)
	}
	t.link()
	p.pack(t)
	return p
}

// lower is a phrase as Coraza reads it; one that is no UTF-8 keeps its bytes.
func lower(phrase string) string {
	if utf8.ValidString(phrase) {
		return strings.ToLower(phrase)
	}
	b := []byte(phrase)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// minimal drops each mask that has all classes of another.
func minimal(words []Mask) (kept []Mask) {
	slices.SortFunc(words, func(a, b Mask) int {
		return cmp.Or(bits.OnesCount64(uint64(a))-bits.OnesCount64(uint64(b)), cmp.Compare(a, b))
	})
	for _, w := range words {
		if !slices.ContainsFunc(kept, func(k Mask) bool { return w&k == k }) {
			kept = append(kept, w)
		}
	}
	return kept
}

// Scan puts into found each list of which a phrase is in value.
func (p *Phrases) Scan(value []byte, found Bits) {
	found[:len(p.empty)].Or(p.empty)
	rows, class, shift, s := p.rows, &p.class, p.shift&31, uint32(0)
	for i := 0; i < len(value); i++ {
		s = uint32(rows[s<<shift|uint32(class[value[i]])])
		if s < markFirst {
			continue
		}
		m := p.marks[s-markFirst]
		for {
			s = uint32(m & moveTo)
			if m >= moveEnds {
				p.report(s, found)
			}
			if m&moveDeep == 0 {
				break
			}
			if i++; i == len(value) {
				return
			}
			m = p.step(s, value[i])
		}
	}
}

func (p *Phrases) report(s uint32, found Bits) {
	for _, e := range p.ends[s] {
		found.Set(int(e.list))
	}
}

// step is where state s goes with a byte.
func (p *Phrases) step(s uint32, c byte) move {
	class := p.class[c]
	for s >= p.dense {
		d := s - p.dense
		for _, e := range p.edges[p.deep[d].edges:p.deep[d+1].edges] {
			if e.class == class {
				return e.to
			}
		}
		s = p.deep[d].fail
	}
	to := p.rows[s<<p.shift|uint32(class)]
	if to >= markFirst {
		return p.marks[to-markFirst]
	}
	return move(to)
}

// Find returns the first match of a list in value: the leftmost one, the longest of those. Applied again to what begins a byte
// after from, it gives Coraza's further captures.
func (p *Phrases) Find(list int, value []byte) (from, to int, ok bool) {
	ok = p.empty.Has(list)
	s := uint32(0)
	for i, c := range value {
		m := p.step(s, c)
		s = uint32(m & moveTo)
		if ok && i+1-int(p.depth[s]) > from {
			break // all that may still end begins later
		}
		for _, e := range p.ends[s] {
			if begin := i + 1 - int(e.length); int(e.list) == list && (!ok || begin <= from) {
				from, to, ok = begin, i+1, true
			}
		}
	}
	return from, to, ok
}

// Possible says whether a value made of bytes of these classes can have a phrase of the list. If it says no, none has.
func (p *Phrases) Possible(list int, m Mask) bool {
	for _, w := range p.words[list] {
		if m&w == w {
			return true
		}
	}
	return false
}

// Bytes is about the memory that the automaton takes.
func (p *Phrases) Bytes() int64 {
	n := 2*len(p.rows) + 4*len(p.marks) + 8*len(p.deep) + 8*len(p.edges) + 28*len(p.depth)
	for _, e := range p.ends {
		n += 8 * len(e)
	}
	return int64(n)
}
