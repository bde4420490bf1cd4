package meter

import (
	"sync/atomic"
	"time"
)

// Rarely says when an event may tell of something again that strangers can bring about as often as they like. The zero value has told of
// nothing. It is safe for concurrent use.
type Rarely struct{ told atomic.Int64 } // when it last did, in Unix nanoseconds; 0: never

// Due reports whether it was told of longer ago than every, and takes it as told now. Of those who ask at one time one hears true.
func (r *Rarely) Due(now time.Time, every time.Duration) bool {
	last := r.told.Load()
	return (last == 0 || now.UnixNano()-last >= int64(every)) && r.told.CompareAndSwap(last, now.UnixNano())
}
