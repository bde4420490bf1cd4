package peer

import (
	"context"
	"math"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/wire/proxyheader"
)

// Keeper holds every peer of a process. Peers outlive plans and services: two services with the same identity and limits
// share connections.
type Keeper struct {
	set     *meter.Set
	connect func(ctx context.Context, network, address string) (net.Conn, error)
	epoch   time.Time       // what times are counted from
	ctx     context.Context // ended by Stop: nothing is dialled any more
	cancel  context.CancelFunc

	shards int       // of each peer, a power of two
	tokens sync.Pool // of *token: nearly always the processor's own
	dealt  atomic.Uint32

	dialled *meter.Counter
	full    *meter.Counter
	closed  [endings]*meter.Counter

	mu      sync.Mutex
	peers   map[key]*Peer
	open    map[connection]struct{} // every one, in use or kept
	running sync.WaitGroup          // what background has begun
	stopped bool
	timer   *time.Timer // of tend; nil: nothing has been kept yet
	wake    time.Duration
}

// connection is a Conn of HTTP/1.1, or a line.
type connection interface{ end(why ending) error }

// Identity is everything that must be the same for two requests to share a connection.
type Identity struct {
	Addr     netip.AddrPort
	TLS      *TLS          // nil: plain
	Protocol spec.Protocol // empty: HTTP/1.1
	// Proxy is the PROXY header in front of each connection, before TLS. Such a connection carries the exchanges of one client's
	// connection, with which it ends; without one, a single exchange. HTTP/2, whose connections are shared, cannot have it: that is a bug of the caller.
	Proxy proxyheader.Version
}

// Limits are the bounds of a peer's connections, and part of what is shared by.
type Limits struct {
	Keep    spec.KeepAlive
	Connect time.Duration // for a connection, its TLS handshake included; 0: 2 s
}

// key is identity and limits, comparable.
type key struct {
	addr   netip.AddrPort
	tls    digest
	http2  bool
	proxy  proxyheader.Version
	limits Limits
}

// never is a time that does not come.
const never = time.Duration(math.MaxInt64)

// NewKeeper returns an empty keeper, which dials only what control lets pass; nil lets everything pass. What it does is
// counted in set; nil counts nowhere.
func NewKeeper(control func(network, address string, c syscall.RawConn) error, set *meter.Set) *Keeper {
	if set == nil {
		set = meter.NewSet()
	}
	k := &Keeper{set: set, epoch: time.Now(), shards: shardCount(runtime.GOMAXPROCS(0)), wake: never,
		peers: map[key]*Peer{}, open: map[connection]struct{}{}}
	k.connect = (&net.Dialer{Control: control}).DialContext
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.tokens.New = func() any { return &token{k.dealt.Add(1)} }
	k.register()
	return k
}

func (k *Keeper) register() {
	k.dialled = k.connects("ok")
	k.full = k.connects(fault.OriginBusy.Name())
	for e := range k.closed {
		k.closed[e] = k.set.Counter("skerry_origin_connections_closed_total", "Connections to origins that were closed, by what ended them.", "reason", ending(e).String())
	}
	const help = "Connections to origins now, by state; open ones include those that are kept."
	k.set.Func("skerry_origin_connections", help, func() float64 { open, _ := k.now(); return float64(open) }, "state", "open")
	k.set.Func("skerry_origin_connections", help, func() float64 { _, kept := k.now(); return float64(kept) }, "state", "kept")
}

// connects is the counter of dials with a result: ok, or the kind of the fault.
func (k *Keeper) connects(result string) *meter.Counter {
	return k.set.Counter("skerry_origin_connects_total", "Connections to origins that were asked for, by result.", "result", result)
}

// now returns how many connections there are, and how many of them are kept.
func (k *Keeper) now() (open, kept int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.peers {
		kept += p.Kept()
	}
	return len(k.open), kept
}

// at is a time as the keeper counts.
func (k *Keeper) at(now time.Time) time.Duration { return now.Sub(k.epoch) }

// Acquire returns the peer of an identity and limits, held until Release. The error is of kind OriginTLS: PEM that does not
// parse, a key that is not the certificate's, or an unknown version.
func (k *Keeper) Acquire(id Identity, l Limits) (*Peer, error) {
	id.Addr = netip.AddrPortFrom(id.Addr.Addr().Unmap(), id.Addr.Port())
	at := key{id.Addr, id.TLS.digest(), id.Protocol == spec.ProtocolHTTP2, id.Proxy, l}
	if at.http2 && at.proxy != proxyheader.None {
		panic("BUG: a connection that clients share cannot be announced as one client's")
	}
	if p := k.hold(at, nil); p != nil {
		return p, nil
	}
	p, err := newPeer(k, at, id) // outside of the lock: it parses certificates
	if err != nil {
		return nil, err
	}
	return k.hold(at, p), nil
}

// hold counts a holder of the peer at a key; where there is none it becomes made.
func (k *Keeper) hold(at key, made *Peer) *Peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.peers[at]
	if p == nil {
		if p = made; p == nil {
			return nil
		}
		k.peers[at] = p
	}
	p.refs++
	return p
}

// release lets go of a peer and reports whether nobody holds it any more.
func (k *Keeper) release(p *Peer) (last bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.refs--; p.refs < 0 {
		panic("BUG: a peer is released more often than it was acquired")
	}
	if last = p.refs == 0; last {
		delete(k.peers, p.key)
	}
	return last
}

// Stop closes every connection, also in use: an exchange that waits for its origin fails. Nothing is dialled any more.
func (k *Keeper) Stop() {
	k.cancel()
	k.mu.Lock()
	k.stopped = true
	if k.timer != nil {
		k.timer.Stop()
	}
	peers, open := make([]*Peer, 0, len(k.peers)), make([]connection, 0, len(k.open))
	for _, p := range k.peers {
		peers = append(peers, p)
	}
	for c := range k.open {
		open = append(open, c)
	}
	k.mu.Unlock()
	for _, p := range peers {
		p.shut(endStopped)
	}
	for _, c := range open {
		c.end(endStopped)
	}
	k.running.Wait()
}

// background runs f, for which Stop waits, unless the keeper has stopped.
func (k *Keeper) background(f func()) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.running.Go(f)
	}
	return !k.stopped
}

// add takes a new connection on, unless the keeper has stopped.
func (k *Keeper) add(c connection) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return false
	}
	k.open[c] = struct{}{}
	return true
}

func (k *Keeper) remove(c connection) {
	k.mu.Lock()
	delete(k.open, c)
	k.mu.Unlock()
}
