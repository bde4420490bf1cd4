package match

import "bytes"

// Phrases finds the phrases of many lists at once, whatever the case of ASCII letters.
type Phrases struct{ lists [][]string }

// NewPhrases compiles lists of phrases. A list with an empty phrase is found in every value.
func NewPhrases(lists [][]string) *Phrases { return &Phrases{lists: lists} }

// Scan puts into found each list of which a phrase is in value.
func (p *Phrases) Scan(value []byte, found Bits) {
	for i := range p.lists {
		if _, _, ok := p.Find(i, value); ok {
			found.Set(i)
		}
	}
}

// Find returns the first match of a list in value: the leftmost one, the longest of those.
func (p *Phrases) Find(list int, value []byte) (from, to int, ok bool) {
	low := bytes.ToLower(value)
	for _, phrase := range p.lists[list] {
		at := bytes.Index(low, bytes.ToLower([]byte(phrase)))
		if at >= 0 && (!ok || at < from || at == from && at+len(phrase) > to) {
			from, to, ok = at, at+len(phrase), true
		}
	}
	return from, to, ok
}

// Possible says whether a value made of bytes of these classes can have a phrase of the list.
func (p *Phrases) Possible(int, Mask) bool { return true }

// Bytes is the memory that the automaton takes.
func (p *Phrases) Bytes() int64 { return 0 }
