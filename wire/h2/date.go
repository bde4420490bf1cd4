package h2

import (
	"strconv"
	"sync/atomic"
	"time"
)

// dateField is the Date field of one second.
type dateField struct {
	second int64
	bytes  []byte
}

var lastDate atomic.Pointer[dateField]

// appendDate appends the Date field (RFC 9110 section 6.6.1), formatted once a second.
func appendDate(out []byte, now time.Time) []byte {
	d := lastDate.Load()
	if second := now.Unix(); d == nil || d.second != second {
		d = &dateField{second, appendLiteral(nil, staticDate, now.UTC().Format("Mon, 02 Jan 2006 15:04:05")+" GMT")}
		lastDate.Store(d)
	}
	return append(out, d.bytes...)
}

func appendLength(out []byte, n int64) []byte {
	var digits [20]byte
	return appendLiteral(out, staticLength, strconv.AppendInt(digits[:0], n, 10))
}
