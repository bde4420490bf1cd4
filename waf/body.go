package waf

import (
	"errors"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

var (
	errType   = fault.New(fault.MediaTypeRefused, "the type of the request body is not among those that are allowed (waf.allow.contentTypes)")
	errCoding = fault.New(fault.CodingRefused, "the request names more than one Content-Encoding")
	errLost   = fault.New(fault.Internal, "BUG: a request body that was there in one piece cannot be had again")
)

// body holds the body until the rules have seen it. What cannot be taken apart streams through, if it is allowed.
func (u *use) body() (exchange.Verdict, bool) {
	x := u.x
	x.Facts.Firewall.Partial = true // until all of it was looked at
	if x.Req.Method == exchange.MethodConnect {
		return exchange.Next, false // what follows is another protocol
	}
	if u.media.GRPC() && !u.read {
		if u.media.Kind != body.Opaque { // +json, +xml: services that know nothing of gRPC would read them as such
			u.frames = frames{Body: x.Req.Body}
			x.Req.Body = &u.frames
		}
		return exchange.Next, false
	}
	processor, parse := u.t.Processor()
	if len(processor) > 0 {
		u.media.Kind, u.read = body.KindOf(processor), true
	}
	if !u.read || !parse {
		return exchange.Next, false
	}
	if x.Req.Sent.Count(exchange.NameContentEncoding) > 1 { // of a type that a rule has parsed
		return u.reject(engine.LimitBody, errCoding)
	}
	data, whole, v, over := u.hold()
	if over || data == nil {
		return v, over
	}
	return u.show(data, whole)
}

// show gives a body, or its beginning, to the rules.
func (u *use) show(data []byte, whole bool) (exchange.Verdict, bool) {
	if coding := u.x.Req.Sent.Get(exchange.NameContentEncoding); len(coding) > 0 {
		if !whole {
			return exchange.Next, false // a beginning cannot be decoded
		}
		plain, err := u.decode(coding, data)
		if err != nil {
			return u.undecoded(err)
		}
		data = plain
	}
	u.data = data
	u.trailers(u.t)
	if whole {
		u.wrong = u.t.Body(u.media, data) // the engine's verdict follows
	} else {
		u.t.BodyBeginning(u.media, data)
	}
	u.x.Facts.Firewall.Partial = !whole
	return exchange.Next, false
}

// decode takes the coding off a body. The memory of the result counts as held: it is kept as long as the transaction.
func (u *use) decode(coding, data []byte) ([]byte, error) {
	l := u.stage.policy.limits
	if n := decodedRoom * l.DecodedBytes; u.room == 0 {
		if !u.stage.keeper.hold(n) {
			return nil, u.stage.keeper.errHeld
		}
		u.room = n
	}
	return body.Decode(coding, data, l, &u.mem)
}

// undecoded ends the exchange, or not, when a coding cannot be taken off.
func (u *use) undecoded(err error) (exchange.Verdict, bool) {
	var e *body.Error
	switch {
	case !errors.As(err, &e):
		return u.beyond(engine.LimitBodyBytes, u.stage.keeper.errHeld)
	case e.Reason == body.Limit:
		return u.beyond(engine.LimitBodyBytes, fault.Wrap(fault.BodyTooLarge, "the request body is too large without its content coding (waf.bodyBytesMax)", err))
	case e.Reason == body.Malformed:
		return u.reject(engine.LimitBody, fault.Wrap(fault.BodyMalformed, "the content coding of the request body", err))
	}
	return u.reject(engine.LimitBody, fault.Wrap(fault.CodingRefused, "the content coding of the request body", err))
}

// hold takes all of the body into memory. Without data the exchange is over, or the body is passed on as it comes; data that is
// not whole is its beginning, of one that is too large and passes all the same.
func (u *use) hold() (data []byte, whole bool, v exchange.Verdict, over bool) {
	x, b := u.x, u.x.Req.Body
	if b.Size() > int64(u.stage.most) {
		if v, over = u.beyond(engine.LimitBodyBytes, u.stage.large); over {
			return nil, false, v, over // it is not even asked for
		}
	}
	if w, ok := b.(exchange.Whole); ok && !x.Req.ExpectContinue {
		data, err := w.Whole()
		switch {
		case err != nil:
			return nil, false, x.Fail(err), true
		case data != nil && !b.Replay():
			return nil, false, x.Fail(errLost), true
		case data != nil:
			return data[:min(len(data), u.stage.most)], len(data) <= u.stage.most, exchange.Next, false
		}
	}
	h := &u.held
	*h = held{keeper: u.stage.keeper, inner: b, viewed: u.stage.responses}
	x.Req.Body = h
	end := h.fill(u.stage.most)
	x.Req.ExpectContinue = false // the first read has asked for the body
	switch end {
	case endBroken:
		return nil, false, x.Fail(h.err), true
	case endMemory:
		v, over = u.beyond(engine.LimitBodyBytes, u.stage.keeper.errHeld)
	case endLarge:
		v, over = u.beyond(engine.LimitBodyBytes, u.stage.large)
	case endWhole:
		h.trailers = len(x.Req.Trailers) > 0
	}
	if over {
		return nil, false, v, true
	}
	if data = h.buf; data == nil {
		data = []byte{}
	}
	return data, h.whole, exchange.Next, false
}

// frames is a body that passes if it looks like gRPC's frames: a flag, 0 or 1, and a length. No text begins so.
type frames struct {
	exchange.Body
	begun bool
}

var errFrames = fault.New(fault.BodyMalformed, "the request body is not gRPC's, though its Content-Type says so")

// Next returns the next bytes.
func (f *frames) Next() ([]byte, error) {
	view, err := f.Body.Next()
	if len(view) > 0 && !f.begun {
		if view[0] > 1 {
			return nil, errFrames
		}
		f.begun = true
	}
	return view, err
}

// Replay starts again, if the body can.
func (f *frames) Replay() bool {
	ok := f.Body.Replay()
	f.begun = f.begun && !ok
	return ok
}
