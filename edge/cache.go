package edge

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/plan"
)

// This file is what the admin API asks of the cache and tells it. What is returned as any is for encoding/json; the
// types are those of cache/admin.go, where their fields are explained. Errors have a fault.Kind, with which the API
// answers.

// A CachePurge says what to purge.
type CachePurge struct {
	Kind       string // url, prefix, group, all
	Host       string // perhaps with a port, and http:// or https:// before it; empty: every one, for a group, or with Everything
	Value      string // url: path and query; prefix: how the path begins; group: its name; all: empty
	Soft       bool   // what is met becomes stale instead, and is given while the origin is asked, or fails
	Everything bool   // of all without a host: yes, of every host
}

// CacheStats are the counts of the cache.
func (e *Edge) CacheStats() any { return e.keepers.Cache.Stats() }

// CacheMisses are the n addresses that the store could not answer most often.
func (e *Edge) CacheMisses(n int) any {
	return struct {
		Misses any `json:"misses"`
	}{e.keepers.Cache.Misses(n)}
}

// CacheWhy says what the cache knows of a URL, and what a GET for it with these header fields, "Name: value" each, would
// get. Nothing is sent.
func (e *Edge) CacheWhy(url string, fields []string) (any, error) {
	a := e.active.Load()
	if a == nil {
		return nil, errNoPlan
	}
	x := exchange.Acquire()
	defer x.Release()
	if err := fillRequest(x, url, fields); err != nil {
		return nil, err
	}
	_, i := a.plan.Match(x)
	if i == plan.NoRoute || x.Fault != nil {
		return nil, fault.New(fault.NoRoute, fmt.Sprintf("%s: %s", url, faultText(x.Fault)))
	}
	w := e.keepers.Cache.Why(x.Route, x)
	w.URL = url
	if t := a.plan.Routes[i].Target.Route; w.Mode == "off" && len(t.To.Services) == 0 {
		w.Says = "the route answers by itself: there is nothing to store"
	} else if w.Mode == "off" && t.Policy.Cache.On() {
		w.Says = "the route serves files of this machine: there is nothing to store"
	}
	return w, nil
}

var errNoPlan = fault.New(fault.Draining, "no plan is in force yet")

// fillRequest makes x a GET for a URL, as it arrives from a client.
func fillRequest(x *exchange.Exchange, url string, fields []string) (err error) {
	bad := func(text string) error { return fault.New(fault.BadRequest, fmt.Sprintf("url %q: %s", url, text)) }
	scheme, rest, ok := strings.Cut(url, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" {
		return bad("it begins with neither http:// nor https://")
	}
	if strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return bad("it has a space or a control character")
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, target := rest[:end], rest[end:]
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	r := &x.Req
	r.Method, r.MethodName, r.Minor = exchange.MethodGet, []byte("GET"), 1
	r.Target, r.Authority = []byte(target), []byte(authority)
	path, query, has := strings.Cut(target, "?")
	if r.RawPath = []byte(path); has {
		r.Query = []byte(query)
	}
	if r.Host, r.Port, err = exchange.NormalHost(r.Authority, &x.Scratch); err != nil {
		return bad(faultText(err))
	}
	if r.Path, err = exchange.NormalPath(r.RawPath, &x.Scratch); err != nil {
		return bad(faultText(err))
	}
	x.Facts.Client.HTTPS = scheme == "https"
	return fillFields(x, fields)
}

// fillFields gives x header fields, "Name: value" each.
func fillFields(x *exchange.Exchange, fields []string) error {
	for _, f := range fields {
		name, value, ok := strings.Cut(f, ":")
		value = strings.Trim(value, " \t")
		if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f }) ||
			strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return fault.New(fault.BadRequest, fmt.Sprintf("header %q is not of the form Name: value", f))
		}
		id := exchange.Intern([]byte(name))
		x.Req.Sent.AddNamed([]byte(name), []byte(value))
		if !id.HopByHop() && id != exchange.NameHost && id != exchange.NameContentLength && id != exchange.NameExpect {
			x.Req.Fields.AddNamed([]byte(name), []byte(value))
		}
	}
	return nil
}

// faultText is an error without its kind.
func faultText(err error) string {
	if f, ok := err.(*fault.Error); ok {
		return f.Text
	}
	return err.Error()
}

// PurgeCache purges, and returns the purges as the log has them: one, or several where the routes of a host write a URL
// in different ways. They are in force on return, and are an event that says who asked.
func (e *Edge) PurgeCache(p CachePurge, by string) (any, error) {
	switch {
	case p.Everything && (p.Kind != "all" || p.Host != ""):
		return nil, fault.New(fault.BadRequest, `"everything" is for kind "all" without a host`)
	case p.Kind == "all" && p.Host == "" && !p.Everything:
		return nil, fault.New(fault.BadRequest, `kind "all" without a host is for every host: say "everything": true if that is meant`)
	}
	entrypoint, err := e.entrypointOf(&p)
	if err != nil {
		return nil, err
	}
	list, err := e.keepers.Cache.Purge(p.Kind, entrypoint, p.Host, p.Value, p.Soft)
	var out struct {
		Number uint64 `json:"number"` // of the last one
		Purges any    `json:"purges"`
	}
	for _, done := range list {
		out.Number = done.Number
		e.meters.Events().Add("cache_purge", fmt.Sprintf("number %d by %s: %s", done.Number, by, done))
	}
	out.Purges = list
	return out, err
}

// entrypointOf is the entrypoint by whose routes a URL is brought to the form that keys have; empty: none, and it needs none.
func (e *Edge) entrypointOf(p *CachePurge) (string, error) {
	a := e.active.Load()
	if a == nil || p.Kind != "url" || p.Host == "" || !strings.HasPrefix(p.Value, "/") {
		return "", nil
	}
	url := p.Host + p.Value
	if !strings.Contains(p.Host, "://") {
		url = "http://" + url
	}
	x := exchange.Acquire()
	defer x.Release()
	if err := fillRequest(x, url, nil); err != nil {
		return "", err
	}
	a.plan.Match(x)
	return x.Facts.Entry.Entrypoint, nil
}

// CachePurges are the purges with higher numbers that are remembered, oldest first, for who carries them to other edges:
// the next question is for those after next.
func (e *Edge) CachePurges(after uint64) any {
	list, more := e.keepers.Cache.Purges(after)
	out := struct {
		Purges any    `json:"purges"`
		Next   uint64 `json:"next"`
		More   bool   `json:"more"` // there are others behind next
	}{list, after, more}
	for _, p := range list {
		out.Next = p.Number
	}
	return out
}

// CacheProgress says how far the memory of what a purge met has been freed.
func (e *Edge) CacheProgress(number uint64) (any, error) {
	p, ok := e.keepers.Cache.Progress(number)
	if !ok {
		return nil, fault.New(fault.NoFile, fmt.Sprintf("there is no purge with number %d, or it is forgotten", number))
	}
	return p, nil
}

// ResumeCache lets a route ("entrypoint/route") use the cache again that bypassed it because of a leak; an event says who asked.
func (e *Edge) ResumeCache(route, by string) (any, error) {
	leak, err := e.keepers.Cache.Resume(route)
	if err != nil {
		return nil, err
	}
	if leak != nil {
		e.meters.Events().Add("cache_resume", fmt.Sprintf("%s uses the cache again, says %s", route, by))
	}
	return struct {
		Route   string `json:"route"`
		Resumed bool   `json:"resumed"` // false: it was using it
		Leak    any    `json:"leak"`    // why it did not; null: it did
	}{route, leak != nil, leak}, nil
}

// LendCache has another process, which is to replace this one, serve: requests pass the cache, and nothing that is stored is given. It is over
// with RetireCache, or with TakeBackCache when that one has failed: then what is stored is validated before it is given. What unsafe requests
// make out of date is told, for that one's ObeyCache.
func (e *Edge) LendCache(tell func(what []byte)) { e.keepers.Cache.Lend(tell) }

// ObeyCache forgets what the process before has told. An error: it is nothing sensible.
func (e *Edge) ObeyCache(what []byte) error { return e.keepers.Cache.Obey(what) }

// DoubtCache has everything that is stored validated before it is given: what a process before has told may be lost.
func (e *Edge) DoubtCache() { e.keepers.Cache.Doubt() }

// TakeBackCache ends LendCache.
func (e *Edge) TakeBackCache() { e.keepers.Cache.TakeBack() }

// RetireCache ends the use of the cache for good: when it returns the next process may have its directory.
func (e *Edge) RetireCache() { e.keepers.Cache.Retire() }

// BeginCache has the cache fetch and probe what routes ask for, where Setting.CacheLate had it wait.
func (e *Edge) BeginCache() { e.keepers.Cache.Begin() }

// AttachCache opens the directory of the cache, which the process before has let go, where Setting.CacheLate has promised it. An error: the
// cache goes on in memory, as where stop is closed before all is done that it needs.
func (e *Edge) AttachCache(stop <-chan struct{}) error { return e.keepers.Cache.Attach(stop) }
