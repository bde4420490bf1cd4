package match

import "math/bits"

// Bits is a set of small numbers: of rules, of lists of phrases. Sets that are combined have the same length; a number
// beyond it is in no set.
type Bits []uint64

// NewBits is an empty set that can hold the numbers below n.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// Set puts i into the set.
func (b Bits) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Unset takes i out of the set.
func (b Bits) Unset(i int) { b[i>>6] &^= 1 << (i & 63) }

// Has says whether i is in the set.
func (b Bits) Has(i int) bool { return uint(i)>>6 < uint(len(b)) && b[i>>6]&(1<<(i&63)) != 0 }

// Clear empties the set.
func (b Bits) Clear() { clear(b) }

// Empty says whether nothing is in the set.
func (b Bits) Empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// Copy makes the set equal to c.
func (b Bits) Copy(c Bits) { copy(b, c) }

// And keeps what is in c too.
func (b Bits) And(c Bits) {
	for i, w := range c[:len(b)] {
		b[i] &= w
	}
}

// AndNot takes out what is in c.
func (b Bits) AndNot(c Bits) {
	for i, w := range c[:len(b)] {
		b[i] &^= w
	}
}

// Or puts in what is in c.
func (b Bits) Or(c Bits) {
	for i, w := range c[:len(b)] {
		b[i] |= w
	}
}

// Meets says whether anything is in both sets.
func (b Bits) Meets(c Bits) bool {
	for i, w := range c[:len(b)] {
		if b[i]&w != 0 {
			return true
		}
	}
	return false
}

// Count is how many numbers are in the set.
func (b Bits) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Next is the least number of the set that is not below from, -1 if there is none.
func (b Bits) Next(from int) int {
	i := from >> 6
	if i >= len(b) {
		return -1
	}
	w := b[i] >> (from & 63) << (from & 63)
	for w == 0 {
		if i++; i == len(b) {
			return -1
		}
		w = b[i]
	}
	return i<<6 + bits.TrailingZeros64(w)
}
