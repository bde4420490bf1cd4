package route

import (
	"bytes"
	"encoding/binary"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// A tree is the routes of one entrypoint by path segment. Everything is in a few flat arrays: with half a million
// routes the time of a match is the number of cache lines it touches.
type tree struct {
	entrypoint *spec.Entrypoint
	nodes      []node   // nodes[root] has no segment
	slots      []uint32 // open hash table of the static children of all nodes: tag above nodeBits, node number below; 0: free
	rules      []rule
	any        span // rules without a path
	deepest    int  // segments of the longest prefix with a {name}; 0: there is none
}

// A node is a place in the tree: all paths that start with the same segments.
type node struct {
	segment string
	parent  uint32
	name    uint32 // the child for a {name} segment; 0: none
	near    uint32 // the nearest node with prefix rules, this one or above, plus one; 0: none
	first   uint32 // of its rules: exact ones up to exact, then patterns up to pattern, then prefixes up to prefix
	exact   uint32
	pattern uint32
	prefix  uint32
	below   uint32 // which kinds of rules stand below: bits of belowPattern and belowPrefix
}

type span struct{ from, to uint32 }

const (
	root     = 0
	nodeBits = 24
	nodeMask = 1<<nodeBits - 1

	belowPattern = 1
	belowPrefix  = 2
)

// child returns the static child of a node for a segment, 0 if there is none.
func (t *tree) child(parent uint32, segment []byte) uint32 {
	h := hash(parent, segment)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return 0
		}
		if slot&^nodeMask != h&^nodeMask {
			continue
		}
		if n := &t.nodes[slot&nodeMask]; n.parent == parent && n.segment == string(segment) {
			return slot & nodeMask
		}
	}
}

// hash mixes a node number and a segment. It needs no secret: what is in the table comes from the spec, so a client can
// at worst walk the few slots of one cluster.
func hash(parent uint32, segment []byte) uint32 {
	const k1, k2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := (uint64(parent)<<32 | uint64(len(segment)) + 1) * k1
	for len(segment) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(segment)) * k2
		h ^= h >> 32
		segment = segment[8:]
	}
	var tail uint64
	switch n := len(segment); {
	case n >= 4:
		tail = uint64(binary.LittleEndian.Uint32(segment)) | uint64(binary.LittleEndian.Uint32(segment[n-4:]))<<32
	case n > 0:
		tail = uint64(segment[0]) | uint64(segment[n/2])<<8 | uint64(segment[n-1])<<16
	}
	h = (h ^ tail) * k2
	return uint32(h >> 32)
}

// find returns the first rule in the order of precedence that holds, nil if there is none. It appends the values of the
// rule's {name} segments, still without their names, to x.Facts.Entry.Params.
func (t *tree) find(x *exchange.Exchange, path []byte) *rule {
	if len(path) == 0 || path[0] != '/' { // OPTIONS *
		return t.first(x, t.any)
	}
	at, n := 0, uint32(root)
	for at < len(path) {
		end := segmentEnd(path, at)
		c := t.child(n, path[at+1:end])
		if c == 0 {
			break
		}
		at, n = end, c
	}
	if reached := &t.nodes[n]; at == len(path) {
		if r := t.first(x, span{reached.first, reached.exact}); r != nil {
			return r
		}
	}
	if r := t.findPattern(x, path, root, 0); r != nil {
		return r
	}
	if t.deepest > 0 {
		if r := t.findNamedPrefix(x, path); r != nil {
			return r
		}
	} else if r := t.findPrefix(x, n); r != nil {
		return r
	}
	return t.first(x, t.any)
}

// segmentEnd returns where the segment after the slash at path[at] ends.
func segmentEnd(path []byte, at int) int {
	if i := bytes.IndexByte(path[at+1:], '/'); i >= 0 {
		return at + 1 + i
	}
	return len(path)
}

// first returns the first rule of a span whose predicates hold.
func (t *tree) first(x *exchange.Exchange, s span) *rule {
	for i := s.from; i < s.to; i++ {
		if r := &t.rules[i]; r.when == nil || r.when.holds(&x.Req) {
			return r
		}
	}
	return nil
}

// findPattern looks for a pattern that takes the rest of a path, which starts with the slash at path[at]; a static
// segment goes before a {name}. It visits no node twice, so the patterns of the entrypoint bound its work.
func (t *tree) findPattern(x *exchange.Exchange, path []byte, from uint32, at int) *rule {
	n := &t.nodes[from]
	if at == len(path) {
		return t.first(x, span{n.exact, n.pattern})
	}
	if n.below&belowPattern == 0 {
		return nil
	}
	end := segmentEnd(path, at)
	if c := t.child(from, path[at+1:end]); c != 0 {
		if r := t.findPattern(x, path, c, end); r != nil {
			return r
		}
	}
	if n.name == 0 || end == at+1 {
		return nil
	}
	pushParam(x, path[at+1:end])
	r := t.findPattern(x, path, n.name, end)
	if r == nil {
		popParam(x)
	}
	return r
}

// findPrefix looks for the longest prefix from the last node that static segments lead to.
func (t *tree) findPrefix(x *exchange.Exchange, n uint32) *rule {
	for near := t.nodes[n].near; near != 0; {
		found := &t.nodes[near-1]
		if r := t.first(x, span{found.pattern, found.prefix}); r != nil {
			return r
		}
		if near-1 == root {
			return nil
		}
		near = t.nodes[found.parent].near
	}
	return nil
}

// findNamedPrefix is findPrefix for a tree that has {name} segments in prefixes: the longest of all first.
func (t *tree) findNamedPrefix(x *exchange.Exchange, path []byte) *rule {
	for depth := t.deepest; depth >= 0; depth-- {
		if r := t.findPrefixAt(x, path, root, 0, depth); r != nil {
			return r
		}
	}
	return nil
}

func (t *tree) findPrefixAt(x *exchange.Exchange, path []byte, from uint32, at, depth int) *rule {
	n := &t.nodes[from]
	if depth == 0 {
		return t.first(x, span{n.pattern, n.prefix})
	}
	if at == len(path) || n.below&belowPrefix == 0 {
		return nil
	}
	end := segmentEnd(path, at)
	if c := t.child(from, path[at+1:end]); c != 0 {
		if r := t.findPrefixAt(x, path, c, end, depth-1); r != nil {
			return r
		}
	}
	if n.name == 0 || end == at+1 {
		return nil
	}
	pushParam(x, path[at+1:end])
	r := t.findPrefixAt(x, path, n.name, end, depth-1)
	if r == nil {
		popParam(x)
	}
	return r
}

func pushParam(x *exchange.Exchange, value []byte) {
	p := &x.Facts.Entry.Params
	*p = append(*p, exchange.Param{Value: value})
}

func popParam(x *exchange.Exchange) {
	p := &x.Facts.Entry.Params
	*p = (*p)[:len(*p)-1]
}
