package cache_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// onDisk gives a place a store below memory.
func onDisk(t *testing.T) func(*setup) {
	dir := t.TempDir()
	return func(s *setup) { s.options.Dir, s.options.DiskBytes = dir, 64<<20 }
}

const step = 32 << 10 // of bodies whose pace is measured

// steps is a body of n pieces that are told apart.
func steps(f *feed, n int) (whole string) {
	var b strings.Builder
	for i := range n {
		piece := strings.Repeat(string(rune('a'+i%26)), step)
		f.push(piece)
		b.WriteString(piece)
	}
	f.end(nil)
	return b.String()
}

// slowly starts a request whose client reads one piece for each word to its gate.
func (p *place) slowly(text string) *pending {
	c := newClient()
	c.gate = make(chan struct{})
	return p.startAs(c, text)
}

// let lets the client read n pieces.
func (q *pending) let(n int) {
	for range n {
		q.gate <- struct{}{}
		synctest.Wait()
	}
}

// near reports whether a fill runs ahead of a reader by no more than the window and the piece that reaches it, and not much less.
func near(f *feed, at, window int64) bool {
	ahead := f.taken.Load() - at
	return ahead >= window-step && ahead <= window+step
}

// TestPaceOfPrivate: of an answer that is not for the store no more than the window is read ahead of its client.
func TestPaceOfPrivate(t *testing.T) {
	for _, size := range []int64{-1, 100 * step} {
		bubble(t, func(t *testing.T, p *place) {
			f := newFeed(size)
			p.origin.does(f.answer("200\nCache-Control: no-store"))
			whole := steps(f, 100)
			q := p.slowly(request("GET", "/a"))
			synctest.Wait()
			if !near(f, 0, cache.PrivateBytes) {
				t.Errorf("%d bytes were read for a client that reads nothing", f.taken.Load())
			}
			q.let(20)
			if !near(f, q.read.Load(), cache.PrivateBytes) || q.read.Load() < 10*step {
				t.Errorf("%d bytes were read for a client that has %d", f.taken.Load(), q.read.Load())
			}
			close(q.gate)
			if g := q.answer(); g.Body != whole || g.String() != "200 miss no-store" {
				t.Errorf("%s, %d bytes", g, len(g.Body))
			}
		})
	}
}

// TestPrivateHoldsAWindow: an answer that is not stored takes no more memory than that, however long it says to be.
func TestPrivateHoldsAWindow(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(1 << 30)
		p.origin.does(f.answer("200\nCache-Control: no-store"))
		whole := steps(f, 8)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if g := p.get("/a"); g.Body != whole {
			t.Errorf("%s, %d bytes", g, len(g.Body))
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("%d bytes were allocated for a body of which %d came", n, len(whole))
		}
	})
}

// TestPaceOfStored: an answer that is kept in memory as a whole is read as fast as the origin gives it.
func TestPaceOfStored(t *testing.T) {
	for _, size := range []int64{-1, 100 * step} {
		bubble(t, func(t *testing.T, p *place) {
			f := newFeed(size)
			p.origin.does(f.answer("200\nCache-Control: max-age=60"))
			whole := steps(f, 100)
			q := p.slowly(request("GET", "/a"))
			synctest.Wait()
			if n := f.taken.Load(); n != 100*step {
				t.Errorf("%d bytes were read", n)
			}
			if g := p.get("/a"); g.String() != "200 hit" || g.Body != whole {
				t.Errorf("%s, %d bytes, while its first client reads", g, len(g.Body))
			}
			close(q.gate)
			if g := q.answer(); g.Body != whole || g.String() != "200 miss stored" {
				t.Errorf("%s, %d bytes", g, len(g.Body))
			}
		}, func(s *setup) { s.options.Bytes = 64 << 20 })
	}
}

// TestPaceOfSpooled: an answer that goes to disk is read at the pace of its fastest client; the others get it from there.
func TestPaceOfSpooled(t *testing.T) {
	for _, size := range []int64{-1, 100 * step} {
		bubble(t, func(t *testing.T, p *place) {
			f := newFeed(size)
			p.origin.does(f.answer("200\nCache-Control: max-age=60"))
			whole := steps(f, 100)
			slow, fast := p.slowly(request("GET", "/a")), p.slowly(request("GET", "/a"))
			synctest.Wait()
			if !near(f, 0, cache.WindowBytes) {
				t.Errorf("%d bytes were read for clients that read nothing", f.taken.Load())
			}
			slow.let(1)
			fast.let(40)
			if !near(f, fast.read.Load(), cache.WindowBytes) || slow.over() {
				t.Errorf("%d bytes were read, the fastest client has %d", f.taken.Load(), fast.read.Load())
			}
			close(fast.gate)
			if g := fast.answer(); g.Body != whole || g.facts.Outcome != exchange.CacheMiss || !g.facts.Stored {
				t.Errorf("fast: %s, %d bytes", g, len(g.Body))
			}
			synctest.Wait()
			if g := p.get("/a"); g.String() != "200 hit" || g.Body != whole {
				t.Errorf("%s, %d bytes", g, len(g.Body))
			}
			close(slow.gate)
			if g := slow.answer(); g.Body != whole || !g.whole {
				t.Errorf("slow: %s, %d bytes", g, len(g.Body))
			}
		}, onDisk(t), func(s *setup) { s.options.Bytes = 1 << 20 })
	}
}

// TestPaceOfSpooledAlone: when all clients have left, an answer that goes to disk is read to its end.
func TestPaceOfSpooledAlone(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(100 * step)
		p.origin.does(f.answer("200\nCache-Control: max-age=60"))
		whole := steps(f, 100)
		q := p.slowly(request("GET", "/a"))
		synctest.Wait()
		q.leave()
		q.answer()
		synctest.Wait()
		if f.left() || f.taken.Load() != int64(len(whole)) {
			t.Errorf("told to end %v after %d bytes", f.left(), f.taken.Load())
		}
		if g := p.get("/a"); g.String() != "200 hit" || g.Body != whole {
			t.Errorf("%s, %d bytes", g, len(g.Body))
		}
	}, onDisk(t), func(s *setup) { s.options.Bytes = 1 << 20 })
}

// TestOutgrown: a body of unknown size that is too large in the end is not stored; who reads it gets all of it, at the pace of the slowest
// of them, and nobody else waits for it.
func TestOutgrown(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(-1)
		p.origin.does(f.answer("200\nCache-Control: max-age=60"))
		slow, fast := p.slowly(request("GET", "/a")), p.start(request("GET", "/a"))
		synctest.Wait()
		whole := steps(f, 100)
		synctest.Wait()
		if n := f.taken.Load(); n > 11*step+cache.PrivateBytes {
			t.Errorf("%d bytes were read for a client that reads nothing", n)
		}
		p.origin.says("200\nCache-Control: max-age=60\n\nsmall")
		if g := p.get("/a"); g.String() != "200 pass marked" && g.String() != "200 pass" {
			t.Errorf("who comes later: %s", g)
		}
		slow.let(30)
		if !near(f, slow.read.Load(), cache.PrivateBytes) {
			t.Errorf("%d bytes were read, the slowest client has %d", f.taken.Load(), slow.read.Load())
		}
		close(slow.gate)
		for _, q := range []*pending{slow, fast} {
			if g := q.answer(); g.Body != whole || !g.whole {
				t.Errorf("%s, %d bytes", g, len(g.Body))
			}
		}
		synctest.Wait()
		if g := p.get("/a"); len(g.Body) > 100 {
			t.Errorf("it was stored: %s", g)
		}
	}, with(func(c *spec.Cache) { c.ObjectMax = 10 * step }))
}

// TestOutgrownLeavesBehind: one who does not read holds up those who read the same for a while only.
func TestOutgrownLeavesBehind(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(-1)
		p.origin.does(f.answer("200\nCache-Control: max-age=60"))
		slow, fast := p.slowly(request("GET", "/a")), p.start(request("GET", "/a"))
		synctest.Wait()
		whole := steps(f, 100)
		time.Sleep(cache.BehindGrace - time.Second)
		if fast.over() {
			t.Error("nobody was waited for")
		}
		time.Sleep(2 * time.Second)
		if !fast.over() || fast.got.Body != whole || !fast.got.whole {
			t.Fatalf("after %v, who reads has %d bytes of %d", cache.BehindGrace, fast.read.Load(), len(whole))
		}
		close(slow.gate)
		if g := slow.answer(); g.whole || !strings.HasPrefix(whole, g.Body) {
			t.Errorf("who was left behind: %s, %d bytes", g, len(g.Body))
		}
	}, with(func(c *spec.Cache) { c.ObjectMax = 10 * step }))
}

// TestSizes: what a body of a fill knows of its length, and whether it would wait.
func TestSizes(t *testing.T) {
	f := func(size int64, trailer bool, sizes string) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			f := newFeed(size)
			answer := f.answer("200\nCache-Control: max-age=60")
			p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
				v := answer(x)
				if trailer {
					x.Resp.Trailers.AddNamed([]byte("Server-Timing"), []byte("a"))
				}
				return v
			})
			var seen []string
			look := &looks{at: func(b exchange.Body) {
				seen = append(seen, fmt.Sprintf("%d %v", b.Size(), b.(exchange.Ready).Ready()))
			}}
			x := begin(request("GET", "/a"))
			x.Sink = look
			path := p.path
			done := make(chan struct{})
			go func() { path.Run(x); x.Release(); close(done) }()
			f.push("abc")
			time.Sleep(10 * time.Millisecond)
			f.end(nil)
			<-done
			if got := strings.Join(seen, ", "); got != sizes {
				t.Errorf("size %d, trailers %v: %s, want %s", size, trailer, got, sizes)
			}
		})
	}
	f(-1, false, "-1 true, -1 false, 3 true")
	f(20_000, false, "20000 true, 20000 false, 3 true") // as long as it has come to be, in the end
	f(-1, true, "-1 true, -1 false, -1 true")
}

// looks is a sink that looks at the body when its first piece has come, behind it, and at its end.
type looks struct {
	exchange.Discard
	at func(b exchange.Body)
}

// Send reads the body.
func (l *looks) Send(x *exchange.Exchange) error {
	x.Resp.Started = true
	b := x.Resp.Body
	time.Sleep(time.Millisecond) // so that the first piece has come
	l.at(b)
	_, _ = b.Next()
	l.at(b)
	_, err := b.Next()
	l.at(b)
	if err != io.EOF {
		return err
	}
	return nil
}

// TestTooLarge: what says that it is too large is not begun to be stored.
func TestTooLarge(t *testing.T) {
	f := func(size int, want string, changes ...func(*setup)) {
		t.Helper()
		play(t, "200\nCache-Control: max-age=60\n\n"+strings.Repeat("x", size), func(s *script) {
			if g := s.ask(want, "/a"); len(g.Body) != size {
				t.Errorf("%d bytes of %d", len(g.Body), size)
			}
			if n := s.p.metric("skerry_cache_objects"); (n == 1) != strings.HasSuffix(want, "stored") {
				t.Errorf("%v objects", n)
			}
		}, changes...)
	}
	max := with(func(c *spec.Cache) { c.ObjectMax = 1000 })
	f(1000, "200 miss stored", max)
	f(1001, "200 miss too-large", max)
	small := func(s *setup) { s.options.Bytes = 8 << 10 }
	f(512, "200 miss stored", small)
	f(1025, "200 miss too-large", small) // an eighth of the memory
	f(1020, "200 miss too-large", small) // with its head
}

// TestBudget: fills in progress take half of the memory at most. Beyond it answers are given and not stored.
func TestBudget(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		const size = 100 << 10 // of 1 MB
		var feeds []*feed
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			f := newFeed(size)
			feeds = append(feeds, f)
			return f.answer("200\nCache-Control: max-age=60")(x)
		})
		var all []*pending
		for i := range 7 {
			all = append(all, p.start(request("GET", "/"+string(rune('a'+i)))))
			synctest.Wait()
		}
		if n := p.metric("skerry_cache_reserved_bytes"); n != 5*size {
			t.Errorf("%v bytes are reserved", n)
		}
		for _, f := range feeds {
			f.push(strings.Repeat("x", size))
			f.end(nil)
		}
		for i, q := range all {
			want := "200 miss stored"
			if i >= 5 {
				want = "200 miss budget"
			}
			if g := q.answer(); g.String() != want || len(g.Body) != size {
				t.Errorf("%d: %s", i, g)
			}
		}
	}, func(s *setup) { s.options.Bytes = 1 << 20 })
}

// TestBrokenBody: who reads it hears of it behind its last byte, nothing is stored, and the next one asks again.
func TestBrokenBody(t *testing.T) {
	broken := fault.New(fault.OriginClosed, "the origin of a test broke off")
	f := func(size int64, head string, changes ...func(*setup)) {
		t.Helper()
		bubble(t, func(t *testing.T, p *place) {
			f := newFeed(size)
			p.origin.does(f.answer(head))
			all := p.crowd(3, request("GET", "/a"))
			f.push("half")
			synctest.Wait()
			f.end(broken)
			synctest.Wait()
			read := 0
			for _, q := range all {
				if !q.over() { // of a private one, the others have asked themselves, for the same feed
					t.Fatalf("%q: who reads it waits", head)
				}
				if g := q.got; g.Body == "half" {
					if read++; g.whole || !errors.Is(g.Err, broken) {
						t.Errorf("%q: %s, %v", head, g, g.Err)
					}
				}
			}
			if read != 3 {
				t.Errorf("%q: %d have read it", head, read)
			}
			if n := p.metric("skerry_cache_objects"); n != 0 {
				t.Errorf("%q: it was stored", head)
			}
			p.origin.says(page)
			if g := p.get("/a"); g.String() != "200 miss stored" {
				t.Errorf("%q: then %s", head, g)
			}
		}, changes...)
	}
	f(-1, "200\nCache-Control: max-age=60")
	f(8, "200\nCache-Control: max-age=60")
	f(1<<20, "200\nCache-Control: max-age=60")
	f(2<<20, "200\nCache-Control: max-age=60", onDisk(t))
}

// TestBrokenAtOnce: a small body that breaks before anybody has seen its head.
func TestBrokenAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		broken := errors.New("broken")
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			say(x, "200\nCache-Control: max-age=60")
			x.Resp.Body = &short{err: broken}
			return exchange.Respond
		})
		if g := p.get("/a"); g.whole || g.Err != broken || p.metric("skerry_cache_objects") != 0 {
			t.Errorf("%s: %v", g, g.Err)
		}
	})
}

// short is a small body that is at hand, and ends in an error.
type short struct {
	err  error
	read bool
}

func (s *short) Next() ([]byte, error) {
	if s.read {
		return nil, s.err
	}
	s.read = true
	return []byte("abc"), nil
}
func (s *short) Ready() bool  { return true }
func (s *short) Size() int64  { return 10 }
func (s *short) Replay() bool { return false }
func (s *short) Close() error { return nil }

// TestShortAtHand: head and body of a small answer that is at hand come together, however many pieces it has.
func TestShortAtHand(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.origin.does(func(x *exchange.Exchange) exchange.Verdict {
			say(x, "200\nCache-Control: max-age=60")
			x.Resp.Body = &short{err: io.EOF}
			return exchange.Respond
		})
		if g := p.get("/a"); g.Body != "abc" || g.String() != "200 miss stored" {
			t.Errorf("%s %q", g, g.Body)
		}
		if g := p.get("/a"); g.Body != "abc" || g.String() != "200 hit" {
			t.Errorf("%s %q", g, g.Body)
		}
	})
}

// TestSlowOrigin: a client that leaves while it waits for a body is seen.
func TestSlowOrigin(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		f := newFeed(-1)
		p.origin.does(f.answer("200\nCache-Control: no-store"))
		q := p.start(request("GET", "/a"))
		f.push("x")
		time.Sleep(2 * cache.GoneAfter)
		q.leave()
		if g := q.answer(); g.whole || fault.Of(g.Err) != fault.ClientGone {
			t.Errorf("%s: %v", g, g.Err)
		}
		synctest.Wait()
		if !f.left() {
			t.Error("the fill was not ended")
		}
	})
}
