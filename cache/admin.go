package cache

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// This file is what an operator asks the Keeper, and tells it. None of it is on the path of a request.

// Stats are counts of the cache since the process began, but for what is there now.
type Stats struct {
	Requests  map[string]uint64 `json:"requests"` // of routes with a cache, by outcome
	HitRatio  float64           `json:"hitRatio"` // of them, those that were answered without asking the origin; 0 if there were none
	Saved     uint64            `json:"savedBytes"`
	Objects   int64             `json:"objects"` // in memory now, as the next three
	Bytes     int64             `json:"bytes"`
	Reserved  int64             `json:"reservedBytes"`
	Budget    int64             `json:"budgetBytes"`
	Evictions uint64            `json:"evictions"`
	Purges    uint64            `json:"purges"`
	Swept     uint64            `json:"swept"`
	Disk      *DiskStats        `json:"disk,omitempty"` // nil: there is none
	Routes    []RouteStats      `json:"routes"`         // of the plan in force, and those that counted something; the busiest first
}

// DiskStats are those of the store below memory.
type DiskStats struct {
	Objects  int64 `json:"objects"`
	Bytes    int64 `json:"bytes"`
	Degraded bool  `json:"degraded"` // it cannot be written
}

// RouteStats are those of a route.
type RouteStats struct {
	Route    string            `json:"route"`
	Mode     string            `json:"mode"` // off: the plan in force has no cache for it
	Requests map[string]uint64 `json:"requests"`
	HitRatio float64           `json:"hitRatio"`
	Saved    uint64            `json:"savedBytes"`
	Leak     *Leak             `json:"leak,omitempty"` // why it bypasses the cache

	total uint64
}

// Stats reads the counts.
func (k *Keeper) Stats() Stats {
	t := k.store.Stats()
	s := Stats{
		Requests: map[string]uint64{}, Objects: t.Objects, Bytes: t.Bytes, Reserved: t.Reserved, Budget: t.Budget, Evictions: t.Evictions,
		Purges: t.Purges, Swept: t.Swept, Disk: k.diskStats(), Routes: []RouteStats{},
	}
	k.mu.Lock()
	for label, r := range k.routes {
		one := r.stats(k.stages[label])
		if one.total == 0 && one.Mode == modeOff {
			continue
		}
		for outcome, n := range one.Requests {
			s.Requests[outcome] += n
		}
		s.Saved += one.Saved
		s.Routes = append(s.Routes, one)
	}
	k.mu.Unlock()
	s.HitRatio = hitRatio(s.Requests)
	slices.SortFunc(s.Routes, func(a, b RouteStats) int { return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.Route, b.Route)) })
	return s
}

// modeOff is the mode of a route without a stage.
const modeOff = "off"

func (s *Stage) mode() string {
	switch {
	case s == nil:
		return modeOff
	case s.rules.private:
		return "private"
	}
	return "standard"
}

func (r *route) stats(s *Stage) RouteStats {
	r.ready()
	out := RouteStats{Route: r.label, Mode: s.mode(), Requests: map[string]uint64{}, Saved: r.saved.Value(), Leak: r.leak.Load()}
	for o, c := range r.outcomes {
		if c != nil {
			out.Requests[exchange.CacheOutcome(o).String()] = c.Value()
			out.total += c.Value()
		}
	}
	out.HitRatio = hitRatio(out.Requests)
	return out
}

// hitRatio is how many requests of all were answered without asking the origin first.
func hitRatio(requests map[string]uint64) float64 {
	var all uint64
	for _, n := range requests {
		all += n
	}
	if all == 0 {
		return 0
	}
	return float64(requests[exchange.CacheHit.String()]+requests[exchange.CacheStale.String()]) / float64(all)
}

// diskStats reads what the disk measures.
func (k *Keeper) diskStats() *DiskStats {
	if k.disk.Load() == nil {
		return nil
	}
	d := new(DiskStats)
	for _, m := range k.meters.All() {
		if m.Func == nil {
			continue
		}
		switch m.Name {
		case "skerry_cache_disk_objects":
			d.Objects = int64(m.Func())
		case "skerry_cache_disk_bytes":
			d.Bytes = int64(m.Func())
		case "skerry_cache_disk_degraded":
			d.Degraded = m.Func() > 0
		}
	}
	return d
}

// Misses returns the n addresses that the store could not answer most often, each with the reason of the last time.
func (k *Keeper) Misses(n int) []Miss { return k.misses.top(n) }

// A Purge is one that is in force, as the log has it.
type Purge struct {
	Number uint64    `json:"number"` // later ones have higher numbers; there are gaps
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"`           // url, prefix, group, all
	Host   string    `json:"host,omitempty"` // as in keys, perhaps with its scheme before it; empty: every one
	Value  string    `json:"value,omitempty"`
	Soft   bool      `json:"soft"`
}

func purgeOf(p *storage.Purge) Purge {
	return Purge{Number: p.Number, Time: p.Time.UTC(), Kind: string(p.Kind), Host: p.Host, Value: p.Value, Soft: p.Soft}
}

// String says what it purges.
func (p Purge) String() string {
	text := "hard, "
	if p.Soft {
		text = "soft, "
	}
	text += p.Kind
	if p.Value != "" {
		text += fmt.Sprintf(" %q", p.Value)
	}
	if p.Host == "" {
		return text + " of every host"
	}
	return text + " of " + p.Host
}

// Purge purges, and returns what is in force then, as the log has it; several where the keys of the entrypoint's routes
// write a URL in different ways. An error has a fault.BadRequest and says what makes no sense.
//
//	url     what is stored for a path with its query (value) on a host, whatever else is part of the keys. Path and query are
//	        brought to the form that keys have, by the rules of each route of the entrypoint
//	prefix  every path of a host that begins so, letter by letter in its normal form
//	group   a group (Cache-Groups, Surrogate-Key, Cache-Tag) of a host, or of every one if host is empty
//	all     everything of a host, or of every one if host is empty
//
// The host may have a port, and http:// or https:// before it: then only this scheme is meant.
func (k *Keeper) Purge(kind, entrypoint, host, value string, soft bool) ([]Purge, error) {
	host, err := purgeHost(host)
	if err != nil {
		return nil, err
	}
	p := storage.Purge{Kind: storage.PurgeKind(kind), Host: host, Value: value, Soft: soft}
	values := []string{value}
	switch p.Kind {
	case storage.PurgeURL:
		values, err = k.forms(entrypoint, value)
	case storage.PurgePrefix:
		values, err = prefixForms(value)
	}
	if err == nil && host == "" && (p.Kind == storage.PurgeURL || p.Kind == storage.PurgePrefix) {
		err = badPurge("host is empty: a URL or a prefix is of one host")
	}
	if err != nil {
		return nil, err
	}
	var done []Purge
	for _, p.Value = range values {
		put, err := k.purge(p)
		if err != nil {
			return done, err
		}
		done = append(done, purgeOf(&put))
	}
	return done, nil
}

// prefixForms are how a prefix stands in keys: in its normal form, and as it was written, which is how routes with
// `path: raw` have it.
func prefixForms(prefix string) ([]string, error) {
	switch {
	case strings.ContainsAny(prefix, "?#"):
		return nil, badPurge(fmt.Sprintf("value %q: a prefix is one of paths, and has no query", prefix))
	case exchange.HasDotSegment([]byte(prefix)):
		return nil, badPurge(fmt.Sprintf("value %q: write the path without . and .. in it, so that it is plain what goes", prefix))
	}
	var s exchange.Scratch
	path, err := exchange.NormalPath([]byte(prefix), &s)
	if err != nil {
		return nil, badPurge(fmt.Sprintf("value %q: %s", prefix, textOf(err)))
	}
	if string(path) == prefix {
		return []string{prefix}, nil
	}
	return []string{string(path), prefix}, nil
}

// badPurge is the error of a purge that makes no sense.
func badPurge(text string) error { return fault.New(fault.BadRequest, text) }

// textOf is an error without its kind.
func textOf(err error) string {
	if e, ok := err.(*fault.Error); ok {
		return e.Text
	}
	return err.Error()
}

// purgeHost is a host as keys have it: in normal form, without its scheme's port. A port that is the default of one scheme only
// names that scheme.
func purgeHost(host string) (string, error) {
	if host == "" {
		return "", nil
	}
	scheme, authority, has := strings.Cut(host, "://")
	if scheme = strings.ToLower(scheme); !has {
		scheme, authority = "", host
	} else if scheme != "http" && scheme != "https" {
		return "", badPurge(fmt.Sprintf("host %q: its scheme is neither http nor https", host))
	}
	var s exchange.Scratch
	name, port, err := exchange.NormalHost([]byte(authority), &s)
	if err != nil {
		return "", badPurge(fmt.Sprintf("host %q: %s", host, textOf(err)))
	}
	if scheme == "" && port == portOf(true) {
		scheme = "https"
	} else if scheme == "" && port == portOf(false) {
		scheme = "http"
	}
	out := string(name)
	if port != 0 && (scheme == "" || port != portOf(scheme == "https")) {
		out += ":" + strconv.Itoa(int(port))
	}
	if scheme != "" {
		out = scheme + "://" + out
	}
	return out, nil
}

// forms are the path and query of a URL as the keys of an entrypoint's routes may have them; the normal form if none has a cache.
func (k *Keeper) forms(entrypoint, target string) (forms []string, err error) {
	raw, query, _ := strings.Cut(target, "?")
	if i := strings.IndexFunc(query, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }); i >= 0 {
		return nil, badPurge(fmt.Sprintf("value %q: %q stands in no query", target, query[i]))
	}
	x := exchange.Acquire()
	defer x.Release()
	path, err := exchange.NormalPath([]byte(raw), &x.Scratch)
	if err != nil {
		return nil, badPurge(fmt.Sprintf("value %q: %s", target, textOf(err)))
	}
	add := func(path string, query []byte) {
		if len(query) > 0 {
			path += "?" + string(query)
		}
		if !slices.Contains(forms, path) {
			forms = append(forms, path)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for label, s := range k.stages {
		if of, _, _ := strings.Cut(label, "/"); of != entrypoint {
			continue
		}
		normal, ok := s.rules.keyed.normalQuery(x, []byte(query))
		switch {
		case !ok: // nothing with so many parameters is stored
		case s.rules.keyed.raw:
			add(raw, normal)
		default:
			add(string(path), normal)
		}
	}
	if forms == nil {
		add(string(path), []byte(query))
	}
	slices.Sort(forms)
	return forms, nil
}

// Purges returns the purges with higher numbers that are remembered, oldest first, at most purgesPage of them; more:
// there are others.
func (k *Keeper) Purges(after uint64) (list []Purge, more bool) {
	all := k.store.Purges(after)
	list = make([]Purge, 0, min(len(all), purgesPage))
	for i := range all[:min(len(all), purgesPage)] {
		list = append(list, purgeOf(&all[i]))
	}
	return list, len(all) > purgesPage
}

// purgesPage is how many purges Purges returns at once: some 200 KB as JSON, 16 MB if all are as long as they may be.
const purgesPage = 1000

// Progress is how far the memory of what a purge met has been freed. The purge has been in force all the time.
type Progress struct {
	Number  uint64 `json:"number"`
	Objects int64  `json:"objects"` // in memory when the sweep began
	Looked  int64  `json:"looked"`  // how many of them were looked at
	Removed int64  `json:"removed"` // how many the purge met, in memory; those it made stale as well
	Done    bool   `json:"done"`
}

// Progress says how far a purge's sweep has come; false: it is not remembered.
func (k *Keeper) Progress(number uint64) (Progress, bool) {
	p, ok := k.store.Progress(number)
	return Progress(p), ok
}

// Resume lets a route use the cache again that bypassed it because of a leak. It returns that leak; nil: there was none.
// An error: no route of the plan in force with this label has a cache.
func (k *Keeper) Resume(label string) (*Leak, error) {
	k.mu.Lock()
	s := k.stages[label]
	k.mu.Unlock()
	if s == nil {
		return nil, fault.New(fault.NoRoute, fmt.Sprintf("route %q has no cache in the plan in force; routes are written ENTRYPOINT/ROUTE", label))
	}
	return s.route.leak.Swap(nil), nil
}

// Why is what the cache knows of an address, and what a request for it would get now.
type Why struct {
	URL     string    `json:"url"`
	Route   string    `json:"route,omitempty"`
	Mode    string    `json:"mode"`    // private, standard, off
	Outcome string    `json:"outcome"` // hit, stale, validate (the origin is asked whether it holds), miss (fetched, and stored if the answer allows), pass, none
	Why     string    `json:"why,omitempty"`
	Says    string    `json:"says"`             // in words
	Key     []KeyPart `json:"key,omitempty"`    // what tells its answers apart
	Stored  []Stored  `json:"stored,omitempty"` // for the key, newest first
	Last    *Miss     `json:"last,omitempty"`   // when the store could not answer for the address
	Marked  bool      `json:"marked"`           // the last answer was not for the store
	Leak    *Leak     `json:"leak,omitempty"`
}

// KeyPart is a part of a key. The values of cookies and of what says who asks are not shown.
type KeyPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stored is a stored answer.
type Stored struct {
	Fits      bool     `json:"fits"` // it is one for such a request
	Status    int      `json:"status"`
	Age       float64  `json:"ageSeconds"`
	TTL       float64  `json:"ttlSeconds"` // negative: it has been stale for so long
	Size      int64    `json:"bodyBytes"`
	On        string   `json:"on"` // memory or disk: where the body is
	Vary      string   `json:"vary,omitempty"`
	Coding    string   `json:"contentEncoding,omitempty"`
	Tag       string   `json:"etag,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	Softened  bool     `json:"softened"`  // a soft purge met it
	Shareable bool     `json:"shareable"` // also those who say who they are may get it
	Purge     uint64   `json:"purge"`     // later purges than this one may meet it
}

// Why looks an address up as a request for it on a route would, without asking the origin. What the route changes in
// requests before they reach the cache is not known here. x is the request; its Fields and Sent are what the client
// would send. Looking counts as a use.
func (k *Keeper) Why(label string, x *exchange.Exchange) Why {
	k.mu.Lock()
	s := k.stages[label]
	k.mu.Unlock()
	w := Why{Route: label, Mode: s.mode(), Outcome: "none"}
	if s == nil {
		w.Says = "the route has no cache"
		return w
	}
	w.Leak = s.route.leak.Load()
	if s.front != nil {
		s.front.Request(x)
	}
	c := calls.Get().(*call)
	x.Facts.Cache.Held = c
	defer s.Done(x)
	l := &c.look
	l.now, l.fields = time.Now(), x.Req.Fields
	why := s.rules.who(x, l, c)
	if why == "" {
		why = s.rules.keyed.make(x, l, nil, s.rest, s.route.turn())
	}
	if why != "" {
		w.pass(why)
		return w
	}
	w.Key, w.Stored = s.keyParts(x, l), s.stored(l)
	w.Last, w.Marked = k.misses.of(l.key), k.marks.has(l.key)
	w.decide(s, x, l)
	return w
}

// pass says that a request passes.
func (w *Why) pass(why string) {
	w.Outcome, w.Why, w.Says = exchange.CachePass.String(), why, reasons[why]
}

// decide says what a request would get.
func (w *Why) decide(s *Stage, x *exchange.Exchange, l *look) {
	o := s.find(l)
	switch {
	case w.Leak != nil:
		w.pass(whyLeak)
	case s.keep.lent.Load():
		w.pass(whyReplaced)
	case o != nil && s.use(o, l) == freshness.UseFresh:
		w.Outcome, w.Says = "hit", "it is stored and fresh"
	case o != nil && s.use(o, l) == freshness.UseStale:
		w.Outcome, w.Says = "stale", "it is stored and stale, and given while a new one is fetched"
	default:
		if why := s.passes(x, l, o); why != "" {
			w.pass(why)
			if w.Marked && w.Last != nil && w.Last.Why != whyMarked {
				w.Says += ": " + reasons[w.Last.Why]
			}
			return
		}
		if o != nil {
			w.Outcome, w.Says = "validate", "it is stored and stale: the origin is asked first"
			return
		}
		if w.Outcome, w.Says = "miss", "nothing is stored that fits: the origin is asked"; w.Last != nil && w.Last.Why != "" {
			w.Why = w.Last.Why
			w.Says += "; the last time it was not stored: " + reasons[w.Last.Why]
		}
	}
}

// keyParts takes a key apart for people.
func (s *Stage) keyParts(x *exchange.Exchange, l *look) []KeyPart {
	k := &s.rules.keyed
	scheme, host := "http", string(x.Req.Host)
	if x.Facts.Client.HTTPS {
		scheme = "https"
	}
	if p := x.Req.Port; p != 0 && p != portOf(x.Facts.Client.HTTPS) {
		host += ":" + strconv.Itoa(int(p))
	}
	path := x.Req.Path
	if k.raw {
		path = x.Req.RawPath
	}
	parts := []KeyPart{{"scheme", scheme}, {"host", host}, {"path", string(path)}, {"query", string(l.query)}, {"method", "GET"}}
	for i := range k.headers {
		h := &k.headers[i]
		value := "(none)"
		for j := range l.fields {
			if f := &l.fields[j]; h.is(f) && s.rules.isIdentity(f) {
				value = fmt.Sprintf("(%d bytes, not shown)", len(f.Value))
			} else if h.is(f) {
				value = string(f.Value)
			}
		}
		parts = append(parts, KeyPart{"header " + string(h.text), value})
	}
	if len(k.cookies.list) > 0 {
		parts = append(parts, KeyPart{"cookies", cookieNames(l.fields.Get(exchange.NameCookie))})
	}
	return append(parts, KeyPart{"route", string(bytes.TrimPrefix(s.rest, separator))})
}

// cookieNames are the names of cookies with the sizes of their values, which may be secrets.
func cookieNames(value []byte) string {
	var list []string
	for rest := value; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, semicolon)
		name, text, _ := bytes.Cut(exchange.TrimOWS(pair), equals)
		list = append(list, fmt.Sprintf("%s (%d bytes)", name, len(text)))
	}
	if list == nil {
		return "(none)"
	}
	return strings.Join(list, ", ")
}

// stored describes what there is for a key.
func (s *Stage) stored(l *look) (list []Stored) {
	for o := s.keep.store.Find(l.key); o != nil; o = s.keep.store.Next(o) {
		t := o.Terms()
		var head exchange.Fields
		o.Head(&head)
		one := Stored{
			Fits: freshness.Matches(o.Signature(), l.fields), Status: o.Status(), Age: t.Age(l.now).Seconds(), TTL: t.Left(l.now).Seconds(), Size: o.Size(), On: "memory",
			Vary: string(head.Get(exchange.NameVary)), Coding: string(head.Get(exchange.NameContentEncoding)), Tag: string(head.Get(exchange.NameETag)),
			Softened: o.Softened(), Shareable: t.Shareable(), Purge: o.Number(),
		}
		if o.Spool() != nil {
			one.On = "disk"
		}
		o.Groups(func(g []byte) bool { one.Groups = append(one.Groups, string(g)); return true })
		list = append(list, one)
	}
	return list
}

// of returns what is counted of the address of a key; nil: nothing.
func (m *misses) of(key []byte) *Miss {
	var room [missBytesMax]byte
	url := urlOf(room[:0], key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.list[string(url)]; e != nil {
		copied := *e
		return &copied
	}
	return nil
}

// reasons are the words of doc.go and of freshness as sentences, for who asks why; read only.
var reasons = map[string]string{
	whyMethod:     "only GET, HEAD and QUERY are answered from the store, and HEAD brings nothing into it",
	whyUpgrade:    "the request asks for another protocol",
	whyBody:       "a GET with a body, or a QUERY whose body is too large for a key",
	whyOverride:   "the request has a field that makes some frameworks take another method, host or path (X-HTTP-Method-Override and the like)",
	whyKey:        "its key would be too long, or its query has too many parameters",
	whyIdentified: "the request says who asks (Authorization, a client certificate, or a cookie that is not among anonymousCookies), which is no part of the key",
	whyUnkeyed:    "the request has a field that browsers do not send by themselves; name it in cache.key.headers if answers depend on it",
	whyNoStore:    "the client said no-store",
	whyRange:      "the request asks for a part far from the beginning, or for several, of what is not stored",
	whyMarked:     "the last answer was not for the store, so that requests do not wait for each other for two minutes",
	whyBusy:       "the request waited for what another had asked for, longer than cache.collapse",
	whyLarge:      "the answer is larger than cache.objectMax, or than memory and disk take",
	whyBudget:     "fills in progress take all the memory they may (--cache-memory)",
	whyCORS:       "the answer allows one page's origin (Access-Control-Allow-Origin) and does not say that it varies by it",
	whyPurged:     "a purge came while it was fetched",
	whyLeak:       "the probe has found that the route gives one identity's answers to another; mend its `cache`, or say `skerry cache resume`",
	whyReplaced:   "another process is taking this one's place, and has the cache",
	"origin":      "the origin failed, and what is stored was given, stale",

	string(freshness.ReasonStatus):        "answers with its status are not stored",
	string(freshness.ReasonNoStore):       "the response said no-store",
	string(freshness.ReasonPrivate):       "the response said private",
	string(freshness.ReasonAuthorization): "the request had Authorization, and the response does not say that it is for everybody (RFC 9111 section 3.5)",
	string(freshness.ReasonSetCookie):     "the response sets a cookie",
	string(freshness.ReasonVary):          "its Vary is *, or too long, or no list of names",
	string(freshness.ReasonGroups):        "it is in more groups than an object may be in",
	string(freshness.ReasonNoFreshness):   "nothing says how long it is fresh: the service sends Cache-Control: max-age=…, or the route has cache.ttl.default",
	string(freshness.ReasonStale):         "it was stale when it came, and had nothing to ask the origin with",
}
