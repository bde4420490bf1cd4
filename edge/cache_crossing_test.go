package edge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skerry.dev/skerry/edge"
)

// crossingSpec has a route in mode private, and one whose key has the identity. The gaps are the origin, a number that each release
// changes, and a parameter that is left out of the key.
const crossingSpec = `apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team-shop}
spec:
  hosts: [shop.test]
  limit: off
  redirect: off
  log: off
  headers: {response: {set: {X-Release: "%[2]d"}}}
  cache: {stale: {ifError: 1m}, probe: {every: 1h}}
  routes:
    - {match: {prefix: /own}, service: "%[1]s", cache: {identity: {headers: [Authorization], cookies: [sid]}, probe: {every: 1h, identities: [
        {header: Cookie, value: "file:anna", marker: for=probeanna}, {header: Cookie, value: "file:bert", marker: for=probebert}]}}}
    - {match: {prefix: /all}, service: "%[1]s", cache: {key: {queryExcept: [utm_*, ref%[3]d]}}}
`

// said is what an answer may say of being stored: the field's value, whether it is for one client alone, and whether it is for everybody.
type said struct {
	value     string
	once, all bool
}

var (
	saidControl = []said{
		{"", false, false}, {"max-age=60", false, false}, {"max-age=60", false, false}, {"max-age=1", false, false}, {"max-age=0", false, false},
		{"public, max-age=60", false, true}, {"public, max-age=60", false, true}, {"s-maxage=60", false, true}, {"s-maxage=1, max-age=0", false, true},
		{"private, max-age=60", true, false}, {"private", true, false}, {"no-store", true, false}, {"no-store, max-age=60", true, false},
		{"public, private, max-age=60", true, false}, {"max-age=60, private=\"X-Mark\"", true, false}, {"no-cache", false, false},
		{"public, no-cache", false, true}, {"must-revalidate, max-age=1", false, false}, {"max-age=abc", false, false}, {"max-age=60, max-age=1", false, false},
		{"public, max-age=1, stale-while-revalidate=30", false, true}, {"max-age=1, stale-if-error=30", false, false}, {"PRIVATE , MAX-AGE=60", true, false},
		{"immutable, max-age=60", false, false}, {"proxy-revalidate, max-age=60", false, false},
	}
	saidTargeted = []said{
		{"max-age=60", false, true}, {"private", true, false}, {"no-store", true, false}, {"max-age=1, must-revalidate", false, true}, {"no-cache", false, true},
	}
	saidVary = []string{"Accept-Language", "Accept-Language, Accept-Encoding", "Cookie", "Authorization", "*", "accept-language"}
)

// crowd is people, an origin that has answers for each of them, and what was seen.
type crowd struct {
	*cached
	n    atomic.Uint64
	seed uint64
	most int64 // requests
	stop time.Time

	purged atomic.Pointer[changed] // the last purge of everything: the last answer before it, and when it was in force

	requests, hits, revalidated, parts, fills, passed, broken, wrong atomic.Int64

	seen   sync.Map // numbers of answers that one client alone may see
	issued sync.Map // entity tags, and the marks of what they are for
	posted sync.Map // by URI and state of the rules: the last POST that succeeded
}

func (c *crowd) blame(format string, args ...any) {
	if c.wrong.Add(1) <= 5 {
		c.t.Errorf(format, args...)
	}
}

// changed is the answer to a POST: its number, and when it had come.
type changed struct {
	n  uint64
	at time.Time
}

// whoAsks is who a request says that it is from.
func whoAsks(h http.Header) string {
	if who, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer "); ok {
		return who
	}
	for _, pair := range strings.Split(h.Get("Cookie"), ";") {
		if who, ok := strings.CutPrefix(strings.TrimSpace(pair), "sid="); ok {
			return who
		}
	}
	return "nobody"
}

// ServeHTTP is the origin.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	n := c.n.Add(1)
	rnd := rand.New(rand.NewPCG(c.seed, n))
	m := mark{n: n, who: whoAsks(r.Header), lang: r.Header.Get("Accept-Language"), uri: r.URL.RequestURI(), size: rnd.IntN(100)}
	h := w.Header()
	if rnd.IntN(3) > 0 {
		m.size = rnd.IntN(20_000)
	}
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ", ") {
		if old, ok := c.issued.Load(tag); ok && old.(mark).who == m.who && old.(mark).uri == m.uri && old.(mark).lang == m.lang && rnd.IntN(4) > 0 {
			h.Set("ETag", tag)
			if control := saidControl[rnd.IntN(len(saidControl))]; !control.all || old.(mark).all { // a later word of the origin counts
				h.Set("Cache-Control", control.value)
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	c.says(rnd, h, &m)
	h.Set("Content-Type", []string{"text/plain", "application/octet-stream"}[rnd.IntN(2)])
	h.Set("X-Mark", m.String())
	status := []int{200, 200, 200, 200, 200, 200, 404, 301, 500, 204}[rnd.IntN(10)]
	body := m.body()
	if status == 204 {
		w.WriteHeader(status)
		return
	}
	if rnd.IntN(2) == 0 {
		h.Set("Content-Length", strconv.Itoa(m.size))
	}
	w.WriteHeader(status)
	cut := rnd.IntN(50) == 0 && m.size > 1
	for len(body) > 0 {
		k := 1 + rnd.IntN(len(body))
		if _, err := io.WriteString(w, body[:k]); err != nil {
			return
		}
		if body = body[k:]; len(body) > 0 && cut {
			panic(http.ErrAbortHandler)
		}
		if rnd.IntN(2) == 0 {
			flush(w)
		}
	}
}

// says adds the fields that say what may be stored, at random.
func (c *crowd) says(rnd *rand.Rand, h http.Header, m *mark) {
	control := saidControl[rnd.IntN(len(saidControl))]
	m.once, m.all = control.once, control.all
	if control.value != "" {
		h.Set("Cache-Control", control.value)
	}
	if rnd.IntN(6) == 0 {
		control = saidTargeted[rnd.IntN(len(saidTargeted))]
		m.once, m.all = control.once, control.all
		h.Set("Cdn-Cache-Control", control.value)
	}
	if rnd.IntN(4) == 0 {
		h.Set("Expires", time.Now().Add(time.Duration(rnd.IntN(120)-20)*time.Second).UTC().Format(http.TimeFormat))
	}
	if rnd.IntN(3) == 0 {
		vary := saidVary[rnd.IntN(len(saidVary))]
		h.Set("Vary", vary)
		m.vary = strings.Contains(strings.ToLower(vary), "language")
		m.once = m.once || vary == "*"
		m.all = m.all && (m.vary || vary == "*")
	}
	if rnd.IntN(8) == 0 {
		h.Add("Set-Cookie", fmt.Sprintf("sid=made%d", m.n))
		m.once = true
	}
	if rnd.IntN(2) == 0 {
		tag := fmt.Sprintf(`"%d"`, m.n)
		h.Set("ETag", tag)
		c.issued.Store(tag, *m)
	} else if rnd.IntN(2) == 0 {
		h.Set("Last-Modified", time.Now().Add(-time.Duration(rnd.IntN(1e5))*time.Second).UTC().Format(http.TimeFormat))
	}
	h.Set("Cache-Groups", fmt.Sprintf(`"g%d"`, m.n%3))
}

// person sends requests of all kinds, as everybody in turn.
func (c *crowd) person(rnd *rand.Rand) {
	tags := map[string]string{} // by whom, URI: one that was seen
	for c.requests.Load() < c.most && (time.Now().Before(c.stop) || !c.enough() && time.Now().Before(c.stop.Add(3*waiting))) {
		c.requests.Add(1)
		c.one(rnd, tags)
	}
}

func (c *crowd) one(rnd *rand.Rand, tags map[string]string) {
	who := []string{"nobody", "nobody", "nobody", "anna", "bert"}[rnd.IntN(5)]
	uri := fmt.Sprintf("%s/%d", []string{"/all", "/all", "/own"}[rnd.IntN(3)], rnd.IntN(8))
	sent := uri
	if q := rnd.IntN(4); q == 0 {
		uri, sent = uri+"?q=1", uri+"?q=1"
	} else if q == 1 {
		sent += "?utm_source=" + who
	}
	lang := []string{"", "de", "fr"}[rnd.IntN(3)]
	var fields []string
	add := func(name, value string) { fields = append(fields, name+": "+value) }
	if lang != "" {
		add("Accept-Language", lang)
	}
	switch {
	case who == "nobody" && rnd.IntN(3) == 0:
		add("Cookie", fmt.Sprintf("_ga=GA1.%d", rnd.IntN(9)))
	case who != "nobody" && rnd.IntN(2) == 0:
		add("Authorization", "Bearer "+who)
	case who != "nobody":
		add("Cookie", "_ga=1; sid="+who)
	}
	tag := tags[who+sent]
	method, from, to := http.MethodGet, -1, -1
	switch rnd.IntN(16) {
	case 0:
		method = http.MethodHead
	case 1, 2:
		if tag != "" {
			add("If-None-Match", tag)
		}
	case 3, 4:
		from = rnd.IntN(3000)
		to = from + rnd.IntN(3000)
		add("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	case 5, 6:
		add("Accept-Encoding", "gzip")
	case 7:
		add("Cache-Control", []string{"no-cache", "no-store", "max-age=0"}[rnd.IntN(3)])
	case 8:
		if rnd.IntN(4) == 0 {
			method = http.MethodPost
		}
	}
	q := wish{who, uri, lang, method, tag, from, to, time.Now()}
	g := c.ask([]*http.Client{c.h1, c.h2}[rnd.IntN(2)], method, sent, fields...)
	c.judge(q, &g)
	if g.err == nil && g.header.Get("ETag") != "" {
		tags[who+sent] = g.header.Get("ETag")
	}
}

// wish is what a person asked for.
type wish struct {
	who, uri, lang, method, tag string
	from, to                    int // of a range; -1: none
	at                          time.Time
}

// judge holds an answer against who asked for what.
func (c *crowd) judge(q wish, g *served) {
	if g.err != nil {
		c.broken.Add(1)
		return
	}
	switch from := g.from(); {
	case from == "hit" || from == "stale":
		c.hits.Add(1)
	case from == "revalidated":
		c.revalidated.Add(1)
	case from == "stored":
		c.fills.Add(1)
	default:
		c.passed.Add(1)
	}
	switch g.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		c.broken.Add(1)
		return
	case http.StatusNotModified:
		if g.header.Get("ETag") != q.tag {
			c.blame("%+v: 304 of %s: %v", q, g.header.Get("ETag"), g)
		}
		return
	case http.StatusRequestedRangeNotSatisfiable:
		return
	}
	m, err := readMark(g.header.Get("X-Mark"))
	if err != nil {
		c.blame("%+v: no mark (%v): %v", q, err, g)
		return
	}
	c.order(&q, &m, g)
	own, nobodys := strings.HasPrefix(q.uri, "/own"), m.who == "nobody"
	switch {
	case m.who != q.who && (own || !nobodys):
		c.blame("%s got what is %s's: %+v, %v", q.who, m.who, q, g)
	case m.who != q.who && !m.all:
		c.blame("%s, who says so, got what was not said to be for everybody: %+v, %v", q.who, q, g)
	case m.vary && m.lang != q.lang:
		c.blame("%+v: another variant: %v", q, g)
	case !strings.HasPrefix(m.uri+"?", q.uri+"?") || strings.Contains(q.uri, "q=") != strings.Contains(m.uri, "q="):
		c.blame("%+v: the answer of another address: %v", q, g)
	}
	if _, again := c.seen.LoadOrStore(m.n, true); again && m.once {
		c.blame("%+v: an answer for one client alone came twice: %v", q, g)
	}
	c.compare(q, &m, g)
}

// order sees to it that nobody who asks after a POST has succeeded gets what was made before it, unless the rules have changed meanwhile:
// a POST on the plan before knows the keys of that one.
func (c *crowd) order(q *wish, m *mark, g *served) {
	release, _ := strconv.Atoi(g.header.Get("X-Release"))
	key := fmt.Sprint(q.uri, " ", release/rulesLast)
	if q.method == http.MethodPost && g.status < 400 {
		c.posted.Store(key, changed{m.n, time.Now()})
		return
	}
	if p := c.purged.Load(); p != nil && q.at.After(p.at) && m.n <= p.n {
		c.blame("%+v: older than a purge, before which the last answer was %d: %v", q, p.n, g)
	}
	if p, ok := c.posted.Load(key); ok && q.at.After(p.(changed).at) && m.n < p.(changed).n {
		c.blame("%+v: older than POST %d, which had been answered: %v", q, p.(changed).n, g)
	}
}

// rulesLast is for how many releases the rules of a route stay as they are.
const rulesLast = 4

// compare holds a body against its mark.
func (c *crowd) compare(q wish, m *mark, g *served) {
	body, want := g.body, m.body()
	switch {
	case q.method == http.MethodHead || g.status == http.StatusNoContent:
		want = ""
	case g.status == http.StatusPartialContent:
		c.parts.Add(1)
		if q.from < 0 || q.from >= len(want) {
			c.blame("%+v: a part: %v", q, g)
			return
		}
		want = want[q.from:min(q.to+1, len(want))]
	case g.header.Get("Content-Encoding") == "gzip":
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			c.blame("%+v: %v", q, err)
			return
		}
		b, err := io.ReadAll(z)
		if body = string(b); err != nil {
			c.blame("%+v: %v", q, err)
		}
	}
	if body != want {
		c.blame("%+v: another body of %d bytes, %s, than the one of %d bytes that belongs to %s", q, len(body), brief(body), len(want), m)
	}
}

// enough reports whether so much came from the store that it shows something.
func (c *crowd) enough() bool {
	return c.hits.Load() >= c.requests.Load()/50 && c.fills.Load() > 0 && c.parts.Load() > 0
}

// pause waits for a time and for a number of requests; false: it is all over. Where a machine is slow, a change after the other would
// leave nothing in the store that anybody could get.
func (c *crowd) pause(d time.Duration, requests int64, done <-chan struct{}) bool {
	for until := c.requests.Load() + requests; ; d = time.Millisecond {
		select {
		case <-done:
			return false
		case <-time.After(d):
		}
		if c.requests.Load() >= until {
			return true
		}
	}
}

// release changes the plan: every fourth one what the key of a route is made of.
func (c *crowd) release(url string, done <-chan struct{}) (n int) {
	for ; c.pause(50*time.Millisecond, 50, done); n++ {
		if problems := c.edge.Activate(parse(c.t, fmt.Sprintf(crossingSpec, url, n, n/rulesLast))); len(problems) > 0 {
			c.blame("release %d: %v", n, problems)
		}
	}
	return n
}

// purge purges a little of everything.
func (c *crowd) purge(rnd *rand.Rand, done <-chan struct{}) (n int) {
	for ; c.pause(time.Duration(rnd.IntN(200))*time.Millisecond, 50, done); n++ {
		before := c.n.Load()
		p := edge.CachePurge{Host: "shop.test", Soft: rnd.IntN(3) == 0}
		switch rnd.IntN(5) {
		case 0:
			p.Kind, p.Value = "url", "/all/1"
		case 1:
			p.Kind, p.Value = "prefix", "/own"
		case 2:
			p.Kind, p.Value = "group", "g1"
		default:
			p.Kind = "all"
		}
		if _, err := c.edge.PurgeCache(p, "test"); err != nil {
			c.blame("%+v: %v", p, err)
		}
		if p.Kind == "all" && !p.Soft {
			c.purged.Store(&changed{before, time.Now()})
		}
	}
	return n
}

// TestSoakCacheCrossing lets two people and everybody else ask for the same addresses, of an origin that says at random what may be stored:
// nobody ever gets what is another's, what is for one client alone comes once, nothing outlives a POST or a purge, and no body is of two answers. A
// slice is 20,000 requests or six seconds; with SKERRY_SOAK=1 a million, or SKERRY_SOAK_COUNT.
func TestSoakCacheCrossing(t *testing.T) {
	length, seed := soakLength(t, 6*time.Second, 2*time.Hour)
	c := &crowd{seed: seed, most: 20_000, stop: time.Now().Add(length)}
	if os.Getenv("SKERRY_SOAK") == "1" {
		c.most = 1_000_000
		if n, err := strconv.ParseInt(os.Getenv("SKERRY_SOAK_COUNT"), 10, 64); err == nil {
			c.most = n
		}
	}
	url := origin(t, c.ServeHTTP)
	c.cached = openCached(t, edge.Options{}, fmt.Sprintf(crossingSpec, url, 0, 0), "anna", "sid=probeanna", "bert", "sid=probebert")
	began, done := time.Now(), make(chan struct{})
	var people, releases sync.WaitGroup
	var plans, purges int
	releases.Go(func() { plans = c.release(url, done) })
	releases.Go(func() { purges = c.purge(rand.New(rand.NewPCG(seed, 1<<32)), done) })
	for i := range 16 {
		people.Go(func() { c.person(rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	people.Wait()
	close(done)
	releases.Wait()
	t.Logf("%d requests in %v: %d hits, %d revalidated, %d stored, %d parts, %d passed or were not stored, %d broke; %d answers of the origin, %d plans, %d purges",
		c.requests.Load(), time.Since(began), c.hits.Load(), c.revalidated.Load(), c.fills.Load(), c.parts.Load(), c.passed.Load(), c.broken.Load(), c.n.Load(), plans, purges)
	if !c.enough() {
		t.Error("too little came from the store to show anything")
	}
	if leaks := c.eventsOf("cache_leak"); len(leaks) > 0 {
		t.Error(leaks)
	}
}
