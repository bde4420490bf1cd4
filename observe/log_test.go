package observe_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/meter"
	"skerry.dev/skerry/observe"
)

// dropped is the counter of lines that were lost.
func dropped(set *meter.Set) uint64 { return set.Counter("skerry_log_dropped_total", "").Value() }

// sink remembers when each write came.
type sink struct {
	mu     sync.Mutex
	writes []write
}

type write struct {
	at    time.Duration
	lines int
}

func (s *sink) record(begin time.Time) io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.writes = append(s.writes, write{time.Since(begin), bytes.Count(b, []byte("\n"))})
		return len(b), nil
	})
}

func (s *sink) all() []write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]write(nil), s.writes...)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestALineWaitsAtMost200ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		l := observe.NewLog(s.record(time.Now()), meter.NewSet())
		x := sample()
		f := func(pause time.Duration, want ...write) {
			t.Helper()
			time.Sleep(pause)
			synctest.Wait()
			got := s.all()
			if len(got) != len(want) {
				t.Fatalf("writes %v, want %v", got, want)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("writes %v, want %v", got, want)
				}
			}
		}
		f(time.Hour)
		l.Exchange(x, start)
		f(100 * time.Millisecond)
		l.Exchange(x, start)
		first := write{time.Hour + 200*time.Millisecond, 2}
		f(99 * time.Millisecond)
		f(time.Millisecond, first)
		// A line that comes before the writer sleeps again rides on the next 200 ms.
		f(50*time.Millisecond, first)
		l.Exchange(x, start)
		second := write{time.Hour + 400*time.Millisecond, 1}
		f(150*time.Millisecond, first, second)
		// After a silence it starts anew.
		f(time.Hour, first, second)
		l.Exchange(x, start)
		third := write{2*time.Hour + 600*time.Millisecond, 1}
		f(199*time.Millisecond, first, second)
		f(time.Millisecond, first, second, third)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestFullChunksAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		l := observe.NewLog(s.record(time.Now()), meter.NewSet())
		x := sample()
		for range 1600 { // 1,600 lines of 569 bytes: three chunks of 256 KB and a rest
			l.Exchange(x, start)
			synctest.Wait()
		}
		got := s.all()
		if len(got) != 3 || got[len(got)-1].at != 0 {
			t.Errorf("writes %v, want three at once", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		lines := 0
		for _, w := range s.all() {
			lines += w.lines
		}
		if lines != 1600 {
			t.Errorf("%d lines were written, want 1600", lines)
		}
	})
}

// TestBlockedSink: nobody reads the pipe, so the first write never returns. Exchange must not wait for it.
func TestBlockedSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		set := meter.NewSet()
		l := observe.NewLog(w, set)
		x := sample()
		const lines = 20_000 // 11.4 MB
		for range lines {
			l.Exchange(x, start)
		}
		lost := dropped(set)
		if lost < lines/3 || lost > lines*2/3 {
			t.Errorf("%d of %d lines were dropped, want those beyond 4 MB", lost, lines)
		}
		begin := time.Now()
		if err := l.Close(); err == nil || time.Since(begin) != 2*time.Second {
			t.Errorf("Close of a blocked sink took %v and returned %v", time.Since(begin), err)
		}
		r.CloseWithError(errors.New("gone"))
		synctest.Wait()
		if got := dropped(set); got != lines {
			t.Errorf("%d lines are counted as lost, want all %d", got, lines)
		}
	})
}

// TestSinkRecovers: what a blocked sink had no room for is lost, everything else arrives, in order and whole.
func TestSinkRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		set := meter.NewSet()
		l := observe.NewLog(w, set)
		x := sample()
		for range 20_000 {
			l.Exchange(x, start)
		}
		lost := dropped(set)
		if lost == 0 {
			t.Fatal("nothing was dropped")
		}
		read := make(chan int)
		go func() {
			all, _ := io.ReadAll(r)
			read <- bytes.Count(all, []byte("\n"))
		}()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if got := <-read; got != 20_000-int(lost) {
			t.Errorf("%d lines arrived, %d were dropped, of 20000", got, lost)
		}
	})
}

// TestDeadSink: every line is counted once, and half a line does not spoil the next one.
func TestDeadSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		fail := false
		set := meter.NewSet()
		l := observe.NewLog(writerFunc(func(b []byte) (int, error) {
			if !fail {
				return out.Write(b)
			}
			fail = false
			n, _ := out.Write(b[:len(b)*3/4])
			return n, errors.New("disk full")
		}), set)
		x := sample()
		log := func(n int) {
			for range n {
				l.Exchange(x, start)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		fail = true
		log(2) // one and a half arrive
		log(1)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l.Exchange(x, start) // after Close
		if got := dropped(set); got != 2 {
			t.Errorf("%d lines are counted as lost, want 2", got)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 3 || lines[0] != lines[2] {
			t.Errorf("the sink has %q", lines)
		}
	})
}

func TestManyWritersOneLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		set := meter.NewSet()
		l := observe.NewLog(s.record(time.Now()), set)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				x := sample()
				defer x.Release()
				for range 2000 {
					l.Exchange(x, time.Now())
				}
			})
		}
		wg.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, w := range s.all() {
			lines += w.lines
		}
		if lost := int(dropped(set)); lines+lost != 16_000 {
			t.Errorf("%d lines were written and %d dropped, want 16000 together", lines, lost)
		}
	})
}
