package storage

import (
	"bytes"
	"time"
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
	Host   string // as in keys, with a port that is not the scheme's; "": every host. "https://" or "http://" before it: of this scheme only
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

// parts are the parts of a key that purges know.
type parts struct {
	url                       []byte // all but the scheme
	scheme, host, path, query []byte
}

// split takes a key apart; what is not there is empty.
func split(key []byte) (p parts) {
	p.scheme, p.url = cutNUL(key)
	var rest []byte
	p.host, rest = cutNUL(p.url)
	p.path, rest = cutNUL(rest)
	p.query, _ = cutNUL(rest)
	p.url = p.url[:min(len(p.url), len(p.host)+1+len(p.path)+1+len(p.query))]
	return p
}

func cutNUL(b []byte) (before, after []byte) {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}
