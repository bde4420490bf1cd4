package cache_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// stormSeed makes what a storm asks for; another one may be tried by hand.
const stormSeed = 7

// TestStorm: many clients with random requests, who read slowly, leave, purge and change things, while origins fail and break off. Each body
// must be what its address, its language and, where that is not for everybody, its session must have.
func TestStorm(t *testing.T) {
	for name, changes := range map[string][]func(*setup){
		"memory":       {func(s *setup) { s.options.Bytes = 2 << 20 }},
		"disk":         {onDisk(t), func(s *setup) { s.options.Bytes = 512 << 10 }},
		"no collapse":  {with(func(c *spec.Cache) { c.Collapse = 0 })},
		"identity":     {with(func(c *spec.Cache) { c.Identity.Cookies = []string{"session"} })},
		"small bodies": {with(func(c *spec.Cache) { c.ObjectMax = 20 << 10 })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Logf("seed %d", stormSeed)
			bubble(t, func(t *testing.T, p *place) { newStorm(p).rage(t) }, append(changes, with(func(c *spec.Cache) {
				c.Stale.IfError, c.Stale.WhileRevalidate = 2*time.Second, time.Second
			}))...)
		})
	}
}

// storm is what its clients share.
type storm struct {
	p        *place
	mu       sync.Mutex
	rnd      *rand.Rand // of the origin
	outcomes map[string]int
	broken   int
}

func newStorm(p *place) *storm {
	s := &storm{p: p, rnd: rand.New(rand.NewPCG(stormSeed, 1)), outcomes: map[string]int{}}
	p.origin.does(s.answer)
	return s
}

func (s *storm) random(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

// text is the body of a page: as long as its name says, and made of who and what it is for.
func text(path, lang, session string) string {
	word := fmt.Sprintf("[%s|%s|%s]", path, lang, session)
	size := 50 << (len(path) * int(path[len(path)-1]) % 12) // 50 bytes to 100 KB
	return strings.Repeat(word, size/len(word)+1)
}

// answer is the origin. What a path begins with says whose its pages are; /me says nothing of it: it is the careless one.
func (s *storm) answer(x *exchange.Exchange) exchange.Verdict {
	path, lang, session := string(x.Req.Path), "", ""
	head := "200\n"
	switch path[1] {
	case 'a':
		head += "Cache-Control: public, max-age=2\nCache-Groups: \"g\"\n"
	case 'l':
		head += "Cache-Control: max-age=2\nVary: Accept-Language\n"
		lang = string(x.Req.Fields.Get(exchange.NameAcceptLanguage))
	case 'm':
		head += "Cache-Control: max-age=2\n"
		session = string(x.Req.Fields.Get(exchange.NameCookie))
	case 'p':
		head += "Cache-Control: private, max-age=2\n"
		session = string(x.Req.Fields.Get(exchange.NameCookie))
	}
	if tag := fmt.Sprintf("%q", "t"+lang+session); path[1] != 'p' {
		head += "ETag: " + tag + "\n"
		if s.random(2) == 0 && string(x.Req.Fields.Get(exchange.NameIfNoneMatch)) == tag {
			return say(x, strings.Replace(head, "200", "304", 1))
		}
	}
	time.Sleep(time.Duration(s.random(100)) * time.Millisecond)
	switch s.random(20) {
	case 0:
		return x.Fail(fault.New(fault.OriginTimeout, "the origin of a test"))
	case 1:
		return say(x, "503\n\nsorry")
	case 2:
		return exchange.Abort
	case 3:
		panic("BUG: of a test")
	}
	v := say(x, head)
	body := &trickle{storm: s, rest: text(path, lang, session), fails: -1}
	if body.size = int64(len(body.rest)); s.random(2) == 0 {
		body.size = -1
	}
	if s.random(10) == 0 {
		body.fails = s.random(len(body.rest))
	}
	x.Resp.Body = body
	return v
}

// trickle is a body that comes in pieces of any size, and may break off.
type trickle struct {
	storm *storm
	rest  string
	size  int64
	fails int // bytes before it breaks off; -1: it does not
}

var errTrickle = fault.New(fault.OriginClosed, "the origin of a test broke off")

// Next is a piece.
func (b *trickle) Next() ([]byte, error) {
	if b.storm.random(4) == 0 {
		time.Sleep(time.Duration(b.storm.random(10)) * time.Millisecond)
	}
	n := min(1+b.storm.random(16<<10), len(b.rest))
	if b.fails >= 0 {
		if n = min(n, b.fails); n == 0 {
			return nil, errTrickle
		}
		b.fails -= n
	}
	if len(b.rest) == 0 {
		return nil, io.EOF
	}
	piece := b.rest[:n]
	b.rest = b.rest[n:]
	return []byte(piece), nil
}

func (b *trickle) Size() int64  { return b.size }
func (b *trickle) Replay() bool { return false }
func (b *trickle) Close() error { return nil }

// rage lets clients and purges loose, until all have done their share.
func (s *storm) rage(t *testing.T) {
	const clients, requests = 30, 40
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(stormSeed, uint64(i)+2))
			for range requests {
				s.one(t, rnd)
				time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
			}
		})
	}
	all.Go(func() {
		rnd := rand.New(rand.NewPCG(stormSeed, 0))
		for range requests / 2 {
			time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
			soft := rnd.IntN(2) == 0
			s.p.purge([]storage.Purge{
				{Kind: storage.PurgeAll, Soft: soft}, {Kind: storage.PurgeGroup, Value: "g", Soft: soft}, {Kind: storage.PurgePrefix, Value: "/l", Soft: soft},
				{Kind: storage.PurgeURL, Host: "shop.example.com", Value: "/a1", Soft: soft}}[rnd.IntN(4)])
		}
	})
	all.Wait()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Logf("%v, %d broken", s.outcomes, s.broken)
	for _, outcome := range []string{"hit", "miss", "pass"} {
		if s.outcomes[outcome] < clients {
			t.Errorf("only %d of %s", s.outcomes[outcome], outcome)
		}
	}
}

// one makes a request and holds the answer against what it must be.
func (s *storm) one(t *testing.T, rnd *rand.Rand) {
	path := fmt.Sprintf("/%c%d", "almp"[rnd.IntN(4)], rnd.IntN(8))
	lang, session := []string{"de", "en"}[rnd.IntN(2)], ""
	lines := []string{"Accept-Language: " + lang}
	if rnd.IntN(3) == 0 {
		session = fmt.Sprintf("session=%d", rnd.IntN(5))
		lines = append(lines, "Cookie: "+session)
	}
	from, to := 0, -1
	switch rnd.IntN(10) {
	case 0:
		from = rnd.IntN(2000)
		to = from + rnd.IntN(2000)
		lines = append(lines, fmt.Sprintf("Range: bytes=%d-%d", from, to))
	case 1:
		lines = append(lines, "If-None-Match: \"t"+lang+"\"")
	case 2:
		lines = append(lines, "X-Unusual: 1")
	}
	method := "GET"
	if rnd.IntN(50) == 0 {
		method = "POST"
	}
	c := newClient()
	leaves := rnd.IntN(8) == 0
	stay := time.Duration(rnd.IntN(150)) * time.Millisecond
	q := s.p.startAs(c, request(method, path, lines...))
	if leaves {
		time.Sleep(stay)
		c.leave()
	}
	s.judge(t, q.answer(), path, lang, session, from, to)
}

// judge holds an answer against what it must be.
func (s *storm) judge(t *testing.T, g *got, path, lang, session string, from, to int) {
	s.mu.Lock()
	s.outcomes[g.facts.Outcome.String()]++
	if !g.whole {
		s.broken++
	}
	s.mu.Unlock()
	if path[1] != 'l' {
		lang = ""
	}
	if path[1] == 'a' || path[1] == 'l' {
		session = ""
	}
	want := text(path, lang, session)
	switch g.Status {
	case 200:
	case 206:
		want = want[min(from, len(want)):min(to+1, len(want))]
	case 304, 416:
		want = ""
	case 499, 500, 502, 503, 504, 0:
		return
	default:
		t.Errorf("%s: %s", path, g)
		return
	}
	switch {
	case g.Body == want, !g.whole && strings.HasPrefix(want, g.Body):
	case g.Status == 200 && g.Body == "" && g.Sends == 0: // it was aborted before its head
	default:
		t.Errorf("%s %q %q: %s: %d bytes %.60q…, want %d bytes %.60q…", path, lang, session, g, len(g.Body), g.Body, len(want), want)
	}
}
