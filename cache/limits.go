package cache

import "time"

const (
	// bytesDefault is the memory for what is stored where nobody has counted what there is.
	bytesDefault = 64 << 20
	// keyBytesMax is the longest key. A request with a longer one is passed: no page that people share has such an address.
	keyBytesMax = 8 << 10
	// parametersMax bounds the parameters of a query that are told apart and sorted. A request with more is passed.
	parametersMax = 128
	// cookiesMax bounds the cookies that are looked at. A request with more is identified: nobody says that the rest is harmless.
	cookiesMax = 64
	// queryBodyBytesMax is the largest body of a QUERY that becomes part of a key. One with a larger body is passed.
	queryBodyBytesMax = 64 << 10
	// triesMax bounds how often a request looks again after what it waited for was not made for it. Then it is passed.
	triesMax = 3
	// interimMax bounds the 1xx answers that a fill keeps for who waits; more are lost, as they may be.
	interimMax = 4
	// goneAfter is how long a request waits before it is worth a goroutine that looks whether its client is still there.
	goneAfter = 50 * time.Millisecond
	// pieceBytes is the size of the pieces that a body of unknown size is kept in while it comes.
	pieceBytes = 16 << 10
	// largePieceBytes is the same once the body has shown to be large.
	largePieceBytes = 128 << 10
	// windowBytes is how far a fill runs ahead of its readers where the body is not in memory as a whole. It waits then.
	windowBytes = 1 << 20
	// privateBytes is the same for an answer that is not stored: what would be on the way without a cache.
	privateBytes = 32 << 10
	// behindGrace is how long readers of an answer that has outgrown the store wait for one that does not read. Then that one is broken off.
	behindGrace = 2 * time.Second
	// rangeAheadMax is how far into a body a request may ask to wait for a fill to get there. Beyond it the origin is asked for the
	// range alone.
	rangeAheadMax = 1 << 20
	// readBytes is the buffer of a reader of what lies below memory.
	readBytes = 64 << 10
	// markTime is how long it is remembered that an answer was not for the cache. Meanwhile requests for it are passed without
	// waiting for each other.
	markTime = 2 * time.Minute
	// marksMax bounds the marks of a process. Beyond it arbitrary ones are forgotten, which costs a wait.
	marksMax = 64 << 10
	// missesMax bounds the addresses whose misses are counted. Beyond it the rarest is replaced.
	missesMax = 1024
	// missesLooked is among how many of them the rarest is looked for.
	missesLooked = 8
	// missBytesMax is how much of an address is kept for that list.
	missBytesMax = 512
	// errandBytesMax is how much is kept of an answer that the cache has asked for itself, to look for markers in it.
	errandBytesMax = 1 << 20
	// workInterval is how often the cache looks what it should do by itself.
	workInterval = 100 * time.Millisecond
	// workersMax is how much of that it does at once.
	workersMax = 8
	// prerenderPause is how long it waits with an address whose answer is not for the store.
	prerenderPause = time.Minute
	// prerenderLeast is how often an address is fetched ahead at most, and the least time before its end.
	prerenderLeast = time.Second
	// samplesMax is how many addresses of a route are remembered for the probe.
	samplesMax = 16
	// closeGrace is how long fills may take at the end of the process. Beyond it they are cut.
	closeGrace = time.Second
)
