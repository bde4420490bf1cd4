package observe

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
)

// schemaURL names the semantic conventions that the attributes follow.
const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// An encoder makes OTLP messages out of batches. TracesData has the wire form of ExportTraceServiceRequest, whose package
// would bring gRPC with it.
type encoder struct {
	resource *resourcepb.Resource
	scope    *commonpb.InstrumentationScope
}

func newEncoder(service, version string) encoder {
	if service == "" {
		service = "skerry"
	}
	var a attributes
	a.text("service.name", service)
	a.text("service.version", version)
	if host, err := os.Hostname(); err == nil { // which edge of several
		a.text("host.name", host)
	}
	return encoder{&resourcepb.Resource{Attributes: a}, &commonpb.InstrumentationScope{Name: "skerry", Version: clean(version)}}
}

// encode returns the message of a batch; nothing of it is a view of the batch.
func (e *encoder) encode(b *batch) ([]byte, error) {
	text := string(b.text)
	spans := make([]*tracepb.Span, len(b.spans))
	for i := range b.spans {
		spans[i] = b.spans[i].message(text)
	}
	return proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   e.resource,
		SchemaUrl:  schemaURL,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: e.scope, Spans: spans, SchemaUrl: schemaURL}},
	}}})
}

// message makes the OTLP span of a SERVER; text is the batch's. The trace begins here, so that it has no parent.
func (s *span) message(text string) *tracepb.Span {
	var view [texts]string
	at := s.text
	for i, n := range s.lens {
		view[i] = text[at : at+int(n)]
		at += int(n)
	}
	out := &tracepb.Span{
		TraceId: s.trace[:], SpanId: s.id[:], Flags: uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK) | sampledFlag,
		Name: s.name(view[textMethod]), Kind: tracepb.Span_SPAN_KIND_SERVER,
		StartTimeUnixNano: uint64(s.start), EndTimeUnixNano: uint64(s.start + int64(s.took)),
		Attributes: s.attributes(&view),
	}
	if s.errorType() != "" {
		// No description: the conventions leave it out where the attributes say it.
		out.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
	}
	return out
}

// sampledFlag is the one trace flag of W3C Trace Context level 1.
const sampledFlag = 1

// name is "METHOD entrypoint/route". A method of the client's invention would make as many names as it likes.
func (s *span) name(method string) string {
	if !s.known {
		method = "HTTP"
	}
	if s.label == "" {
		return method
	}
	return clean(method + " " + s.label)
}

// attributes are those of an HTTP server in the semantic conventions, and the edge's own. The query is left out: it may
// hold secrets.
func (s *span) attributes(view *[texts]string) attributes {
	a := make(attributes, 0, 32)
	if s.known {
		a.text("http.request.method", view[textMethod])
	} else {
		a.text("http.request.method", "_OTHER")
		a.text("http.request.method_original", view[textMethod])
	}
	scheme := "http"
	if s.https {
		scheme = "https"
	}
	a.text("url.scheme", scheme)
	a.text("url.path", view[textPath])
	a.text("server.address", strings.Trim(view[textHost], "[]"))
	a.number("server.port", int64(s.port))
	a.number("http.response.status_code", int64(s.status))
	a.address("client.address", s.client)
	a.address("network.peer.address", s.peer)
	a.address("skerry.balancer", s.balancer)
	a.text("network.protocol.version", s.protocol)
	a.text("user_agent.original", view[textAgent])
	a.text("error.type", s.errorType())

	a.text("http.route", s.pattern)
	a.text("skerry.entrypoint", s.entrypoint)
	a.text("skerry.route", s.route)
	s.origin(&a)
	if s.failed {
		a.text("skerry.fault", s.fault.Name())
	}
	return a
}

// origin adds how the service was asked, in the words of the log.
func (s *span) origin(a *attributes) {
	a.text("skerry.service", s.service)
	a.text("skerry.endpoint", s.endpoint)
	a.text("skerry.locality", s.locality)
	a.text("skerry.picked", string(s.picked.Append(nil)))
	a.text("skerry.class", s.class)
	if s.queued > 0 {
		a.milliseconds("skerry.queued_ms", s.queued)
	}
	a.number("skerry.tries", int64(s.tries))
	a.text("skerry.retried", string(exchange.AppendReasons(nil, s.reasons[:])))
	a.text("skerry.refused", s.refused.String())
	a.text("skerry.hedge", s.hedge.String())
	if s.originStatus != 0 {
		a.number("skerry.origin.status_code", int64(s.originStatus))
		a.milliseconds("skerry.origin.first_byte_ms", s.firstByte)
	}
	if s.asked > 0 {
		a.milliseconds("skerry.edge_ms", s.asked)
		if s.originStatus != 0 {
			a.milliseconds("skerry.origin_ms", max(s.firstByte-s.asked, 0))
		}
	}
	if code, ok := s.grpc.Code(); ok {
		a.text("skerry.grpc_status", strconv.Itoa(code)) // as text: a number that is 0 would be left out
	}
	a.text("skerry.mirror", s.mirror)
}

// errorType says what makes the span one of an error; empty if nothing does. A server's span fails with a status of 500 and
// above, or when the answer broke off or never came and that is not the client's doing. A fault in whose place a stage
// answered well, and what the client did wrong, are no errors: skerry.fault has them.
func (s *span) errorType() string {
	broken := s.failed && s.fault.Side() != fault.SideClient &&
		(s.status == 0 || s.fault == fault.OriginIncomplete || s.fault == fault.OriginStalled || s.fault == fault.Panicked)
	switch {
	case s.failed && (broken || s.status >= 500):
		return s.fault.Name()
	case s.status >= 500:
		return strconv.Itoa(s.status)
	}
	return ""
}

// attributes collects what is not empty. Each is one allocation instead of three: what a span costs is mostly these.
type attributes []*commonpb.KeyValue

func (a *attributes) text(key, value string) {
	if value == "" {
		return
	}
	m := new(struct {
		pair  commonpb.KeyValue
		any   commonpb.AnyValue
		value commonpb.AnyValue_StringValue
	})
	m.value.StringValue = clean(value)
	m.pair.Key, m.pair.Value, m.any.Value = key, &m.any, &m.value
	*a = append(*a, &m.pair)
}

func (a *attributes) number(key string, value int64) {
	if value == 0 {
		return
	}
	m := new(struct {
		pair  commonpb.KeyValue
		any   commonpb.AnyValue
		value commonpb.AnyValue_IntValue
	})
	m.value.IntValue = value
	m.pair.Key, m.pair.Value, m.any.Value = key, &m.any, &m.value
	*a = append(*a, &m.pair)
}

func (a *attributes) address(key string, value netip.Addr) {
	if value.IsValid() {
		a.text(key, value.String())
	}
}

func (a *attributes) milliseconds(key string, value time.Duration) {
	ms := &commonpb.AnyValue_DoubleValue{DoubleValue: float64(value) / float64(time.Millisecond)}
	*a = append(*a, &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: ms}})
}

// clean makes valid UTF-8 of what a client sent: protobuf refuses any other text, and with it the whole batch.
func clean(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// errAnswer is an answer that is no ExportTraceServiceResponse.
var errAnswer = errors.New("the answer is no protobuf message")

// partialSuccess reads how many spans a receiver rejected, and its words, from an ExportTraceServiceResponse:
//
//	message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
//	message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
func partialSuccess(answer []byte) (rejected int64, message string, err error) {
	err = eachField(answer, func(num protowire.Number, kind protowire.Type, inner []byte, _ uint64) error {
		if num != 1 || kind != protowire.BytesType {
			return nil
		}
		return eachField(inner, func(num protowire.Number, kind protowire.Type, text []byte, n uint64) error {
			switch {
			case num == 1 && kind == protowire.VarintType:
				rejected = int64(n)
			case num == 2 && kind == protowire.BytesType:
				message = string(upTo(text, messageBytesMax))
			}
			return nil
		})
	})
	return rejected, message, err
}

// eachField calls f for the fields of a message: with the bytes of those that have a length, with the number of varints, and
// with neither for other kinds.
func eachField(b []byte, f func(num protowire.Number, kind protowire.Type, text []byte, n uint64) error) error {
	for len(b) > 0 {
		num, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return errAnswer
		}
		b = b[size:]
		var text []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			text, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, size = protowire.ConsumeVarint(b)
		default:
			size = protowire.ConsumeFieldValue(num, kind, b)
		}
		if size < 0 {
			return errAnswer
		}
		b = b[size:]
		if err := f(num, kind, text, number); err != nil {
			return err
		}
	}
	return nil
}
