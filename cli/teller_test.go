package cli

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"skerry.dev/skerry/cache"
)

// peer is a process that is told something. It hears when it is let.
type peer struct {
	let   chan struct{} // one for each thing; closed: all
	fails bool
	heard []string
}

func (p *peer) Tell(what []byte) error {
	<-p.let
	if p.fails {
		return errors.New("it does not hear")
	}
	p.heard = append(p.heard, string(what))
	return nil
}

func (p *peer) ToldAll() { p.heard = append(p.heard, "all") }

// TestTeller: all is told in order, before it is said that it was all, and who tells waits for nobody.
func TestTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{let: make(chan struct{})}
		tell := newTeller(p)
		var want []string
		for i := range tellsWaiting {
			tell.tell(strconv.AppendInt(nil, int64(i), 10))
			want = append(want, strconv.Itoa(i))
		}
		close(p.let)
		tell.end()
		if want = append(want, "all"); !slices.Equal(p.heard, want) {
			t.Errorf("%d were heard of %d: %q", len(p.heard), len(want), p.heard)
		}
		(*teller)(nil).end()
	})
}

// TestTellerIsFull: where more waits than has room, everything is out of date, and what comes later is told again.
func TestTellerIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{let: make(chan struct{})}
		tell := newTeller(p)
		tell.tell([]byte("first"))
		synctest.Wait() // it is being told
		for range tellsWaiting {
			tell.tell([]byte("x"))
		}
		tell.tell([]byte("too much"))
		p.let <- struct{}{}
		p.let <- struct{}{}
		synctest.Wait()
		all := string(cache.TellAll())
		if want := []string{"first", all}; !slices.Equal(p.heard, want) {
			t.Errorf("heard %q, want %q", p.heard, want)
		}
		close(p.let)
		synctest.Wait()
		tell.tell([]byte("last"))
		tell.end()
		if n := len(p.heard); n != tellsWaiting+4 || p.heard[n-2] != "last" || p.heard[n-1] != "all" || slices.Contains(p.heard[2:], all) {
			t.Errorf("%d were heard: %q", n, p.heard[max(0, n-2):])
		}
	})
}

// TestTellerFails: what cannot be told makes everything out of date.
func TestTellerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{let: make(chan struct{}), fails: true}
		tell := newTeller(p)
		tell.tell([]byte("too long"))
		p.let <- struct{}{}
		synctest.Wait()
		p.fails = false
		p.let <- struct{}{}
		tell.end()
		if want := []string{string(cache.TellAll()), "all"}; !slices.Equal(p.heard, want) {
			t.Errorf("heard %q, want %q", p.heard, want)
		}
	})
}
