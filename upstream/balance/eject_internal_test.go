package balance

import (
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// TestNoteWithoutLock: while an endpoint is out, or fails and may not be, what is noted of it takes no lock: in an outage
// every request would wait for it.
func TestNoteWithoutLock(t *testing.T) {
	all := named(1, 1)
	b := New(spec.Balance{Panic: 0.9}, spec.Ejection{Failures: 1, Time: time.Hour, Share: 0.5}, nil)
	defer b.Close()
	b.Set(all)
	b.Note(all[0], true)
	b.readmit(all[0], time.Now(), "")
	b.rebuild(time.Now())
	b.Note(all[0], true)
	if !all[0].Ejected() {
		t.Fatal("it is not out")
	}
	b.mu.Lock() // Note would hang
	defer b.mu.Unlock()
	for range 3 {
		for _, n := range all {
			b.Note(n, true)
			b.Note(n, false)
		}
	}
	if got := all[0].failures.Load(); got >= probation {
		t.Errorf("%d failures of a member that is out: each success would take the lock", got)
	}
}
