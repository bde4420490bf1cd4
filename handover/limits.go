package handover

import "time"

const (
	// socketsMax is how many sockets and lines a process can be given. Beyond it: an error at its start.
	socketsMax = 1024
	// olderMax is how many old processes there may be beside the new one. Beyond it the oldest is told to end.
	olderMax = 2
	// lineGrace is how long a process that has closed its line may take to end, so that it can be said how. Beyond it it is killed. One that
	// has ended has closed its line, which is heard within this time.
	lineGrace = 3 * time.Second
	// toldBytesMax is how much is told at once: longer than any purge. Beyond it: an error; who hears of more ends the line.
	toldBytesMax = 64 << 10
	// toldWait is how long one waits for the other process to hear. Beyond it nothing is said any more, which it takes for this one's end.
	toldWait = 5 * time.Second
	// pidBytesMax is how much of a lock's file is read, which is the number of a process.
	pidBytesMax = 32
)
