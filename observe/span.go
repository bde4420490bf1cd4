package observe

import (
	"net/netip"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// A span is what the tracer keeps of an exchange: names of the spec, which live as long as anything points at them, and
// the place in its batch's text of what were views.
type span struct {
	trace     [16]byte
	id        [8]byte
	start     int64 // nanoseconds since 1970
	took      time.Duration
	firstByte time.Duration
	asked     time.Duration // until the request had been sent; 0: it had not been
	queued    time.Duration

	label             string // "entrypoint/route"; empty: nothing matched
	entrypoint, route string
	pattern           string // the path that the route matches
	service, endpoint string
	locality, class   string // of the endpoint, of the request
	mirror            string // the service that got a copy
	protocol          string // its version: "1.1", "2"

	client, peer netip.Addr // peer only if it is another
	balancer     netip.Addr
	status       int
	originStatus int // 0: the origin did not answer
	grpc         exchange.GRPCStatus
	tries        int
	reasons      [exchange.TriesMax]exchange.Reason // for the tries after the first
	refused      exchange.Reason                    // why there was no other
	picked       exchange.Picked
	hedge        exchange.HedgeOutcome
	port         uint16
	https        bool
	known        bool       // the method is none of the client's invention
	failed       bool       // something went wrong, whether or not the answer shows it
	fault        fault.Kind // what, if failed

	text int           // where its views begin in the batch's text
	lens [texts]uint16 // how long they are; they stand there one after another
}

// The views that a span copies.
const (
	textMethod = iota
	textHost
	textPath
	textAgent
	texts // how many
)

// fill takes over everything but the views.
func (s *span) fill(x *exchange.Exchange, end time.Time) {
	f, o := &x.Facts, &x.Facts.Origin
	s.trace, s.id = f.RequestID, f.Trace.Span
	s.start, s.took = x.Now.UnixNano(), max(end.Sub(x.Now), 0)
	s.label, s.entrypoint, s.route = x.Route, f.Entry.Entrypoint, f.Entry.Route
	s.pattern = f.Entry.Pattern
	s.service, s.endpoint, s.tries = o.Service, o.Endpoint, o.Tries
	s.locality, s.class, s.mirror = o.Locality, o.Class, o.Mirror
	s.picked, s.reasons, s.refused, s.hedge = o.Picked, o.Reasons, o.Refused, o.Hedge
	s.originStatus, s.firstByte, s.queued = o.Status, max(o.FirstByte, 0), o.Queued
	s.asked, s.grpc = o.Asked, o.GRPC
	s.client, s.peer = who(x)
	s.status, s.port = x.Resp.Status, x.Req.Port
	s.https, s.known = f.Client.HTTPS, x.Req.Method != exchange.MethodOther
	s.protocol = "1.1"
	if x.Req.Minor == 0 {
		s.protocol = "1.0"
	}
	if c := x.Conn; c != nil {
		s.https, s.balancer = s.https || c.TLS != nil, c.Balancer.WithZone("")
		if c.Protocol == "h2" {
			s.protocol = "2"
		}
	}
	if x.Cause != nil {
		s.failed, s.fault = true, fault.Of(x.Cause)
	}
}

// A batch is what is sent at once.
type batch struct {
	spans []span
	text  []byte
}

func newBatch() *batch {
	return &batch{spans: make([]span, 0, batchSpans), text: make([]byte, 0, batchTextBytes)}
}

// add copies a span and its views; false, with nothing changed, if there is no room.
func (b *batch) add(s *span, views *[texts][]byte) bool {
	need := 0
	for _, v := range views {
		need += len(v)
	}
	if len(b.spans) == cap(b.spans) || len(b.text)+need > cap(b.text) {
		return false
	}
	s.text = len(b.text)
	for i, v := range views {
		s.lens[i] = uint16(len(v))
		b.text = append(b.text, v...)
	}
	b.spans = append(b.spans, *s)
	return true
}

// clear makes the batch empty and lets go of what its spans point at.
func (b *batch) clear() {
	exchange.Poison(b.text)
	clear(b.spans)
	b.spans, b.text = b.spans[:0], b.text[:0]
}

// viewsOf returns what a span copies of x, cut as in the log.
func viewsOf(x *exchange.Exchange) (v [texts][]byte) {
	v[textMethod] = upTo(x.Req.MethodName, methodBytesMax)
	v[textHost] = upTo(x.Req.Host, exchange.MaxHostBytes)
	v[textPath] = upTo(x.Req.Path, pathBytesMax)
	v[textAgent] = upTo(x.Req.Sent.Get(exchange.NameUserAgent), agentBytesMax)
	return v
}

func upTo(value []byte, limit int) []byte {
	if len(value) <= limit {
		return value
	}
	return value[:cut(value, limit)]
}
