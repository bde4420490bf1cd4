package cache

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage answers requests of one route from the store, and has what it lacks fetched into it. New makes it, UseTail completes it.
type Stage struct {
	keep      *Keeper
	route     *route
	rules     *rules // of the policy, shared with other routes
	rest      []byte // what ends every key: the route, and a digest of what its policy says of storing
	terms     freshness.Options
	collapse  time.Duration
	objectMax int64
	site      Site
	prerender []string
	codings   []string       // that prerendered answers are fetched in
	probe     *probe         // nil: none
	front     exchange.Stage // what chooses the coding in front of this one; nil: nothing does
	tail      *exchange.Path // the stages behind this one
	whole     *exchange.Path // front, this one, and those behind it
}

// New compiles what a policy says of the cache, for the route of a label that leads to services; nil if it is off.
func New(p *spec.Policy, label string, site Site, keep *Keeper) (*Stage, []fault.Problem) {
	c := p.Cache
	if !c.On() {
		return nil, nil
	}
	rules := keep.rulesOf(p)
	rest := fmt.Appendf([]byte{keySeparator}, "%s %x", label, rules.keyed.digest)
	s := &Stage{
		keep: keep, site: site, prerender: c.Prerender, route: keep.routeOf(label, string(rest)), rules: rules, rest: rest, collapse: c.Collapse, objectMax: int64(c.ObjectMax),
		terms: freshness.Options{
			Private: c.Mode == spec.CachePrivate, Default: c.TTL.Default, Negative: c.TTL.Negative, Max: c.TTL.Max,
			WhileRevalidate: c.Stale.WhileRevalidate, IfError: c.Stale.IfError,
		},
	}
	s.probe = &probe{stage: s, every: c.Probe.Every, paths: c.Probe.Paths, identities: c.Probe.Identities, leaks: keep.meters.Counter(
		"skerry_cache_leaks_total", "Routes that gave one identity's answers to another, found by the probe.")}
	if s.codings = []string{"identity"}; p.Compress != nil && p.Compress.On {
		s.codings = []string{"zstd", "br", "gzip"}
	}
	return s, nil
}

// UsePath tells the stage what stands before and behind it: the path on which it has answers fetched without a client. front, which
// may be nil, chooses the coding.
func (s *Stage) UsePath(front exchange.Stage, behind ...exchange.Stage) {
	silent := func(*exchange.Exchange) {} // who waits for a fill has its own renderer
	s.front, s.tail = front, exchange.NewPath(silent, behind...)
	all := append([]exchange.Stage{s}, behind...)
	if front != nil {
		all = append([]exchange.Stage{front}, all...)
	}
	s.whole = exchange.NewPath(silent, all...)
}

// Name is "cache".
func (s *Stage) Name() string { return "cache" }

// call is what an exchange holds of the cache from Request to Done, where it was not answered from memory.
type call struct {
	look   look
	fields exchange.Fields // of a request whose cookies do not count
	old    *storage.Object // of a request that passed: what is stored, and stale
	reader *reader
}

// Request answers from the store, or with what a fill brings, or lets the request pass.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	c := calls.Get().(*call)
	x.Facts.Cache.Held = c
	l := &c.look
	if why := s.read(x, l, c); why != "" {
		return s.pass(x, why)
	}
	for range triesMax {
		o := s.find(l)
		if o != nil {
			switch s.use(o, l) {
			case freshness.UseFresh:
				return s.serve(x, o, exchange.CacheHit, l)
			case freshness.UseStale:
				s.behind(x, l, o)
				return s.serve(x, o, exchange.CacheStale, l)
			}
		}
		l.forward = s.forwards(l, o)
		if l.asked.OnlyIfCached { // RFC 9111 section 5.2.1.7
			x.Answer(504)
			x.Facts.Cache.Outcome = exchange.CacheMiss
			return exchange.Respond
		}
		if why := s.passes(x, l, o); why != "" {
			c.old = o
			return s.passKept(x, l, why)
		}
		switch s.fetch(x, c, l, o) {
		case answered:
			return exchange.Respond
		case passed:
			c.old = o
			return s.passKept(x, l, x.Facts.Cache.Why)
		}
	}
	return s.passKept(x, l, whyBusy)
}

// find returns the newest stored answer that fits a request.
func (s *Stage) find(l *look) *storage.Object {
	for o := s.keep.store.Find(l.key); o != nil; o = s.keep.store.Next(o) {
		if !freshness.Matches(o.Signature(), l.fields) {
			continue
		}
		if s.rules.private && l.identified && !o.Terms().Shareable() {
			continue
		}
		return o
	}
	return nil
}

// forwards says in the words of RFC 9211 section 2.2 why the origin is asked. o is what is stored and not good enough, nil for nothing.
func (s *Stage) forwards(l *look, o *storage.Object) string {
	switch {
	case o == nil && s.keep.store.Find(l.key) != nil:
		return "vary-miss"
	case o == nil:
		return "uri-miss"
	case !o.Softened() && o.Terms().Use(l.now, nil) == freshness.UseFresh:
		return "request"
	}
	return "stale"
}

// use decides about a stored answer.
func (s *Stage) use(o *storage.Object, l *look) freshness.Use {
	t := o.Terms()
	if o.Softened() {
		soft := t.Softened(l.now)
		if use := soft.Use(l.now, &l.asked); use != freshness.UseStale || !s.keep.doubts(o) {
			return use
		}
		return freshness.UseValidate
	}
	return t.Use(l.now, &l.asked)
}

// passes says why a request that the store does not answer is not to be fetched for it.
func (s *Stage) passes(x *exchange.Exchange, l *look, o *storage.Object) string {
	switch {
	case l.stores != "":
		return l.stores
	case x.Req.Method == exchange.MethodHead:
		return whyMethod
	case !reachable(x.Req.Fields):
		return whyRange
	case o == nil && s.keep.marks.has(l.key):
		return whyMarked
	}
	return ""
}

// pass lets a request go to the origin, of which the cache takes no notice.
func (s *Stage) pass(x *exchange.Exchange, why string) exchange.Verdict {
	f := &x.Facts.Cache
	f.Outcome, f.Why = exchange.CachePass, why
	if why != whyBody || x.Req.Method != exchange.MethodQuery { // a QUERY may have a body of any size
		s.route.suspect(why)
	}
	return exchange.Next
}

// passKept is pass for a request whose answer may tell something of later ones.
func (s *Stage) passKept(x *exchange.Exchange, l *look, why string) exchange.Verdict {
	s.keep.misses.note(l.key, why)
	return s.pass(x, why)
}

// Response looks at answers that passed: those to unsafe methods make stored ones invalid, and one that may be stored after all
// takes away the mark that let it pass.
func (s *Stage) Response(x *exchange.Exchange) exchange.Verdict {
	f := &x.Facts.Cache
	c, ok := f.Held.(*call)
	if !ok {
		return exchange.Next
	}
	if f.Outcome == exchange.CachePass && !s.stands(x, c) {
		if x.Fault == nil {
			s.passed(x, c)
		}
		s.status(x, 0, "")
	}
	s.route.count(f.Outcome)
	return exchange.Next
}

// stands gives what is stored in the place of a failure of the origin, where a request had passed; if that may be.
func (s *Stage) stands(x *exchange.Exchange, c *call) bool {
	if c.old == nil || !failure(x.Fault, x.Resp.Status) || !s.keep.afterFailure(c.old, &c.look) {
		return false
	}
	x.Facts.Cache.Why = whyOrigin
	s.serve(x, c.old, exchange.CacheStale, &c.look)
	return true
}

// failure reports whether the origin has failed, by a fault that is not the client's or by the status of its answer.
func failure(err error, status int) bool {
	if err != nil {
		return fault.Of(err).Side() != fault.SideClient
	}
	return freshness.Failed(status)
}

// passed takes note of an answer that passed.
func (s *Stage) passed(x *exchange.Exchange, c *call) {
	f := &x.Facts.Cache
	switch {
	case !x.Req.Method.Safe():
		s.invalidate(x)
	case f.Why == whyMarked:
		a := freshness.Arrival{Method: x.Req.Method, Status: x.Resp.Status, Request: x.Req.Sent, Response: x.Resp.Fields, Keyed: s.rules.identifies(),
			Asked: x.Now, Came: x.Now}
		_, why := freshness.Judge(&a, &s.terms)
		if why == freshness.ReasonNone {
			s.keep.marks.remove(c.look.key)
			return
		}
		f.Why = string(why)
	case x.Req.Method == exchange.MethodHead && c.look.key != nil && x.Resp.Status == 200:
		s.compare(x, &c.look)
	}
}

// compare looks whether the head of an answer to HEAD is that of what is stored for GET, which is of no use any more if it is not (RFC
// 9111 section 4.3.5).
func (s *Stage) compare(x *exchange.Exchange, l *look) {
	o := s.find(l)
	if o == nil {
		return
	}
	var stored exchange.Fields
	o.Head(&stored)
	same := x.Resp.Length < 0 || x.Resp.Length == o.Size()
	for _, id := range []exchange.NameID{exchange.NameETag, exchange.NameLastModified} {
		if now := x.Resp.Fields.Get(id); now != nil && !bytes.Equal(now, stored.Get(id)) {
			same = false
		}
	}
	if !same {
		s.keep.store.Drop(o)
	}
}

// Done lets go of what the exchange held.
func (s *Stage) Done(x *exchange.Exchange) {
	c, ok := x.Facts.Cache.Held.(*call)
	if !ok {
		return
	}
	x.Facts.Cache.Held = nil
	if x.Req.Method == exchange.MethodQuery {
		x.Req.Body = exchange.Uncollected(x.Req.Body)
	}
	if c.reader != nil {
		c.reader.Close()
	}
	clear(c.fields[:cap(c.fields)])
	c.look, c.reader, c.old, c.fields = look{}, nil, nil, c.fields[:0]
	calls.Put(c)
}

var calls = sync.Pool{New: func() any { return new(call) }}
