package peer

import (
	"context"
	"net"
	"unsafe"
)

// ShardBytes is what a shard takes.
const ShardBytes = unsafe.Sizeof(shard{})

// Connect makes a keeper connect in another way than by TCP.
func (k *Keeper) Connect(by func(ctx context.Context, network, address string) (net.Conn, error)) {
	k.connect = by
}

// Shards sets how many shards later peers have: a power of two.
func (k *Keeper) Shards(n int) { k.shards = n }

// PushAt keeps a connection in one shard, whoever asks; it must have been kept before, so that it has an end.
func (p *Peer) PushAt(i int, c *Conn) bool {
	why := p.shards[i].push(c, 0)
	if why == endFull && p.claim() {
		why = p.shards[i].push(c, 1)
	}
	return why == endNone
}

// Rooms returns the places that shards have, and those that none has.
func (p *Peer) Rooms() (of []int, spare int) {
	for i := range p.shards {
		p.shards[i].mu.Lock()
		of = append(of, p.shards[i].room)
		p.shards[i].mu.Unlock()
	}
	return of, int(p.spare.Load())
}

// Armed reports whether the keeper's timer is set.
func (k *Keeper) Armed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.wake != never
}
