package h2

import (
	"io"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/wire"
	"skerry.dev/skerry/wire/transport"
)

// head takes a header block of the response. The caller, who reads the connection, holds its lock.
func (k *Call) head(l *fieldList, end bool) error {
	c := k.client
	h := &k.heads
	trailers := h.final
	if trailers && !end {
		return c.provoked(&k.stream, codeProtocol, errOriginHead)
	}
	if err := h.add(l, trailers); err != nil {
		return c.provoked(&k.stream, codeProtocol, err)
	}
	r := &h.list[len(h.list)-1]
	switch {
	case trailers && k.size >= 0 && k.came != k.size:
		return k.refuseHead(errOriginFraming)
	case !trailers && r.status < 200:
		if end || len(h.list) > interimMax+1 {
			return k.refuseHead(errOriginInterim)
		}
	case !trailers:
		h.final, k.early = true, false
		k.noBody = k.noBody || r.status == 204 || r.status == 304
		if !k.noBody && !k.connect {
			k.size = r.length
		}
		if end && k.size > 0 {
			return k.refuseHead(errOriginFraming)
		}
	}
	if end {
		k.endRemote()
	}
	k.readable.wake()
	return nil
}

// refuseHead drops the head, or the trailers, that came last and resets the stream: what breaks a rule is not delivered. The caller
// holds the connection's lock.
func (k *Call) refuseHead(why error) error {
	k.heads.list = k.heads.list[:len(k.heads.list)-1]
	return k.client.provoked(&k.stream, codeProtocol, why)
}

// ended has nothing to do: whoever waits has been woken.
func (k *Call) ended(*conn, uint32) {}

// Receive waits for the final response head and puts it into x.Resp, with its body; interim responses go to x.Sink.
func (k *Call) Receive(x *exchange.Exchange) error {
	for interims := 0; ; interims++ {
		if interims > interimMax {
			return errOriginInterim
		}
		h, over, err := k.awaitHead(x, interims)
		if err != nil {
			return err
		}
		fields := k.fieldsOf(&h)
		if h.status >= 200 {
			x.Resp.Status = h.status
			x.Resp.Fields = append(x.Resp.Fields[:0], fields...)
			return k.frame(x, &h, over)
		}
		switch {
		case h.status == 100:
			if k.expecting {
				k.startPump(x)
			}
		case x.Sink != nil:
			if err := x.Sink.Interim(x, h.status, fields); err != nil {
				return errWrite
			}
		}
	}
}

// fieldsOf returns the fields of a head.
func (k *Call) fieldsOf(h *responseHead) exchange.Fields {
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	return k.heads.fields[h.from:h.to:h.to]
}

// awaitHead waits for a response head; over says that nothing follows it.
func (k *Call) awaitHead(x *exchange.Exchange, interims int) (h responseHead, over bool, err error) {
	c := k.client
	for {
		c.mu.Lock()
		switch {
		case k.abandoned.Load():
			err = wire.ErrAbandoned
		case k.heads.taken < len(k.heads.list):
			h = k.heads.list[k.heads.taken]
			k.heads.taken++
			over = k.remoteOver && k.in.unread == 0 && k.in.end == io.EOF && len(k.heads.list) == k.heads.taken
			c.mu.Unlock()
			return h, over, nil
		case k.reset != nil:
			err = k.failed(x, interims)
		case k.interrupted && k.gone.Load():
			err = errClientLeft
		case k.interrupted:
			c.mu.Unlock()
			x.Join()
			if k.pumpErr == nil {
				return h, false, errInterrupted
			}
			return h, false, k.pumpErr
		}
		c.mu.Unlock()
		if err != nil {
			return h, false, err
		}
		if !k.readable.wait(k.nextLook()) {
			if err := k.lookAround(x); err != nil {
				return h, false, err
			}
		}
	}
}

// failed says what it means that the stream has ended before its response. The caller holds the lock.
func (k *Call) failed(x *exchange.Exchange, interims int) error {
	switch {
	case interims > 0 && (k.reset == errRefused || k.reset == errOriginLost):
		return fault.New(fault.OriginClosed, "the origin ended the stream after an interim response")
	case k.reset == errRefused && !k.pumping:
		if b := x.Req.Body; b == nil || b.Replay() {
			return transport.ErrStale
		}
	case k.reset == errOriginLost:
		return wire.ErrDied
	}
	return k.reset
}

// overdue says which of the bounds has passed, and that it was the client's doing if it was; nil if none has, or there is none.
func (k *Call) overdue() error {
	if k.bound.IsZero() {
		return nil
	}
	now := time.Now()
	switch {
	case now.Before(k.bound):
		return nil
	case k.uploading(now):
		return wire.ErrUpload
	case !k.until.IsZero() && !now.Before(k.until):
		return wire.ErrWhole
	}
	return wire.ErrTry
}

// uploading reports whether the client is to blame for a bound that has passed.
func (k *Call) uploading(now time.Time) bool {
	if k.pumping && !k.pumpEnded() {
		return k.waits.Load()
	}
	return k.took > now.Sub(k.asked)
}

// lookAround does what is due while the origin is silent. The error says that the wait is over.
func (k *Call) lookAround(x *exchange.Exchange) error {
	if err := k.overdue(); err != nil {
		return err
	}
	if k.expecting {
		k.startPump(x)
	} else if k.watchClient(); !time.Now().Before(k.headDeadline()) {
		return fault.New(fault.OriginTimeout, "the origin's response head was not there after "+k.firstByte.String()+" (timeouts.firstByte)")
	}
	return nil
}

// headDeadline is when the response head must be there. While a pump is still sending, the origin has nothing to answer yet.
func (k *Call) headDeadline() time.Time {
	switch {
	case k.expecting:
		return time.Now().Add(min(continueWait, k.firstByte))
	case k.pumping && !k.pumpEnded():
		return time.Now().Add(k.firstByte)
	}
	return k.asked.Add(k.firstByte)
}

// nextLook is until when to wait for the response head before it is time to look after something else: the client, at
// first, then the head's deadline.
func (k *Call) nextLook() time.Time {
	by := k.headDeadline()
	if !k.bound.IsZero() && k.bound.Before(by) {
		by = k.bound
	}
	if !k.canWatch() || k.expecting {
		return by
	}
	since := time.Now()
	if !k.pumping { // the pump writes k.asked
		since = k.asked
	}
	if look := since.Add(goneAfter); look.Before(by) {
		return look
	}
	return by
}

// canWatch reports whether there is a client that nobody watches yet.
func (k *Call) canWatch() bool { return k.unwatch == nil && k.sink != nil }

// watchClient has somebody look whether the client is still there, once the origin has been silent for a while. A pump that waits for the
// client sees for itself, and what it was; one that waits for the origin's window does not.
func (k *Call) watchClient() {
	if !k.canWatch() {
		return
	}
	watch := k.sink.Watch
	if k.pumping && !k.pumpEnded() {
		beside, ok := k.sink.(exchange.Beside)
		if !ok {
			return
		}
		watch = beside.WatchBeside
	}
	k.unwatch = watch(func() {
		if k.told.Store(true); k.waits.Load() {
			return
		}
		k.gone.Store(true)
		k.interrupt()
	})
}

func (k *Call) stopWatch() {
	if k.unwatch != nil {
		k.unwatch()
		k.unwatch = nil
	}
}

// frame makes what follows the head a body, a tunnel or nothing.
func (k *Call) frame(x *exchange.Exchange, h *responseHead, over bool) error {
	r := &x.Resp
	k.resp, r.Length, r.Age = r, h.length, k.age
	if k.connect && h.status < 300 {
		if k.stopWatch(); k.gone.Load() {
			return errClientLeft
		}
		r.Status, r.Tunnel = 101, tunnelEnd{&k.stream}
		key := x.Req.Fields.Get(exchange.NameSecWebSocketKey)
		r.Fields.Add(exchange.NameSecWebSocketAccept, acceptOf(x.Scratch.Alloc(acceptBytes)[:0], key))
		return nil
	}
	if k.noBody || over {
		return nil
	}
	k.body = responseBody{call: k, size: h.length}
	r.Body = &k.body
	return nil
}
