package cache

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

// fills are those in flight that others may join.
type fills struct {
	mu      sync.Mutex
	open    map[string]*fill
	running map[*fill]bool // those too that nobody may join
}

func (t *fills) init() { t.open, t.running = map[string]*fill{}, map[*fill]bool{} }

// idOf is what requests that may share a fill have in common: the key and, since most answers that vary do so by it, the codings that
// they take. It is a view of the exchange's memory.
func idOf(x *exchange.Exchange, l *look) []byte {
	coding := l.fields.Get(exchange.NameAcceptEncoding)
	room := x.Scratch.Alloc(len(l.key) + 1 + len(coding))
	return append(append(append(room[:0], l.key...), keySeparator), coding...)
}

// join returns the fill in flight for an id, or a new one, which is mine to start. A nil id is never in flight.
func (t *fills) join(id []byte, s *Stage, behind bool) (f *fill, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f = t.open[string(id)]; f != nil && id != nil {
		return f, false
	}
	f = &fill{stage: s, id: string(id), behind: behind, size: -1}
	if !behind {
		f.waiting = 1
	}
	if id != nil {
		t.open[f.id] = f
	}
	return f, true
}

// remove takes a fill out: who comes now begins another one, or finds what it has stored.
func (t *fills) remove(f *fill) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[f.id] == f {
		delete(t.open, f.id)
	}
}

// begin starts a fill that is mine for a request. old is what is to be revalidated, nil for nothing. It reports false if what is asked
// for has been stored since it was looked for: by a fill that had not ended then, and was not in flight any more when it was to be joined.
func (s *Stage) begin(f *fill, x *exchange.Exchange, l *look, old *storage.Object) bool {
	if o := s.find(l); o != nil && o != old && s.use(o, l) == freshness.UseFresh {
		f.again(nil)
		return false
	}
	f.key, f.old, f.number = bytes.Clone(l.key), old, s.keep.store.Number()
	t := x.Detach()
	s.prepare(t, l, old)
	f.target = string(t.Req.Authority) + string(t.Req.Path)
	if len(t.Req.Query) > 0 {
		f.target += "?" + string(t.Req.Query)
	}
	f.request = append(f.request, t.Req.Fields...)
	if t.Req.Fields.Get(exchange.NameAuthorization) != nil && x.Req.Sent.Get(exchange.NameAuthorization) != nil {
		f.auth = exchange.Fields{{ID: exchange.NameAuthorization}}
	}
	t.Sink = f
	s.keep.running.Add(1)
	s.keep.fills.run(f, true)
	s.route.fills.Inc()
	go f.run(t)
	return true
}

// prepare makes the request of a fill: it asks for the whole, depends on nothing that is not part of the key, and on no client's state.
func (s *Stage) prepare(t *exchange.Exchange, l *look, old *storage.Object) {
	r := &t.Req
	if r.Method != exchange.MethodQuery {
		r.Method, r.MethodName = exchange.MethodGet, get
	}
	f := &r.Fields
	for _, id := range conditional {
		f.Del(id)
	}
	if s.rules.private {
		f.Del(exchange.NameCacheControl) // a client's wish to see something new is not heeded behind us either
		f.Del(exchange.NamePragma)
		*f = slices.DeleteFunc(*f, func(one exchange.Field) bool { return s.rules.dropped(&one) })
		f.Del(exchange.NameCookie)
		f.Del(exchange.NameClientCert)
		f.Del(exchange.NameClientCertChain)
		if l.identified {
			f.Del(exchange.NameAuthorization)
		}
		for i := range l.fields {
			if l.fields[i].ID == exchange.NameCookie {
				f.Add(exchange.NameCookie, t.Scratch.Copy(l.fields[i].Value))
			}
		}
	}
	r.Query = t.Scratch.Copy(l.query)
	if r.Port == portOf(t.Facts.Client.HTTPS) {
		r.Port, r.Authority = 0, r.Host
	}
	if l.body != nil {
		r.Body = t.InMemory(bytes.Clone(l.body))
	}
	if old == nil {
		return
	}
	var head exchange.Fields
	old.Head(&head)
	if tag := head.Get(exchange.NameETag); tag != nil {
		f.Add(exchange.NameIfNoneMatch, tag)
	}
	if date := head.Get(exchange.NameLastModified); date != nil {
		f.Add(exchange.NameIfModifiedSince, date)
	}
}

var get = []byte("GET")

// conditional are the fields that ask for less than the whole.
var conditional = []exchange.NameID{exchange.NameIfMatch, exchange.NameIfNoneMatch, exchange.NameIfModifiedSince, exchange.NameIfUnmodifiedSince,
	exchange.NameIfRange, exchange.NameRange}

// behind has a new answer fetched for a stale one that was served, unless that is under way.
func (s *Stage) behind(x *exchange.Exchange, l *look, old *storage.Object) {
	if l.stores == "" || l.stores == whyIdentified { // the fill says nothing of who asks
		if f, mine := s.keep.fills.join(idOf(x, l), s, true); mine {
			s.begin(f, x, l, old)
		}
	}
}

// forget takes out those of a URL, the beginning of its keys, or all of them: what they bring was asked for before it was made out of date,
// and who asks from now on must not get it.
func (t *fills) forget(url []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.open {
		if strings.HasPrefix(id, string(url)) {
			delete(t.open, id)
		}
	}
}

// run notes that a fill runs, or not any more.
func (t *fills) run(f *fill, runs bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if delete(t.running, f); runs {
		t.running[f] = true
	}
}

// cut ends all that run.
func (t *fills) cut() {
	t.mu.Lock()
	var all []*fill
	for f := range t.running {
		all = append(all, f)
	}
	t.mu.Unlock()
	for _, f := range all {
		f.abandon()
	}
}
