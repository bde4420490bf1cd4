package observe

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/meter"
)

// A line is the memory in which one event is formatted before it goes to the buffer, so that the buffer's lock is held
// for a copy only.
type line struct {
	buf   []byte
	stamp stamp
}

// exchange formats the event of x. doc.go has the table of its fields.
func (l *line) exchange(x *exchange.Exchange, end time.Time) {
	b := append(l.buf[:0], `{"time":"`...)
	b = append(l.stamp.append(b, x.Now), '"')
	if x.Facts.RequestID != [16]byte{} {
		b = append(b, `,"id":"`...)
		b = append(hex.AppendEncode(b, x.Facts.RequestID[:]), '"')
	}
	b = client(b, x)
	entry := &x.Facts.Entry
	b = field(b, `,"entrypoint":"`, entry.Entrypoint, textBytesMax)
	b = field(b, `,"owner":"`, entry.Owner, textBytesMax)
	b = field(b, `,"route":"`, entry.Route, textBytesMax)
	b = request(b, &x.Req)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(x.Resp.Status), 10)
	b = strconv.AppendInt(append(b, `,"bytes_in":`...), entry.BytesIn, 10)
	b = strconv.AppendInt(append(b, `,"bytes_out":`...), entry.BytesOut, 10)
	if x.Resp.Tunnel != nil {
		b = append(b, `,"tunnel":"websocket"`...) // there is no other kind
	}
	b = field(b, `,"encoding":"`, x.Facts.Encoding.Made, textBytesMax)
	b = milliseconds(append(b, `,"ms":`...), end.Sub(x.Now))
	b = field(b, `,"limit":"`, x.Facts.Limit.Policy, textBytesMax)
	b = firewall(b, &x.Facts.Firewall)
	b = cache(b, &x.Facts.Cache)
	b = origin(b, &x.Facts.Origin)
	if x.Cause != nil {
		b = failure(b, x.Cause)
	}
	b = field(b, `,"user_agent":"`, x.Req.Sent.Get(exchange.NameUserAgent), agentBytesMax)
	b = redacted(b, `,"referer":"`, x.Req.Sent.Get(exchange.NameReferer), agentBytesMax, false)
	l.buf = append(b, '}', '\n')
}

// cache appends where the answer came from.
func cache(b []byte, f *exchange.CacheFacts) []byte {
	if f.Outcome == exchange.CacheNone {
		return b
	}
	b = field(b, `,"cache":"`, f.Outcome.String(), textBytesMax)
	b = field(b, `,"cache_why":"`, f.Why, textBytesMax)
	if f.Stored {
		b = append(b, `,"cache_stored":true`...)
	}
	if f.Collapsed {
		b = append(b, `,"cache_collapsed":true`...)
	}
	if f.Outcome == exchange.CacheHit || f.Outcome == exchange.CacheStale || f.Outcome == exchange.CacheRevalidated {
		b = strconv.AppendInt(append(b, `,"cache_age_s":`...), int64(f.Age/time.Second), 10)
	}
	return b
}

// client appends who asked, and over what.
func client(b []byte, x *exchange.Exchange) []byte {
	c := x.Conn
	if c == nil {
		return b
	}
	asked, peer := who(x)
	if asked.IsValid() {
		b = append(asked.AppendTo(append(b, `,"client":"`...)), '"')
	}
	if peer.IsValid() {
		b = append(peer.AppendTo(append(b, `,"peer":"`...)), '"')
	}
	if c.Balancer.IsValid() {
		b = append(c.Balancer.WithZone("").AppendTo(append(b, `,"balancer":"`...)), '"')
	}
	b = field(b, `,"proto":"`, c.Protocol, textBytesMax)
	if c.TLS == nil {
		return b
	}
	b = field(b, `,"tls":"`, tlsVersion(c.TLS.Version), textBytesMax)
	if c.TLS.Curve != "" {
		b = field(b, `,"tls_curve":"`, c.TLS.Curve, textBytesMax)
	}
	b = field(b, `,"tls_client":"`, c.TLS.ClientName, clientBytesMax)
	b = field(b, `,"tls_client_serial":"`, c.TLS.ClientSerial, serialBytesMax)
	if c.TLS.ServerName != string(x.Req.Host) {
		b = field(b, `,"sni":"`, c.TLS.ServerName, exchange.MaxHostBytes)
	}
	return b
}

// who returns the address of the client, seen through the proxies that are trusted, and the address of the peer if that is
// another. A zone is a name of this machine's interface and says nothing about the client.
func who(x *exchange.Exchange) (client, peer netip.Addr) {
	client = x.Facts.Client.Addr
	if x.Conn != nil {
		peer = x.Conn.Client.Addr().Unmap().WithZone("")
	}
	if !client.IsValid() {
		return peer, netip.Addr{}
	}
	if client = client.Unmap().WithZone(""); client == peer {
		peer = netip.Addr{}
	}
	return client, peer
}

// tlsVersion returns a version number of crypto/tls as people write it.
func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS13:
		return "1.3"
	case tls.VersionTLS12:
		return "1.2"
	}
	return "older"
}

func request(b []byte, r *exchange.Request) []byte {
	b = field(b, `,"method":"`, r.MethodName, methodBytesMax)
	b = field(b, `,"host":"`, r.Host, exchange.MaxHostBytes)
	b = field(b, `,"path":"`, r.Path, pathBytesMax)
	b = redacted(b, `,"query":"`, r.Query, queryBytesMax, true)
	if r.Host == nil || r.Path == nil {
		b = redacted(b, `,"target":"`, r.Target, targetBytesMax, false)
	}
	return b
}

// firewall appends what the firewall made of the request, if there is anything to tell: rules that matched, or a limit.
func firewall(b []byte, f *exchange.FirewallFacts) []byte {
	if len(f.Rules) == 0 && f.Limit == "" && f.Verdict != exchange.JudgedRefused {
		if f.Partial {
			b = append(b, `,"waf":{"inspected":"head"}`...)
		}
		return b
	}
	mode, verdict := "block", "passed"
	if f.Detect {
		mode = "detect"
	}
	switch {
	case f.Verdict == exchange.JudgedRefused && f.Detect:
		verdict = "detected"
	case f.Verdict == exchange.JudgedRefused:
		verdict = "refused"
	}
	b = append(append(append(append(b, `,"waf":{"mode":"`...), mode...), `","verdict":"`...), verdict...)
	b = strconv.AppendInt(append(b, `","score":`...), int64(f.Score), 10)
	b = field(b, `,"limit":"`, f.Limit, textBytesMax)
	if f.Partial {
		b = append(b, `,"inspected":"head"`...)
	}
	if f.Answer {
		b = append(b, `,"of":"answer"`...)
	}
	b = append(b, `,"rules":[`...)
	for i := range f.Rules {
		r := &f.Rules[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"id":`...), int64(r.Rule), 10)
		for j, v := range r.Vars {
			head := `,"`
			if j == 0 {
				head = `,"vars":["`
			}
			b = member(b, head, v, textBytesMax)
		}
		if len(r.Vars) > 0 {
			b = append(b, ']')
		}
		b = field(b, `,"msg":"`, r.Msg, errorBytesMax)
		b = field(b, `,"data":"`, r.Data, errorBytesMax)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// origin appends how the service was asked.
func origin(b []byte, o *exchange.OriginFacts) []byte {
	b = field(b, `,"service":"`, o.Service, textBytesMax)
	b = field(b, `,"endpoint":"`, o.Endpoint, textBytesMax)
	b = field(b, `,"locality":"`, o.Locality, textBytesMax)
	if o.Picked != 0 {
		b = append(o.Picked.Append(append(b, `,"picked":"`...)), '"')
	}
	b = field(b, `,"class":"`, o.Class, textBytesMax)
	if o.Queued > 0 {
		b = milliseconds(append(b, `,"queued_ms":`...), o.Queued)
	}
	b = tries(b, o)
	return field(b, `,"mirror":"`, o.Mirror, textBytesMax)
}

// tries appends what became of the tries, and why none or no further one was made.
func tries(b []byte, o *exchange.OriginFacts) []byte {
	if o.Tries > 0 {
		b = strconv.AppendInt(append(b, `,"tries":`...), int64(o.Tries), 10)
		b = strconv.AppendBool(append(b, `,"reused":`...), o.Reused)
	}
	if o.Reasons != [exchange.TriesMax]exchange.Reason{} {
		b = append(exchange.AppendReasons(append(b, `,"retried":"`...), o.Reasons[:]), '"')
	}
	b = field(b, `,"refused":"`, o.Refused.String(), textBytesMax)
	b = field(b, `,"hedge":"`, o.Hedge.String(), textBytesMax)
	answered := o.Tries > 0 && o.Status != 0
	if answered {
		b = milliseconds(append(b, `,"first_byte_ms":`...), o.FirstByte)
	}
	if o.Tries > 0 && o.Asked > 0 {
		b = milliseconds(append(b, `,"edge_ms":`...), o.Asked)
		if answered {
			b = milliseconds(append(b, `,"origin_ms":`...), o.FirstByte-o.Asked)
		}
	}
	if !answered {
		return b
	}
	b = strconv.AppendInt(append(b, `,"origin_status":`...), int64(o.Status), 10)
	if code, ok := o.GRPC.Code(); ok {
		b = strconv.AppendInt(append(b, `,"grpc_status":`...), int64(code), 10)
	}
	return b
}

// failure appends the fault. The kind is a field of its own, so error is the text and the cause below it.
func failure(b []byte, cause error) []byte {
	kind := fault.Of(cause)
	b = field(b, `,"fault":"`, kind.Name(), textBytesMax)
	b = field(b, `,"side":"`, kind.Side().String(), textBytesMax)
	e := asFault(cause)
	switch {
	case e == nil:
		return field(b, `,"error":"`, cause.Error(), errorBytesMax)
	case kind == fault.Panicked:
		// The fence of exchange.Path puts the stack below the panic's value.
		first, stack, _ := strings.Cut(e.Text, "\n")
		b = field(b, `,"error":"`, first, errorBytesMax)
		return field(b, `,"stack":"`, stack, stackBytesMax)
	case e.Cause == nil:
		return field(b, `,"error":"`, e.Text, errorBytesMax)
	}
	return field(b, `,"error":"`, e.Text+": "+e.Cause.Error(), errorBytesMax)
}

// asFault finds the *fault.Error in err, nil if there is none. The type assertion first: errors.As allocates.
func asFault(err error) *fault.Error {
	if own, ok := err.(*fault.Error); ok {
		return own
	}
	var e *fault.Error
	errors.As(err, &e)
	return e
}

// event formats something that happened beside the traffic.
func (l *line) event(e meter.Event) {
	b := append(l.buf[:0], `{"time":"`...)
	b = l.stamp.append(b, e.Time)
	b = append(b, `","kind":"event"`...)
	b = field(b, `,"event":"`, e.Kind, textBytesMax)
	b = strconv.AppendUint(append(b, `,"seq":`...), e.Seq, 10)
	b = field(b, `,"text":"`, e.Text, textBytesMax)
	l.buf = append(b, '}', '\n')
}
