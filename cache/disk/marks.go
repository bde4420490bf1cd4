package disk

import (
	"hash/maphash"

	"skerry.dev/skerry/cache/storage"
)

// marks are the purges whose objects the index cannot name: of prefixes, groups, hosts and all. Each is remembered as long as there is
// an older object. They belong to who holds the Disk's lock.
type marks struct {
	seed    maphash.Seed
	known   map[uint64]mark // by a hash of what is purged: two that share one would purge too much
	lengths map[int]int     // of prefixes: how many there are of each
	urls    int             // purges of a URL of every host
	groups  int
	kept    int // after the last forget
}

// mark is when something was purged.
type mark struct {
	hard, soft stamp
	kind       markKind
	length     int32 // of a prefix
}

// stamp is an instant: against seq is held what is here, against number what was on its way then.
type stamp struct{ seq, number uint64 }

func (s *stamp) raise(to stamp) {
	s.seq, s.number = max(s.seq, to.seq), max(s.number, to.number)
}

type markKind uint8

const (
	markAll markKind = iota
	markPrefix
	markGroup
	markURL
)

func newMarks() marks {
	return marks{seed: maphash.MakeSeed(), known: map[uint64]mark{}, lengths: map[int]int{}}
}

// hash is of a kind, a host as purges name it, and a value in one or two parts.
func (m *marks) hash(kind markKind, host, value, more []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	h.WriteByte(byte(kind))
	h.Write(host)
	h.WriteByte(0)
	h.Write(value)
	h.WriteByte(0)
	h.Write(more)
	return h.Sum64()
}

// add puts a purge in force; not one of a URL of one host, which the index knows.
func (m *marks) add(p *storage.Purge, at stamp) {
	one := mark{}
	value, more := []byte(p.Value), []byte(nil)
	switch p.Kind {
	case storage.PurgePrefix:
		one.kind, one.length = markPrefix, int32(len(value))
	case storage.PurgeGroup:
		one.kind = markGroup
	case storage.PurgeURL:
		one.kind = markURL
		path, query := cutQuery(value)
		value, more = path, query
	case storage.PurgeAll:
		value = nil
	}
	h := m.hash(one.kind, []byte(p.Host), value, more)
	old, known := m.known[h]
	if known {
		one = old
	} else {
		m.count(&one, 1)
	}
	if p.Soft {
		one.soft.raise(at)
	} else {
		one.hard.raise(at)
	}
	m.known[h] = one
}

func (m *marks) count(one *mark, by int) {
	switch one.kind {
	case markURL:
		m.urls += by
	case markGroup:
		m.groups += by
	case markPrefix:
		if m.lengths[int(one.length)] += by; m.lengths[int(one.length)] == 0 {
			delete(m.lengths, int(one.length))
		}
	}
}

// forget drops what is older than every object, and returns the highest number that went.
func (m *marks) forget(before uint64) (number uint64) {
	for h, one := range m.known {
		if one.hard.seq < before && one.soft.seq < before {
			number = max(number, one.hard.number, one.soft.number)
			m.count(&one, -1)
			delete(m.known, h)
		}
	}
	m.kept = len(m.known)
	return number
}

// met returns the latest purges, hard and soft, that an object with this key and these groups could have been met by.
func (m *marks) met(key []byte, groups func(func(group []byte) bool)) (hard, soft stamp) {
	if len(m.known) == 0 {
		return hard, soft
	}
	look := func(kind markKind, host, value, more []byte) {
		if one, ok := m.known[m.hash(kind, host, value, more)]; ok {
			hard.raise(one.hard)
			soft.raise(one.soft)
		}
	}
	p := split(key)
	full := append(append(append(make([]byte, 0, 64), p.scheme...), "://"...), p.host...)
	hosts := [...][]byte{nil, p.host, full}
	for _, host := range hosts {
		look(markAll, host, nil, nil)
		for n := range m.lengths {
			if n <= len(p.path) {
				look(markPrefix, host, p.path[:n], nil)
			}
		}
		if m.urls > 0 {
			look(markURL, host, p.path, p.query)
		}
	}
	if m.groups > 0 {
		groups(func(g []byte) bool {
			for _, host := range hosts {
				look(markGroup, host, g, nil)
			}
			return true
		})
	}
	return hard, soft
}

// late remembers removals for objects on their way here: an object whose fill began before its key was removed may come after the removal.
// It remembers the last ones exactly, and of all before one number below which nothing is taken.
type late struct {
	now, before map[tardy]uint64
	floor       uint64
}

// tardy is a key that was removed, or with key 0 all keys of a URL and some scheme.
type tardy struct {
	id
	of scheme
}

// add notes that what has a lower number is not to be taken.
func (l *late) add(what tardy, number uint64) {
	if len(l.now) >= lateMax {
		for _, n := range l.before {
			l.floor = max(l.floor, n)
		}
		l.before, l.now = l.now, nil
	}
	if l.now == nil {
		l.now = map[tardy]uint64{}
	}
	l.now[what] = max(l.now[what], number)
}

// raise refuses everything below a number.
func (l *late) raise(number uint64) { l.floor = max(l.floor, number) }

// refuses reports whether an object came too late.
func (l *late) refuses(what id, of scheme, number uint64) bool {
	least := l.floor
	for _, t := range [...]tardy{{what, schemeAny}, {id{url: what.url}, schemeAny}, {id{url: what.url}, of}} {
		least = max(least, l.now[t], l.before[t])
	}
	return number < least
}
