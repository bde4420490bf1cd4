package cert

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"

	"skerry.dev/skerry/meter"
)

// LetsEncrypt is the directory of the CA that certificates are ordered from unless ACME.CAs says otherwise.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// ACME says how certificates are ordered (RFC 8555) for hosts that no Certificate covers and that the public can reach.
type ACME struct {
	Email     string                // of the account; must not be empty
	CAs       []string              // URLs of directories, the first that issues wins; empty: LetsEncrypt
	Roots     *x509.CertPool        // what the CAs' own HTTPS is checked against; nil: the system's
	Bindings  map[string]Binding    // by CA: the customer's key that a new account is bound with, for CAs that want one
	Profiles  map[string]string     // by CA: the kind of certificate that is ordered of it (draft-ietf-acme-profiles); none: as the CA likes
	Dir       string                // accounts, keys, certificates, challenges and locks; several processes may share it; empty: only look, never order
	ReadOnly  bool                  // look at what is in Dir, and order nothing
	HTTP, TLS bool                  // which challenges the edge's listeners can answer: HTTP-01 on port 80, TLS-ALPN-01 on port 443
	DNS       certmagic.DNSProvider // for DNS-01, without which no wildcard is ordered; nil: none
	Resolvers []netip.AddrPort      // that are asked whether a record of DNS-01 is there; none: those of the system
	NoDNSWait bool                  // do not ask: the provider's servers are the CA's
	Allow     []string              // names, or "*.example.com" for one label below, that are ordered when a client asks for them
	Ask       string                // URL that says so by 200 to GET ?domain=NAME; with Allow either suffices; empty: none
}

// Check says what of the settings cannot be, by the names of their flags.
func (a *ACME) Check() error {
	if !strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " \t\r\n,<>") {
		return fmt.Errorf("--acme-email %q is no address such as edge@example.com", a.Email)
	}
	if len(a.CAs) > casMax {
		return fmt.Errorf("--acme-ca is given %d times, at most %d", len(a.CAs), casMax)
	}
	for i, ca := range a.CAs {
		u, err := url.Parse(ca)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			return fmt.Errorf("--acme-ca %q is no https URL of an ACME directory", ca)
		}
		if slices.Contains(a.CAs[:i], ca) {
			return fmt.Errorf("--acme-ca %q is given twice", ca)
		}
	}
	for ca := range a.Bindings {
		if !slices.Contains(a.directories(), ca) {
			return fmt.Errorf("--acme-eab is for %q, which is no CA of --acme-ca", ca)
		}
	}
	for ca, profile := range a.Profiles {
		if !slices.Contains(a.directories(), ca) {
			return fmt.Errorf("--acme-profile is for %q, which is no CA of --acme-ca", ca)
		}
		if !printable(profile, profileBytesMax) {
			return fmt.Errorf("--acme-profile %s=%q: the name is not of 1 to %d printable ASCII characters", ca, profile, profileBytesMax)
		}
	}
	if len(a.Allow) > allowMax {
		return fmt.Errorf("--acme-allow is given %d times, at most %d; --acme-ask has no such limit", len(a.Allow), allowMax)
	}
	for _, name := range a.Allow {
		if normal, ok := normalName(strings.TrimPrefix(name, "*.")); !ok || normal != strings.TrimPrefix(name, "*.") || !public(name) {
			return fmt.Errorf("--acme-allow %q is neither a public host name in small letters nor *. and one", name)
		}
	}
	if a.Ask != "" {
		u, err := url.Parse(a.Ask)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" {
			return fmt.Errorf("--acme-ask %q is no http or https URL", a.Ask)
		}
	}
	return nil
}

// directories are the CAs in force.
func (a *ACME) directories() []string {
	if len(a.CAs) == 0 {
		return []string{LetsEncrypt}
	}
	return a.CAs
}

// reserved are the last labels of names that no public CA signs (RFC 2606, 6761, 6762, 7686, 8375, 9476; ICANN's .internal).
var reserved = []string{"localhost", "local", "internal", "test", "example", "invalid", "onion", "alt", "arpa", "lan", "home", "corp", "localdomain"}

// public reports whether a host of a spec, perhaps a wildcard, is a name that a public CA could sign.
func public(host string) bool {
	name := strings.TrimPrefix(host, "*.")
	if _, ok := addressOf(host); ok || numeric(name) || strings.ContainsAny(name, "_[") {
		return false
	}
	dot := strings.LastIndexByte(name, '.')
	return dot > 0 && !slices.Contains(reserved, name[dot+1:])
}

// orders keeps the certificates of names that were ordered by ACME, and orders what is missing or due. What it has stands
// behind each name's atomic pointer: a handshake never waits for it, unless it is the first for a name on demand.
type orders struct {
	opt     *ACME
	meters  *meter.Set
	now     func() time.Time
	store   store
	issuers []*issuer
	folders atomic.Pointer[[]folder] // that the storage has
	solver  *solver
	client  *http.Client // of issuers
	asker   *http.Client // of --acme-ask
	places  chan struct{}
	wake    chan struct{}
	ctx     context.Context // of orders that are under way
	end     context.CancelFunc
	taking  context.Context // nothing is begun behind its end
	stop    context.CancelFunc
	running sync.WaitGroup
	counts  orderCounts
	demands *demands

	mu     sync.Mutex
	begun  bool
	names  map[string]*ordered
	queue  []*ordered      // whose turn it is, the last first
	lined  time.Time       // when it was made; zero: it is to be made anew
	inUse  map[string]bool // of the table in force; nil before there is one
	made   int             // names so far
	looks  int             // at all names, so far
	told   int             // failures that got an event in this look
	silent int             // and those that did not
	broken int             // names of which the storage has what cannot be used, since the last look
	clean  time.Time       // when the storage was tidied up
}

// ordered is a name with its certificate.
type ordered struct {
	name string
	leaf atomic.Pointer[leaf] // nil: there is none yet

	// Below orders.mu.
	number   int // the later it came, the more
	looked   int // the look that it was attended to in
	onDemand bool
	busy     bool      // somebody attends to it
	due      time.Time // when to look at it again
	failed   int       // times in a row

	// Of whoever has set busy.
	demanded bool      // a client's hello brought this order about
	asked    *leaf     // what its CA was asked about last
	askAgain time.Time // when it may be asked again
	wanted   time.Time // when it wants the certificate to be renewed; zero: it did not say
}

type orderCounts struct{ issued, renewed, failed, adopted, demanded, refused *meter.Counter }

func newOrders(opt *ACME, meters *meter.Set, now func() time.Time) *orders {
	o := &orders{opt: opt, meters: meters, now: now, names: map[string]*ordered{},
		places: make(chan struct{}, ordersAtOnce), wake: make(chan struct{}, 1)}
	o.ctx, o.end = context.WithCancel(context.Background())
	o.taking, o.stop = context.WithCancel(o.ctx)
	o.store = store{files: &certmagic.FileStorage{Path: opt.Dir}}
	o.solver = &solver{store: &o.store, here: map[string]challenge{}}
	o.client, o.asker, o.demands = newClient(opt.Roots), newAsker(), newDemands()
	for _, ca := range opt.directories() {
		o.issuers = append(o.issuers, newIssuer(o, ca))
	}
	o.list()
	count := func(result string) *meter.Counter {
		return meters.Counter("skerry_acme_orders_total", "Orders of certificates, by how they ended.", "result", result)
	}
	o.counts = orderCounts{issued: count("issued"), renewed: count("renewed"), failed: count("failed"), adopted: count("adopted"),
		demanded: meters.Counter("skerry_acme_demands_total", "Certificates asked for by a client's hello.", "result", "allowed"),
		refused:  meters.Counter("skerry_acme_demands_total", "Certificates asked for by a client's hello.", "result", "refused")}
	return o
}

// list looks which CAs the storage has certificates of.
func (o *orders) list() {
	folders := o.store.folders(o.issuers)
	o.folders.Store(&folders)
}

// can reports whether a host of a spec may be ordered beforehand.
func (o *orders) can(host string) bool {
	if !public(host) {
		return false
	}
	if strings.HasPrefix(host, "*.") {
		return o.opt.DNS != nil
	}
	return o.opt.DNS != nil || o.opt.HTTP || o.opt.TLS
}

// full reports whether there are as many names as may be.
func (o *orders) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.names) >= namesMax
}

// of returns the places of names' certificates, with what the storage has. It orders nothing. Who asks heeds namesMax. Many are read at
// once: each file of a network's disk costs some milliseconds, and there are three of each name.
func (o *orders) of(names ...string) []*ordered {
	all, read, errs := make([]*ordered, len(names)), make([]*stored, len(names)), make([]error, len(names))
	o.mu.Lock()
	for i, name := range names {
		all[i] = o.names[name]
	}
	o.mu.Unlock()
	var next atomic.Int64
	var reading sync.WaitGroup
	for range min(readsAtOnce, len(names)) {
		reading.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
				if all[i] == nil {
					read[i], errs[i] = o.store.newest(*o.folders.Load(), names[i], o.now())
				}
			}
		})
	}
	reading.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, name := range names {
		if all[i] == nil {
			all[i] = o.enter(name, read[i], errs[i])
		}
	}
	return all
}

// enter gives a name its place, unless it has got one meanwhile. o.mu is held.
func (o *orders) enter(name string, s *stored, err error) *ordered {
	if m := o.names[name]; m != nil {
		return m
	}
	o.made++
	m := &ordered{name: name, number: o.made}
	if s != nil {
		m.leaf.Store(s.leaf)
		m.due = earlier(s.due(o.now()), o.now().Add(spread(name)))
	} else if err != nil {
		o.tellBroken(name, err)
	}
	o.names[name] = m
	return m
}

// tellBroken makes an event of the first names that a damaged storage has. o.mu is held.
func (o *orders) tellBroken(name string, err error) {
	switch o.broken++; {
	case o.broken <= expiryEventsMax:
		o.meters.Events().Add("certificate_unreadable", fmt.Sprintf("what --data has of %s cannot be used, and it is ordered anew: %v", name, err))
	case o.broken == expiryEventsMax+1:
		o.meters.Events().Add("certificate_unreadable", fmt.Sprintf("what --data has of %s cannot be used either, and so on: no more are told of now", name))
	}
}

// spread is how long after a start the CA is asked about a certificate, so that it is not asked about all at once.
func spread(name string) time.Duration {
	h := fnv.New32a()
	_, _ = io.WriteString(h, name)
	return time.Duration(h.Sum32()) * (renewalInfoEvery / time.Second) >> 32 * time.Second // in nanoseconds the product would not fit
}

// use says which table is in force. Names that are none of its own, or below none of its wildcards if they came on demand, are let go.
func (o *orders) use(t *Table) {
	o.mu.Lock()
	inUse := make(map[string]bool, len(t.ordered))
	for _, m := range t.ordered {
		inUse[m.name] = true
		o.names[m.name] = m // a demand that failed meanwhile may have given it up
		o.gauge(m)
	}
	demanded := map[string]*ordered{}
	for name, m := range o.names {
		switch {
		case m.onDemand && t.demand && t.exact[name] == nil && t.wildcard(name) != nil:
			demanded[name] = m
		case !inUse[name]:
			delete(o.names, name)
			o.meters.Drop("certificate", orderedPrefix+name)
		}
	}
	o.inUse, o.lined = inUse, time.Time{}
	o.mu.Unlock()
	o.demands.names.Store(&demanded)
	o.nudge()
}

// begin starts to order. Not before the listeners are open: the CA asks there.
func (o *orders) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.begun && o.opt.Dir != "" && !o.opt.ReadOnly && o.taking.Err() == nil {
		o.begun = true
		o.running.Go(o.loop)
	}
}

// nudge makes the loop look now.
func (o *orders) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// rest begins nothing more, and returns when what a CA has begun on is over.
func (o *orders) rest() {
	o.stop()
	o.running.Wait()
}

// close ends what is under way, and waits for it.
func (o *orders) close() {
	o.end()
	o.running.Wait()
	o.client.CloseIdleConnections()
	o.asker.CloseIdleConnections()
}

func (o *orders) loop() {
	tick := time.NewTicker(ordersLook)
	defer tick.Stop()
	for {
		o.tidy()
		o.list()
		o.look()
		for o.attendNext() {
		}
		select {
		case <-o.taking.Done():
			return
		case <-o.wake:
		case <-tick.C:
		}
	}
}

// look begins another look at all names, and tells of failures that had no event of their own.
func (o *orders) look() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent > 0 {
		o.meters.Events().Add("certificate_failed", fmt.Sprintf("%d more orders failed in the last minute; skerry_acme_orders_total counts them", o.silent))
	}
	o.told, o.silent, o.broken = 0, 0, 0
	o.looks++
	o.lined = time.Time{}
}

// attendNext waits for a place, and has the name attended to whose turn it is by then: a reload may have come meanwhile. False: this look
// has attended to all, or is to end.
func (o *orders) attendNext() bool {
	select {
	case o.places <- struct{}{}:
	case <-o.taking.Done():
		return false
	}
	m := o.next()
	if m == nil {
		<-o.places
		return false
	}
	o.running.Go(func() {
		defer func() { <-o.places }()
		o.attend(o.ctx, m)
	})
	return true
}

// next returns the name that has been due longest, once in a look, and marks it busy. Of those that were never tried the last that came
// is first: what somebody adds does not wait for thousands that came with the start.
func (o *orders) next() *ordered {
	now := o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if past := now.Sub(o.lined); past < 0 || past >= ordersLook {
		o.line(now)
	}
	for len(o.queue) > 0 {
		m := o.queue[len(o.queue)-1]
		o.queue = o.queue[:len(o.queue)-1]
		if o.waits(m, now) {
			m.busy, m.demanded, m.looked = true, false, o.looks
			return m
		}
	}
	return nil
}

// line makes the queue anew. o.mu is held.
func (o *orders) line(now time.Time) {
	o.lined, o.queue = now, o.queue[:0]
	for _, m := range o.names {
		if o.waits(m, now) {
			o.queue = append(o.queue, m)
		}
	}
	slices.SortFunc(o.queue, func(a, b *ordered) int { return cmp.Or(b.due.Compare(a.due), cmp.Compare(a.number, b.number)) })
}

// waits reports whether somebody should attend to a name, which nobody has done in this look. o.mu is held.
func (o *orders) waits(m *ordered, now time.Time) bool {
	return !m.busy && m.looked != o.looks && !m.due.After(now) && o.names[m.name] == m && (m.onDemand || o.inUse[m.name])
}

// attend does for a name what is due, and says when to look again.
func (o *orders) attend(ctx context.Context, m *ordered) {
	ctx, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	next, err := o.obtain(ctx, m)
	o.mu.Lock()
	defer o.mu.Unlock()
	m.busy = false
	switch {
	case err == nil:
		m.failed, m.due = 0, next
	case !next.IsZero():
		m.due = next // no CA is asked before that, which is no failure
	case o.taking.Err() != nil: // the process ends, or another has taken over: that is no failure
	default:
		m.failed++
		wait := o.retryIn(m, err)
		m.due = o.now().Add(wait)
		o.counts.failed.Inc()
		o.tellFailure(m, wait, err)
	}
	if !m.due.After(o.now()) { // the clock was set meanwhile: whoever looked then saw that somebody was at it
		o.nudge()
	}
}

// tellFailure makes an event of the first failures, then of each time that their number doubles: an outage of the CA must not
// fill the log, nor push other events of this kind out.
func (o *orders) tellFailure(m *ordered, wait time.Duration, err error) {
	if m.failed&(m.failed-1) != 0 {
		return
	}
	if o.told == expiryEventsMax {
		o.silent++
		return
	}
	o.told++
	stays := "the local CA stands in, which no browser trusts"
	if l := m.leaf.Load(); l != nil {
		stays = "the old one stays, which ends on " + l.x509().NotAfter.UTC().Format(time.RFC3339)
	}
	o.meters.Events().Add("certificate_failed", fmt.Sprintf("no certificate for %s (failure %d, again in %v): %s; %s", m.name, m.failed, wait.Round(time.Second), told(err), stays))
}

// retryIn is how long to wait after a failure: for a certificate of hours not so long that it ends meanwhile.
func (o *orders) retryIn(m *ordered, err error) time.Duration {
	wait := backoff(m.failed)
	if l := m.leaf.Load(); l != nil {
		wait = min(wait, max(l.life()/retryShare, retryFirst))
	}
	if limited := (limitedError{}); errors.As(err, &limited) {
		wait = max(wait, limited.until.Sub(o.now()))
	}
	return wait
}

// backoff is how long to wait after so many failures in a row.
func backoff(failed int) time.Duration {
	wait := retryFirst
	for range min(failed, 32) - 1 {
		wait = min(2*wait, retryMax)
	}
	return wait
}

// patience is how long all CAs together may take, one after the other.
func (o *orders) patience() time.Duration { return orderTimeout * time.Duration(len(o.issuers)) }

// obtain takes what another process has ordered, or orders. It returns when to look again; with an error if no CA may be asked before.
// An order is brought to its end also by a process that rests: who waits for the lock would have to begin it anew.
func (o *orders) obtain(ctx context.Context, m *ordered) (next time.Time, err error) {
	taking, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(o.taking, stop)()
	if _, next, ok := o.settled(taking, m); ok {
		return next, nil
	}
	if until, err := o.allHeld(m); err != nil {
		return until, err
	}
	unlock, err := o.store.lock(taking, "order_"+m.name)
	if err != nil {
		return time.Time{}, fmt.Errorf("the lock in --data: %w", err)
	}
	defer unlock()
	old, next, ok := o.settled(taking, m)
	if ok { // another process was faster
		return next, nil
	}
	if err := o.stillAllowed(ctx, m); err != nil {
		return time.Time{}, err
	}
	var failures []error
	tried := false
	for _, i := range o.issuers {
		if o.taking.Err() != nil {
			return time.Time{}, errors.Join(append(failures, errResting)...)
		}
		s, err := i.order(ctx, m.name, old, m.demanded)
		if err == nil {
			renewed := m.leaf.Load() != nil
			o.take(m, s)
			o.tellSuccess(m, s, renewed, failures)
			if now := o.now(); s.lost == nil {
				return earlier(s.due(now), now.Add(renewalInfoEvery)), nil
			}
			return s.due(o.now()), nil // before that the storage would have it ordered again
		}
		failures = append(failures, err)
		tried = tried || !errors.As(err, new(heldError))
		if errors.As(err, new(storageError)) || ctx.Err() != nil {
			break
		}
	}
	if until, err := o.allHeld(m); err != nil && !tried { // while this one waited for the lock others met it
		return until, err
	}
	return time.Time{}, errors.Join(failures...)
}

// errResting ends what was not begun before another process took over.
var errResting = errors.New("another process has taken over, and orders")

// stillAllowed says why a name that came on demand is not ordered any more.
func (o *orders) stillAllowed(ctx context.Context, m *ordered) error {
	o.mu.Lock()
	onDemand := m.onDemand
	o.mu.Unlock()
	if !onDemand {
		return nil
	}
	ok, err := o.allowed(ctx, m.name)
	switch {
	case err != nil:
		return fmt.Errorf("--acme-ask: %w", err)
	case !ok:
		return errors.New("neither --acme-allow nor --acme-ask allows it any more")
	}
	return nil
}

// settled reports whether there is nothing to order: what the storage has is taken if it is newer than what is in use, and it
// is not due, also by what its CA says now. It returns what the storage has.
func (o *orders) settled(ctx context.Context, m *ordered) (s *stored, next time.Time, ok bool) {
	now := o.now()
	s, _ = o.store.newest(*o.folders.Load(), m.name, now)
	if s == nil {
		return nil, time.Time{}, false
	}
	if l := m.leaf.Load(); l == nil || !l.x509().Equal(s.leaf.x509()) && s.leaf.better(l, now) {
		o.take(m, s)
		o.counts.adopted.Inc()
	}
	if !s.due(now).After(now) {
		return s, time.Time{}, false
	}
	next = o.renewalTime(ctx, m, s, now)
	return s, next, next.After(now)
}

// renewalTime is when to look at a certificate again: when it is due, when its CA wants it to be renewed (RFC 9773), or when the CA
// may be asked for that again. A CA that does not answer, is not one of ours any more, or has no such information, changes nothing.
func (o *orders) renewalTime(ctx context.Context, m *ordered, s *stored, now time.Time) time.Time {
	if s.leaf != m.asked || !now.Before(m.askAgain) {
		info, err := o.renewalInfo(ctx, s)
		if m.asked == nil || !m.asked.x509().Equal(s.leaf.x509()) {
			m.wanted = time.Time{}
		}
		m.asked, m.askAgain = s.leaf, now.Add(renewalInfoEvery)
		if err == nil && info.HasWindow() && (m.wanted.Before(info.SuggestedWindow.Start) || m.wanted.After(info.SuggestedWindow.End)) {
			m.wanted = later(info.SelectedTime, s.again())
		}
	}
	next := earlier(s.due(now), m.askAgain)
	if !m.wanted.IsZero() {
		next = earlier(next, m.wanted)
	}
	return next
}

// renewalInfo asks the CA that issued a certificate when to renew it.
func (o *orders) renewalInfo(ctx context.Context, s *stored) (acme.RenewalInfo, error) {
	at := slices.IndexFunc(o.issuers, func(i *issuer) bool { return i.ca == s.ca })
	if at < 0 {
		return acme.RenewalInfo{}, acme.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, caTimeout)
	defer cancel()
	return o.issuers[at].acme.GetRenewalInfo(ctx, s.leaf.x509())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take puts a certificate in force.
func (o *orders) take(m *ordered, s *stored) {
	m.leaf.Store(s.leaf)
	o.gauge(m)
}

func (o *orders) gauge(m *ordered) {
	if l := m.leaf.Load(); l != nil {
		setExpiry(o.meters, l)
	}
}

func (o *orders) tellSuccess(m *ordered, s *stored, renewed bool, failures []error) {
	what, c := "issued", o.counts.issued
	if renewed {
		what, c = "renewed", o.counts.renewed
	}
	c.Inc()
	text := fmt.Sprintf("%s: %s by %s, until %s", m.name, what, s.ca, s.leaf.x509().NotAfter.UTC().Format(time.RFC3339))
	if len(failures) > 0 {
		text += "; before that: " + told(errors.Join(failures...))
	}
	o.meters.Events().Add("certificate_"+what, text)
	if s.lost != nil {
		o.meters.Events().Add("certificate_storage", fmt.Sprintf("%s: what was ordered is in force in this process alone, --data could not take it: %v", m.name, s.lost))
	}
}

// told is what of an error goes into an event. Part of it may be what a stranger's server answered, a page of HTML perhaps.
func told(err error) string {
	text := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	if len(text) > toldBytesMax {
		return strings.ToValidUTF8(text[:toldBytesMax], "") + " …"
	}
	return text
}

// tidy removes, once a day and in one process, what has ended long ago. Nothing waits for it: it looks at each file of the storage.
func (o *orders) tidy() {
	now := time.Now() // the storage's own time is that of the files
	o.mu.Lock()
	due := now.Sub(o.clean) >= tidyEvery
	if due {
		o.clean = now
	}
	names := slices.Collect(maps.Keys(o.names))
	o.mu.Unlock()
	if !due {
		return
	}
	o.running.Go(func() {
		if err := o.store.tidy(o.taking, names); err != nil && o.taking.Err() == nil {
			o.meters.Events().Add("certificate_storage", "what has ended could not be removed from --data: "+err.Error())
		}
	})
}
