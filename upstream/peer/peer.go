package peer

import (
	"cmp"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"skerry.dev/skerry/wire/proxyheader"
)

// Peer is one origin under one identity and one set of limits, with the connections kept to it.
type Peer struct {
	keeper *Keeper
	key    key
	limits Limits
	label  string      // the address, for messages
	tls    *tls.Config // nil: plain
	shows  bool        // it has a client certificate to show
	refs   int         // guarded by the keeper

	shared  atomic.Pointer[[]*line] // of HTTP/2: lines; nil: none
	carries atomic.Int64            // how many exchanges a line carries at once, as far as the origin has shown
	calm    atomic.Int64            // nothing is made beside busy lines before: a time.Duration since the epoch

	// of HTTP/1.1
	shards  []shard
	mask    uint32
	reserve reserve      // what a PROXY header announced
	due     atomic.Int64 // when tend looks next: a time.Duration since the epoch, changed under the keeper's mu; never: not at all

	_     [shardBytes]byte // what follows is written by dials, what is before is read by every request
	open  atomic.Int64
	spare atomic.Int64 // places of Keep.Max that no shard has

	mu    sync.Mutex // of HTTP/2, guards what follows, and every change of shared
	dials []*dialling
	gone  ending // why nobody holds the peer any more; endNone: somebody does
}

func newPeer(k *Keeper, at key, id Identity) (*Peer, error) {
	p := &Peer{keeper: k, key: at, limits: at.limits, label: id.Addr.String(), shards: make([]shard, k.shards), mask: uint32(k.shards - 1)}
	p.limits.Connect = cmp.Or(p.limits.Connect, connectDefault)
	if id.TLS != nil {
		var err error
		if p.tls, err = id.TLS.config(id.Addr.Addr(), at.http2); err != nil {
			return nil, err
		}
		p.shows = p.tls.GetClientCertificate != nil
	}
	p.carries.Store(placesDefault)
	p.due.Store(int64(never))
	p.spare.Store(int64(max(at.limits.Keep.Max, 0)))
	return p, nil
}

// Release lets go of the peer. The last one to do so closes the kept connections; those in use close when they come back.
func (p *Peer) Release() {
	if p.keeper.release(p) {
		p.shut(endReleased)
	}
}

func (p *Peer) shut(why ending) {
	if p.key.http2 {
		p.shutShared(why)
		return
	}
	p.shutKept(why)
}

// Get returns the kept connection that this processor used last, or another's; of HTTP/2, a place on one of those that there are.
// It is nil if there is none: then Dial. now is the time, or a little before.
func (p *Peer) Get(now time.Time) *Conn { return p.GetFor(now, Client{}) }

// GetFor is Get for a client: where a PROXY header announces connections, it returns one that was kept for this client alone.
func (p *Peer) GetFor(now time.Time, client Client) *Conn {
	at := p.keeper.at(now)
	switch {
	case p.key.http2:
		return p.pick(at)
	case p.announces():
		return p.getOwn(at, client.Conn)
	}
	for {
		c := p.take()
		if c == nil || at < c.over {
			return c
		}
		c.end(c.why)
	}
}

// Kept is how many connections are open now without an exchange.
func (p *Peer) Kept() int {
	if p.key.http2 {
		return p.resting()
	}
	n := p.reserve.count()
	for i := range p.shards {
		n += p.shards[i].size()
	}
	return n
}

// announces reports whether a PROXY header is in front of each connection.
func (p *Peer) announces() bool { return p.key.proxy != proxyheader.None }

// Open is how many connections there are now: in use, kept, or being made.
func (p *Peer) Open() int { return int(p.open.Load()) }
