package h1

import "time"

// Limits of a message. What is larger is refused: 431, 414 or 400 from a client, 502 from an origin.
const (
	// HeadBytesMax is the size of a whole head, request line and the empty line included.
	HeadBytesMax = 32 << 10
	// LineBytesMax is the size of one field line, and of the request line.
	LineBytesMax = 8 << 10
	// FieldsMax is the number of fields of a head, and again of a trailer section.
	FieldsMax = 100
	// TrailerBytesMax is the size of a trailer section.
	TrailerBytesMax = 8 << 10
	// contentLengthDigitsMax keeps a Content-Length below 2^63 without an overflow check.
	contentLengthDigitsMax = 18
	// chunkSizeDigitsMax is the same for a chunk size in hexadecimal.
	chunkSizeDigitsMax = 15
	// chunkLineBytesMax is the size of a chunk size with its extensions, which are dropped.
	chunkLineBytesMax = 256
	// chunkOverheadMax is how many bytes of extensions a body may carry over all: they are work without content.
	chunkOverheadMax = 16 << 10
	// keepAliveDigitsMax is the length of a number in Keep-Alive: 30 years in seconds. A longer one counts as not said.
	keepAliveDigitsMax = 9
	// interimMax is how many 1xx responses an origin may send before the final one.
	interimMax = 16
)

// Sizes of memory.
const (
	// bufferBytes is a connection's read buffer while an exchange is in flight.
	bufferBytes = 16 << 10
	// largeBufferBytes takes the rare head that does not fit.
	largeBufferBytes = HeadBytesMax + bufferBytes
	// roomBytes is what must be left behind a head for reading the body, and room enough for any line or trailer section
	// of it; below it the body gets a buffer of its own.
	roomBytes = TrailerBytesMax + 1<<10
	// joinBytes is the largest piece of a body that is copied behind the head into one write; larger ones go by vector.
	joinBytes = 8 << 10
	// spliceBytes is the rest of a body from which on moving it inside the kernel is cheaper than copying.
	spliceBytes = 32 << 10
)

// Timeouts are the deadlines of a connection; a zero field takes the default.
type Timeouts struct {
	// Head is from the first byte of a head to its end: 10 s. Beyond it: 408 and close.
	Head time.Duration
	// Idle is between two requests: 75 s. Beyond it: close.
	Idle time.Duration
	// Body is the longest wait for the next byte of a request body: 30 s. Beyond it: 408 and close. Once the answer has begun,
	// it is Tunnel: the body is a stream then, whose client may have nothing to say.
	Body time.Duration
	// Write is the longest a client may take for one piece of a response (16 KB, or 128 KB inside the kernel): 60 s,
	// and up to twice that before it is noticed. Beyond it: close.
	Write time.Duration
	// Drain bounds the reading of a body nobody wanted, after an early answer: 1 s, and drainBytes. It is also how long a client
	// is read, by lingerBytes at most, that may send more although the connection is at its end: meanwhile it gets its answers.
	Drain time.Duration
	// Tunnel is the longest silence of both sides of a tunnel: 1 h. Beyond it: close.
	Tunnel time.Duration
}

// shedSample is how many connections Shed looks at for the one that has waited longest: enough that one of a flood of slow
// heads is among them, few enough for every connection that arrives.
const shedSample = 64

// goneAfter is how long an origin may be silent before somebody looks whether the client is still there.
const goneAfter = 50 * time.Millisecond

// drainBytes is how much of an unwanted body is read to keep the connection; with more to come it closes.
const drainBytes = 256 << 10

// lingerBytes is how much is read, and thrown away, of a client that sends on after its last answer: what a line of 1 Gbit/s
// brings in the round trip of 100 ms until its answer has arrived. Beyond it: close, which may destroy that answer.
const lingerBytes = 16 << 20

// bodyRateMin, in bytes per second, is what a request body must bring on average after its first Timeouts.Body.
const bodyRateMin = 240

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
	set(&t.Drain, time.Second)
	set(&t.Tunnel, time.Hour)
	return t
}
