package wire

import (
	"bytes"
	"fmt"
	"testing"
)

// TestFramesKnowTheirEnd: in pieces of every size, only the ends of frames are between two.
func TestFramesKnowTheirEnd(t *testing.T) {
	var all []byte
	ends := map[int]bool{0: true}
	add := func(head []byte, payload int) {
		all = append(append(all, head...), bytes.Repeat([]byte{0x81}, payload)...)
		ends[len(all)] = true
	}
	add([]byte{0x81, 0}, 0)
	add([]byte{0x89, 3}, 3)
	add([]byte{0x82, 126, 0, 200}, 200)
	add([]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1}, 65537)
	add([]byte{0x82, 0x80 | 5, 1, 2, 3, 4}, 5)
	add([]byte{0x82, 0x80 | 126, 1, 0, 1, 2, 3, 4}, 256)
	add([]byte{0x88, 2}, 2)
	for _, size := range []int{1, 2, 3, 7, 100, 4096, len(all)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var f frames
			for at := 0; ; {
				if f.between() != ends[at] {
					t.Fatalf("after %d bytes: between is %v", at, f.between())
				}
				if at == len(all) {
					return
				}
				n := min(size, len(all)-at)
				end := at + 1
				for end < at+n && !ends[end] {
					end++
				}
				if got := len(f.first(all[at : at+n])); at+got != end {
					t.Fatalf("after %d bytes the first frame ends after %d of %d, want %d", at, got, n, end-at)
				}
				f.see(all[at : at+n])
				at += n
			}
		})
	}
}
