package rewrite

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// trace is a compiled spec.Trace (W3C Trace Context, level 1).
type trace struct {
	on bool
	// least is the least random part of an id, its last 56 bits, that is sampled. Whoever samples by the id this way
	// (OpenTelemetry's consistent probability sampling) takes the same exchanges everywhere.
	least uint64
}

// randomBits is how many bits at the end of a trace id count as random.
const randomBits = 56

func newTrace(t *spec.Trace) (trace, []fault.Problem) {
	if t == nil || !t.On {
		return trace{}, nil
	}
	if !(t.Sample >= 0 && t.Sample <= 1) {
		return trace{}, []fault.Problem{{Text: fmt.Sprintf("trace.sample: %v is no share", t.Sample), Fix: "use a number from 0 to 1"}}
	}
	return trace{true, uint64((1 - t.Sample) * (1 << randomBits))}, nil
}

// begin gives the exchange its place in a trace and reports whether that is the peer's: a trusted peer's trace goes on,
// anybody else's is started anew, because who may choose the id may also choose what is sampled.
func (t *trace) begin(x *exchange.Exchange) (continued bool) {
	f := &x.Facts
	if f.Client.Trusted && x.Req.Fields.Count(exchange.NameTraceparent) == 1 {
		if id, sampled, ok := parseTraceparent(x.Req.Fields.Get(exchange.NameTraceparent)); ok {
			f.RequestID, f.Trace.Sampled, continued = id, sampled, true
		}
	}
	if !continued {
		setRequestID(x)
		f.Trace.Sampled = binary.BigEndian.Uint64(f.RequestID[8:])&(1<<randomBits-1) >= t.least
	}
	span := rand.Uint64()
	binary.BigEndian.PutUint64(f.Trace.Span[:], max(span, 1)) // zero is no span
	return continued
}

// traceparentBytes is the length of version 00: 00-TRACE-SPAN-FLAGS.
const traceparentBytes = 55

// traceparent is the value for the origin.
func traceparent(x *exchange.Exchange) []byte {
	text := x.Scratch.Alloc(traceparentBytes)
	copy(text, "00-")
	hex.Encode(text[3:], x.Facts.RequestID[:])
	text[35] = '-'
	hex.Encode(text[36:], x.Facts.Trace.Span[:])
	copy(text[52:], "-00")
	if x.Facts.Trace.Sampled {
		text[54] = '1'
	}
	return text
}

// parseTraceparent reads trace id and sampled flag. Of versions to come it reads what version 00 has (section 4).
func parseTraceparent(b []byte) (id [16]byte, sampled, ok bool) {
	if len(b) < traceparentBytes || b[2] != '-' || b[35] != '-' || b[52] != '-' {
		return id, false, false
	}
	var version, flags [1]byte
	var span [8]byte
	if !decodeLower(version[:], b[:2]) || !decodeLower(id[:], b[3:35]) || !decodeLower(span[:], b[36:52]) || !decodeLower(flags[:], b[53:55]) {
		return id, false, false
	}
	switch {
	case version[0] == 0xff, version[0] == 0 && len(b) != traceparentBytes, len(b) > traceparentBytes && b[traceparentBytes] != '-':
		return id, false, false
	}
	return id, flags[0]&1 != 0, id != [16]byte{} && span != [8]byte{}
}

// decodeLower is hex.Decode for small letters only.
func decodeLower(dst, src []byte) bool {
	for i := range dst {
		high, low := src[2*i], src[2*i+1]
		if high|low >= 0x80 || 'A' <= high && high <= 'F' || 'A' <= low && low <= 'F' || hexDigit(high) < 0 || hexDigit(low) < 0 {
			return false
		}
		dst[i] = byte(hexDigit(high)<<4 | hexDigit(low))
	}
	return true
}
