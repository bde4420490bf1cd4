package rewrite

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"

	"skerry.dev/skerry/exchange"
)

// requestIDBytes is the length of a request id as text: 32 hex digits, as the log prints it.
const requestIDBytes = 32

// setRequestID gives the exchange an id if it has none: the layout of a UUID version 7 (RFC 9562 section 5.7), so that
// ids sort by time. Its 74 random bits come from the runtime's ChaCha8, which is seeded by the system, takes no lock and
// cannot be predicted from earlier ids in practice; an id is still a label and not a secret, never to be used as one.
func setRequestID(x *exchange.Exchange) {
	id := &x.Facts.RequestID
	if *id != [16]byte{} {
		return
	}
	now := x.Now
	if now.IsZero() {
		now = time.Now()
	}
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|rand.Uint64()&0x0fff)
	binary.BigEndian.PutUint64(id[8:], 1<<63|rand.Uint64()>>2)
}

// requestIDText is the id as text, in Scratch.
func requestIDText(x *exchange.Exchange) []byte {
	text := x.Scratch.Alloc(requestIDBytes)
	hex.Encode(text, x.Facts.RequestID[:])
	return text
}

// parseID reads an id as requestIDText writes it, or in the form of a UUID (RFC 9562 section 4). It is zero, which is no
// id, if b is neither.
func parseID(b []byte) (id [16]byte) {
	if len(b) == requestIDBytes+4 {
		if b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
			return id
		}
		var bare [requestIDBytes]byte
		n := copy(bare[:], b[:8])
		n += copy(bare[n:], b[9:13])
		n += copy(bare[n:], b[14:18])
		n += copy(bare[n:], b[19:23])
		copy(bare[n:], b[24:])
		b = bare[:]
	}
	if len(b) != requestIDBytes {
		return id
	}
	if _, err := hex.Decode(id[:], b); err != nil {
		return [16]byte{}
	}
	return id
}
