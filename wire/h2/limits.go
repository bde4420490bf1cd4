package h2

import "time"

// Limits of a message's head. They are wire/h1's, measured on the head as HTTP/1.1 would write it, so that whatever
// passes here fits there. What is larger is refused: 431 or 414 from a client, 502 from an origin.
const (
	// HeadBytesMax is the size of a whole head.
	HeadBytesMax = 32 << 10
	// LineBytesMax is the size of one field, and of method and target together.
	LineBytesMax = 8 << 10
	// FieldsMax is the number of fields of a head, :authority counted as Host and all cookies as one, and again of a
	// trailer section.
	FieldsMax = 100
	// TrailerBytesMax is the size of a trailer section.
	TrailerBytesMax = 8 << 10
	// contentLengthDigitsMax keeps a Content-Length below 2^63 without an overflow check.
	contentLengthDigitsMax = 18
	// interimMax is how many 1xx responses an origin may send before the final one.
	interimMax = 16
)

// Limits of a header block. A head that is too large is decoded to its end, so that its client gets an answer and the
// connection goes on; beyond these: the connection is closed.
const (
	// headerListBytes is what is kept of a header list (RFC 9113 section 6.5.2), and announced: 32 bytes a field more than
	// HeadBytesMax.
	headerListBytes = HeadBytesMax + FieldsMax*fieldOverhead
	// headerListFields is how many fields are kept: cookies may come one by one.
	headerListFields = 4 * FieldsMax
	// fieldOverhead is what a field counts beside its bytes.
	fieldOverhead = 32
	// blockBytesMax is the size of a header block as it is on the wire.
	blockBytesMax = 64 << 10
	// blockFieldsMax is how many fields it may decode to: one byte on the wire can stand for one of 4 KB.
	blockFieldsMax = 1000
	// continuationsMax is how many CONTINUATION frames it may have: 64 KB need four.
	continuationsMax = 16
	// tableBytes is the size of HPACK's table, the protocol's default.
	tableBytes = 4 << 10
)

// Limits of a connection.
const (
	// streamsMax is how many requests a client may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS): what RFC 9113
	// section 6.5.2 recommends as the least, and what bounds goroutines and memory. A request counts until its exchange is
	// over, whether its stream was reset or not. Beyond it: the stream is refused.
	streamsMax = 100
	// frameBytes is the largest frame that is read or written (SETTINGS_MAX_FRAME_SIZE), the protocol's least. Beyond it:
	// the connection is closed.
	frameBytes = 16 << 10
	// streamWindow is how much of one body may lie here unread at first: flow control stops the peer there.
	streamWindow = windowDefault
	// streamWindowMax is what it becomes once a body is taken as fast as it comes, while windowsBytesMax allows it. A stream
	// cannot be faster than this per round trip.
	streamWindowMax = 256 << 10
	// connWindow is the same for all streams of a client's connection together: the most memory a client can make us hold.
	connWindow = 512 << 10
	// clientConnWindow is the window of all streams of a connection to an origin: so large that a stream whose client is slow
	// never holds up the others. What they can make us hold is bounded by their own windows.
	clientConnWindow = 1 << 30
	// ownBytesMax is how many bytes of answers to a peer's frames (acknowledgements, resets) may wait for it to read. Beyond
	// it: the connection is closed.
	ownBytesMax = 64 << 10
	// historySize is how many closed streams are remembered, to tell frames that were under way from violations.
	historySize = 128
)

// Limits of all connections of a server.
const (
	// bodiesBytesMax is the memory of request bodies that nobody has taken yet, if nothing else is said. Beyond three quarters of it:
	// 503 for new requests with one; beyond it, for those whose body goes on, each of which may have taken a piece more.
	bodiesBytesMax = 256 << 20
	// windowsBytesMax is by how much windows may be larger than streamWindow, together, if nothing else is said. Beyond it they
	// stay small.
	windowsBytesMax = 64 << 20
	// workersMax is how many goroutines wait for the next stream. More than that end with their exchange.
	workersMax = 512
)

// Limits of frames that make work and bring nothing, over each floodWindow. Beyond them: ENHANCE_YOUR_CALM and close.
const (
	floodWindow = 10 * time.Second
	// resetsMax is how many streams a client may reset before it matters whether it resets most of what it opens
	// (CVE-2023-44487). A browser that leaves a page resets at most streamsMax at once.
	resetsMax = 2 * streamsMax
	// provokedMax is how many streams a peer may make us reset by violations (CVE-2025-8671).
	provokedMax = 100
	// idlersMax is how many PING, SETTINGS, PRIORITY, PRIORITY_UPDATE, unknown and empty DATA frames may come
	// (CVE-2019-9512, 9513, 9515, 9518).
	idlersMax = 1000
	// updatesMax is how many WINDOW_UPDATE frames may come beside one for each updateBytes of bodies that were sent: a client
	// that reads by 4 KB sends two for each.
	updatesMax  = 2000
	updateBytes = 512
	// tableUpdatesMax is how often the size of HPACK's table may change.
	tableUpdatesMax = 100
)

// shedSample is how many connections Shed looks at for the one that has waited longest: enough that one of a flood of silent
// ones is among them, few enough for every connection that arrives.
const shedSample = 64

// Sizes of memory.
const (
	// readBytes is a connection's buffer while something of a frame is there.
	readBytes = 32 << 10
	// pieceBytes is a piece of memory for a body that waits: one that fits is at hand in one piece and can be read again, unless it
	// was read while it came. smallPieceBytes is the first piece of one that may be small.
	pieceBytes      = 16 << 10
	smallPieceBytes = 2 << 10
	// outBufferBytes is the memory for frames that wait to be written; a buffer that grew beyond four times of it is not kept.
	outBufferBytes = 16 << 10
	// outBytesMax is how much of bodies waits to be written. Beyond it streams wait for their turn.
	outBytesMax = 32 << 10
	// dataBytesMax is the most of a body in one DATA frame; with its header it fills a record of TLS.
	dataBytesMax = 16<<10 - frameHeaderBytes
	// directBytes is from which size on a piece of a body is not copied behind what waits, but written from where it is.
	directBytes = 4 << 10
)

// bodyRateMin, in bytes per second, is what a request body must bring on average after its first Timeouts.Body.
const bodyRateMin = 240

// urgencyDefault is the urgency of a request that says nothing (RFC 9218 section 4.1).
const urgencyDefault = 3

// putOffMax is how often a stream is given as long again to send when its time is over while others of its connection go on.
const putOffMax = 4

const (
	// farewellTime is how long a last GOAWAY may take to leave, and then to be read.
	farewellTime = time.Second
	// drainBytes is how much of an unwanted body is read, instead of resetting its stream.
	drainBytes = 256 << 10
	// lingerBytesMax is how much is read, and thrown away, meanwhile: what connWindow lets a client have on its way, with the heads of
	// its frames and of its requests. Closing with bytes unread would be a reset, which destroys the last answers.
	lingerBytesMax = 2 * connWindow
	// noticeWait is how long a client may take to answer the notice of a drain; its new requests are still served.
	noticeWait = time.Second
	// pingWait is how long a peer has to answer a PING.
	pingWait = 15 * time.Second
	// goneAfter is how long an origin may be silent before somebody looks whether the client is still there.
	goneAfter = 50 * time.Millisecond
	// continueWait is how long an origin gets to say 100 before the body is sent without it (RFC 9110 section 10.1.1).
	continueWait = time.Second
	// drainTime, and drainBytes, are how long and how much a body is read that nobody wanted, after an early answer.
	drainTime = time.Second
	// pumpGrace is how long an upload may go on after the response is complete.
	pumpGrace = 5 * time.Millisecond
)

// Timeouts are the deadlines of a connection; a zero field takes the default.
type Timeouts struct {
	// Head is from the first byte of a frame that is no DATA, or of a header block, to its end: 10 s, and the same for
	// the client's preface. Beyond it: the connection is closed.
	Head time.Duration
	// Idle is how long a connection may be without a stream: 75 s. Beyond it: GOAWAY and close.
	Idle time.Duration
	// Body is the longest wait for the next bytes of a request body, and for the rest of a DATA frame: 30 s. Beyond it:
	// 408 for that stream; close, if it was within a frame. For gRPC, to a service that may be one of it, and once the answer has begun, it is Tunnel: the body is a
	// stream then, whose client may have nothing to say.
	Body time.Duration
	// Write is the longest a client may take for one piece of a response (up to 16 KB) on one stream, by flow control:
	// 60 s. Beyond it: the stream is reset. The same holds for what the connection as a whole has been given, up to
	// twice as long: beyond it, close.
	Write time.Duration
	// Silence is how long a client with open streams may send nothing at all before it is asked by PING whether it is still
	// there: 30 s; it has 15 s to answer. Beyond it: close.
	Silence time.Duration
	// Tunnel is the longest silence of both sides of a tunnel: 1 h. Beyond it: the stream is reset.
	Tunnel time.Duration
}

// WithDefaults returns t with every zero field at its default.
func (t Timeouts) WithDefaults() Timeouts {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&t.Head, 10*time.Second)
	set(&t.Idle, 75*time.Second)
	set(&t.Body, 30*time.Second)
	set(&t.Write, 60*time.Second)
	set(&t.Silence, 30*time.Second)
	set(&t.Tunnel, time.Hour)
	return t
}
