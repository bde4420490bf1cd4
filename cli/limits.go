package cli

import "time"

const (
	// someNames is how many names a line shows of a longer list.
	someNames = 5
	// eventsWaiting is how many events wait for a slow standard error. Beyond it they are not printed; the log and
	// /api/v1/events have them.
	eventsWaiting = 64
	// tableCellMax is how wide a cell of a table may be, in characters, for the column to be as wide. Beyond it the rest of its
	// own line moves to the right, and the other lines stay readable.
	tableCellMax = 100
	// routesShown is how many routes `cache stats` prints. Beyond it: a line that says how many more there are; --json has all.
	routesShown = 30
	// placeBytesMax is the length of --region and --zone: as of an endpoint's region and zone. Beyond it: a usage error.
	placeBytesMax = 63
	// resolversMax is how many DNS servers --resolver may name: as many as upstream/resolve asks. Beyond it: a usage error.
	resolversMax = 8
	// demoPatience is how long the demo waits for anything. Beyond it: the check of that step fails.
	demoPatience = 20 * time.Second
	// demoTrial is --upgrade-trial of the process that the demo replaces: short, for who watches.
	demoTrial = 500 * time.Millisecond
	// demoPoll is the pause between two looks at what the demo waits for.
	demoPoll = 10 * time.Millisecond
	// watchInterval is how often `aws --watch` looks at files: as often as the edge does.
	watchInterval = 500 * time.Millisecond
	// dataPoll is the pause between two tries to take --data from the process before.
	dataPoll = 100 * time.Millisecond
	// olderGrace is how long a process that ends waits for those that it had replaced to end: they have a second for what is open, and
	// half a second for what was cut. Beyond it: they end by themselves.
	olderGrace = 3 * time.Second
	// gateWait is how long a purge waits while the process is being replaced, or is on trial itself: less than clients wait. Beyond it: 503.
	gateWait = 20 * time.Second
	// dataWait is how long purges wait for --data when the process before is gone, and another one holds it. Beyond it they are of what is
	// in memory, and of the directory when it is taken.
	dataWait = time.Minute
	// tellsWaiting is how many URLs and groups that became out of date in a replaced process wait to be told to the new one. Beyond it that one
	// has everything validated before it is given.
	tellsWaiting = 1024
	// gcPercent is how much garbage may be there beside what lives, in percent, before the collector runs.
	gcPercent = 30
)
