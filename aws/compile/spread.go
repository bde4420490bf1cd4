package compile

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"
)

// spread puts things into as many boxes as they need, so that one more or less moves few of the others: which box something is in
// depends on a hash of its key. A box that fits no longer is split in two by the next bit of the hash, and the half with a zero
// keeps the number of the whole; all others stay as they are. On average boxes are filled to two thirds. Numbers may have gaps;
// the boxes come by number, each with its things in the order in which they were given. A thing that fits alone in no box has one
// for itself.
func spread[T any](list []T, key func(T) string, fits func([]T) bool) []box[T] {
	if len(list) == 0 {
		return nil
	}
	keyed := make([]hashed[T], len(list))
	for i := range list {
		keyed[i] = hashed[T]{list[i], hash64(key(list[i]))}
	}
	boxes := split(nil, keyed, 0, 0, fits)
	sort.Slice(boxes, func(i, j int) bool { return boxes[i].number < boxes[j].number })
	return boxes
}

// box is some of the things, and the number that tells its box from others.
type box[T any] struct {
	number int
	things []T
}

type hashed[T any] struct {
	thing T
	hash  uint64
}

// spreadBits is how many bits of a hash may tell boxes apart. Things that are alike in all of them stay together.
const spreadBits = 32

func split[T any](boxes []box[T], list []hashed[T], bit, number int, fits func([]T) bool) []box[T] {
	things := make([]T, len(list))
	for i := range list {
		things[i] = list[i].thing
	}
	if len(list) <= 1 || bit == spreadBits || fits(things) {
		return append(boxes, box[T]{number, things})
	}
	var halves [2][]hashed[T]
	for _, h := range list {
		side := h.hash >> bit & 1
		halves[side] = append(halves[side], h)
	}
	for side, half := range halves {
		if len(half) > 0 {
			boxes = split(boxes, half, bit+1, number+side<<bit, fits)
		}
	}
	return boxes
}

func hash64(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:8])
}

// deal gives each key one of n places with room for so many, n × room >= the number of keys. A key has the place that it likes
// best of those with room, by a hash of both: one key more moves hardly any of the others, and one place more takes its share
// from each.
func deal(keys []string, n, room int) map[string]int {
	sorted := make([]hashed[string], len(keys))
	for i, k := range keys {
		sorted[i] = hashed[string]{k, hash64(k)}
	}
	slices.SortFunc(sorted, func(a, b hashed[string]) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.thing, b.thing))
	})
	taken := make([]int, n)
	where := make(map[string]int, len(keys))
	for _, k := range sorted {
		best, most := -1, uint64(0)
		for i := range n {
			if like := mix(k.hash, i); taken[i] < room && (best < 0 || like > most) {
				best, most = i, like
			}
		}
		taken[best]++
		where[k.thing] = best
	}
	return where
}

// mix makes of a hash one for each place: the finalizer of SplitMix64.
func mix(h uint64, place int) uint64 {
	h += uint64(place+1) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
