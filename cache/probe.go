package cache

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/spec"
)

// probe looks whether one identity gets what is another's. It asks along the same stages as clients do, so what it finds clients would
// have found.
type probe struct {
	stage      *Stage
	every      time.Duration
	paths      []string
	identities []spec.ProbeIdentity
	leaks      *meter.Counter
	round      int
	told       string // what of its secrets it said last
	seen       uint32 // how many answers had been stored when it last made a session of its own
}

// check makes one round, and says when the next one is due.
func (p *probe) check(now time.Time) time.Time {
	s := p.stage
	next := now.Add(p.every)
	if s.route.leaked() {
		return next
	}
	host := s.site.Hosts[p.round%len(s.site.Hosts)]
	targets, stored := s.route.news(p.seen, p.round)
	if len(p.identities) == 0 && stored == p.seen {
		return next // nothing was stored since: there is nothing new to find, and a session costs the service something
	}
	if p.seen = stored; len(p.paths) > 0 {
		targets = targets[:0]
		for _, path := range p.paths {
			targets = append(targets, host+path)
		}
	}
	p.round++
	for _, url := range targets {
		slash := strings.IndexByte(url, '/')
		host, target, text := url[:slash], url[slash:], ""
		if len(p.identities) == 2 {
			text = p.compare(host, target)
		} else {
			text = p.session(host, target)
		}
		if text != "" {
			p.found(host, target, text)
			break
		}
	}
	return next
}

// compare asks as both identities, and says what one has got of the other; empty: nothing.
func (p *probe) compare(host, target string) string {
	a, b := &p.identities[0], &p.identities[1]
	fieldA, fieldB := p.field(a), p.field(b)
	if fieldA.Value == nil || fieldB.Value == nil {
		return ""
	}
	bodyA, _, statusA := p.stage.ask(host, target, fieldA)
	bodyB, fromB, statusB := p.stage.ask(host, target, fieldB)
	bodyN, fromN, _ := p.stage.ask(host, target)
	switch {
	case contains(bodyB, a.Marker):
		return "the second identity got the first one's marker"
	case contains(bodyN, a.Marker) || contains(bodyN, b.Marker):
		return "a request without an identity got a marker of one"
	case contains(bodyA, b.Marker):
		return "the first identity got the second one's marker"
	case statusA != 200 || statusB != 200 || !stored(fromB) && !stored(fromN):
		return ""
	}
	return p.difference(host, target, fieldA, fieldB, bodyA, bodyB, bodyN)
}

func stored(o exchange.CacheOutcome) bool { return o == exchange.CacheHit || o == exchange.CacheStale }

// difference asks the origin itself: where it gives each identity an answer of its own, always the same, nobody may get another's.
func (p *probe) difference(host, target string, fieldA, fieldB exchange.Field, bodyA, bodyB, bodyN []byte) string {
	ownA, _, _ := p.stage.run(p.stage.tail, host, target, fieldA)
	againA, _, _ := p.stage.run(p.stage.tail, host, target, fieldA)
	ownB, _, _ := p.stage.run(p.stage.tail, host, target, fieldB)
	switch {
	case !bytes.Equal(ownA, againA) || bytes.Equal(ownA, ownB):
		return "" // it changes by itself, or is the same for both
	case bytes.Equal(bodyB, ownA):
		return "the second identity got the first one's answer"
	case bytes.Equal(bodyA, ownB):
		return "the first identity got the second one's answer"
	case bytes.Equal(bodyN, ownA):
		return "a request without an identity got the first one's answer"
	case !bytes.Equal(bodyA, bodyB):
		return ""
	}
	// One answer for two people to whom the service gives different ones is that for nobody in particular, or a third person's.
	ownN, _, _ := p.stage.run(p.stage.tail, host, target)
	againN, _, _ := p.stage.run(p.stage.tail, host, target)
	if bytes.Equal(ownN, againN) && !bytes.Equal(bodyA, ownN) {
		return "both identities got an answer that is neither theirs nor nobody's"
	}
	return ""
}

// session asks with a session of its own making. In mode private nobody else may get what is made for it; in mode standard its answer
// must say that it is not for others, if it has anything of the session in it.
func (p *probe) session(host, target string) string {
	s, mark := p.stage, rand.Text()
	field := exchange.Field{ID: exchange.NameCookie, Name: exchange.NameCookie.Bytes(), Value: []byte("skerry_probe_session=" + mark)}
	if s.rules.private {
		_, _, _ = s.ask(host, target, field)
		if body, _, _ := s.ask(host, target, onlyIfCached); contains(body, mark) {
			return "a request without a session got an answer that was made for one"
		}
		return ""
	}
	x := s.request(host, target, field)
	defer x.Release()
	e := errand{stage: s, request: slices.Clone(x.Req.Fields)}
	x.Sink = &e
	s.tail.Run(x)
	if contains(e.body, mark) && e.everybodys {
		return "an answer that was made for a session may be stored for everybody"
	}
	return ""
}

// onlyIfCached keeps a question from being one that fills the store: answers would stay fresh for nobody.
var onlyIfCached = exchange.Field{ID: exchange.NameCacheControl, Name: exchange.NameCacheControl.Bytes(), Value: []byte("only-if-cached")}

// field is how an identity says who it is; without a value if the secret cannot be read.
func (p *probe) field(id *spec.ProbeIdentity) exchange.Field {
	value, err := p.stage.keep.secrets.Read(id.Value)
	if err != nil {
		if text := fmt.Sprintf("%s: a probe's identity cannot be read: %v", p.stage.route.label, err); text != p.told {
			p.told = text // once, and not every round
			p.stage.keep.meters.Events().Add("cache_probe", text)
		}
		return exchange.Field{}
	}
	name := []byte(id.Header)
	if n := exchange.Intern(name); n != exchange.NameOther {
		name = n.Bytes()
	}
	return exchange.Field{ID: exchange.Intern(name), Name: name, Value: bytes.TrimSpace(value)}
}

// found makes the route bypass the cache, and forgets what is stored of its hosts.
func (p *probe) found(host, target, text string) {
	s := p.stage
	url := host + target
	s.route.leak.Store(&Leak{URL: url, Text: text, Time: time.Now(), rules: string(s.rest)})
	for _, h := range s.site.Hosts {
		_, _ = s.keep.purge(storage.Purge{Kind: storage.PurgeAll, Host: h}) // it names a host
	}
	p.leaks.Inc()
	s.keep.meters.Events().Add("cache_leak", fmt.Sprintf("%s: %s of %s; the route bypasses the cache until its `cache` changes or somebody says "+
		"`skerry cache resume`, and what was stored of its hosts is purged", s.route.label, text, url))
}
