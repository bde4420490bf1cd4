package cert_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"skerry.dev/skerry/cert"
)

// TestLock has many want one lock: one at a time has it, for as long as it likes.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var inside atomic.Int32
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				unlock, err := cert.Lock(t.Context(), dir, "a.skerry.dev")
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d have it", n)
				}
				time.Sleep(time.Minute)
				inside.Add(-1)
				unlock()
			})
		}
		all.Wait()
		unlock, err := cert.Lock(t.Context(), dir, "b.skerry.dev")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := cert.Lock(ctx, dir, "b.skerry.dev"); err == nil || !strings.Contains(err.Error(), "for too long") {
			t.Errorf("a lock that somebody has: %v", err)
		}
		unlock()
	})
	if left, _ := filepath.Glob(filepath.Join(dir, "locks", "*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestDeadLock has a process killed that had the lock: whoever waits takes over after some seconds, one of them, whatever times the file
// has. What the dead process does then, were it alive after all, harms nobody.
func TestDeadLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "locks", "a.skerry.dev.lock")
	for name, at := range map[string]time.Time{"long ago": time.Now().AddDate(-1, 0, 0), "to come": time.Now().AddDate(1, 0, 0)} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("who was killed"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			var inside atomic.Int32
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					unlock, err := cert.Lock(t.Context(), dir, "a.skerry.dev")
					if err != nil {
						t.Error(err)
						return
					}
					if n := inside.Add(1); n != 1 {
						t.Errorf("%s: %d have it", name, n)
					}
					if waited := time.Since(begun); waited < cert.LockDead || waited > cert.LockDead+time.Minute {
						t.Errorf("%s: it was taken over after %v", name, waited)
					}
					time.Sleep(time.Second)
					inside.Add(-1)
					unlock()
				})
			}
			all.Wait()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		unlock, err := cert.Lock(t.Context(), dir, "a.skerry.dev")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("another one"), 0o600); err != nil { // it stood still, and another one took over
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		unlock()
		if text, err := os.ReadFile(path); err != nil || string(text) != "another one" {
			t.Errorf("whose lock it was not any more removed it: %q, %v", text, err)
		}
	})
}

// TestLateWaiter has one who waits stand still between its look, which saw a lock of somebody dead, and what it does about it: another one
// has taken over meanwhile, whose lock is there all the time.
func TestLateWaiter(t *testing.T) {
	dir := t.TempDir()
	unlock, err := cert.Lock(t.Context(), dir, "a.skerry.dev")
	if err != nil {
		t.Fatal(err)
	}
	var late sync.WaitGroup
	var over atomic.Bool
	late.Go(func() {
		defer over.Store(true)
		for range 2_000 {
			cert.Evict(dir, "a.skerry.dev", "who was killed")
		}
	})
	for path := filepath.Join(dir, "locks", "a.skerry.dev.lock"); !over.Load(); {
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
			f.Close()
			t.Error("the lock was gone for a moment")
			break
		}
	}
	late.Wait()
	unlock()
}
