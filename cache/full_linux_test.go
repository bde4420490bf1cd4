package cache_test

import (
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cache"
)

// inChild runs the test in a process of its own, whose files may be told to end; false: it is the one that should do so.
func inChild(t *testing.T) bool {
	t.Helper()
	const child = "SKERRY_CACHE_CHILD"
	if os.Getenv(child) != "" {
		signal.Ignore(syscall.SIGXFSZ)
		return false
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), child+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return true
}

const noLimit = math.MaxUint64

// filesEndAt makes no file of this process grow beyond so many bytes: a write that would gets there, and fails.
func filesEndAt(t *testing.T, bytes uint64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
	l.Cur = min(bytes, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
}

// small and big are answers of which one is kept in memory, the other on disk alone.
const small, big = 1 << 10, 100 * step

// disk holds whether a place's disk fails now, and what was told of it.
func (s *script) disk(degraded float64, told ...string) {
	s.t.Helper()
	if n := s.p.metric("skerry_cache_disk_degraded"); n != degraded {
		s.t.Errorf("degraded: %v, want %v", n, degraded)
	}
	got := s.p.told("cache_disk")
	if len(got) != len(told) {
		s.t.Fatalf("told %q, want %q", got, told)
	}
	for i := range told {
		if !strings.Contains(got[i], told[i]) || !strings.Contains(got[i], s.p.setup.options.Dir) {
			s.t.Errorf("told %q, want %q of %s", got[i], told[i], s.p.setup.options.Dir)
		}
	}
}

// holds asks and holds what the body is.
func (s *script) holds(want, target, body string) {
	s.t.Helper()
	if g := s.ask(want, target); g.Body != body {
		s.t.Errorf("%s: another body, %d bytes of %d", target, len(g.Body), len(body))
	}
}

// accounts holds the bytes that the disk counts against those of its files: nothing that was begun is left there, or counted.
func (s *script) accounts() {
	s.t.Helper()
	synctest.Wait()
	var sum int64
	for _, kind := range []string{"*.log", "*.body"} {
		names, _ := filepath.Glob(filepath.Join(s.p.setup.options.Dir, kind))
		for _, name := range names {
			info, err := os.Stat(name)
			if err != nil {
				s.t.Fatal(err)
			}
			sum += info.Size()
		}
	}
	if n := s.p.metric("skerry_cache_disk_bytes"); n != float64(sum) {
		s.t.Errorf("%v bytes are counted, there are %d", n, sum)
	}
}

// content is a body of one letter, so that no byte of it passes for one of another answer.
func content(letter string, size int) string { return strings.Repeat(letter, size) }

// storable is an answer that may be stored for long.
func storable(body string) string { return "200\nCache-Control: max-age=36000\n\n" + body }

// TestDiskFullInTheMiddle: the disk takes no more while a large answer goes there. Who reads it gets all of it, it is not stored, what is in
// memory or on disk is given as before, what is small is stored in memory; once the disk takes something again all is as ever, and nobody
// ever gets a byte of what was written in part.
func TestDiskFullInTheMiddle(t *testing.T) {
	if inChild(t) {
		return
	}
	for _, size := range []int64{-1, big} {
		live(t, func(l *lives) {
			s := l.start(func(s *setup) { s.options.Bytes = 1 << 20 })
			defer filesEndAt(t, noLimit)
			s.p.origin.says(storable(content("s", small)))
			s.ask("200 miss stored", "/small")
			s.p.origin.says(storable(content("b", big)))
			s.ask("200 miss stored", "/big")
			synctest.Wait()

			f := newFeed(size)
			s.p.origin.does(f.answer("200\nCache-Control: max-age=36000"))
			whole := steps(f, 100)
			one, other := s.p.slowly(request("GET", "/torn")), s.p.slowly(request("GET", "/torn"))
			synctest.Wait()
			one.let(20)
			other.let(19)
			s.disk(0)
			filesEndAt(t, uint64(f.taken.Load())+step/2)
			go close(one.gate)
			go close(other.gate)
			for _, q := range []*pending{one, other} {
				if g := q.answer(); g.Body != whole || !g.whole || g.Status != 200 {
					t.Errorf("size %d: who reads it gets %s, %d bytes of %d", size, g, len(g.Body), len(whole))
				}
			}
			s.disk(1, "cannot be written")
			filesEndAt(t, 0)
			s.p.origin.says(storable(content("n", small)))
			s.ask("200 miss stored", "/new")
			synctest.Wait()
			s.holds("200 hit", "/new", content("n", small))
			s.holds("200 hit", "/small", content("s", small))
			s.holds("200 hit", "/big", content("b", big))
			s.p.origin.says(storable(content("t", big)))
			s.holds("200 pass marked", "/torn", content("t", big))
			s.holds("200 miss too-large", "/large", content("t", big))
			time.Sleep(2*cache.MarkTime + time.Minute)
			synctest.Wait()
			s.holds("200 miss too-large", "/torn", content("t", big))
			s.disk(1, "cannot be written")

			filesEndAt(t, noLimit)
			time.Sleep(cache.MarkTime + time.Minute)
			synctest.Wait()
			s.disk(0, "cannot be written", "can be written again")
			s.holds("200 miss stored", "/torn", content("t", big))
			s.holds("200 hit", "/torn", content("t", big))
			s.accounts()
			s = l.start(func(s *setup) { s.options.Bytes = 1 << 20 })
			s.holds("200 hit", "/torn", content("t", big))
			s.holds("200 hit", "/big", content("b", big))
			s.holds("200 hit", "/small", content("s", small))
			if n := s.p.metric("skerry_cache_disk_broken_total"); n != 0 {
				t.Errorf("%v of what is on disk is damaged", n)
			}
		})
	}
}

// TestDiskFullFarBehind: who is further behind the others than the window when the disk fails reads on from what got there, as long as that
// holds up nobody for longer than behindGrace.
func TestDiskFullFarBehind(t *testing.T) {
	if inChild(t) {
		return
	}
	live(t, func(l *lives) {
		s := l.start(func(s *setup) { s.options.Bytes = 1 << 20 })
		defer filesEndAt(t, noLimit)
		f := newFeed(-1)
		s.p.origin.does(f.answer("200\nCache-Control: max-age=36000"))
		whole := steps(f, 100)
		slow, fast := s.p.slowly(request("GET", "/a")), s.p.slowly(request("GET", "/a"))
		synctest.Wait()
		slow.let(1)
		fast.let(40)
		filesEndAt(t, uint64(f.taken.Load())+step/2)
		go close(fast.gate)
		synctest.Wait()
		go close(slow.gate)
		for _, q := range []*pending{fast, slow} {
			if g := q.answer(); g.Body != whole || !g.whole {
				t.Errorf("%s, %d bytes of %d", g, len(g.Body), len(whole))
			}
		}
		s.disk(1, "cannot be written")
	})
}
