package rewrite

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// grpcCode is how a call of gRPC ended (statuscodes.md of grpc/grpc).
type grpcCode int

// The codes that the edge has a use for.
const (
	grpcCancelled          grpcCode = 1
	grpcInvalidArgument    grpcCode = 3
	grpcDeadlineExceeded   grpcCode = 4
	grpcPermissionDenied   grpcCode = 7
	grpcResourceExhausted  grpcCode = 8
	grpcFailedPrecondition grpcCode = 9
	grpcUnimplemented      grpcCode = 12
	grpcInternal           grpcCode = 13
	grpcUnavailable        grpcCode = 14
)

// grpcCodes say what a fault is to a client of gRPC. Most of them call again by themselves for UNAVAILABLE and for nothing else, so it
// is for what may be better in a moment, or elsewhere. Where a kind of fault says more than its status does, the table differs from
// http-grpc-status-mapping.md, by which clients go that get another form than theirs.
var grpcCodes = map[fault.Kind]grpcCode{
	fault.Internal: grpcInternal,
	fault.Panicked: grpcInternal,

	fault.Draining:    grpcUnavailable,
	fault.Overloaded:  grpcUnavailable,
	fault.Maintenance: grpcUnavailable,
	fault.StreamAge:   grpcUnavailable, // the client is to begin another stream

	// A library of gRPC wrote the head; what the application has said is not at fault.
	fault.BadRequest:          grpcInternal,
	fault.BadFraming:          grpcInternal,
	fault.ExpectationFailed:   grpcInternal,
	fault.VersionNotSupported: grpcInternal,

	fault.HeadTooLarge:  grpcResourceExhausted, // metadata; libraries say the same of what is larger than they take
	fault.TargetTooLong: grpcResourceExhausted,
	fault.BodyTooLarge:  grpcResourceExhausted,
	fault.RateLimited:   grpcResourceExhausted, // a quota; UNAVAILABLE would bring the same calls again at once

	// There is no such method here. A route that takes no POST, or no body of this type, has none at all.
	fault.NoEntrypoint:     grpcUnimplemented,
	fault.NoRoute:          grpcUnimplemented,
	fault.NoFile:           grpcUnimplemented,
	fault.MethodNotAllowed: grpcUnimplemented,
	fault.NotImplemented:   grpcUnimplemented,
	fault.MediaTypeRefused: grpcUnimplemented,
	fault.CodingRefused:    grpcUnimplemented, // as servers say it of a compression that they lack

	fault.Misdirected:   grpcFailedPrecondition, // every call on this channel will be: another authority, or other credentials, are needed
	fault.Blocked:       grpcPermissionDenied,
	fault.BodyMalformed: grpcInvalidArgument,
	fault.SlowClient:    grpcDeadlineExceeded, // a bound on time passed, and calling again would only be as slow
	fault.ClientGone:    grpcCancelled,        // nobody reads it

	// Nothing of the call has reached an origin, or its connection broke: what a client says itself of a server it cannot reach.
	fault.OriginForbidden:      grpcUnavailable,
	fault.OriginDNS:            grpcUnavailable,
	fault.OriginRefused:        grpcUnavailable,
	fault.OriginUnreachable:    grpcUnavailable,
	fault.OriginConnectTimeout: grpcUnavailable,
	fault.OriginTLS:            grpcUnavailable,
	fault.OriginNoneHealthy:    grpcUnavailable,
	fault.OriginBusy:           grpcUnavailable,
	fault.OriginTripped:        grpcUnavailable,
	fault.OriginClosed:         grpcUnavailable,
	fault.OriginIncomplete:     grpcUnavailable,

	// The origin has the call and may still be at work on it.
	fault.OriginTimeout:   grpcDeadlineExceeded,
	fault.OriginStalled:   grpcDeadlineExceeded,
	fault.OriginCancelled: grpcCancelled, // or grpcDeadlineExceeded, if it was: see codeOf

	// The origin has worked on the call, and would answer a second one no better.
	fault.OriginProtocol:     grpcInternal,
	fault.OriginHeadTooLarge: grpcInternal,
	fault.ResponseBlocked:    grpcInternal,
}

// callStatus is HTTP's status of every answer to a call.
const callStatus = 200

// callForm is the answer to a call, made ahead of time but for the request id.
type callForm struct {
	code    []byte
	message form
}

func newCallForm(k fault.Kind) callForm {
	code := grpcCodes[k]
	if code == 0 {
		panic("BUG: no code of gRPC for a fault of kind " + k.Name())
	}
	return callForm{code.text(), form{percentEncoded(k.Title() + " (request "), percentEncoded(")")}}
}

func (c grpcCode) text() []byte { return strconv.AppendInt(nil, int64(c), 10) }

// percentEncoded writes a grpc-message (PROTOCOL-HTTP2.md of grpc/grpc).
func percentEncoded(message string) (out []byte) {
	for _, c := range []byte(message) {
		if c < ' ' || c > '~' || c == '%' {
			out = fmt.Appendf(out, "%%%02X", c)
		} else {
			out = append(out, c)
		}
	}
	return out
}

var (
	typeGRPC    = []byte("application/grpc")
	grpcTimeout = []byte("Grpc-Timeout")
	pushback    = []byte("Grpc-Retry-Pushback-Ms")
	notAgain    = []byte("-1")
	timeIsUp    = grpcDeadlineExceeded.text()
)

// isCall reports whether a request is a call of gRPC, in any of its message formats. There is none over HTTP/1.1, whose clients read
// the status of HTTP, whatever type they send; so do those of gRPC-Web, which has types of its own.
func isCall(x *exchange.Exchange) bool {
	if x.Req.Method != exchange.MethodPost || x.Conn == nil || x.Conn.Protocol == "h1" {
		return false
	}
	return exchange.IsGRPC(x.Req.Sent.Get(exchange.NameContentType))
}

// answer makes the answer to a call: a head that says how it ended and has nothing behind it (Trailers-Only). A message that is
// there already is kept. after is what a stage said in Retry-After; nil: none has.
func (c *callForm) answer(x *exchange.Exchange, after []byte) {
	r := &x.Resp
	r.Status, r.Body, r.Length = callStatus, nil, -1
	r.Fields.Set(exchange.NameGrpcStatus, c.codeOf(x))
	if r.Fields.Get(exchange.NameGrpcMessage) == nil {
		r.Fields.Add(exchange.NameGrpcMessage, c.message.fill(x))
	}
	if after != nil {
		r.Fields.SetNamed(exchange.NameOther, pushback, pushbackOf(x, after))
	}
}

// codeOf tells a call whose time was up from one that the origin has cancelled: it may know it before the client does.
func (c *callForm) codeOf(x *exchange.Exchange) []byte {
	if fault.Of(x.Fault) == fault.OriginCancelled {
		if left, ok := callLeft(x); ok && left <= 0 {
			return timeIsUp
		}
	}
	return c.code
}

// pushbackOf tells clients that call again by themselves when to (gRFC A6), from seconds. Not at all, if it is longer than the call
// has left, or than anybody waits within one: the application hears at once what is the matter.
func pushbackOf(x *exchange.Exchange, after []byte) []byte {
	seconds, err := strconv.ParseUint(string(after), 10, 16)
	left, ok := callLeft(x)
	if err != nil || seconds > pushbackSecondsMax || ok && left <= time.Duration(seconds)*time.Second {
		return notAgain
	}
	return strconv.AppendUint(x.Scratch.Alloc(20)[:0], seconds*1000, 10)
}

// callLeft is what is left of the time that a client gives its call; ok is false if it has not said. Two machines' clocks go apart:
// what is left must be more than that.
func callLeft(x *exchange.Exchange) (left time.Duration, ok bool) {
	d, ok := parseTimeout(x.Req.Fields.Find(grpcTimeout))
	return d - d/clockDrift - time.Since(x.Now), ok
}

// parseTimeout reads a grpc-timeout: up to eight digits and a unit (PROTOCOL-HTTP2.md). One that is longer than a Duration is the
// longest Duration.
func parseTimeout(v []byte) (d time.Duration, ok bool) {
	const digitsMax = 8
	last := len(v) - 1
	if last < 1 || last > digitsMax {
		return 0, false
	}
	var unit time.Duration
	switch v[last] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	default:
		return 0, false
	}
	for _, c := range v[:last] {
		if c < '0' || c > '9' {
			return 0, false
		}
		d = d*10 + time.Duration(c-'0')
	}
	if d > math.MaxInt64/unit {
		return math.MaxInt64, true
	}
	return d * unit, true
}

// errPlainCall ends a call that came over plain HTTP, where everybody else is sent to HTTPS: no client of gRPC follows a redirect, and
// what they make of one, "unexpected HTTP status code", may as well come from the service.
var errPlainCall = fault.New(fault.Misdirected, "a call of gRPC over plain HTTP, where the entrypoint's `redirect` is https: its channel needs TLS")

var plainCallMessage = percentEncoded("This host takes calls over TLS only.")

// refusePlainCall answers a call in place of a redirect to HTTPS.
func refusePlainCall(x *exchange.Exchange) exchange.Verdict {
	v := x.Fail(errPlainCall)
	x.Resp.Fields.Set(exchange.NameGrpcMessage, plainCallMessage)
	return v
}
