package waf

import "time"

const (
	// heldBytesMax is how much memory the bodies that are held take together, over all entrypoints, in bytes: 2,000 of the
	// largest that are held by default. Beyond it requests with a body get 503 until others have gone.
	heldBytesMax = 256 << 20

	// chunkBytes is how much memory a held body gets first, in bytes; then as much again as has come.
	chunkBytes = 16 << 10

	// varBytesMax is the longest key of a variable in the log event, in bytes; of a longer one only the collection is named.
	varBytesMax = 100

	// textBytesMax is how long each text of a match gets in the log event, where the policy logs values, in bytes.
	textBytesMax = 1 << 10

	// varsMax is how many variables of one rule the log event names.
	varsMax = 8

	// rulesMax is how many rules the log event names.
	rulesMax = 50

	// shadowQueue is how many requests wait for the reference engine; more are not compared.
	shadowQueue = 16

	// shadowBytesMax is the largest request that is compared, in bytes: the reference takes milliseconds for a kilobyte.
	shadowBytesMax = 64 << 10

	// shadowRest is how many times the time that a comparison took is let pass before the next: 99 keeps it to a
	// hundredth of one processor.
	shadowRest = 99

	// shadowTellPause is how long after an event about a difference the next one is added.
	shadowTellPause = time.Minute

	// decodedRoom is how many times the most that a body may have without its content coding is counted as held while it is
	// decoded: its memory doubles as it grows.
	decodedRoom = 2

	// forgetFrom is how many policies are remembered before those that are gone are looked for, at every power of two.
	forgetFrom = 64

	// settledAfter is how long a file of rules must have been left alone until its time tells that it has not changed since:
	// file systems' clocks are coarse. Before that its content is compared.
	settledAfter = 2 * time.Second

	// rulesBytesMax bounds a directory with another release of the Core Rule Set, in bytes. CRS 4.25 has 1 MB.
	rulesBytesMax = 32 << 20
)
