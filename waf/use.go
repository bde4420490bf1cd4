package waf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
)

// use is the firewall's part in one exchange.
type use struct {
	stage *Stage
	x     *exchange.Exchange
	t     *engine.Transaction
	mem   body.Memory // of a decoded body
	media body.Media
	wrong error  // what is wrong with Content-Type; nil: nothing
	coded []byte // Content-Encoding that the body is decoded from; nil: none
	data  []byte // the body as it was shown to the rules
	noted int    // of the matches: those that facts have
	held  held
	reply held // of a response that is judged
}

var uses = sync.Pool{New: func() any { return new(use) }}

// Close ends the transaction and gives the memory of a held body back.
func (u *use) Close() error {
	u.count()
	u.end()
	u.held.release(u.stage.keeper)
	u.reply.release(u.stage.keeper)
	u.mem.Reset()
	*u = use{mem: u.mem}
	uses.Put(u)
	return nil
}

func (u *use) end() {
	if u.t != nil {
		u.t.End()
		u.t = nil
	}
}

// judge runs the rules of the request. over says that the exchange does not go on.
func (u *use) judge() (v exchange.Verdict, over bool) {
	u.head()
	if v, over := u.verdict(u.t.Head()); over {
		return v, true
	}
	if u.wrong != nil {
		if v, over := u.refuse(engine.LimitBody, fault.New(fault.BodyMalformed, u.wrong.Error())); over {
			return v, true
		}
	}
	if u.x.Req.Body != nil && u.wrong == nil {
		if v, over := u.body(); over {
			return v, true
		}
	}
	return u.verdict(u.t.Request())
}

// head shows the rules everything but the body.
func (u *use) head() {
	x, t := u.x, u.t
	if x.Conn != nil {
		t.Client(x.Facts.Client.Addr, x.Conn.Client.Port())
	}
	id := x.Scratch.Alloc(32)
	hex.Encode(id, x.Facts.RequestID[:])
	t.ID(id)
	t.Server(x.Req.Host)
	t.Time(x.Now)
	t.Line(x.Req.MethodName, x.Req.Target, proto(x))
	u.classify()
	u.fields(t)
	t.Media(u.media)
	if len(u.media.Type) > 0 && u.stage.policy.allowsByPattern(u.media.Type) {
		t.AllowType(u.media.Type)
	}
	t.Path(x.Req.MethodName, x.Req.Path)
}

// proto is the protocol as request lines have it.
func proto(x *exchange.Exchange) []byte {
	switch {
	case x.Conn != nil && x.Conn.Protocol == "h2":
		return http2
	case x.Req.Minor == 0:
		return http10
	}
	return http11
}

var http2, http11, http10 = []byte("HTTP/2.0"), []byte("HTTP/1.1"), []byte("HTTP/1.0")

var errTwoTypes = errors.New("there is more than one Content-Type field")

// classify finds out what the body is.
func (u *use) classify() {
	sent := u.x.Req.Sent
	value := sent.Get(exchange.NameContentType)
	if len(value) > 0 && sent.Count(exchange.NameContentType) > 1 {
		u.wrong = errTwoTypes
		return
	}
	u.media, u.wrong = body.Classify(value, &u.mem)
	if coding := sent.Get(exchange.NameContentEncoding); len(coding) > 0 && u.x.Req.Body != nil && u.parsed() && sent.Count(exchange.NameContentEncoding) == 1 {
		u.coded = coding
	}
}

// parsed reports whether the body is of a kind that is taken apart.
func (u *use) parsed() bool {
	switch u.media.Kind {
	case body.Form, body.Multipart, body.JSON, body.NDJSON, body.XML:
		return true
	case body.None:
		return true // read as a form, as the Core Rule Set wants it
	}
	return false
}

// verdict turns what the rules say into what becomes of the exchange.
func (u *use) verdict(v engine.Verdict) (exchange.Verdict, bool) {
	if !v.Refused() {
		return exchange.Next, false
	}
	x := u.x
	x.Facts.Firewall.Verdict = exchange.JudgedRefused
	switch v.Action {
	case engine.ActionDrop:
		return exchange.Abort, true
	case engine.ActionRedirect:
		x.Answer(v.Status)
		x.Resp.Fields.Add(exchange.NameLocation, x.Scratch.Copy(v.Location))
		return exchange.Respond, true
	}
	return x.Fail(u.fault(v)), true
}

// kinds are the kinds of fault whose status a rule may ask for; any other is 403.
var kinds = map[int]fault.Kind{400: fault.BadRequest, 404: fault.NoRoute, 405: fault.MethodNotAllowed, 413: fault.BodyTooLarge, 415: fault.MediaTypeRefused,
	429: fault.RateLimited, 500: fault.Internal, 503: fault.Overloaded}

func (u *use) fault(v engine.Verdict) *fault.Error {
	if v.Limit != engine.LimitNone {
		return limitFaults[v.Limit]
	}
	kind, ok := kinds[v.Status]
	if !ok {
		kind = fault.Blocked
	}
	return fault.New(kind, "rule "+strconv.Itoa(v.Rule)+" refused the request; its anomaly score is "+strconv.Itoa(u.t.Score()))
}

var limitFaults = [...]*fault.Error{
	engine.LimitFields:    fault.New(fault.BadRequest, "the request has more named values than the firewall looks at"),
	engine.LimitArguments: fault.New(fault.BadRequest, "the request has more arguments, longer names, or deeper ones than the firewall looks at (waf.argumentsMax)"),
	engine.LimitBody:      fault.New(fault.BodyMalformed, "the request body is not what its Content-Type says, or has two readings"),
	engine.LimitWork:      fault.New(fault.Blocked, "looking at the request takes more processor time than it may (waf.cpuMax)"),
	engine.LimitTX:        fault.New(fault.Blocked, "the request makes more variables in the rules than it may"),
	engine.LimitRemovals:  fault.New(fault.Blocked, "the request makes more exclusions in the rules than it may"),
}

// refuse ends the exchange for a reason that is not a rule's, or notes it where that is the policy.
func (u *use) refuse(l engine.Limit, err *fault.Error) (exchange.Verdict, bool) {
	facts := &u.x.Facts.Firewall
	if facts.Limit == "" {
		facts.Limit = l.String()
	}
	facts.Partial = true
	if u.stage.pass {
		return exchange.Next, false
	}
	facts.Verdict = exchange.JudgedRefused
	if u.stage.detect {
		return exchange.Next, false
	}
	return u.x.Fail(err), true
}

// note keeps what the log event says.
func (u *use) note() {
	facts, t, k := &u.x.Facts.Firewall, u.t, u.stage.keeper
	if l := t.Limit(); l != engine.LimitNone && facts.Limit == "" {
		facts.Limit = l.String()
	}
	if t.Would().Refused() {
		facts.Verdict = exchange.JudgedRefused
	}
	if facts.Verdict == exchange.JudgedNot {
		facts.Verdict = exchange.JudgedPassed
	}
	if !t.Matched() {
		return
	}
	facts.Score = t.Score()
	at := 0
	t.Matches(func(m engine.Match) bool {
		if at++; at <= u.noted || !m.Logged || m.Link > 0 {
			return true
		}
		n := len(facts.Rules)
		if n == 0 || facts.Rules[n-1].Rule != m.Rule {
			if n == rulesMax {
				return false
			}
			facts.Rules = append(facts.Rules, exchange.FirewallMatch{Rule: m.Rule, Msg: string(m.Msg), Data: string(m.Data)})
			n++
			if c := k.matched[crs.Family(m.Rule)]; c != nil {
				c.Inc()
			}
		}
		if r := &facts.Rules[n-1]; len(r.Vars) < varsMax {
			r.Vars = append(r.Vars, fmt.Sprintf("%.*s", varBytesMax, m.Name()))
		}
		return true
	})
	u.noted = at
}

// count counts the verdict.
func (u *use) count() {
	facts, k := &u.x.Facts.Firewall, u.stage.keeper
	switch {
	case facts.Limit != "":
		k.judged[verdictLimit].Inc()
	case facts.Verdict == exchange.JudgedRefused && facts.Detect:
		k.judged[verdictDetected].Inc()
	case facts.Verdict == exchange.JudgedRefused:
		k.judged[verdictRefused].Inc()
	}
}
