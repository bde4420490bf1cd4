package storage

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"skerry.dev/skerry/fault"
)

// PurgeKind says what a purge meets.
type PurgeKind string

// The kinds.
const (
	PurgeURL    PurgeKind = "url"    // the keys with this host, path and query, whatever follows in them
	PurgePrefix PurgeKind = "prefix" // the keys of a host whose path begins so, letter by letter
	PurgeGroup  PurgeKind = "group"  // the objects in a group
	PurgeAll    PurgeKind = "all"    // every object, or every one of a host
)

// Purge makes objects unusable that were asked for before it.
type Purge struct {
	Number uint64    // given by the store. Later purges have higher ones; there are gaps
	Time   time.Time // when it was asked for; zero: now
	Kind   PurgeKind
	Host   string // as in keys, with a port that is not the default; "": every one. https:// or http:// before it: only this scheme
	Value  string // url: path and query, as in keys; prefix: how the path begins; group: its name; all: empty
	Soft   bool   // they become stale instead, and may still be served while the origin is asked, or fails
}

// Progress is how far the memory of a purge's objects has been freed. The purge has been in force all the time.
type Progress struct {
	Number  uint64
	Objects int64 // in the store when the sweep began
	Looked  int64 // how many of them were looked at
	Removed int64 // how many the purge met, in memory; softened ones as well
	Done    bool
}

// target is what a purge names, taken apart.
type target struct {
	scheme, host []byte // nil: any
	path, query  []byte
	named        bool   // it is found by a hash
	hash         uint64 // of what it names, with host and scheme as far as it names them
	bits         uint32 // of what it names, as objects have them
}

// newEntry takes a purge apart; an error: it does not say what to purge.
func newEntry(p Purge, seed maphash.Seed) (*entry, error) {
	e := &entry{Purge: p}
	scheme, host, hasScheme := strings.Cut(p.Host, "://")
	if !hasScheme {
		scheme, host = "", p.Host
	}
	switch {
	case len(p.Host)+len(p.Value) > purgeBytesMax:
		return nil, refused(&p, fmt.Sprintf("host and value have more than %d bytes, which is longer than any key", purgeBytesMax))
	case strings.IndexByte(p.Host, 0) >= 0 || strings.IndexByte(p.Value, 0) >= 0:
		return nil, refused(&p, "a NUL stands in no key")
	case hasScheme && (scheme != "http" && scheme != "https" || host == ""):
		return nil, refused(&p, fmt.Sprintf("host %q: a host, or http:// or https:// and a host", p.Host))
	case (p.Kind == PurgeURL || p.Kind == PurgePrefix) && !strings.HasPrefix(p.Value, "/"):
		return nil, refused(&p, fmt.Sprintf("value %q: a path begins with /", p.Value))
	case p.Kind == PurgeGroup && p.Value == "":
		return nil, refused(&p, "value is empty: it names the group")
	case p.Kind == PurgeAll && p.Value != "":
		return nil, refused(&p, fmt.Sprintf("value %q: this kind has none", p.Value))
	}
	e.scheme, e.host = optional(scheme), optional(strings.ToLower(host))
	switch p.Kind {
	case PurgeURL:
		path, query, _ := strings.Cut(p.Value, "?")
		e.path, e.query = []byte(path), []byte(query)
		if e.host != nil {
			hash := maphash.Bytes(seed, bytes.Join([][]byte{e.host, e.path, e.query}, []byte{0}))
			e.name(hash, hash, seed, nil)
		}
	case PurgePrefix:
		e.path = []byte(p.Value)
	case PurgeGroup:
		hash := maphash.Bytes(seed, []byte(p.Value))
		e.name(hash, groupSalt+hash, seed, e.host)
	case PurgeAll:
	default:
		return nil, refused(&p, "kind: url, prefix, group or all")
	}
	return e, nil
}

// name makes a purge one that is found by a hash.
func (e *entry) name(thing, hash uint64, seed maphash.Seed, host []byte) {
	e.named, e.bits = true, uint32(thing)
	e.hash = narrow(hash, seed, host, e.scheme)
}

// groupSalt keeps the hash of a group apart from that of a URL.
const groupSalt = 0x9e3779b97f4a7c15

// narrow is the hash of a thing on a host, and with a scheme; nil: on any.
func narrow(hash uint64, seed maphash.Seed, host, scheme []byte) uint64 {
	if host != nil {
		hash = (hash ^ maphash.Bytes(seed, host)) * 0xff51afd7ed558ccd
	}
	if scheme != nil {
		hash = (hash ^ maphash.Bytes(seed, scheme)) * 0xc4ceb9fe1a85ec53
	}
	return hash
}

func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// refused is the error of a purge that says nothing sensible.
func refused(p *Purge, text string) error {
	return fault.New(fault.BadRequest, fmt.Sprintf("purge of kind %q: %s", p.Kind, text))
}

// everything reports whether a purge meets every object.
func (e *entry) everything() bool { return e.Kind == PurgeAll && e.host == nil }

// textBytes is what a purge takes in the log.
func (e *entry) textBytes() int { return len(e.Host) + len(e.Value) }

// meets reports whether a purge that is not named by a hash meets a key.
func (t *target) meets(key *parts) bool {
	switch {
	case t.host != nil && !bytes.Equal(t.host, key.host), t.scheme != nil && !bytes.Equal(t.scheme, key.scheme):
		return false
	case t.query != nil:
		return bytes.Equal(t.path, key.path) && bytes.Equal(t.query, key.query)
	}
	return bytes.HasPrefix(key.path, t.path)
}

// parts are the parts of a key that purges know.
type parts struct {
	url                       []byte // host, path and query with what is between them
	scheme, host, path, query []byte
}

// split takes a key apart; what is not there is empty.
func split(key []byte) (p parts) {
	var rest []byte
	p.scheme, p.url = cutNUL(key)
	p.host, rest = cutNUL(p.url)
	p.path, rest = cutNUL(rest)
	p.query, rest = cutNUL(rest)
	if rest != nil {
		p.url = p.url[:len(p.host)+1+len(p.path)+1+len(p.query)]
	}
	return p
}

func cutNUL(b []byte) (before, after []byte) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// check holds an object against purges. The latest ones that meet it are kept.
type check struct {
	o          *Object
	seed       maphash.Seed
	key        parts
	hard, soft *entry
}

// batch holds it against the purges of one sweep.
func (c *check) batch(b *batch) {
	for _, e := range b.lists {
		if e.Number > c.o.number && e.meets(&c.key) {
			c.take(e)
		}
	}
	if len(b.named) == 0 {
		return
	}
	c.o.names(c.seed, &c.key, b.names, func(hash uint64) bool {
		c.look(b, hash)
		return true
	})
}

// naming says what purges name things by.
type naming uint8

const (
	byURL naming = 1 << iota
	byGroup
	byPlace // with a host or a scheme
	byAll   = byURL | byGroup | byPlace
)

// naming is what a purge that is found by a hash names its objects by.
func (e *entry) naming() naming {
	switch {
	case e.Kind == PurgeURL && e.scheme == nil:
		return byURL
	case e.Kind == PurgeURL:
		return byURL | byPlace
	case e.host == nil:
		return byGroup
	}
	return byGroup | byPlace
}

// names calls each with the hashes that a purge may name an object by, as far as some do, until it returns false.
func (o *Object) names(seed maphash.Seed, key *parts, by naming, each func(hash uint64) bool) {
	if by&byURL != 0 {
		hash := maphash.Bytes(seed, key.url)
		if !each(hash) || by&byPlace != 0 && !each(narrow(hash, seed, nil, key.scheme)) {
			return
		}
	}
	if by&byGroup == 0 || o.groupBits == 0 {
		return
	}
	o.Groups(func(g []byte) bool {
		hash := groupSalt + maphash.Bytes(seed, g)
		return each(hash) && (by&byPlace == 0 || each(narrow(hash, seed, key.host, nil)) && each(narrow(hash, seed, key.host, key.scheme)))
	})
}

// look takes what a batch has under a hash.
func (c *check) look(b *batch, hash uint64) {
	n := b.named[hash]
	if n.hard != nil && n.hard.Number > c.o.number {
		c.take(n.hard)
	}
	if n.soft != nil && n.soft.Number > c.o.number {
		c.take(n.soft)
	}
}

func (c *check) take(e *entry) {
	last := &c.hard
	if e.Soft {
		last = &c.soft
	}
	if *last == nil || (*last).Number < e.Number {
		*last = e
	}
}
