//go:build !race && !poison

package compress_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"skerry.dev/skerry/compress"
	"skerry.dev/skerry/exchange"
)

// TestNoAllocations: after the first exchange of a coding nothing is allocated, whole or in pieces. The exception is zstd in
// pieces, where the library lets the header of a frame, 14 bytes, escape. The collector is off, because it empties pools.
func TestNoAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for coding, accept := range browser {
		whole := exchange.NewBytes([]byte(page(30 << 10)))
		for name, body := range map[string]exchange.Body{"whole": whole, "in pieces": asked{whole}, "large": exchange.NewBytes([]byte(page(200 << 10)))} {
			most := 0.0
			if coding == "zstd" && name != "whole" {
				most = 1
			}
			l := newLoop(t, accept, body)
			l.run()
			if n := testing.AllocsPerRun(50, l.run); n > most {
				t.Errorf("%s, %s: %v allocations, at most %v", coding, name, n, most)
			}
		}
	}
}

// TestEncoderOfAPanic: an encoder that may have been left in the middle of a step is not used again; one whose client left is. On
// one processor a pool gives back what was put in last.
func TestEncoderOfAPanic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, panics := range []bool{true, false} {
		s := compress.NewBounded(on(), 16<<20)
		src := &source{pieces: [][]byte{[]byte(page(5000)), nil}}
		x, finish := begin(t, s, "gzip", src)
		if panics {
			src.trailers = func() { panic("a test") }
		}
		x.Resp.Body.Next()
		func() {
			defer func() {
				if got := recover() != nil; got != panics {
					t.Errorf("panicked: %t, want %t", got, panics)
				}
			}()
			x.Resp.Body.Next()
		}()
		finish()
		if s.Idle("gzip") == panics {
			t.Errorf("panic: %t, but kept: %t", panics, !panics)
		}
		settled(t, s)
	}
}

// TestLargeBuffers are left to the collector.
func TestLargeBuffers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for size, kept := range map[int]bool{2000: true, 1 << 20: false} {
		s := compress.NewBounded(on(), 16<<20)
		x, finish := begin(t, s, "zstd", &source{pieces: [][]byte{noise(size)}})
		for err := error(nil); err == nil; {
			_, err = x.Resp.Body.Next()
		}
		finish()
		if got := s.IdleBuffer(); got > compress.OutKept || (got > 0) != kept {
			t.Errorf("after %d bytes a buffer of %d is kept", size, got)
		}
	}
}
