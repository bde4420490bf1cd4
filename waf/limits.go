package waf

import "time"

const (
	// heldBytesMax is how much memory the bodies that are held take together, over all entrypoints, in bytes. Beyond it
	// requests with a body get 503 until others have gone.
	heldBytesMax = 256 << 20

	// chunkBytes is how much memory a held body of unknown size grows by, in bytes.
	chunkBytes = 16 << 10

	// varBytesMax is how long the name of a variable in the log event gets, in bytes.
	varBytesMax = 100

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

	// ratioMax is how many times larger a body may be without its content coding.
	ratioMax = 20

	// rulesBytesMax bounds a directory with another release of the Core Rule Set, in bytes. CRS 4.25 has 1 MB.
	rulesBytesMax = 32 << 20
)
