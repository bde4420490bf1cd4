package injection

import "math/bits"

// index is a hash table of upper-case words that finds them in any case of ASCII. It is built once and then only read.
type index struct {
	slots [1 << slotBits]slot // open addressing
	texts []string
}

const slotBits = 12

// slot is a place in the table: bits of the hash, to tell most other words without a look at the text, and the word's index
// plus 1, 0 for none.
type slot struct{ tag, word uint16 }

// add gives the next word its place.
func (x *index) add(text string) {
	x.texts = append(x.texts, text)
	h := mixed(hashOf(text))
	at := h >> (64 - slotBits)
	for x.slots[at].word != 0 {
		at = (at + 1) % uint64(len(x.slots))
	}
	x.slots[at] = slot{uint16(h), uint16(len(x.texts))}
}

// find is the word that the text is, whose hash is h: its index plus 1, 0 if it is none.
func (x *index) find(h uint64, text []byte) uint16 {
	h = mixed(h)
	for at := h >> (64 - slotBits); ; at = (at + 1) % (1 << slotBits) {
		s := x.slots[at]
		if s.word == 0 {
			return 0
		}
		if s.tag == uint16(h) && same(x.texts[s.word-1], text) {
			return s.word
		}
	}
}

// hashStep adds a byte in upper case to a hash that begins with 0.
func hashStep(h uint64, c byte) uint64 { return bits.RotateLeft64(h, 5) ^ uint64(c) }

// mixed is a hash with its bits spread: a place is named by the highest of them, a tag by the lowest.
func mixed(h uint64) uint64 {
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func hashOf(text string) (h uint64) {
	for i := range len(text) {
		h = hashStep(h, upper(text[i]))
	}
	return h
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// same reports whether text is the upper-case word in any case of ASCII.
func same(word string, text []byte) bool {
	if len(word) != len(text) {
		return false
	}
	for i := range len(word) {
		if upper(text[i]) != word[i] {
			return false
		}
	}
	return true
}
