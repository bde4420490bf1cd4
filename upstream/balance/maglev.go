package balance

// newTable is the table of weighted Maglev hashing (Eisenbud and others, NSDI 2016, section 3.4): each place has the index
// of a member. Every member goes along a permutation of the places that depends on its ID alone and takes the next free one,
// the heaviest in every round, the others in as many rounds as their weight allows. It is made of all members that have a weight, usable
// or not: a key whose member is out goes on to another place, so that no other key moves and all come home.
func newTable(members []*Member) []uint16 {
	if len(members) == 0 {
		return nil
	}
	size := tableSizes[len(tableSizes)-1]
	for _, s := range tableSizes {
		if s >= 100*len(members) {
			size = s
			break
		}
	}
	type walker struct{ at, skip, credit int }
	walkers := make([]walker, len(members))
	heaviest := 0
	for _, n := range members {
		heaviest = max(heaviest, n.Weight)
	}
	for i, n := range members {
		walkers[i] = walker{at: int(mix(n.id) % uint64(size)), skip: int(mix(^n.id)%uint64(size-1)) + 1, credit: heaviest - n.Weight}
	}
	const free = 1<<16 - 1
	table := make([]uint16, size)
	for i := range table {
		table[i] = free
	}
	for left := size; ; {
		for i := range walkers {
			w := &walkers[i]
			if w.credit += members[i].Weight; w.credit < heaviest {
				continue
			}
			w.credit -= heaviest
			for table[w.at] != free {
				if w.at += w.skip; w.at >= size {
					w.at -= size
				}
			}
			table[w.at] = uint16(i)
			if left--; left == 0 {
				return table
			}
		}
	}
}
