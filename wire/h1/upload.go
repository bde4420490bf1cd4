package h1

import (
	"sync/atomic"
	"time"

	"skerry.dev/skerry/exchange"
)

// This file tells a client that takes the time of an exchange from an origin that does. Who holds a late origin against it would
// otherwise let any client have endpoints taken for broken ones: by sending a body, or taking one, slowly.

// upload is how long a pump has waited for the client.
type upload struct {
	waits atomic.Bool   // it does now
	took  time.Duration // over all; read when the pump has ended
}

// uploading reports whether the client is to blame for a bound that has passed.
func (c *Client) uploading(now time.Time) bool {
	if c.pumping && !c.pumpEnded() {
		return c.upload.waits.Load()
	}
	return c.upload.took > now.Sub(c.asked)
}

// begin and end stand around a wait for the client. The nil *upload keeps no time.
func (u *upload) begin() (at time.Time) {
	if u == nil {
		return at
	}
	u.waits.Store(true)
	return time.Now()
}

func (u *upload) end(begun time.Time) {
	if u != nil {
		u.waits.Store(false)
		u.took += time.Since(begun)
	}
}

// next is b.Next.
func (u *upload) next(b exchange.Body) ([]byte, error) {
	begun := u.begin()
	view, err := b.Next()
	u.end(begun)
	return view, err
}
