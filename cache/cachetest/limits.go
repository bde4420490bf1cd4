package cachetest

import "time"

const (
	// casesAtOnce is how many cases are played at the same time. Most of them wait; more would only queue at the origin.
	casesAtOnce = 48
	// patience bounds one request and one wait for the origin, for a machine that does much else. Beyond it the case fails.
	patience = 20 * time.Second
	// inTheEnd bounds the wait for what happens behind an answer: that the origin is asked, that a repeated step holds.
	inTheEnd = 5 * time.Second
	// againEvery is how often a step is repeated that must hold in the end.
	againEvery = 20 * time.Millisecond
	// heldFor is how long the origin holds an answer back that a crowd shall wait for, once all of the crowd have sent their requests. Who
	// comes later is not of the crowd.
	heldFor = 500 * time.Millisecond
	// gatherMax bounds the wait for their requests: who waits in a cache for another's answer asks itself after some seconds.
	gatherMax = 2 * time.Second
	// second is a pause after which one second has passed for every cache, also for those that count whole seconds only.
	second = 2 * time.Second
	// answerBytesMax is how much of an answer is read; more than any case sends.
	answerBytesMax = 4 << 20
)
