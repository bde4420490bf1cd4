package rival

import "time"

const (
	// startWait is how long a program may take until it accepts on Options.Ready. Beyond it: Start stops it and fails
	// with its output. Caddy on a busy machine needs two seconds.
	startWait = 15 * time.Second
	// stopWait is how long a program may take to end after SIGTERM. Beyond it: SIGKILL to its group.
	stopWait = 5 * time.Second
	// pollEvery is the pause between two looks at a port.
	pollEvery = 10 * time.Millisecond
	// varnishThreads is how many threads a pool of Varnish has from the start: one for each connection of a load, which has 64 by default, and
	// some for its own work, so that none is made while something is measured. Beyond it: Varnish makes more, as always.
	varnishThreads = 100
	// traceWait is how long strace may take until it has attached to every thread, and to let go of them. Beyond it: it is killed and
	// the count fails, with the reason.
	traceWait = 5 * time.Second
	// outputBytesMax is how much of a program's output an error quotes, from the end.
	outputBytesMax = 4 << 10
	// portFirst and portLast bound FreePort: below the range the kernel hands to outgoing connections (from 32768), so
	// that no connection of a running load can take a port between the choice and the bind.
	portFirst, portLast = 18000, 32000
	// portTries is how many ports FreePort looks at before it gives up.
	portTries = 200
)
