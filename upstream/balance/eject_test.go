package balance_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/upstream/balance"
)

// told collects what a balancer tells.
type told struct{ lines []string }

func (s *told) tell(n *balance.Member, ejected bool, why string) {
	s.lines = append(s.lines, fmt.Sprintf("%s %v: %s", n.Name, ejected, why))
}

// fail notes so many failures.
func fail(b *balance.Balancer, n *balance.Member, times int) {
	for range times {
		b.Note(n, true)
	}
}

func gets(b *balance.Balancer, n *balance.Member) bool { return counts(b, 300)[n] > 0 }

// TestEjection is the life of a member that fails, comes back, fails again, and gets well.
func TestEjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said told
		all := members(3)
		b := balance.New(spec.Balance{}, spec.Ejection{Failures: 3, Time: 10 * time.Second, Share: 0.5}, said.tell)
		defer b.Close()
		b.Set(all)
		n := all[0]
		out := func(want bool) {
			t.Helper()
			synctest.Wait()
			if n.Ejected() != want || n.Usable() == want || gets(b, n) == want || !n.Healthy() {
				t.Fatalf("ejected %v, usable %v, gets requests %v; want it out: %v", n.Ejected(), n.Usable(), gets(b, n), want)
			}
		}
		fail(b, n, 2)
		b.Note(n, false)
		fail(b, n, 2)
		out(false)
		fail(b, n, 1)
		out(true)
		fail(b, n, 100) // of requests from before
		b.Note(n, false)
		time.Sleep(10*time.Second - 1)
		out(true)
		time.Sleep(1)
		out(false)
		for i, times := range []time.Duration{2, 3, 4, 5, 5, 5} {
			fail(b, n, 1) // one is enough after a return
			out(true)
			time.Sleep(times*10*time.Second - 1)
			out(true)
			time.Sleep(1)
			out(false)
			_ = i
		}
		b.Note(n, false)
		fail(b, n, 2)
		out(false)
		fail(b, n, 1)
		out(true)
		time.Sleep(10 * time.Second)
		out(false)
		want := "10.0.0.0:8080 true: 3 failures in a row (ejection.failures), out for 10s|10.0.0.0:8080 false: its time is over|" +
			"10.0.0.0:8080 true: it failed again after its return, out for 20s|"
		if got := strings.Join(said.lines, "|"); !strings.HasPrefix(got, want) || len(said.lines) != 16 {
			t.Errorf("told %d lines:\n%s", len(said.lines), strings.Join(said.lines, "\n"))
		}
	})
}

// TestEjectionShare: how many may be out at once.
func TestEjectionShare(t *testing.T) {
	f := func(nodesNumber int, share float64, want int) {
		t.Helper()
		all := append(members(nodesNumber), &balance.Member{Name: "idle"})
		b := balance.New(spec.Balance{Panic: 0.5}, spec.Ejection{Failures: 2, Time: time.Hour, Share: share}, nil)
		defer b.Close()
		b.Set(all)
		out := 0
		for _, n := range all {
			fail(b, n, 5)
			if n.Ejected() {
				out++
			}
		}
		if out != want {
			t.Errorf("%d members, share %v: %d were out, want %d", nodesNumber, share, out, want)
		}
	}
	f(1, 0.5, 0)
	f(1, 1, 0)
	f(2, 0.1, 1)
	f(2, 0, 0)
	f(3, 0.5, 1)
	f(4, 0.5, 2)
	f(100, 0.29, 29)
	f(3, 1, 2) // the last one stays
	f(0, 1, 0)
}

// TestEjectionLater: a member that was not ejected for want of room is when there is some, and only a failure does it.
func TestEjectionLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := members(2)
		b := balance.New(spec.Balance{}, spec.Ejection{Failures: 2, Time: time.Minute, Share: 0.5}, nil)
		defer b.Close()
		b.Set(all)
		fail(b, all[0], 2)
		fail(b, all[1], 9)
		if !all[0].Ejected() || all[1].Ejected() {
			t.Fatal("not the first one alone")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		b.Note(all[0], false)
		if all[1].Ejected() {
			t.Fatal("ejected by nothing")
		}
		fail(b, all[1], 1)
		if !all[1].Ejected() {
			t.Fatal("not ejected when there was room")
		}
	})
}

// TestEjectionAndHealth are independent, and the last usable member is never ejected.
func TestEjectionAndHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := members(4)
		b := balance.New(spec.Balance{}, spec.Ejection{Failures: 1, Time: time.Minute, Share: 0.5}, nil)
		defer b.Close()
		b.Set(all)
		fail(b, all[0], 1)
		b.Health(all[0], false)
		b.Health(all[1], false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if all[0].Ejected() || all[0].Healthy() || gets(b, all[0]) {
			t.Error("the end of an ejection made an unhealthy member usable")
		}
		b.Health(all[2], false)
		fail(b, all[3], 9)
		if all[3].Ejected() || !gets(b, all[3]) {
			t.Error("the last usable member was ejected")
		}
	})
}

// TestEjectionMembership: who leaves is not out any more, and too few are left for more to be.
func TestEjectionMembership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said told
		all := members(4)
		b := balance.New(spec.Balance{}, spec.Ejection{Failures: 2, Time: time.Minute, Share: 0.5}, said.tell)
		defer b.Close()
		b.Set(all)
		fail(b, all[0], 2)
		time.Sleep(time.Second)
		fail(b, all[1], 2)
		b.Set(all[:3])
		if all[0].Ejected() || !all[1].Ejected() {
			t.Error("of two that are out, one of three endpoints may be: the later one")
		}
		b.Set(all[:2])
		b.Set(all[1:2])
		if all[1].Ejected() || !gets(b, all[1]) {
			t.Error("the only endpoint is out")
		}
		b.Set(all)
		fail(b, all[3], 2)
		b.Set(all[:3])
		if all[3].Ejected() {
			t.Error("one that has left is ejected")
		}
		fail(b, all[3], 9)
		b.Set(all)
		if fail(b, all[3], 1); all[3].Ejected() {
			t.Error("what it did before it left counts")
		}
		want := `10.0.0.0:8080 true: 2 failures in a row (ejection.failures), out for 1m0s
10.0.0.1:8080 true: 2 failures in a row (ejection.failures), out for 1m0s
10.0.0.0:8080 false: too few endpoints are left (ejection.share)
10.0.0.1:8080 false: too few endpoints are left (ejection.share)
10.0.0.3:8080 true: 2 failures in a row (ejection.failures), out for 1m0s
10.0.0.3:8080 false: it is no endpoint of the service any more`
		if got := strings.Join(said.lines, "\n"); got != want {
			t.Errorf("told:\n%s\nwant:\n%s", got, want)
		}
	})
}

// TestEjectionOff: Failures 0 never ejects.
func TestEjectionOff(t *testing.T) {
	all := members(3)
	b := started(t, spec.Balance{}, all)
	fail(b, all[0], 1000)
	if all[0].Ejected() {
		t.Error("ejected")
	}
}

// TestClosed: after Close nothing changes by itself, and nothing is left behind.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := members(3)
		b := balance.New(spec.Balance{}, spec.Ejection{Failures: 1, Time: time.Second, Share: 0.5}, nil)
		b.Set(all)
		fail(b, all[0], 1)
		b.Close()
		time.Sleep(time.Minute)
		if !all[0].Ejected() || gets(b, all[0]) || !gets(b, all[1]) {
			t.Error("it returned, or nobody is to be had")
		}
		b.Set(all[1:])
		fail(b, all[1], 1)
		if all[1].Ejected() {
			t.Error("ejected for good")
		}
	})
}
