package cache

import (
	"bytes"
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
)

// statusBytes is the longest value that status writes.
const statusBytes = 96

// status adds Cache-Status (RFC 9211), behind those of caches nearer to the origin: how long what was stored is fresh, and why the origin
// was asked in place of it.
func (s *Stage) status(x *exchange.Exchange, left time.Duration, forward string) {
	f := &x.Facts.Cache
	room := x.Scratch.Alloc(statusBytes)
	b := append(room[:0], "skerry"...)
	switch f.Outcome {
	case exchange.CacheHit, exchange.CacheStale:
		b = strconv.AppendInt(append(b, "; hit; ttl="...), seconds(left), 10)
	case exchange.CacheRevalidated:
		b = strconv.AppendInt(append(b, "; fwd=stale; fwd-status=304; ttl="...), seconds(left), 10)
	case exchange.CacheMiss:
		b = append(append(b, "; fwd="...), forward...)
	case exchange.CachePass:
		if f.Why == whyMethod {
			b = append(b, "; fwd=method"...)
		} else {
			b = append(b, "; fwd=bypass"...)
		}
	}
	if f.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if f.Stored {
		b = append(b, "; stored"...)
	}
	if f.Why != "" {
		b = append(append(b, "; detail="...), f.Why...)
	}
	value := x.Scratch.Trim(room, len(b))
	if old := x.Resp.Fields.Get(exchange.NameCacheStatus); old != nil {
		value = bytes.Join([][]byte{old, value}, commaSpace)
	}
	x.Resp.Fields.Set(exchange.NameCacheStatus, value)
}

// seconds are whole ones, the next lower: what is stale by less than one is not fresh (RFC 9211 section 2.4).
func seconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	if d < 0 && d%time.Second != 0 {
		n--
	}
	return n
}

var commaSpace = []byte(", ")
