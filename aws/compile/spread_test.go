package compile

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func ident(s string) string { return s }

// One thing more leaves every box but one as it was, and of that one at most half moves: into boxes that were not there.
func TestSpreadMovesFew(t *testing.T) {
	const most = 10
	fits := func(list []string) bool { return len(list) <= most }
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,8}`), 1, 200, ident).Draw(t, "names")
		before := placesOf(spread(names[1:], ident, fits))
		boxes := spread(names, ident, fits)
		now := placesOf(boxes)
		if len(now) != len(names) {
			t.Fatalf("%d of %d things are in boxes", len(now), len(names))
		}
		moved, from := 0, map[int]bool{}
		for name, number := range before {
			if now[name] != number {
				moved++
				from[number] = true
			}
		}
		if moved > most || len(from) > 1 {
			t.Fatalf("%d moved, out of %d boxes", moved, len(from))
		}
		for _, b := range boxes {
			if len(b.things) > most {
				t.Fatalf("box %d has %d things", b.number, len(b.things))
			}
		}
	})
}

func placesOf(boxes []box[string]) map[string]int {
	out := map[string]int{}
	for _, b := range boxes {
		for _, s := range b.things {
			out[s] = b.number
		}
	}
	return out
}

func TestSpreadOfWhatNeverFits(t *testing.T) {
	boxes := spread([]string{"a", "b", "a"}, ident, func([]string) bool { return false })
	if len(placesOf(boxes)) != 2 || len(boxes) != 2 {
		t.Errorf("got %v", boxes)
	}
	if spread(nil, ident, nil) != nil {
		t.Error("nothing has boxes")
	}
}

// Boxes fill to about two thirds, so five hundred entrypoints need some 15 waves of 50, not hundreds.
func TestSpreadFills(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("entrypoint-%d", i))
	}
	if n := len(spread(names, ident, func(list []string) bool { return len(list) <= 50 })); n > 18 {
		t.Errorf("%d boxes of 50 for 500 things", n)
	}
}

// Every key has a place with room, the same whatever the order, and a key more moves few.
func TestDeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,8}`), 2, 120, ident).Draw(t, "keys")
		room := rapid.IntRange(1, 40).Draw(t, "room")
		n := (len(keys)-1)/room + 1
		places := deal(keys, n, room)
		counts := make([]int, n)
		for _, k := range keys {
			counts[places[k]]++
		}
		for i, c := range counts {
			if c > room {
				t.Fatalf("place %d has %d of %d", i, c, room)
			}
		}
		shuffled := rapid.Permutation(keys).Draw(t, "shuffled")
		for k, p := range deal(shuffled, n, room) {
			if places[k] != p {
				t.Fatalf("%s moves when the order changes", k)
			}
		}
	})
}
