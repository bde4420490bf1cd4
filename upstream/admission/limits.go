package admission

import "time"

// Limits of the gate.
const (
	// placesMax is the most places that the gate's word can count; a larger concurrency.max means this.
	placesMax = 1<<31 - 1
	// watchAfter is how long a request waits before its client is watched, which costs a goroutine. Most waits are shorter.
	watchAfter = 50 * time.Millisecond
)

// Limits of the adaptive limit.
const (
	// adaptiveMin and adaptiveMax are used where the spec says nothing.
	adaptiveMin = 4
	adaptiveMax = 1000
	// adaptiveStart is the first limit: enough for most services at once, and a few windows away from what any needs.
	adaptiveStart = 64
	// tolerance is how much slower than alone a service may answer before its limit is lowered. Below 1.2 noise would
	// lower it, above 2 the service would queue more than it works.
	tolerance = 1.5
	// fallMin is the least share that a limit keeps in one window before smoothing: one bad window costs a quarter.
	fallMin = 0.5
	// calm is how far above the base line a window counts as unhindered, and calmMax how far it may with noise.
	calm, calmMax = 1.2, 1.4

	// A window lasts at least windowMin, and twice a slow answer if that is longer, up to windowMax; it has windowFull samples and
	// an error of errorMax doublings (a tenth) at most, or samplesMin after windowLong. One that has fewer after windowOld starts again: such a service is not adapted to.
	windowMin  = 100 * time.Millisecond
	windowMax  = 2 * time.Second
	windowLong = time.Second
	windowOld  = 30 * time.Second
	windowFull = 50
	samplesMin = 10
	errorMax   = 0.15
	// youth is how long after a change of epoch slow answers are missing from windows, or twice a slow answer if that is longer.
	youth = time.Second
	// windowLook is how often a window that is due and not full is looked at.
	windowLook = 10 * time.Millisecond
	// sampleCountMax is where a window stops counting: its word has 20 bits for the count.
	sampleCountMax = 1 << 19
	// latencyMax is the longest latency told apart, so that sums of squares stay within their word.
	latencyMax = time.Hour

	// The base line is measured again probeMin to probeMax after it was last confirmed, drawn at random so that nodes do not do
	// it together, and at most a probeShare-th of the time.
	probeMin   = 10 * time.Second
	probeMax   = 30 * time.Second
	probeShare = 20
	// probeAgain is the shortest time between two probes, whatever happens.
	probeAgain = 2 * time.Second
	// A step of a probe lets in probeFill to probeFillMax requests, by how much they vary, if they come within probeWait or twice
	// a slow answer.
	probeFill    = 16
	probeFillMax = 1000
	probeWait    = 2 * time.Second
	// probeSteps bounds the halvings of one probe: from 1,000 to below 4.
	probeSteps = 9
	// careful is how far below what a service seems to have room for a step goes: far enough to be surely below it, and little work
	// is missing.
	careful = 0.7
	// inProportion is which part of a step's lower limit shows in the latency of a service that is still full, on logarithmic scales.
	inProportion = 0.75
	// fallen is which part of a step's lower limit must show in its latency to count as lower, on logarithmic scales: half of the limit
	// and a seventh less latency.
	fallen = 0.2
)

// Limits of the breaker.
const (
	// breakerBuckets is into how many parts its window is cut: what is forgotten at once is a tenth.
	breakerBuckets = 10
	// probesAtOnce is how many requests a half-open breaker lets through at a time: one may be unlucky, many would hurt.
	probesAtOnce = 3
	// probesToClose is how many of them must succeed, without a failure between, until it closes.
	probesToClose = 3
	// halfOpenWait is what a request is told to wait that comes while the probes are out.
	halfOpenWait = time.Second
)

// Limits of the retry budget.
const (
	// budgetSeconds is for how long unused retries are kept: as many as the requests of so many seconds earned, or so many
	// seconds' worth of retryBudget.perSecond. Beyond it they are forgotten. An outage spends them all at once on top of its
	// share: enough for the time until an ejection, and little beside the load itself.
	budgetSeconds = 3
)

// retrySpread is over how many more seconds the clients of refused requests are spread, at least.
const retrySpread = 4

// lineBytes is the size of a cache line: what is written for each request stays off the lines of what is only read.
const lineBytes = 64
