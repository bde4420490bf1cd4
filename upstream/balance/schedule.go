package balance

import (
	"cmp"
	"slices"
)

// newSchedule is one round of weighted round robin: the indexes of slots, each as often as its weight says and evenly
// spread. Of members with the same weight each begins a little later than the one before, so that they do not come in one
// bunch between the turns of a heavier one.
func newSchedule(slots []slot) []uint16 {
	weights := reduce(slots)
	same := map[int64]uint64{} // how many have a weight
	total := int64(0)
	for _, w := range weights {
		same[w]++
		total += w
	}
	type turn struct {
		at    uint64 // of 2^32 for the round
		index uint16
	}
	turns := make([]turn, 0, total)
	begun := map[int64]uint64{}
	for i, w := range weights {
		// The turn k of the j-th of m members is at (k + (j + 1/2) / m) / weight of the round.
		m, j := same[w], begun[w]
		begun[w]++
		for k := range uint64(w) {
			turns = append(turns, turn{(2*k*m + 2*j + 1) << 32 / (2 * m * uint64(w)), uint16(i)})
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	schedule := make([]uint16, len(turns))
	for i, t := range turns {
		schedule[i] = t.index
	}
	return schedule
}

// reduce divides weights by what they have in common, and rounds them where a round would still be too long.
func reduce(slots []slot) []int64 {
	weights := make([]int64, len(slots))
	var common, sum int64
	for i, s := range slots {
		weights[i] = s.weight
		common = gcd(common, s.weight)
	}
	for i := range weights {
		weights[i] /= common
		sum += weights[i]
	}
	if most := max(scheduleMax, 4*int64(len(slots))); sum > most {
		for i, w := range weights {
			weights[i] = max(1, (w*most+sum/2)/sum)
		}
	}
	return weights
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// lot is one of equally large lots for a draw by weight (the alias method of Walker and Vose): it belongs to its own
// slot below keep, of 2^32, and above to another.
type lot struct {
	keep  uint32
	other uint32
}

// newLots shares lots among slots by weight.
func newLots(slots []slot) []lot {
	n := int64(len(slots))
	lots := make([]lot, n)
	left := make([]int64, n) // weight that has no lot yet, times n; a lot is as large as the sum of weights
	var sum int64
	var small, large []int
	for i, s := range slots {
		left[i] = s.weight * n
		sum += s.weight
	}
	for i := range left {
		lots[i] = lot{1<<32 - 1, uint32(i)}
		if left[i] < sum {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		lots[s] = lot{uint32(uint64(left[s]) * (1<<32 - 1) / uint64(sum)), uint32(l)}
		if left[l] -= sum - left[s]; left[l] < sum {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	return lots
}
