package rewrite

import (
	"slices"
	"strings"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// Stage is the second stage of every path that was matched, after Client. New makes it.
type Stage struct {
	httpsPort   uint16 // where plain HTTP is sent; 0: it is served
	mutual      bool   // only over TLS with the edge, whose handshake asks for a client certificate
	requestID   bool
	trace       trace
	cors        *cors        // nil: off
	maintenance *maintenance // nil: off
	methods     exchange.MethodSet
	allow       []byte // the value of Allow on a 405
	websocket   bool
	forwarding  forwarding
	client      forwardClient
	request     edits
	hsts        []byte // nil: off
	response    edits
}

// The methods a route without a list of its own takes; TRACE and CONNECT are never for an origin.
var anyMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// errMethod ends an exchange whose method the route does not take.
var errMethod = fault.New(fault.MethodNotAllowed, "the method is not one of the route's `methods`; TRACE and CONNECT never are")

// errPlain ends an exchange that came around the handshake in which its client would have shown a certificate. What a
// trusted proxy says of HTTPS does not count: the edge has not seen that certificate either.
var errPlain = fault.New(fault.Misdirected, "the entrypoint's `tls.clientCertificates` is required, and the connection to the edge is plain HTTP")

// New compiles what a policy says of plain HTTP, client certificates, request ids, traces, CORS, maintenance, methods,
// upgrades, forwarding and headers. A nil pointer in the policy means the careful choice: plain HTTP goes to HTTPS, no
// upgrade, no field that a client must not say; nothing else is added. The stage is never nil, because TRACE, CONNECT and
// foreign upgrades are refused under every policy. Without an env the edge has neither HTTPS nor trusted proxies.
func New(p *spec.Policy, env *Env) (*Stage, []fault.Problem) {
	around := &Env{}
	if env != nil {
		around = env
	}
	s := &Stage{
		requestID:   p.RequestID != nil && bool(*p.RequestID),
		websocket:   p.WebSocket != nil && bool(*p.WebSocket),
		forwarding:  newForwarding(p.Forwarded, around),
		client:      newForwardClient(p.TLS),
		maintenance: newMaintenance(p.Maintenance),
		mutual:      p.TLS != nil && p.TLS.ClientCertificates == spec.ClientAuthRequired,
	}
	if p.Redirect == nil || *p.Redirect != spec.PlainServed {
		s.httpsPort = around.HTTPSPort
	}
	var problems [5][]fault.Problem
	s.trace, problems[0] = newTrace(p.Trace)
	s.hsts, problems[1] = newHSTS(p.HSTS)
	s.cors, problems[2] = newCORS(p.CORS)
	problems[3] = s.allowMethods(p.Methods)
	problems[4] = s.edit(p.Headers)
	return s, slices.Concat(problems[:]...)
}

func (s *Stage) allowMethods(methods *[]string) (problems []fault.Problem) {
	allow := anyMethods
	if methods != nil && len(*methods) > 0 {
		allow, s.methods = *methods, exchange.NewMethodSet(*methods)
		if slices.Contains(allow, "TRACE") || slices.Contains(allow, "CONNECT") {
			problems = []fault.Problem{{Text: "methods: TRACE and CONNECT are never forwarded", Fix: "leave them out"}}
		}
		if slices.Contains(allow, "GET") && !slices.Contains(allow, "HEAD") {
			allow = append(slices.Clone(allow), "HEAD")
		}
	}
	s.allow = []byte(strings.Join(allow, ", "))
	return problems
}

func (s *Stage) edit(h *spec.Headers) []fault.Problem {
	if h == nil {
		return nil
	}
	var request, response []fault.Problem
	s.request, request = newEdits("headers.request", h.Request)
	s.response, response = newEdits("headers.response", h.Response)
	return append(request, response...)
}

// Name is "rewrite".
func (s *Stage) Name() string { return "rewrite" }

// Request answers what needs no service, then gates, cleans and edits the request.
func (s *Stage) Request(x *exchange.Exchange) exchange.Verdict {
	r := &x.Req
	continued := false
	if s.trace.on {
		continued = s.trace.begin(x)
	} else if s.requestID {
		setRequestID(x)
	}
	switch {
	case s.httpsPort != 0 && !x.Facts.Client.HTTPS && x.Conn != nil && len(r.Host) > 0:
		return toHTTPS(x, s.httpsPort)
	case s.mutual && x.Conn != nil && x.Conn.TLS == nil:
		return x.Fail(errPlain)
	case s.cors != nil && preflight(x): // before maintenance, so that a script can read the 503
		x.Answer(204)
		return exchange.Respond
	case s.maintenance != nil && !s.maintenance.admits(x.Facts.Client.Addr):
		return s.maintenance.refuse(x)
	case r.Method == exchange.MethodTrace || r.Method == exchange.MethodConnect || !s.methods.Empty() && !s.methods.Has(r):
		v := x.Fail(errMethod)
		x.Resp.Fields.Set(exchange.NameAllow, s.allow)
		return v
	}
	if r.Upgrade != nil && !(s.websocket && exchange.EqualFold(r.Upgrade, websocket)) {
		r.Upgrade = nil // the origin answers as to any other request (RFC 9110 section 7.8)
	}
	s.tell(x, continued)
	s.request.apply(&r.Fields)
	return exchange.Next
}

// tell says to the origin what the edge knows, in place of what the client claims.
func (s *Stage) tell(x *exchange.Exchange, continued bool) {
	fields := &x.Req.Fields
	if s.requestID {
		fields.Set(exchange.NameXRequestID, requestIDText(x))
	}
	if continued {
		fields.Set(exchange.NameTraceparent, traceparent(x)) // and the peer's tracestate stays
		s.forwarding.apply(x, false)
	} else {
		s.forwarding.apply(x, s.trace.on || !x.Facts.Client.Trusted)
		if s.trace.on {
			fields.Add(exchange.NameTraceparent, traceparent(x))
		}
	}
	s.client.apply(x)
}

// Response edits the response.
func (s *Stage) Response(x *exchange.Exchange) exchange.Verdict {
	fields := &x.Resp.Fields
	if s.requestID {
		fields.Set(exchange.NameXRequestID, requestIDText(x))
	}
	if s.hsts != nil {
		setHSTS(x, s.hsts)
	}
	if s.cors != nil {
		s.cors.respond(x)
	}
	if x.Facts.Client.Trusted {
		addTiming(x)
	}
	s.response.apply(fields)
	return exchange.Next
}

var websocket = []byte("websocket")
