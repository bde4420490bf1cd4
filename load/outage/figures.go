package main

import (
	"slices"
	"time"
)

// within are the results of requests whose time was from..to.
func within(all []result, from, to time.Duration) (some []result) {
	for _, r := range all {
		if r.at >= from && r.at < to {
			some = append(some, r)
		}
	}
	return some
}

func of(all []result, kind int) (some []result) {
	for _, r := range all {
		if r.kind == kind {
			some = append(some, r)
		}
	}
	return some
}

// count is how many results are as wanted.
func count(all []result, wanted func(result) bool) (n int) {
	for _, r := range all {
		if wanted(r) {
			n++
		}
	}
	return n
}

// share is the part of results that are as wanted; of none it is 1.
func share(all []result, wanted func(result) bool) float64 {
	if len(all) == 0 {
		return 1
	}
	return float64(count(all, wanted)) / float64(len(all))
}

// quantile of the times that results took, failed ones too; 0 of none.
func quantile(all []result, q float64) time.Duration {
	return nth(all, q, func(r result) time.Duration { return r.took })
}

func nth(all []result, q float64, value func(result) time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	times := make([]time.Duration, len(all))
	for i, r := range all {
		times[i] = value(r)
	}
	slices.Sort(times)
	return times[min(int(q*float64(len(times))), len(times)-1)]
}

// last is the latest time of a request that is as wanted; -1 if there is none.
func last(all []result, wanted func(result) bool) time.Duration {
	at := time.Duration(-1)
	for _, r := range all {
		if wanted(r) {
			at = max(at, r.at)
		}
	}
	return at
}
