package storage

import (
	"sync/atomic"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/exchange"
)

// Object is a stored answer. What it says never changes, and it may be used after the store has let go of it: its memory is the
// garbage collector's. All methods may be called by many goroutines at once; what they return must not be changed.
type Object struct {
	data  []byte // see encode
	rest  *rest  // the body, if it is not the end of data
	terms freshness.Terms

	// What a look-up or a sweep reads lies together, so that it is one line of the processor's cache, or two.
	number    uint64
	hash      uint64  // of the key
	chain     *Object // the next key in the bucket, of the newest variant; under the lock of the key's shard
	older     *Object // the next older variant; of one that is gone: what was then; under the shard's lock
	groupBits uint32  // a bit for each group, several groups may share one
	urlBits   uint32  // the low bits of the URL's hash
	state     atomic.Uint32
	keyLen    uint16
	status    uint16
	body      uint32  // where the body begins, or data ends
	queue     queueID // under the policy's lock
	gone      bool    // not in the index any more; under the shard's lock
	partial   bool    // of the newest variant: others may lie below; under the shard's lock
	overtaken bool    // a newer one came before it was put below; under the shard's lock

	next, prev *Object // in its queue; under the policy's lock
}

// The bits of Object.state.
const (
	stateUses = 3 // how often it was asked for since its queue last looked, at most 3
	stateSoft = 4 // a soft purge met it
)

// Draft is an answer that is to be stored, or one that was found below. Put copies everything but Body.
type Draft struct {
	Key       []byte // see Store.Find
	Signature []byte // of Vary: which of the key's variants it is
	Groups    [][]byte
	Status    int
	Terms     freshness.Terms
	Head      exchange.Fields
	Trailers  exchange.Fields
	Body      [][]byte // in order. Put takes the pieces over: they must not change any more. A small body is joined into one
	Spool     Spool    // or the body lies below. If Put stores nothing it stays the caller's to Close
	Number    uint64   // Store.Number when the fill began: a purge since then refuses it
	Soft      bool     // of one found below: a soft purge met it
}

// Key is the key it was Put with.
func (o *Object) Key() []byte { return o.data[:o.keyLen:o.keyLen] }

// Status is the answer's status code.
func (o *Object) Status() int { return int(o.status) }

// Terms is on what terms it may be used. Softened goes before them.
func (o *Object) Terms() *freshness.Terms { return &o.terms }

// Number is the number of the last purge when its fill began: purges with a higher number may meet it.
func (o *Object) Number() uint64 { return o.number }

// Softened reports whether a soft purge met it: it is stale whatever its terms say.
func (o *Object) Softened() bool { return o.state.Load()&stateSoft != 0 }

// soften reports whether it was not softened before.
func (o *Object) soften() bool { return o.state.Or(stateSoft)&stateSoft == 0 }

// touch counts a use. An object that is asked for all the time is not written to.
func (o *Object) touch() {
	if s := o.state.Load(); s&stateUses < stateUses {
		o.state.CompareAndSwap(s, s+1) // who loses was counted by the winner, more or less
	}
}

// Signature is what Vary tells its variants apart by; empty without.
func (o *Object) Signature() []byte {
	b, _ := takeText(o.data[o.keyLen:])
	return b
}

// Groups calls add for each group it is in, until add returns false.
func (o *Object) Groups(add func(group []byte) bool) {
	_, rest := takeText(o.data[o.keyLen:])
	for list, _ := takeText(rest); len(list) > 0; {
		var g []byte
		if g, list = takeText(list); !add(g) {
			return
		}
	}
}

// Head appends views of its fields. Names that the edge knows come in their usual spelling.
func (o *Object) Head(into *exchange.Fields) {
	fields, _ := takeText(o.fields())
	takeFields(fields, into)
}

// Trailers appends views of the fields behind its body.
func (o *Object) Trailers(into *exchange.Fields) {
	_, rest := takeText(o.fields())
	fields, _ := takeText(rest)
	takeFields(fields, into)
}

// fields is where head and trailers begin in data.
func (o *Object) fields() []byte {
	_, rest := takeText(o.data[o.keyLen:])
	_, rest = takeText(rest)
	return rest
}
