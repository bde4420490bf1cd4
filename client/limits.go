package client

import "time"

const (
	// timeout is how long a call may take, connecting and reading included. Beyond it: an error.
	timeout = 30 * time.Second
	// answerBytesMax bounds an answer of the admin API. Beyond it: an error. A page of purges of the greatest length has 16 MB.
	answerBytesMax = 32 << 20
	// bodyBytesMax is how much of an answer a probe reads and compares. What is beyond it is not looked at.
	bodyBytesMax = 8 << 20
	// followPause is how long Wait waits between two questions for a purge's progress.
	followPause = 50 * time.Millisecond
)
