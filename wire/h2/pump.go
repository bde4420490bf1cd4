package h2

import (
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

func (k *Call) pumpEnded() bool {
	select {
	case <-k.pumped:
		return true
	default:
		return false
	}
}

// startPump sends the body beside the exchange's goroutine, which waits for the response meanwhile.
func (k *Call) startPump(x *exchange.Exchange) {
	k.expecting, k.pumping, k.pumped = false, true, make(chan struct{})
	b, trailers := x.Req.Body, &x.Req.Trailers
	x.Go(func() {
		defer func() {
			// A stage that wraps a request body is called here, outside the path's fence.
			if v := recover(); v != nil {
				k.stopAsking(fault.New(fault.Panicked, fmt.Sprintf("%v\n%s", v, debug.Stack())))
			}
			k.asked = time.Now()
			close(k.pumped)
		}()
		if err := k.pump(b, trailers); err != nil {
			k.stopAsking(err)
		}
	})
}

// pump sends the body. The error is the body's own.
func (k *Call) pump(b exchange.Body, trailers *exchange.Fields) error {
	c := k.client
	for sent := int64(0); ; {
		if r, ok := b.(exchange.Ready); !ok || !r.Ready() {
			c.flush()
		}
		began := time.Now()
		k.waits.Store(true)
		view, err := b.Next()
		k.waits.Store(false)
		k.took += time.Since(began)
		if k.told.Load() && (err == nil || err == io.EOF) { // this was there before it left
			return errClientLeft
		}
		if len(view) > 0 {
			sent += int64(len(view))
			if k.send(view, k.patience) != nil {
				return nil // the origin may have answered and stopped: Receive will tell
			}
		}
		switch {
		case err == io.EOF && b.Size() >= 0 && sent != b.Size():
			return errShortBody
		case err == io.EOF:
			k.endRequest(*trailers)
			return nil
		case err != nil:
			return err
		}
	}
}

// endRequest ends our side, with trailers if there are any.
func (k *Call) endRequest(trailers exchange.Fields) {
	c := k.client
	c.mu.Lock()
	if k.reset == nil && c.broken == nil {
		if len(trailers) > 0 {
			k.appendHead(true, func(out []byte) []byte { return appendFields(out, trailers) })
		} else {
			k.stream.end()
		}
	}
	c.mu.Unlock()
	c.flush()
}

// stopAsking ends a request whose body broke: the origin must not take what it has got for a whole one.
func (k *Call) stopAsking(err error) {
	k.pumpErr = err
	k.interrupt()
}

func (k *Call) stopPump(x *exchange.Exchange) {
	grace := time.NewTimer(pumpGrace)
	defer grace.Stop()
	select {
	case <-k.pumped:
	case <-grace.C:
		if x.Sink != nil {
			x.Sink.Interrupt()
		}
		c := k.client
		c.mu.Lock()
		c.resetStream(&k.stream, codeCancel, errStopped)
		c.mu.Unlock()
	}
	x.Join()
}
