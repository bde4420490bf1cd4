package h2

import (
	"encoding/binary"
	"testing"
)

// FuzzMessages: in pieces of any size, only the ends of messages are between two, and it is known what is whole in a piece, and how much of it
// leaves nothing unfinished.
func FuzzMessages(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x05hello\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02"), []byte{3, 0, 7})
	f.Add([]byte("\x00\xff\xff\xff\xffhello"), []byte{5, 1})
	f.Add([]byte("\x00\x00\x00\x01\x00"), []byte{1})
	f.Fuzz(func(t *testing.T, all, sizes []byte) {
		ends, last := map[int]bool{0: true}, 0
		for at := 0; len(all)-at >= 5; {
			if at += 5 + int(binary.BigEndian.Uint32(all[at+1:])); at > len(all) {
				break
			}
			ends[at], last = true, at
		}
		var m messages
		for at, i := 0, 0; ; i++ {
			if m.between() != ends[at] {
				t.Fatalf("after %d bytes of %x: between is %v", at, all, m.between())
			}
			if got := len(m.whole(all[at:])); ends[at] && at+got != last {
				t.Fatalf("after %d bytes of %x: %d more are whole, the last message ends at %d", at, all, got, last)
			}
			if at == len(all) {
				return
			}
			n := 1
			if i < len(sizes) {
				n = min(int(sizes[i]), len(all)-at)
			}
			want := 0 // the last end in the piece, or the first if it begins within a message
			for end := at + 1; end <= at+n; end++ {
				if ends[end] && (ends[at] || want == 0) {
					want = end - at
				}
			}
			if want == 0 && !ends[at] {
				want = n
			}
			if got := m.fit(all[at : at+n]); got != want {
				t.Fatalf("after %d bytes of %x: %d of %d fit, want %d", at, all, got, n, want)
			}
			m.see(all[at : at+n])
			at += n
		}
	})
}
