package handover

import "time"

const (
	// socketsMax is how many sockets and lines a process can be given. Beyond it: an error at its start.
	socketsMax = 1024
	// olderMax is how many old processes there may be beside the new one. Beyond it the oldest is told to end.
	olderMax = 2
	// lineGrace is how long a process that has closed its line may take to end, so that it can be said how. Beyond it it is killed. One that
	// has ended has closed its line, which is heard within this time.
	lineGrace = time.Second
	// pidBytesMax is how much of a lock's file is read, which is the number of a process.
	pidBytesMax = 32
)
