package cert

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"reflect"
	"time"

	"github.com/caddyserver/certmagic"

	"skerry.dev/skerry/spec"
)

// What tests see of the inside.
const (
	LeavesMax        = leavesMax
	LeafRenewAfter   = leafRenewAfter
	LeafValidity     = leafValidity
	RootRenewBefore  = rootRenewBefore
	RootValidity     = rootValidity
	DemandsPerMinute = demandsPerMinute
	RetryMax         = retryMax
	NamesMax         = namesMax
	LockDead         = lockDead
	RenewalInfoEvery = renewalInfoEvery
)

// Table returns the table in force, nil if there is none yet.
func (s *Store) Table() *Table { return s.table.Load() }

// Choose returns the document of the certificate ("local HOST" for one of the local CA), and the policy's key.
func (t *Table) Choose(sni string, to netip.Addr) (certificate, policy string, ok bool) {
	c, ok := t.choose(sni, to)
	switch {
	case !ok:
		return "", "", false
	case c.leaf == nil:
		return "local " + c.issue, c.policy.key, true
	}
	return c.leaf.document, c.policy.key, true
}

// ChooseOnly is Choose without what only a test wants.
func (t *Table) ChooseOnly(sni string, to netip.Addr) bool {
	_, ok := t.choose(sni, to)
	return ok
}

// Pick returns the kind of key that a hello gets.
func (t *Table) Pick(h *tls.ClientHelloInfo) string {
	var s Socket
	s.choice, _ = t.choose(h.ServerName, netip.Addr{})
	s.pick(h)
	return s.leaf.kind().String()
}

// Fitter returns what a policy says of whether a client can use a certificate, and what crypto/tls says under the same configuration.
func (k *Keeper) Fitter(t *spec.TLS) (fits, supports func(*tls.ClientHelloInfo, *tls.Certificate) bool, err error) {
	p, err := k.policy(t, nil)
	if err != nil {
		return nil, nil, err
	}
	fits = func(h *tls.ClientHelloInfo, c *tls.Certificate) bool { return p.fits(h, &leaf{pair: *c}) }
	supports = func(h *tls.ClientHelloInfo, c *tls.Certificate) bool {
		full := *h
		field := reflect.ValueOf(&full).Elem().FieldByName("config")
		reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(p.config))
		return full.SupportsCertificate(c) == nil
	}
	return fits, supports, nil
}

// LocalLeaf issues a leaf of the local CA and returns it in DER, with its end.
func (k *Keeper) LocalLeaf(host string) (der []byte, end time.Time, covers func([]byte) bool, err error) {
	l, err := k.local(host)
	if err != nil {
		return nil, time.Time{}, nil, err
	}
	return l.pair.Certificate[0], l.x509().NotAfter, l.covers, nil
}

// Leaves is how many leaves the keeper has.
func (k *Keeper) Leaves() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.leaves)
}

var NormalName = normalName

// Slot makes room for the leaf of a host.
func (k *Keeper) Slot(host string) { k.slot(host) }

// Issue makes a leaf of the local CA that nobody keeps.
func (k *Keeper) Issue(host string) error {
	_, err := k.authority.issue(host, k.opt.Now())
	return err
}

// Public and Backoff are what the functions say.
var (
	Public  = public
	Backoff = backoff
)

// Demand asks for a name as a hello does, and reports whether there is a certificate.
func (k *Keeper) Demand(ctx context.Context, name string) bool {
	return k.orders.demand(ctx, name) != nil
}

// TableOf is a table of hosts with a certificate each, every second one with another one with an RSA key. They were never issued: only their names, keys
// and times are looked at.
func TableOf(names []string) *Table {
	now := time.Now()
	t := &Table{exact: map[string]*host{}, below: map[string]*host{}, byIP: map[netip.Addr]*host{}}
	with := func(name string, key any) {
		c := &x509.Certificate{DNSNames: []string{name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), PublicKey: key}
		t.leaves = append(t.leaves, newLeaf(name, tls.Certificate{Leaf: c}))
	}
	for i, name := range names {
		with(name, &ecdsa.PublicKey{})
		if i%2 == 1 {
			with(name, &rsa.PublicKey{})
		}
	}
	t.names = newIndex(t.leaves, now)
	p, _ := new(Keeper).policy(nil, nil)
	for _, name := range names {
		t.add(name, p, spec.Pos{})
	}
	return t
}

// ParseLists returns how many revocation lists a text has that could be used if they are signed.
func ParseLists(text []byte) (int, error) {
	all, err := parseLists(text)
	for _, l := range all {
		if listFlaw(l) == "" {
			_ = newList(l)
		}
	}
	return len(all), err
}

// Lock takes a lock of a storage.
func Lock(ctx context.Context, dir, name string) (unlock func(), err error) {
	s := store{files: &certmagic.FileStorage{Path: dir}}
	return s.lock(ctx, name)
}

// Evict does what who waits for a lock does with that of a dead holder.
func Evict(dir, name, holder string) {
	s := store{files: &certmagic.FileStorage{Path: dir}}
	(&fileLock{path: s.lockFile(name), holder: "who waits"}).evict(holder, false)
}

// Names is how many names have a place among the ordered.
func (k *Keeper) Names() int {
	k.orders.mu.Lock()
	defer k.orders.mu.Unlock()
	return len(k.orders.names)
}

// AskBy lets CAs be asked by another transport.
func (k *Keeper) AskBy(rt http.RoundTripper) { k.orders.client.Transport = rt }

// PermitBy lets --acme-ask be asked by another transport.
func (k *Keeper) PermitBy(rt http.RoundTripper) { k.orders.asker.Transport = rt }

// ChallengeFile is where a challenge lies, below the directory of a storage.
var ChallengeFile = challengeFile

// Stored is the name's certificate in a storage; false: there is none that can be used.
func (k *Keeper) Stored(name string) (*tls.Certificate, bool) {
	s, _ := k.orders.store.newest(*k.orders.folders.Load(), name, k.orders.now())
	if s == nil {
		return nil, false
	}
	return &s.leaf.pair, true
}

// Found reports whether a storage has a challenge of a kind for a name.
func (k *Keeper) Found(kind, name string) bool {
	_, ok := k.orders.solver.find(kind, name)
	return ok
}
