package waf

import (
	"bytes"
	"io"
	"path"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

var (
	errType   = fault.New(fault.MediaTypeRefused, "the type of the request body is not among those that are allowed (waf.allow.contentTypes)")
	errCoding = fault.New(fault.CodingRefused, "the content coding of the request body cannot be taken off within bounds, so that nobody could look into it")
	errHeld   = fault.New(fault.Overloaded, "the firewall holds as many request bodies as the edge has memory for (256 MB)")
	errLost   = fault.New(fault.Internal, "BUG: a request body that was there in one piece cannot be had again")
)

// body holds the body until the rules have seen it. What cannot be taken apart streams through, if it is allowed.
func (u *use) body() (exchange.Verdict, bool) {
	x := u.x
	if x.Req.Upgrade != nil || x.Req.Method == exchange.MethodConnect || bytes.HasPrefix(u.media.Type, grpcType) {
		x.Facts.Firewall.Partial = true
		return exchange.Next, false
	}
	if u.media.Kind != body.None && !u.stage.policy.allows(u.media.Type) {
		return u.refuse(engine.LimitType, errType)
	}
	if _, parse := u.t.Processor(); !parse || !u.parsed() {
		x.Facts.Firewall.Partial = true
		return exchange.Next, false
	}
	data, v, over := u.hold()
	if over || data == nil {
		return v, over
	}
	if u.coded != nil {
		plain, err := body.Decode(u.coded, data, u.stage.policy.limits, &u.mem)
		if err != nil {
			return u.refuse(engine.LimitBody, errCoding)
		}
		data = plain
	}
	u.data = data
	_ = u.t.Body(u.media, data) // Request's verdict says what became of it
	return exchange.Next, false
}

var grpcType = []byte("application/grpc")

// hold takes all of the body into memory: nil without an end to the exchange if it is passed on as it comes.
func (u *use) hold() (data []byte, v exchange.Verdict, over bool) {
	x, b := u.x, u.x.Req.Body
	if b.Size() > int64(u.stage.most) {
		v, over = u.refuse(engine.LimitBodyBytes, u.stage.large)
		return nil, v, over
	}
	if w, ok := b.(exchange.Whole); ok && !x.Req.ExpectContinue {
		whole, err := w.Whole()
		if err != nil {
			return nil, x.Fail(err), true
		}
		if whole != nil {
			if !b.Replay() {
				return nil, x.Fail(errLost), true
			}
			return whole, exchange.Next, false
		}
	}
	h := &u.held
	h.inner = b
	x.Req.Body = h
	for {
		view, err := b.Next() // of a client that waits for 100 Continue, this asks for the body
		x.Req.ExpectContinue = false
		if len(view) > 0 {
			if !h.grow(u.stage.keeper, len(view), b.Size(), u.stage.most) {
				v, over = u.refuse(engine.LimitBodyBytes, errHeld)
				h.rest = view
				return nil, v, over
			}
			if len(h.buf)+len(view) > u.stage.most {
				v, over = u.refuse(engine.LimitBodyBytes, u.stage.large)
				h.rest = view
				return nil, v, over
			}
			h.buf = append(h.buf, view...)
		}
		switch {
		case err == io.EOF:
			h.whole = true
			if h.buf == nil {
				h.buf = []byte{}
			}
			return h.buf, exchange.Next, false
		case err != nil:
			return nil, x.Fail(err), true
		}
	}
}

// held is a request body that is in memory, or its beginning.
type held struct {
	inner exchange.Body
	buf   []byte
	taken int    // of the keeper's memory
	rest  []byte // what follows buf: a view of inner that holds until its next call
	whole bool   // buf is all of it
	err   error  // how inner ended, if not at its end
	next  uint8  // what Next returns: 0 buf, 1 rest, 2 inner
}

// grow makes room for n more bytes, and reports whether there is memory. It takes no more than twice what has come: what was
// announced may never come.
func (h *held) grow(k *Keeper, n int, size int64, most int) bool {
	if len(h.buf)+n <= cap(h.buf) {
		return true
	}
	want := max(2*cap(h.buf), len(h.buf)+n, chunkBytes)
	if size >= 0 {
		most = int(size)
	}
	want = max(min(want, most), len(h.buf)+n)
	if !k.hold(want - h.taken) {
		return false
	}
	h.taken = want
	grown := make([]byte, len(h.buf), want)
	copy(grown, h.buf)
	h.buf = grown
	return true
}

// release gives the memory back. Nobody may hold the body, or a view of it, any more.
func (h *held) release(k *Keeper) {
	exchange.Poison(h.buf)
	if h.taken > 0 {
		k.release(h.taken)
	}
	*h = held{}
}

// Next returns all that is held, then what follows.
func (h *held) Next() ([]byte, error) {
	if h.next == 0 {
		h.next = 1
		if len(h.buf) > 0 {
			return h.buf, nil
		}
	}
	if h.whole {
		return nil, io.EOF
	}
	if h.next == 1 {
		h.next = 2
		if len(h.rest) > 0 {
			return h.rest, nil
		}
	}
	h.rest = nil
	if h.err != nil {
		return nil, h.err
	}
	return h.inner.Next()
}

// Size is the number of bytes, -1 if that is unknown.
func (h *held) Size() int64 {
	if h.whole {
		return int64(len(h.buf))
	}
	return h.inner.Size()
}

// Ready reports whether Next would answer without waiting.
func (h *held) Ready() bool {
	if h.whole || h.next == 0 && len(h.buf) > 0 || h.next <= 1 && len(h.rest) > 0 {
		return true
	}
	r, ok := h.inner.(exchange.Ready)
	return ok && r.Ready()
}

// Whole returns all of it, if it is in memory and was not begun.
func (h *held) Whole() ([]byte, error) {
	if !h.whole || h.next != 0 {
		return nil, nil
	}
	h.next = 2
	return h.buf, nil
}

// Replay starts again, if inner was not asked for what follows.
func (h *held) Replay() bool {
	if !h.whole && h.next == 2 {
		return false
	}
	h.next = 0
	return true
}

// Check reports whether what has come of it is well formed.
func (h *held) Check() error {
	if c, ok := h.inner.(exchange.Checked); ok && !h.whole {
		return c.Check()
	}
	return nil
}

// Close closes what follows.
func (h *held) Close() error { return h.inner.Close() }

// allows reports whether a body of this type may pass.
func (p *policy) allows(media []byte) bool {
	for _, t := range p.types {
		if ok, _ := path.Match(t, string(media)); ok {
			return true
		}
	}
	return false
}

// allowsByPattern reports whether only a pattern of the list allows it, which the rules themselves cannot read.
func (p *policy) allowsByPattern(media []byte) bool {
	for _, t := range p.types {
		if t == string(media) {
			return false
		}
	}
	return p.allows(media)
}
