package storage

import (
	"sync"
	"sync/atomic"

	"skerry.dev/skerry/meter"
)

// policy is S3-FIFO (Yang et al., SOSP 2023) with one budget for all shards, so that a large object takes room from all others
// and not from those that share its shard. New objects enter the small queue, a tenth of the budget. Who was asked for again by
// the time it comes to its end moves to the main queue, who was not is forgotten but for a ghost: if it comes again soon, it
// enters main. At the end of main, who was asked for goes round once more. A hit takes no lock here: it sets two bits of the
// object.
type policy struct {
	mu       sync.Mutex
	small    queue
	main     queue
	ghosts   ghosts
	reserved int64

	most      atomic.Int64 // written under mu
	evictions *meter.Counter
}

// queueID says in which queue an object is.
type queueID uint8

const (
	queueNone queueID = iota
	queueSmall
	queueMain
)

// queue is a list of objects: in at the front, out at the back.
type queue struct {
	front, back *Object
	count       int
	bytes       int64
}

func (q *queue) push(o *Object) {
	o.prev, o.next = nil, q.front
	if q.front != nil {
		q.front.prev = o
	} else {
		q.back = o
	}
	q.front = o
	q.count++
	q.bytes += o.cost()
}

func (q *queue) take(o *Object) {
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		q.front = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	} else {
		q.back = o.prev
	}
	o.prev, o.next = nil, nil
	q.count--
	q.bytes -= o.cost()
}

// cost is what an object takes of the budget.
func (o *Object) cost() int64 {
	n := int64(cap(o.data)) + objectBytes
	if o.rest != nil {
		n += restBytes + o.rest.bytes
	}
	return n
}

// used is what counts against the budget, under the lock.
func (p *policy) used() int64 { return p.small.bytes + p.main.bytes + p.reserved }

// enter links o, under the lock. known: it takes the place of one that has proved itself.
func (p *policy) enter(o *Object, known bool) {
	if p.ghosts.take(o.hash) || known {
		o.queue = queueMain
		p.main.push(o)
		return
	}
	o.queue = queueSmall
	p.small.push(o)
}

// leave unlinks o, if it is linked, under the lock.
func (p *policy) leave(o *Object) {
	switch o.queue {
	case queueSmall:
		p.small.take(o)
	case queueMain:
		p.main.take(o)
	}
	o.queue = queueNone
}

// evict unlinks objects until the budget is kept, as many as there is room for in the list, in a bounded number of steps; more:
// it is not kept yet.
func (p *policy) evict(out []*Object) (n int, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	most, round := p.most.Load(), 0
	for range evictSteps {
		if n == len(out) || p.used() <= most || p.small.back == nil && p.main.back == nil {
			break
		}
		if p.small.back != nil && (p.small.bytes > most/smallShare || p.main.back == nil) {
			o := p.small.back
			p.leave(o)
			if o.uses() > 0 {
				o.spend(stateUses)
				o.queue = queueMain
				p.main.push(o)
				continue
			}
			p.ghosts.add(o.hash, p.small.count+p.main.count)
			out[n] = o
			n++
			continue
		}
		o := p.main.back
		p.leave(o)
		if round++; o.uses() > 0 && round <= roundMax {
			o.spend(1)
			o.queue = queueMain
			p.main.push(o)
			continue
		}
		round = 0
		out[n] = o
		n++
	}
	p.evictions.Add(uint64(n))
	return n, p.used() > most && (p.small.back != nil || p.main.back != nil)
}

// reserve takes n bytes for a fill, or gives back -n.
func (p *policy) reserve(n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > 0 && p.reserved+n > p.most.Load()/reserveShare {
		return false
	}
	if p.reserved += n; p.reserved < 0 {
		panic("BUG: more of the cache's budget is given back than was reserved")
	}
	return true
}

// uses is how often an object was asked for since its queue last looked.
func (o *Object) uses() uint32 { return o.state.Load() & stateUses }

// spend takes back up to n uses.
func (o *Object) spend(n uint32) {
	for {
		s := o.state.Load()
		if o.state.CompareAndSwap(s, s-min(n, s&stateUses)) {
			return
		}
	}
}
