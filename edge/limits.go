package edge

import "time"

const (
	// pollInterval is how often the spec's files are looked at. A change is taken up once it was the same twice in a
	// row, so that half-written files are left alone.
	pollInterval = 500 * time.Millisecond
	// lastGoodBytesMax is the size of a last good spec that is read back. Beyond it, it is treated as broken.
	lastGoodBytesMax = 256 << 20
	// cutGrace is how long exchanges whose connection was cut may take to notice. Beyond it Drain returns without them.
	cutGrace = 500 * time.Millisecond
	// partGrace is how long clients may take to answer the close frame of their WebSocket. Beyond it: cut.
	partGrace = time.Second
	// tracesGrace is how long spans that wait may take to leave at the end. Beyond it they are lost, and counted.
	tracesGrace = 3 * time.Second
	// certInterval is how often the files behind certificates are looked at: they are renewed weeks before they end.
	certInterval = 30 * time.Second
	// descriptorsPerExchange bounds the exchanges by the descriptors that the process may have: origins get at most half of
	// them, client connections a quarter (listen), and the rest is for files, kept connections and splices.
	descriptorsPerExchange = 2
	// exchangesWithoutLimit is the limit on open exchanges where the system names no limit on descriptors.
	exchangesWithoutLimit = 200_000
	// connectionExchanges is how many exchanges there may be for each client connection, by default.
	connectionExchanges = 2
	// waitingGrace is how long a connection must have waited for its client before it is closed for its memory: who is between two
	// requests of a page is not.
	waitingGrace = time.Second
	// waitingAtOnce is how many of these are closed at once; ten times as many in a second.
	waitingAtOnce = 64
	// exchangesMin is the least limit that is taken by default.
	exchangesMin = 16
)
