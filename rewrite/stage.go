package rewrite

import (
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage is the first stage of every path that was matched. New makes it.
type Stage struct {
	methods   exchange.MethodSet // allowed ones; empty: all but TRACE and CONNECT
	allow     []byte             // the value of Allow on a 405
	websocket bool
	cleans    bool // fields that only the edge may say are removed
	forwards  bool // and set anew
	requestID bool
	request   edits
	response  edits
}

// The methods a route without a list of its own takes; TRACE and CONNECT are never for an origin.
var anyMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// errMethod ends an exchange whose method the route does not take.
var errMethod = fault.New(fault.MethodNotAllowed, "the method is not one of the route's `methods`; TRACE and CONNECT never are")

// New compiles what a policy says of methods, upgrades, forwarding, request ids and headers. A nil pointer in the policy
// means the careful choice: no upgrade, and no field that a client must not say. The stage is never nil, because TRACE,
// CONNECT and foreign upgrades are refused under every policy.
func New(p *spec.Policy) (*Stage, []fault.Problem) {
	s := &Stage{
		websocket: p.WebSocket != nil && bool(*p.WebSocket),
		requestID: p.RequestID != nil && bool(*p.RequestID),
		cleans:    p.Forwarded == nil || *p.Forwarded != spec.ForwardedKeep,
		forwards:  p.Forwarded != nil && *p.Forwarded == spec.ForwardedSet,
	}
	var problems []fault.Problem
	allow := anyMethods
	if p.Methods != nil && len(*p.Methods) > 0 {
		allow, s.methods = *p.Methods, exchange.NewMethodSet(*p.Methods)
		if slices.Contains(allow, "TRACE") || slices.Contains(allow, "CONNECT") {
			problems = append(problems, fault.Problem{Text: "methods: TRACE and CONNECT are never forwarded", Fix: "leave them out"})
		}
		if slices.Contains(allow, "GET") && !slices.Contains(allow, "HEAD") {
			allow = append(slices.Clone(allow), "HEAD")
		}
	}
	s.allow = []byte(strings.Join(allow, ", "))
	if p.Headers != nil {
		var ps []fault.Problem
		s.request, ps = newEdits("headers.request", p.Headers.Request)
		problems = append(problems, ps...)
		s.response, ps = newEdits("headers.response", p.Headers.Response)
		problems = append(problems, ps...)
	}
	return s, problems
}

// Name is "rewrite".
func (s *Stage) Name() string { return "rewrite" }

// Request gates, cleans and edits the request.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	r := &x.Req
	if s.requestID {
		setRequestID(x)
		r.Fields.Set(exchange.NameXRequestID, requestIDText(x))
	}
	if r.Method == exchange.MethodTrace || r.Method == exchange.MethodConnect || !s.methods.Empty() && !s.methods.Has(r) {
		v := x.Fail(errMethod)
		x.Resp.Fields.Set(exchange.NameAllow, s.allow)
		return v
	}
	if r.Upgrade != nil && !(s.websocket && exchange.EqualFold(r.Upgrade, websocket)) {
		r.Upgrade = nil // the origin answers as to any other request (RFC 9110 section 7.8)
	}
	if s.cleans {
		removeTrust(&r.Fields)
	}
	if s.forwards {
		addForwarded(x)
	}
	s.request.apply(&r.Fields)
	return exchange.Next
}

// Response edits the response.
func (s *Stage) Response(x *exchange.Exchange) exchange.Verdict {
	if s.requestID {
		x.Resp.Fields.Set(exchange.NameXRequestID, requestIDText(x))
	}
	s.response.apply(&x.Resp.Fields)
	return exchange.Next
}

var websocket = []byte("websocket")

// removeTrust removes every field that says who the client is.
func removeTrust(f *exchange.Fields) {
	list := *f
	kept := 0
	for i := range list {
		if list[i].ID.Trust() {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*f = list[:kept]
}

// addForwarded tells the origin who asked, by which scheme and for which host. An exchange without a connection asks in
// nobody's name.
func addForwarded(x *exchange.Exchange) {
	f := &x.Req.Fields
	if x.Conn != nil {
		piece := x.Scratch.Alloc(maxAddressBytes)
		text := x.Conn.Client.Addr().Unmap().WithZone("").AppendTo(piece[:0])
		if text = x.Scratch.Trim(piece, len(text)); len(text) > 0 {
			f.Add(exchange.NameXForwardedFor, text)
		}
		proto := schemeHTTP
		if x.Conn.TLS != nil {
			proto = schemeHTTPS
		}
		f.Add(exchange.NameXForwardedProto, proto)
	}
	if host := x.Req.Authority; len(host) > 0 {
		f.Add(exchange.NameXForwardedHost, host)
	} else if len(x.Req.Host) > 0 {
		f.Add(exchange.NameXForwardedHost, x.Req.Host)
	}
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")
