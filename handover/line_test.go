package handover_test

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/handover"
)

// hears is what a process hears: what it is told, and "lost".
type hears chan string

func (h hears) by(p *handover.Process) {
	p.Told(func(b []byte) { h <- string(b) }, func() { h <- "lost" })
}

func (h hears) want(t *testing.T, want string) {
	t.Helper()
	if got := <-h; got != want {
		t.Fatalf("it hears %.40q, want %.40q", got, want)
	}
}

// TestTold: what is told arrives whole and in order; who has told all loses nothing by its end, and whoever ends otherwise may have.
func TestTold(t *testing.T) {
	f := func(all bool, want string) {
		t.Helper()
		s, p, end := handover.Pair(t)
		h := make(hears, 1)
		h.by(p)
		s.Turn()
		long := strings.Repeat("x", handover.ToldBytesMax)
		for _, text := range []string{"a", "", long, "b"} {
			if err := s.Tell([]byte(text)); err != nil {
				t.Fatal(err)
			}
			h.want(t, text)
		}
		if s.Tell([]byte(long+"x")) == nil {
			t.Error("more is told than is heard")
		}
		if all {
			s.ToldAll()
		}
		end()
		<-p.Proved()
		p.Close()
		close(h)
		h.want(t, want)
	}
	f(true, "")
	f(false, "lost")
}

// TestToldTooSlow: who does not hear for toldWait is told nothing more, and learns that something is lost when it hears again.
func TestToldTooSlow(t *testing.T) {
	t.Parallel()
	s, p, _ := handover.Pair(t)
	h := make(hears)
	h.by(p)
	s.Turn()
	n := 0
	for ; s.Tell(fmt.Append(nil, n)) == nil; n++ {
	}
	if s.Tell(nil) == nil {
		t.Error("something is told behind what was lost")
	}
	s.ToldAll()
	for i := 0; ; i++ {
		got := <-h
		if got == "lost" {
			if i > n+1 {
				t.Errorf("%d were heard of %d", i, n)
			}
			break
		}
		if got != fmt.Sprint(i) {
			t.Fatalf("heard %q, want %d", got, i)
		}
	}
	p.Close()
}

// TestToldToNewest: what a process tells is heard by the newest, whole, also when the one that had been told is gone.
func TestToldToNewest(t *testing.T) {
	s, middle, newest, serve := handover.Three(t)
	one, two := make(hears, 1), make(hears, 1)
	one.by(middle)
	two.by(newest)
	s.Turn()
	stop := make(chan struct{})
	told := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				s.ToldAll()
				told <- n
				return
			default:
			}
			if err := s.Tell(fmt.Append(nil, n, strings.Repeat(" ", n%5000))); err != nil {
				t.Error(err)
			}
		}
	}()
	want := 0
	hear := func(h hears) {
		t.Helper()
		for range 200 {
			h.want(t, fmt.Sprint(want, strings.Repeat(" ", want%5000)))
			want++
		}
	}
	hear(one)
	served := make(chan struct{})
	go func() { serve(); close(served) }()
	for over := false; !over; {
		select {
		case got := <-one:
			if got != fmt.Sprint(want, strings.Repeat(" ", want%5000)) {
				t.Fatalf("%.40q, want %d", got, want)
			}
			want++
		case <-served:
			over = true
		}
	}
	for len(one) > 0 {
		one.want(t, fmt.Sprint(want, strings.Repeat(" ", want%5000)))
		want++
	}
	hear(two)
	middle.Close()
	hear(two)
	close(stop)
	n := 0
	for all := false; !all; {
		select {
		case n = <-told:
			all = true
		case got := <-two:
			if got != fmt.Sprint(want, strings.Repeat(" ", want%5000)) {
				t.Fatalf("%.40q, want %d", got, want)
			}
			want++
		}
	}
	for want < n {
		two.want(t, fmt.Sprint(want, strings.Repeat(" ", want%5000)))
		want++
	}
	newest.Close()
}

// TestToldOut: a process that has told all, and ended while its successor was the one that hears, is not taken by the newest for one that was cut
// off.
func TestToldOut(t *testing.T) {
	s, middle, newest, serve := handover.Three(t)
	one, two := make(hears, 1), make(hears, 1)
	one.by(middle)
	two.by(newest)
	if err := s.Tell([]byte("a")); err != nil {
		t.Fatal(err)
	}
	one.want(t, "a")
	s.Proved()
	s.ToldAll()
	s.End()
	<-middle.Gone()
	serve()
	<-newest.Proved()
	middle.Close()
	newest.Close()
	close(two)
	two.want(t, "")
}

// TestOtherVersion: what another version of the program says beside what this one knows is passed over, however much it looks like that.
func TestOtherVersion(t *testing.T) {
	f := func(between, want string) {
		t.Helper()
		s, p, end := handover.Pair(t)
		h := make(hears, 2)
		h.by(p)
		for _, text := range []string{between, "M\x00\x00\x00\x01a", between, "T", between} {
			if err := s.Say(text); err != nil {
				t.Fatal(err)
			}
			if want == "" && text == "M\x00\x00\x00\x01a" {
				h.want(t, "a")
				select {
				case <-p.Turn():
					t.Errorf("%q: it is taken for its turn", between)
				default:
				}
			}
		}
		if <-p.Turn(); want == "" {
			select {
			case <-p.Proved():
				t.Errorf("%q: it is taken for more", between)
			default:
			}
		}
		s.ToldAll()
		end()
		<-p.Proved()
		p.Close()
		close(h)
		h.want(t, want)
	}
	f("Q", "")
	f("z\x00\x00\x00\x00", "")
	f("z\x00\x00\x00\x06TPEAMz", "")
	f("Za\x00\x00\x00\x05M\x00\x00\x00\x01Y", "")
	f("z\x00\x01\x00\x01", "lost") // more than may follow
}
