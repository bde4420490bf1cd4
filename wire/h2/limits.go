package h2

import "time"

// Limits of a request's head. They are wire/h1's, measured on the head as HTTP/1.1 would write it, so that whatever
// passes here fits there. What is larger is refused: 431, or 414 for the target.
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
	// headerListBytes is what x/net takes of a header list (RFC 9113 section 6.5.2), and announces with 320 bytes added.
	// It is larger than HeadBytesMax so that a head that is a little too large gets our own 431, counted and logged;
	// beyond it x/net answers 431 by itself, and far beyond it closes the connection.
	headerListBytes = HeadBytesMax + 16<<10
)

// Limits of a connection.
const (
	// streamsMax is how many requests a client may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS): what RFC 9113
	// section 6.5.2 recommends as the least, and what bounds goroutines and memory. Beyond it: the stream is reset.
	streamsMax = 100
	// frameBytes is the largest frame that is read (SETTINGS_MAX_FRAME_SIZE), the protocol's least: every connection
	// holds a buffer as large as its largest frame. Beyond it: the connection is closed.
	frameBytes = 16 << 10
	// uploadStreamBytes is how much of one request body may lie here unread: flow control stops the client there. A
	// stream cannot be faster than this per round trip.
	uploadStreamBytes = 256 << 10
	// uploadConnBytes is the same for all streams of a connection together: the most memory a client can make us hold.
	uploadConnBytes = 512 << 10
)

// Limits of frames that make work and bring nothing, over each floodWindow. Beyond them: the connection is closed.
const (
	floodWindow = 10 * time.Second
	// resetsMax is how many streams a client may reset before it matters whether it resets most of what it opens
	// (CVE-2023-44487). A browser that leaves a page resets at most streamsMax at once.
	resetsMax = 2 * streamsMax
	// idlersMax is how many PING, SETTINGS, PRIORITY, PRIORITY_UPDATE, unknown and empty DATA frames may come
	// (CVE-2019-9512, 9513, 9515, 9518).
	idlersMax = 1000
)

// shedSample is how many connections Shed looks at for the one that has waited longest: enough that one of a flood of silent
// ones is among them, few enough for every connection that arrives.
const shedSample = 64

// bodyBufferBytes is the memory of a request body that somebody reads: a body that fits is at hand in one piece and can
// be read again.
const bodyBufferBytes = 16 << 10

// pieceBytes is how much of a response is handed to x/net at once: what a client must take within Timeouts.Write.
const pieceBytes = 16 << 10

// bodyRateMin, in bytes per second, is what a request body must bring on average after its first Timeouts.Body.
const bodyRateMin = 240

// Timeouts are the deadlines of a connection; a zero field takes the default.
type Timeouts struct {
	// Head is from the first byte of a frame that is no DATA, or of a header block, to its end: 10 s, and the same for
	// the client's preface. Beyond it: the connection is closed.
	Head time.Duration
	// Idle is how long a connection may be without a stream: 75 s. Beyond it: GOAWAY, and close a second later.
	Idle time.Duration
	// Body is the longest wait for the next bytes of a request body, and for the rest of a DATA frame: 30 s. Beyond it:
	// 408 for that stream; close, if it was within a frame.
	Body time.Duration
	// Write is the longest a client may take for one piece of a response (up to 16 KB) on one stream, by flow control:
	// 60 s. Beyond it: the stream is reset. The same holds for what the connection as a whole has been given, up to
	// twice as long: beyond it, close.
	Write time.Duration
	// Silence is how long a client may send nothing at all before it is asked by PING whether it is still there: 30 s;
	// it has 15 s to answer. Beyond it: close.
	Silence time.Duration
}

// pingWait is how long a client has to answer a PING.
const pingWait = 15 * time.Second

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
	return t
}
