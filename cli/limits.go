package cli

const (
	// eventsWaiting is how many events wait for a slow standard error. Beyond it they are not printed; the log and
	// /api/v1/events have them.
	eventsWaiting = 64
)
