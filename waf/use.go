package waf

import (
	"encoding/hex"
	"errors"
	"strconv"
	"sync"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
)

// use is the firewall's part in one exchange.
type use struct {
	stage   *Stage
	x       *exchange.Exchange
	t       *engine.Transaction
	inside  bool        // the engine runs, or a panic has left it so
	mem     body.Memory // of a decoded body; as long as the transaction
	room    int         // that it takes of the keeper's memory
	media   body.Media
	wrong   error  // what is wrong with Content-Type or body; nil: nothing
	allowed bool   // its type is one of the policy's
	read    bool   // the body is of a type that the rules are shown
	unread  bool   // it is not shown all the same
	data    []byte // the body as it was shown to the rules
	noted   int    // of the matches: those that facts have
	held    held
	frames  frames
	reply   held // of a response that is judged
}

var uses = sync.Pool{New: func() any { return new(use) }}

// Close ends the transaction and gives the memory of a held body back.
func (u *use) Close() error {
	u.count()
	u.end()
	u.held.release()
	u.reply.release()
	*u = use{mem: u.mem}
	uses.Put(u)
	return nil
}

// end ends the transaction: its memory is not kept while somebody is waited for. One that a panic left goes to the collector.
func (u *use) end() {
	if u.t == nil {
		return
	}
	if !u.inside {
		if u.t.Matched() {
			u.inside = true
			u.t.Log()
			u.inside = false
			u.note()
		}
		u.t.End()
	}
	if u.room > 0 {
		u.stage.keeper.release(u.room)
	}
	u.t, u.room, u.data, u.media = nil, 0, nil, body.Media{}
	u.mem.Reset()
}

// judge runs the rules of the request. over says that the exchange does not go on.
func (u *use) judge() (v exchange.Verdict, over bool) {
	u.head()
	if v, over := u.readable(); over {
		return v, true
	}
	if v, over := u.verdict(u.t.Head()); over {
		return v, true
	}
	if u.t.Limit() == engine.LimitBody { // onLimit lets limits pass, and nothing that has two readings
		if v, over := u.reject(engine.LimitBody, u.malformed()); over {
			return v, true
		}
	}
	if u.x.Req.Body != nil && !u.unread {
		if v, over := u.body(); over {
			return v, true
		}
	}
	if v, over := u.verdict(u.t.Request()); over {
		return v, true
	}
	if u.wrong != nil && !u.unread && !tooMuch(u.wrong) {
		return u.reject(engine.LimitBody, u.malformed())
	}
	return exchange.Next, false
}

// readable refuses what says of its body that nobody could look into it, before any rule is asked. Where requests are only
// watched, the body goes unread, but for one of a type that is not allowed.
func (u *use) readable() (v exchange.Verdict, over bool) {
	x := u.x
	switch {
	case u.wrong != nil:
		v, over = u.reject(engine.LimitBody, u.malformed())
		u.unread = true
	case x.Req.Body == nil:
	case u.media.Kind != body.None && !u.allowed:
		v, over = u.reject(engine.LimitType, errType)
		u.read = !u.media.GRPC()
	case u.read && x.Req.Sent.Count(exchange.NameContentEncoding) > 1:
		v, over = u.reject(engine.LimitBody, errCoding)
		u.unread = true
	}
	return v, over
}

// malformed is the fault of a request that is not what it says.
func (u *use) malformed() *fault.Error {
	if u.wrong == nil {
		return limitFaults[engine.LimitBody]
	}
	return fault.Wrap(fault.BodyMalformed, limitFaults[engine.LimitBody].Text, u.wrong)
}

// tooMuch reports whether an error of package body is about a limit.
func tooMuch(err error) bool {
	var e *body.Error
	return errors.As(err, &e) && e.Reason == body.Limit
}

// head shows the rules everything but the body.
func (u *use) head() {
	x, t := u.x, u.t
	if addr := x.Facts.Client.Addr; x.Conn != nil && addr.IsValid() {
		t.Client(addr.Unmap(), x.Conn.Client.Port())
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
	named, covered := u.media.Among(u.stage.policy.types)
	if u.allowed = named || covered; covered {
		t.AllowType(u.media.Type) // the rules cannot read patterns
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
	if sent.Count(exchange.NameContentType) > 1 {
		u.wrong = errTwoTypes
		return
	}
	u.media, u.wrong = body.Classify(sent.Get(exchange.NameContentType), &u.mem)
	u.read = u.media.Inspected() && !u.media.GRPC()
}

// fieldSink takes the fields that the rules are shown.
type fieldSink interface{ Header(name, value []byte) }

// fields shows the request's fields, but for those that the edge consumes.
func (u *use) fields(to fieldSink) {
	x := u.x
	for i := range x.Req.Sent {
		f := &x.Req.Sent[i]
		switch f.ID {
		case exchange.NameExpect, exchange.NameUpgrade, exchange.NameKeepAlive, exchange.NameTE, exchange.NameTrailer, exchange.NameProxyConnection:
			continue
		case exchange.NameContentEncoding:
			if x.Req.Body != nil && u.read {
				continue // the rules see the body without it
			}
		}
		to.Header(f.Name, f.Value)
	}
}

// trailers shows the fields behind a held body: services may take them for fields of the head.
func (u *use) trailers(to fieldSink) {
	for i := range u.x.Req.Trailers {
		f := &u.x.Req.Trailers[i]
		to.Header(f.Name, f.Value)
	}
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
		x.Fail(u.fault(v)) // for the log
		return exchange.Abort, true
	case engine.ActionRedirect:
		if isLocation(v.Location) {
			x.Answer(v.Status)
			x.Resp.Fields.Add(exchange.NameLocation, x.Scratch.Copy(v.Location))
			return exchange.Respond, true
		}
	}
	return x.Fail(u.fault(v)), true
}

// isLocation reports whether a rule's redirect may be sent: macros may have put anything of the request into it.
func isLocation(text []byte) bool {
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' {
			return false
		}
	}
	return len(text) > 0
}

// kindOfStatus is the kind of fault with a status that a rule may ask for.
func kindOfStatus(status int) (fault.Kind, bool) {
	switch status {
	case 400:
		return fault.BadRequest, true
	case 403:
		return fault.Blocked, true
	case 404:
		return fault.NoRoute, true
	case 405:
		return fault.MethodNotAllowed, true
	case 413:
		return fault.BodyTooLarge, true
	case 415:
		return fault.MediaTypeRefused, true
	case 429:
		return fault.RateLimited, true
	case 500:
		return fault.Internal, true
	case 503:
		return fault.Overloaded, true
	}
	return fault.Blocked, false
}

func (u *use) fault(v engine.Verdict) *fault.Error {
	if v.Limit != engine.LimitNone {
		err := limitFaults[v.Limit]
		if u.wrong != nil && (v.Limit == engine.LimitBody || v.Limit == engine.LimitArguments) {
			return fault.Wrap(err.Kind, err.Text, u.wrong)
		}
		return err
	}
	kind, _ := kindOfStatus(v.Status)
	return fault.New(kind, "rule "+strconv.Itoa(v.Rule)+" refused the request; its anomaly score is "+strconv.Itoa(u.t.Score()))
}

var limitFaults = [...]*fault.Error{
	engine.LimitFields:    fault.New(fault.BadRequest, "the request has more named values than the firewall looks at"),
	engine.LimitArguments: fault.New(fault.BadRequest, "the request has more arguments, longer names, or deeper ones than the firewall looks at (waf.argumentsMax)"),
	engine.LimitBody:      fault.New(fault.BodyMalformed, "the request is not what its Content-Type says, or has two readings"),
	engine.LimitWork:      fault.New(fault.Blocked, "looking at the request takes more processor time than it may (waf.cpuMax)"),
	engine.LimitTX:        fault.New(fault.Blocked, "the request makes more variables in the rules than it may"),
	engine.LimitRemovals:  fault.New(fault.Blocked, "the request makes more exclusions in the rules than it may"),
}

// beyond ends the exchange at a limit of the policy, unless limits are passed (waf.onLimit).
func (u *use) beyond(l engine.Limit, err *fault.Error) (exchange.Verdict, bool) {
	if !u.stage.pass {
		return u.reject(l, err)
	}
	u.limit(l)
	return exchange.Next, false
}

// reject ends the exchange for a reason that is not a rule's, unless requests are only watched.
func (u *use) reject(l engine.Limit, err *fault.Error) (exchange.Verdict, bool) {
	u.limit(l)
	u.x.Facts.Firewall.Verdict = exchange.JudgedRefused
	if u.stage.detect {
		return exchange.Next, false
	}
	return u.x.Fail(err), true
}

// limit notes that the request is not looked at in whole.
func (u *use) limit(l engine.Limit) {
	facts := &u.x.Facts.Firewall
	if facts.Limit == "" {
		facts.Limit = l.String()
	}
	facts.Partial = true
}
