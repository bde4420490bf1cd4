package cli

import "time"

const (
	// someNames is how many names a line shows of a longer list.
	someNames = 5
	// eventsWaiting is how many events wait for a slow standard error. Beyond it they are not printed; the log and
	// /api/v1/events have them.
	eventsWaiting = 64
	// demoPatience is how long the demo waits for anything. Beyond it: the check of that step fails.
	demoPatience = 5 * time.Second
	// demoPoll is the pause between two looks at what the demo waits for.
	demoPoll = 10 * time.Millisecond
	// gcPercent is how much garbage may be there beside what lives, in percent, before the collector runs.
	gcPercent = 30
)
