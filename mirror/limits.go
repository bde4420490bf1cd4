package mirror

import (
	"time"

	"skerry.dev/skerry/spec"
)

const (
	// inFlightMax is how many copies a process has in flight: 2,500 a second to a service that answers in 100 ms. Beyond it
	// requests are not copied, and counted as dropped_busy: a second service that is slow must cost the first nothing.
	inFlightMax = 256
	// bodyMaxMost is the largest bodyMax: all copies together hold 256 MB then. A spec that asks for more is refused.
	bodyMaxMost spec.Size = 1 << 20
	// collectBytes is what a body that does not fit the protocol's buffer gets at first; its memory grows as it arrives.
	collectBytes = 32 << 10
	// answerBytesMax is how much of an answer's body is read, so that the connection can be used again. What has more is cut,
	// and its connection closed.
	answerBytesMax = 1 << 20
	// timeMax is how long a copy may take, queue and answer included. Beyond it the copy is cut: an answer that streams for
	// ever must not keep a place.
	timeMax = time.Minute
	// closeGrace is how long Close lets copies go on. Beyond it they are cut.
	closeGrace = time.Second
	// tellPause is the time between two events that say why copies fail: the counters have the rest.
	tellPause = time.Minute
)
