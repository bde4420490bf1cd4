package h2

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

// TestInbox holds an inbox against a bytes.Buffer: what is put in comes out, in whatever pieces, and the memory is counted.
func TestInbox(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		var box inbox
		var want, all bytes.Buffer
		held := 0
		size := int64(-1)
		if random.IntN(3) == 0 {
			size = int64(random.IntN(3 * smallPieceBytes))
		}
		var view, taken []byte // the last view, and what it was
		for range random.IntN(60) {
			if !bytes.Equal(view, taken) {
				t.Fatal("a view has changed before the next take")
			}
			if random.IntN(2) == 0 {
				p := make([]byte, random.IntN(1<<random.IntN(16)))
				for i := range p {
					p[i] = byte(random.Uint32())
				}
				held += box.put(p, size)
				want.Write(p)
				all.Write(p)
			} else if box.unread > 0 {
				var freed int
				view, freed = box.take()
				held -= freed
				taken = bytes.Clone(view)
				if w := want.Next(len(view)); !bytes.Equal(view, w) || len(view) == 0 || cap(view) > len(view) {
					t.Fatalf("took %d bytes that are not what was put in", len(view))
				}
			}
			if box.unread != want.Len() || box.came != int64(all.Len()) || box.took != int64(all.Len()-want.Len()) {
				t.Fatalf("unread %d, came %d, took %d; want %d of %d unread", box.unread, box.came, box.took, want.Len(), all.Len())
			}
			if random.IntN(10) == 0 {
				lost := box.lost
				switch again := box.replay(); {
				case again == lost:
					t.Fatalf("a replay is %v, some is lost: %v", again, lost)
				case again:
					want.Reset()
					want.Write(all.Bytes())
				}
			}
		}
		for box.unread > 0 {
			view, freed := box.take()
			held -= freed
			if !bytes.Equal(view, want.Next(len(view))) {
				t.Fatal("the rest is not what was put in")
			}
		}
		if held -= box.release(); held != 0 || want.Len() != 0 {
			t.Fatalf("%d bytes are held behind the end, %d bytes lost", held, want.Len())
		}
	}
}

// TestInboxWhole: a body that lies in one piece can be had in one view, again after a replay, and any other not.
func TestInboxWhole(t *testing.T) {
	f := func(name string, want int, edit func(b *inbox)) {
		t.Run(name, func(t *testing.T) {
			var b inbox
			defer b.release()
			edit(&b)
			b.end = io.EOF
			for range 2 {
				view, ok := b.whole()
				if ok != (want >= 0) || len(view) != max(want, 0) {
					t.Fatalf("got %d bytes, %v; want %d", len(view), ok, want)
				}
				if ok && !b.replay() {
					t.Error("no replay")
				}
			}
		})
	}
	f("nothing", 0, func(b *inbox) {})
	f("a piece", 5, func(b *inbox) { b.put([]byte("hello"), -1) })
	f("a small piece", 5, func(b *inbox) { b.put([]byte("hel"), 5); b.put([]byte("lo"), 5) })
	f("a full piece", pieceBytes, func(b *inbox) { b.put(make([]byte, pieceBytes), pieceBytes) })
	f("two pieces", -1, func(b *inbox) { b.put(make([]byte, pieceBytes+1), pieceBytes+1) })
	f("begun", -1, func(b *inbox) { b.put([]byte("hello"), -1); b.take() })
}
