package rewrite

import (
	"fmt"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Respond is the last stage of a route with a fixed answer. NewRespond makes it.
type Respond struct {
	status      int
	contentType []byte // nil: none
	body        []byte
}

// NewRespond compiles a fixed answer; nil gives nil.
func NewRespond(r *spec.Respond) (*Respond, []fault.Problem) {
	if r == nil {
		return nil, nil
	}
	s := &Respond{status: r.Status, contentType: []byte(r.ContentType), body: []byte(r.Body)}
	if s.status == 0 {
		s.status = 200
	}
	if len(s.contentType) == 0 && len(s.body) > 0 {
		s.contentType = []byte("text/plain; charset=utf-8")
	}
	switch {
	case s.status < 200 || s.status > 599:
		return nil, []fault.Problem{{Text: fmt.Sprintf("respond: status %d is not a final status code", s.status), Fix: "use one from 200 to 599"}}
	case len(s.body) > 0 && (s.status == 204 || s.status == 205 || s.status == 304):
		return nil, []fault.Problem{{Text: fmt.Sprintf("respond: an answer with status %d has no body", s.status), Fix: "leave out body, or use status 200"}}
	}
	if text, fix := badField("Content-Type", r.ContentType); text != "" {
		return nil, []fault.Problem{{Text: "respond.contentType: " + text, Fix: fix}}
	}
	return s, nil
}

// Name is "respond".
func (s *Respond) Name() string { return "respond" }

// Request answers.
func (s *Respond) Request(x *exchange.Exchange) exchange.Verdict {
	x.Answer(s.status)
	if len(s.contentType) > 0 {
		x.Resp.Fields.Add(exchange.NameContentType, s.contentType)
	}
	setBody(x, s.body)
	return exchange.Respond
}

// setBody makes a whole body the response's, or for HEAD announces its length.
func setBody(x *exchange.Exchange, body []byte) {
	x.Resp.Body, x.Resp.Length = nil, -1
	switch {
	case len(body) == 0:
	case x.Req.Method == exchange.MethodHead:
		x.Resp.Length = int64(len(body))
	default:
		x.Resp.Body = x.InMemory(body)
	}
}
