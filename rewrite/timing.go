package rewrite

import (
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
)

// addTiming adds Server-Timing (W3C) for a peer that is trusted: "edge" is the time from the request to this head,
// "origin" what of it had gone by when the service's head was there. Strangers get none: it tells which answers come
// from memory. What a service says of itself stays, in its own field.
func addTiming(x *exchange.Exchange) {
	if x.Now.IsZero() {
		return
	}
	piece := x.Scratch.Alloc(timingBytesMax)
	out := appendMillis(append(piece[:0], "edge;dur="...), time.Since(x.Now))
	if first := x.Facts.Origin.FirstByte; first > 0 {
		out = appendMillis(append(out, ", origin;dur="...), first)
	}
	x.Resp.Fields.Add(exchange.NameServerTiming, x.Scratch.Trim(piece, len(out)))
}

// appendMillis appends a duration in milliseconds with three decimals.
func appendMillis(out []byte, d time.Duration) []byte {
	us := min(max(d.Microseconds(), 0), durationMax.Microseconds())
	out = append(strconv.AppendInt(out, us/1000, 10), '.')
	return append(out, byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}
