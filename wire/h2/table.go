package h2

// table finds the open streams of a connection by their numbers. A map would do, but for the memory that it takes anew
// now and then when entries come and go.
type table struct {
	slots []*stream // a power of two, at most half of it used
	used  int
}

func (t *table) home(id uint32) int { return int(id>>1) & (len(t.slots) - 1) }

// get returns the stream with a number, nil if none is open.
func (t *table) get(id uint32) *stream {
	if t.used == 0 {
		return nil
	}
	for i := t.home(id); ; i = (i + 1) & (len(t.slots) - 1) {
		if s := t.slots[i]; s == nil || s.id == id {
			return s
		}
	}
}

// put takes a stream in.
func (t *table) put(s *stream) {
	if 2*(t.used+1) > len(t.slots) {
		old := t.slots
		t.slots, t.used = make([]*stream, max(2*len(old), 16)), 0
		for _, o := range old {
			if o != nil {
				t.put(o)
			}
		}
	}
	i := t.home(s.id)
	for t.slots[i] != nil {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = s
	t.used++
}

// del takes a stream out, and moves those that stand behind it because of it.
func (t *table) del(id uint32) {
	if t.used == 0 {
		return
	}
	mask := len(t.slots) - 1
	i := t.home(id)
	for ; t.slots[i] == nil || t.slots[i].id != id; i = (i + 1) & mask {
		if t.slots[i] == nil {
			return
		}
	}
	t.used--
	for j := i; ; {
		j = (j + 1) & mask
		s := t.slots[j]
		if s == nil {
			break
		}
		if home := t.home(s.id); (j-home)&mask >= (j-i)&mask { // it would be found at i as well
			t.slots[i], i = s, j
		}
	}
	t.slots[i] = nil
}

// all are the open streams, in no order.
func (t *table) all(yield func(*stream) bool) {
	for _, s := range t.slots {
		if s != nil && !yield(s) {
			return
		}
	}
}
