package origin

import "time"

const (
	// controlWait is how long a child may take to start or to change its mode. Beyond it: an error. A race build on a busy machine needs
	// two seconds to start.
	controlWait = 20 * time.Second
	// pauseWait is how long a process may take to stop after SIGSTOP. Beyond it: an error.
	pauseWait = 5 * time.Second
	// pollEvery is the pause between two looks at a process that is about to stop.
	pollEvery = time.Millisecond
	// portTries is how many ports Start tries when others take them between the choice and the bind. Beyond it: its error.
	portTries = 5
	// backlog is how many connections the kernel holds for an endpoint that does not accept. Beyond it: it answers no SYN, as with
	// any server. It was Linux's own limit for decades, and is what many servers still ask for.
	backlog = 128
	// acceptAgain is the wait after an accept that failed, for lack of files mostly: a tight loop would take the processor from the proxy.
	acceptAgain = 5 * time.Millisecond
	// journalBytesMax is how much is noted of what arrived, some 20 bytes a request. Beyond it: nothing more, and Seen fails.
	journalBytesMax = 64 << 20
	// idBytesMax is how much of a request's id is noted. Beyond it: cut.
	idBytesMax = 64
	// stderrBytesMax is how much of a child's standard error an error quotes, from the end.
	stderrBytesMax = 4 << 10
	// bodyBytesMax is the largest body that Mode.Body may ask for. Beyond it: Mode fails.
	bodyBytesMax = 16 << 20
)
