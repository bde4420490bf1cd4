package cert

import (
	"path/filepath"
	"sync"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// Options are the settings of a Keeper. The zero value keeps everything in memory and offers HTTP/2 and HTTP/1.1.
type Options struct {
	Data    string       // directory whose local-ca holds the local CA; empty: it lives in memory
	Secrets spec.Secrets // resolves the references of Certificates and client CAs
	Meters  *meter.Set   // nil: a new one
	// TicketSecret refers to what session tickets' keys are made of, for nodes that have it in common; empty: keys of this process.
	TicketSecret spec.Ref
	Protocols    []string         // ALPN, in order of preference; empty: "h2", "http/1.1"
	Now          func() time.Time // nil: time.Now
	ACME         *ACME            // nil: nothing is ordered by ACME. It was checked
}

// Keeper holds what outlives plans: the local CA with the leaves it issued, and the keys of session tickets. Many goroutines may use it.
type Keeper struct {
	opt       Options
	authority authority
	tickets   *tickets
	issued    *meter.Counter
	orders    *orders // nil: nothing is ordered by ACME

	mu     sync.Mutex
	leaves map[string]*slot // of the local CA, by host
}

// slot is the leaf of one host; its lock makes many handshakes wait for one issue.
type slot struct {
	mu   sync.Mutex
	leaf *leaf
}

// NewKeeper returns a keeper that has taken up the local CA in opt.Data, if there is one; a new one is made when a Table
// first needs it. The error names the file that is broken or cannot be read.
func NewKeeper(opt Options) (*Keeper, error) {
	if opt.Meters == nil {
		opt.Meters = meter.NewSet()
	}
	if len(opt.Protocols) == 0 {
		opt.Protocols = []string{"h2", "http/1.1"}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	k := &Keeper{opt: opt, tickets: newTickets(opt.Now), leaves: map[string]*slot{}}
	k.issued = opt.Meters.Counter("skerry_local_certificates_issued_total", "Certificates the local CA has issued.")
	if opt.Data != "" {
		k.authority.dir = filepath.Join(opt.Data, caFolder)
	}
	if err := k.authority.load(); err != nil {
		return nil, err
	}
	if opt.ACME != nil {
		k.orders = newOrders(opt.ACME, opt.Meters, opt.Now)
	}
	return k, nil
}

// Start begins to order certificates. Call it when the listeners are open, for that is where a CA asks.
func (k *Keeper) Start() {
	if k.orders != nil {
		k.orders.begin()
	}
}

// Rest has no more certificates ordered, for a process in whose place another one serves and orders, and returns when the orders that
// are under way have ended, each after some minutes at most. What is served stays served. Close may be called meanwhile.
func (k *Keeper) Rest() {
	if k.orders != nil {
		k.orders.rest()
	}
}

// Close ends the orders of certificates that are under way. What is served stays served.
func (k *Keeper) Close() {
	if k.orders != nil {
		k.orders.close()
	}
}

// Root returns the certificate of the local CA in PEM, what clients must trust; nil as long as no Table needed it.
func (k *Keeper) Root() []byte {
	k.authority.mu.Lock()
	defer k.authority.mu.Unlock()
	if k.authority.root == nil {
		return nil
	}
	return k.authority.root.pem
}

// RootFile returns the path of the file with Root; empty if the local CA lives in memory.
func (k *Keeper) RootFile() string {
	if k.authority.dir == "" {
		return ""
	}
	return k.authority.certPath()
}

// local returns the leaf of the local CA for a host.
func (k *Keeper) local(host string) (*leaf, error) {
	now := k.opt.Now()
	s := k.slot(host)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaf != nil && now.Before(s.leaf.renew) {
		return s.leaf, nil
	}
	next, err := k.authority.issue(host, now)
	switch {
	case err == nil:
		s.leaf = next
		k.issued.Inc()
	case s.leaf == nil || !s.leaf.inForce(now):
		return nil, err
	}
	return s.leaf, nil
}

func (k *Keeper) slot(host string) *slot {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.leaves[host]; s != nil {
		return s
	}
	for other := range k.leaves {
		if len(k.leaves) < leavesMax {
			break
		}
		delete(k.leaves, other)
	}
	s := new(slot)
	k.leaves[host] = s
	return s
}
