package waf

import (
	"bytes"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/engine"
)

// Answer shows responses to the rules, where the policy asks for it: their heads, and bodies of text up to bodyBytesMax, which are
// held for it. The body of any other kind, an event stream among them, is passed on as it comes.
type Answer struct{ stage *Stage }

// NewAnswer compiles the firewall's part in responses; the stage is nil if there is none. What is wrong with the policy New has
// said.
func NewAnswer(p *spec.Policy, k *Keeper) (*Answer, []fault.Problem) {
	if p.WAF == nil || !bool(p.WAF.Responses) {
		return nil, nil
	}
	s, _ := New(p, k)
	if s == nil {
		return nil, nil
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
	u.inside = true
	v := u.answer()
	u.inside = false
	x.Facts.Firewall.Answer = x.Facts.Firewall.Verdict != before
	u.end() // its memory is not kept while the client takes the answer
	return v
}

func (u *use) answer() exchange.Verdict {
	x, t := u.x, u.t
	t.Status(x.Resp.Status, http11)
	read := isText(x.Resp.Fields.Get(exchange.NameContentType))
	for i := range x.Resp.Fields {
		if f := &x.Resp.Fields[i]; f.ID != exchange.NameContentEncoding || !read { // the rules leave alone what is coded, and are shown it decoded
			t.ResponseHeader(f.Name, f.Value)
		}
	}
	if v, over := u.answered(t.ResponseHead()); over {
		return v
	}
	var data []byte
	if x.Resp.Body != nil && read {
		data = u.holdAnswer()
	}
	v, _ := u.answered(t.ResponseBody(data))
	return v
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

// holdAnswer takes the response's body into memory and its coding off; nothing if it is too large, or cannot be decoded: then it
// is passed on as it comes.
func (u *use) holdAnswer() []byte {
	x, b := u.x, u.x.Resp.Body
	coding := x.Resp.Fields.Get(exchange.NameContentEncoding)
	if b.Size() > int64(u.stage.most) || x.Resp.Fields.Count(exchange.NameContentEncoding) > 1 {
		x.Facts.Firewall.Partial = true
		return nil
	}
	h := &u.reply
	*h = held{keeper: u.stage.keeper, inner: b}
	x.Resp.Body = h
	if h.fill(u.stage.most) != endWhole {
		x.Facts.Firewall.Partial = true
		return nil
	}
	h.trailers = len(x.Resp.Trailers) > 0
	if len(coding) == 0 {
		return h.buf
	}
	plain, err := u.decode(coding, h.buf)
	if err != nil {
		x.Facts.Firewall.Partial = true
		return nil
	}
	return plain
}
