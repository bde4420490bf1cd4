package disk

// index says where the objects lie: for each URL a chain of places, newest first. A place has no pointers and takes 32 bytes, so that
// ten million of them cost the garbage collector nothing. It belongs to who holds the Disk's lock.
type index struct {
	heads map[uint64]uint32 // of a URL's hash, the newest place; 0: none
	pages [][]place         // so that growing copies nothing
	used  uint32            // places handed out ever, free ones among them; place 0 stands for none
	free  uint32            // chain of free places
	n     int
}

// place is where one object lies.
type place struct {
	seq   uint64 // 0: free
	off   uint32 // of its record in the segment
	len   uint32 // of header and payload
	key   uint32 // hash of the key
	sig   uint32 // hash of the variant's signature
	next  uint32 // the next older place of the URL
	slot  uint16 // of its segment; slotPending: it waits to be written
	flags uint16
}

const (
	pageSize    = 1 << 12
	slotPending = 0xffff
)

const (
	placeSoft   uint16 = 1 << iota // a soft purge met it
	placeAsked                     // it was found since it was written
	placeLarge                     // it has a body file: see Disk.large
	placeSecure                    // its scheme is https
)

func newIndex() index { return index{heads: map[uint64]uint32{}, used: 1} }

func (x *index) at(i uint32) *place { return &x.pages[i/pageSize][i%pageSize] }

// first returns the newest place of a URL; 0: none.
func (x *index) first(url uint64) uint32 { return x.heads[url] }

// insert puts p in its URL's chain, behind those that are newer, and returns its number.
func (x *index) insert(url uint64, p place) uint32 {
	i := x.free
	if i != 0 {
		x.free = x.at(i).next
	} else {
		i = x.used
		x.used++
		if int(i/pageSize) == len(x.pages) {
			x.pages = append(x.pages, make([]place, pageSize))
		}
	}
	prev, next := uint32(0), x.heads[url]
	for next != 0 && x.at(next).seq > p.seq {
		prev, next = next, x.at(next).next
	}
	p.next = next
	*x.at(i) = p
	if prev == 0 {
		x.heads[url] = i
	} else {
		x.at(prev).next = i
	}
	x.n++
	return i
}

// find returns the place with a seq; 0: it has left.
func (x *index) find(url, seq uint64) uint32 {
	i := x.heads[url]
	for i != 0 && x.at(i).seq != seq {
		i = x.at(i).next
	}
	return i
}

// drop takes out of a URL's chain what match says, and hands each to gone before it is freed.
func (x *index) drop(url uint64, match func(*place) bool, gone func(uint32, *place)) int {
	n := 0
	prev, i := uint32(0), x.heads[url]
	for i != 0 {
		p := x.at(i)
		next := p.next
		if !match(p) {
			prev, i = i, next
			continue
		}
		switch {
		case prev != 0:
			x.at(prev).next = next
		case next != 0:
			x.heads[url] = next
		default:
			delete(x.heads, url)
		}
		gone(i, p)
		*p = place{next: x.free}
		x.free = i
		x.n--
		n++
		i = next
	}
	return n
}

// length is how many places a URL has.
func (x *index) length(url uint64) int {
	n := 0
	for i := x.heads[url]; i != 0; i = x.at(i).next {
		n++
	}
	return n
}

// bytes is about what the index takes: 32 for each place, and 30 for an entry of the map and of its segment's list.
func (x *index) bytes() int64 { return int64(len(x.pages))*pageSize*32 + int64(len(x.heads))*30 }
