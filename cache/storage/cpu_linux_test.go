//go:build !race && !poison

package storage_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"skerry.dev/skerry/cache/storage"
)

// threadTime is the processor time that this thread has used: on a busy machine the wall says more about the others.
func threadTime() time.Duration {
	const clock = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// BenchmarkSweepTime is the processor time of the sweep of a group of 100,000, and how long its longest step held a shard.
func BenchmarkSweepTime(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			runtime.LockOSThread() // whose time is read
			defer runtime.UnlockOSThread()
			for b.Loop() {
				b.StopTimer()
				s := filled(b, n, 100_000)
				s.HoldSweeps()
				runtime.GC()
				mustPurge(b, s, storage.Purge{Kind: storage.PurgeGroup, Value: "group"})
				b.StartTimer()
				began := threadTime()
				longest := s.SweepNow(threadTime)
				b.ReportMetric(float64((threadTime()-began).Microseconds())/1000, "cpu-ms")
				b.ReportMetric(float64(longest.Microseconds()), "longest-step-cpu-µs")
				if st := s.Stats(); st.Swept != 100_000 {
					b.Fatalf("%+v", st)
				}
			}
		})
	}
}
