//go:build !race

// The race detector has memory of its own, which it does not give back.

package memory

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestWatchHere: with real memory, of this process: too much of it is noticed, and that it is free again, though nobody allocates.
func TestWatchHere(t *testing.T) {
	debug.FreeOSMemory() // what other tests have left
	r := newReader()
	limit := r.read().InUse + 64*mb
	r.close()
	w := NewWatch(WatchOptions{Shares: Shares{Limit: Limit{Bytes: limit}}})
	defer w.Close()
	await := func(short bool) {
		t.Helper()
		for give := time.Now().Add(20 * time.Second); w.Short() != short; time.Sleep(time.Millisecond) {
			if time.Now().After(give) {
				t.Fatalf("of %d MB %d are in use, and short is still %v", limit/mb, w.inUse.Value()/mb, !short)
			}
		}
	}
	held := make([]byte, 128*mb)
	for i := range held {
		held[i] = 1
	}
	await(true)
	runtime.KeepAlive(held)
	await(false)
}
