package route

import (
	"bytes"
	"encoding/binary"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/spec"
)

// A tree is the routes of one entrypoint by path. With half a million routes, nearly all out of the processor's caches,
// the time of a match is the number of places in memory it looks at. So there are no nodes to walk: routes whose paths
// have the same number of segments, and {name} at the same places, share a shape; there are few shapes, and one look
// into one hash table, by the static segments of the path, says whether a shape has a route for it.
type tree struct {
	slots      []rule  // open hash table of the paths of all shapes: the first rule of each
	shapes     *shapes // shared by all trees that have the same ones
	entrypoint *spec.Entrypoint
	more       []rule // the other rules of a path, and those without a path
	any        span   // in more: rules without a path
}

// shapes are the shapes of a tree in order of precedence.
type shapes struct {
	list    []shape
	deepest int // segments of the longest path
}

// A shape is how a path is matched, how many segments it has and which of them are {name}s.
type shape struct {
	named uint32 // bit 31 for the first segment, and so on down
	depth uint8
	kind  pathKind
}

// pathKind orders shapes: exact paths first.
type pathKind uint8

const (
	kindExact pathKind = iota
	kindPattern
	kindPrefix
)

// span is a piece of tree.more.
type span struct{ from, to uint32 }

// split is a path cut at its slashes, as deep as the tree is.
type split struct {
	path  []byte
	n     int  // segments seen
	whole bool // there are no more
	ends  [maxSegments]uint32
	sums  [maxSegments]uint64 // a hash of each segment
}

// find returns the first rule in the order of precedence that holds, nil if there is none. It appends the values of the
// rule's {name} segments, still without their names, to x.Facts.Entry.Params.
func (t *tree) find(x *exchange.Exchange, path []byte) *rule {
	if len(path) == 0 || path[0] != '/' { // OPTIONS *
		return t.first(x, t.any)
	}
	p := split{path: path}
	p.cut(t.shapes.deepest)
	for i := range t.shapes.list {
		s := &t.shapes.list[i]
		if n := int(s.depth); n > p.n || s.kind != kindPrefix && (n < p.n || !p.whole) {
			continue
		}
		r := t.look(s, &p)
		if r == nil {
			continue
		}
		if !r.holds(x) {
			r = t.first(x, r.more)
		}
		if r != nil {
			pushParams(x, s, &p)
			return r
		}
	}
	return t.first(x, t.any)
}

// cut finds the first segments of a path, at most max of them.
func (p *split) cut(max int) {
	at := 0
	for at < len(p.path) && p.n < max {
		end := len(p.path)
		if i := bytes.IndexByte(p.path[at+1:], '/'); i >= 0 {
			end = at + 1 + i
		}
		p.sums[p.n], p.ends[p.n] = sum(p.path[at+1:end]), uint32(end)
		p.n++
		at = end
	}
	p.whole = at == len(p.path)
}

// segment returns a segment without its slash.
func (p *split) segment(i int) []byte {
	if i == 0 {
		return p.path[1:p.ends[0]]
	}
	return p.path[p.ends[i-1]+1 : p.ends[i]]
}

// look returns the first rule of a shape for a path, nil if the shape has none for it.
func (t *tree) look(s *shape, p *split) *rule {
	key := s.key(&p.sums)
	for i := t.home(key); ; i++ {
		if i == len(t.slots) {
			i = 0
		}
		r := &t.slots[i]
		if r.target == nil {
			return nil
		}
		if r.tag == uint32(key) && r.shape == *s && s.fits(r.path, p) {
			return r
		}
	}
}

// home is where a key would like to stand.
func (t *tree) home(key uint64) int { return int(key >> 32 * uint64(len(t.slots)) >> 32) }

// key mixes a shape and the sums of its static segments. It needs no secret: what is in the table comes from the spec,
// so a client can at worst walk the few slots of one cluster, and every find is checked against the path itself.
func (s *shape) key(sums *[maxSegments]uint64) uint64 {
	key := (uint64(s.kind)<<40 | uint64(s.depth)<<32 | uint64(s.named)) * mix
	for i := range int(s.depth) {
		if s.hasName(i) {
			continue
		}
		key = (key ^ sums[i]) * mix
		key ^= key >> 29
	}
	return key
}

func (s *shape) hasName(i int) bool { return s.named<<i>>31 == 1 }

// fits reports whether the static segments of a rule's path are those of p, and its {name}s are not empty.
func (s *shape) fits(want string, p *split) bool {
	if s.depth == 0 {
		return true
	}
	if s.named == 0 {
		return want == string(p.path[:p.ends[s.depth-1]])
	}
	for i := range int(s.depth) {
		got := p.segment(i)
		if s.hasName(i) { // in want it is "{}"
			if len(got) == 0 {
				return false
			}
			want = want[len("/{}"):]
			continue
		}
		n := 1 + len(got)
		if len(want) < n || want[1:n] != string(got) || len(want) > n && want[n] != '/' {
			return false
		}
		want = want[n:]
	}
	return want == ""
}

// first returns the first rule of a span whose predicates hold.
func (t *tree) first(x *exchange.Exchange, s span) *rule {
	for i := s.from; i < s.to; i++ {
		if r := &t.more[i]; r.holds(x) {
			return r
		}
	}
	return nil
}

func pushParams(x *exchange.Exchange, s *shape, p *split) {
	if s.named == 0 {
		return
	}
	params := &x.Facts.Entry.Params
	for i := range int(s.depth) {
		if s.hasName(i) {
			*params = append(*params, exchange.Param{Value: p.segment(i)})
		}
	}
}

// mix is an odd number with its bits well spread.
const mix = 0x9e3779b97f4a7c15

// sum is a hash of a segment.
func sum(segment []byte) uint64 {
	h := (uint64(len(segment)) + 1) * mix
	for len(segment) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(segment)) * mix
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
	h = (h ^ tail) * mix
	return h ^ h>>32
}
