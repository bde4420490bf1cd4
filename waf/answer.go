package waf

import (
	"bytes"
	"io"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// Answer shows responses to the rules, where the policy asks for it: their heads, and bodies of text up to bodyBytesMax, which are
// held for it. A response of any other kind, an event stream among them, is passed on as it comes.
type Answer struct{ stage *Stage }

// NewAnswer compiles the firewall's part in responses; the stage is nil if there is none.
func NewAnswer(p *spec.Policy, k *Keeper) (*Answer, []fault.Problem) {
	s, problems := New(p, k)
	if s == nil || !s.responses {
		return nil, problems
	}
	return &Answer{stage: s}, nil
}

// Name is the stage's name.
func (a *Answer) Name() string { return "waf-answer" }

// Request does nothing: the response is what it is about.
func (a *Answer) Request(*exchange.Exchange) exchange.Verdict { return exchange.Next }

// Response judges the response.
func (a *Answer) Response(x *exchange.Exchange) exchange.Verdict {
	u, ok := x.Facts.Firewall.Held.(*use)
	if !ok || u.t == nil || x.Fault != nil || x.Resp.Tunnel != nil {
		return exchange.Next
	}
	before := x.Facts.Firewall.Verdict
	v, over := u.answer()
	x.Facts.Firewall.Answer = x.Facts.Firewall.Verdict != before
	return orNext(v, over)
}

func orNext(v exchange.Verdict, over bool) exchange.Verdict {
	if over {
		return v
	}
	return exchange.Next
}

func (u *use) answer() (exchange.Verdict, bool) {
	x, t := u.x, u.t
	t.Status(x.Resp.Status, http11)
	for i := range x.Resp.Fields {
		t.ResponseHeader(x.Resp.Fields[i].Name, x.Resp.Fields[i].Value)
	}
	if v, over := u.answered(t.ResponseHead()); over {
		return v, over
	}
	if x.Resp.Body == nil || !isText(x.Resp.Fields.Get(exchange.NameContentType)) {
		return u.answered(t.ResponseBody(nil))
	}
	data, ok := u.holdAnswer()
	if !ok {
		x.Facts.Firewall.Partial = true
		return u.answered(t.ResponseBody(nil))
	}
	if coding := x.Resp.Fields.Get(exchange.NameContentEncoding); len(coding) > 0 {
		plain, err := body.Decode(coding, data, u.stage.policy.limits, &u.mem)
		if err != nil {
			x.Facts.Firewall.Partial = true
		}
		data = plain
	}
	return u.answered(t.ResponseBody(data))
}

// answered turns what the rules say of a response into what becomes of it.
func (u *use) answered(v engine.Verdict) (exchange.Verdict, bool) {
	u.note()
	if !v.Refused() {
		return exchange.Next, false
	}
	u.x.Facts.Firewall.Verdict = exchange.JudgedRefused
	return u.x.Fail(errAnswer), true
}

var errAnswer = fault.New(fault.ResponseBlocked, "rules about responses refused the answer of the service (waf.responses, waf.responseThreshold)")

// isText reports whether bodies of a type are shown to the rules.
func isText(media []byte) bool {
	kind, _, _ := bytes.Cut(bytes.ToLower(media), []byte{';'})
	kind = bytes.TrimSpace(kind)
	switch {
	case bytes.Equal(kind, eventStream):
		return false
	case bytes.HasPrefix(kind, []byte("text/")), bytes.HasSuffix(kind, []byte("json")), bytes.HasSuffix(kind, []byte("xml")):
		return true
	}
	return false
}

var eventStream = []byte("text/event-stream")

// holdAnswer takes the response's body into memory; false if it is too large, and then it is passed on.
func (u *use) holdAnswer() (data []byte, ok bool) {
	x, b := u.x, u.x.Resp.Body
	if b.Size() > int64(u.stage.most) {
		return nil, false
	}
	h := &u.reply
	h.inner = b
	x.Resp.Body = h
	for {
		view, err := b.Next()
		if len(view) > 0 {
			if len(h.buf)+len(view) > u.stage.most || !h.grow(u.stage.keeper, len(view), b.Size(), u.stage.most) {
				h.rest = view
				return nil, false
			}
			h.buf = append(h.buf, view...)
		}
		switch {
		case err == io.EOF:
			h.whole = true
			return h.buf, true
		case err != nil:
			h.err = err
			return nil, false
		}
	}
}
