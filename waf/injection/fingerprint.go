package injection

import "math/bits"

// Fingerprint is the pattern of tokens by which a value was found, with libinjection's letters: up to five of them, then
// zeroes. The zero value is no fingerprint.
type Fingerprint [8]byte

// String is the fingerprint as libinjection writes it, such as "s&1c".
func (f Fingerprint) String() string {
	n := 0
	for n < len(f) && f[n] != 0 {
		n++
	}
	return string(f[:n])
}

// printNode is a state of the automaton of fingerprints: the categories that lead on, where its edges begin, and whether
// what was read so far is a fingerprint.
type printNode struct {
	next categories
	edge uint16
	ends bool
}

// step is the node after one more token, 0 if no fingerprint goes on like this. Fingerprints do not tell the words of
// Transact-SQL from the names of types.
func step(node uint16, c category) uint16 {
	if c == sqlType {
		c = tsql
	}
	n := &printNodes[node]
	if !c.in(n.next) {
		return 0
	}
	return printEdges[int(n.edge)+bits.OnesCount32(uint32(n.next)&(1<<c-1))]
}
