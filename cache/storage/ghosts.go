package storage

// ghosts remember which keys the small queue let go of lately: about as many as there are objects. A ghost is 32 bits of a hash
// in a set of four, where the oldest gives way. Two keys that share these bits share a ghost, which costs an object a better
// place than it has earned.
type ghosts struct {
	sets [][ghostWays]uint32 // a power of two of them
}

const ghostWays = 4

// ghost is what is remembered of a hash; never 0.
func ghost(hash uint64) uint32 { return uint32(hash>>16) | 1<<31 }

// add remembers a key; objects is how many there are.
func (g *ghosts) add(hash uint64, objects int) {
	if len(g.sets)*ghostWays < min(objects, ghostsMax) || g.sets == nil {
		g.grow()
	}
	v := ghost(hash)
	set := &g.sets[v&uint32(len(g.sets)-1)]
	copy(set[1:], set[:])
	set[0] = v
}

// take reports whether a key is remembered, and forgets it.
func (g *ghosts) take(hash uint64) bool {
	if g.sets == nil {
		return false
	}
	v := ghost(hash)
	set := &g.sets[v&uint32(len(g.sets)-1)]
	for i := range set {
		if set[i] == v {
			copy(set[i:], set[i+1:])
			set[ghostWays-1] = 0
			return true
		}
	}
	return false
}

// grow doubles the sets. A ghost has the bits that say where it belongs then.
func (g *ghosts) grow() {
	old := g.sets
	g.sets = make([][ghostWays]uint32, max(2*len(old), ghostsMin/ghostWays))
	for i := range old {
		for j := ghostWays - 1; j >= 0; j-- {
			if v := old[i][j]; v != 0 {
				set := &g.sets[v&uint32(len(g.sets)-1)]
				copy(set[1:], set[:])
				set[0] = v
			}
		}
	}
}
