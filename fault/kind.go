package fault

// Side says who caused a fault.
type Side uint8

// The sides of an exchange.
const (
	SideEdge   Side = iota // Skerry itself: overload, drain, a bug
	SideClient             // what the client sent, or that it left
	SideOrigin             // the service behind the edge
)

// String returns the side as metrics and logs print it.
func (s Side) String() string { return [...]string{"edge", "client", "origin"}[s] }

// Kind is what went wrong; its Name is a metric label and never changes.
type Kind uint8

// The kinds, in the order of the table below.
const (
	Internal Kind = iota
	Panicked
	Draining
	Overloaded
	BadRequest
	BadFraming
	HeadTooLarge
	TargetTooLong
	BodyTooLarge
	NotImplemented
	VersionNotSupported
	ExpectationFailed
	MethodNotAllowed
	SlowClient
	ClientGone
	StreamAge
	NoEntrypoint
	NoRoute
	NoFile
	Misdirected
	RateLimited
	Blocked
	BodyMalformed
	MediaTypeRefused
	CodingRefused
	ResponseBlocked
	Maintenance
	OriginForbidden
	OriginDNS
	OriginRefused
	OriginUnreachable
	OriginConnectTimeout
	OriginTLS
	OriginNoneHealthy
	OriginBusy
	OriginTripped
	OriginTimeout
	OriginClosed
	OriginCancelled
	OriginProtocol
	OriginHeadTooLarge
	OriginIncomplete
	OriginStalled
	kinds // how many there are
)

// row is one line of the kind→status table.
type row struct {
	name   string // metric label, log value
	side   Side
	status int    // the status code a client gets, if the response head is not sent yet
	proxy  string // RFC 9209 section 2.3 error type; empty: no Proxy-Status error applies
	title  string // what a client may read
}

// table is the one place where a kind becomes a status code.
var table = [kinds]row{
	Internal:             {"internal", SideEdge, 500, "proxy_internal_error", "The edge failed to handle the request."},
	Panicked:             {"panic", SideEdge, 500, "proxy_internal_error", "The edge failed to handle the request."},
	Draining:             {"draining", SideEdge, 503, "proxy_internal_response", "The edge is shutting down. Please try again."},
	Overloaded:           {"overloaded", SideEdge, 503, "proxy_internal_response", "The edge is overloaded. Please try again later."},
	BadRequest:           {"bad_request", SideClient, 400, "http_request_error", "The request is malformed."},
	BadFraming:           {"bad_framing", SideClient, 400, "http_request_error", "The framing of the request body is malformed or ambiguous."},
	HeadTooLarge:         {"head_too_large", SideClient, 431, "http_request_error", "The request header fields are too large."},
	TargetTooLong:        {"target_too_long", SideClient, 414, "http_request_error", "The request target is too long."},
	BodyTooLarge:         {"body_too_large", SideClient, 413, "http_request_error", "The request body is too large."},
	NotImplemented:       {"not_implemented", SideClient, 501, "http_request_error", "The request uses a feature that is not implemented here."},
	VersionNotSupported:  {"version_not_supported", SideClient, 505, "http_request_error", "The HTTP version is not supported."},
	ExpectationFailed:    {"expectation_failed", SideClient, 417, "http_request_error", "The expectation of the request is not supported."},
	MethodNotAllowed:     {"method_not_allowed", SideClient, 405, "http_request_denied", "The method is not allowed here."},
	SlowClient:           {"slow_client", SideClient, 408, "http_request_error", "The request took too long to arrive."},
	ClientGone:           {"client_gone", SideClient, 499, "", "The client closed the connection."},
	StreamAge:            {"stream_age", SideEdge, 503, "proxy_internal_response", "The stream was open for too long. Please open another one."},
	NoEntrypoint:         {"no_entrypoint", SideClient, 404, "http_request_denied", "There is nothing here under this host name."},
	NoRoute:              {"no_route", SideClient, 404, "http_request_denied", "There is nothing here."},
	NoFile:               {"no_file", SideClient, 404, "http_request_denied", "There is nothing here."},
	Misdirected:          {"misdirected", SideClient, 421, "http_request_denied", "This connection is not for this host. Please open another one."},
	RateLimited:          {"rate_limited", SideClient, 429, "http_request_denied", "There were too many requests. Please try again later."},
	Blocked:              {"blocked", SideClient, 403, "http_request_denied", "The request was refused."},
	BodyMalformed:        {"body_malformed", SideClient, 400, "http_request_error", "The request body is malformed or ambiguous."},
	MediaTypeRefused:     {"media_type_refused", SideClient, 415, "http_request_denied", "The type of the request body is not accepted here."},
	CodingRefused:        {"coding_refused", SideClient, 415, "http_request_denied", "The content coding of the request body is not accepted here."},
	ResponseBlocked:      {"response_blocked", SideOrigin, 502, "http_protocol_error", "The answer of the service was refused."},
	Maintenance:          {"maintenance", SideEdge, 503, "proxy_internal_response", "The service is down for maintenance. Please try again later."},
	OriginForbidden:      {"origin_forbidden", SideOrigin, 502, "destination_ip_prohibited", "The service cannot be reached."},
	OriginDNS:            {"origin_dns", SideOrigin, 502, "dns_error", "The service cannot be reached."},
	OriginRefused:        {"origin_refused", SideOrigin, 502, "connection_refused", "The service cannot be reached."},
	OriginUnreachable:    {"origin_unreachable", SideOrigin, 502, "destination_ip_unroutable", "The service cannot be reached."},
	OriginConnectTimeout: {"origin_connect_timeout", SideOrigin, 504, "connection_timeout", "The service did not answer in time."},
	OriginTLS:            {"origin_tls", SideOrigin, 502, "tls_protocol_error", "The service cannot be reached."},
	OriginNoneHealthy:    {"origin_none_healthy", SideOrigin, 503, "destination_unavailable", "The service is not available. Please try again later."},
	OriginBusy:           {"origin_busy", SideEdge, 503, "connection_limit_reached", "The service is busy. Please try again later."},
	OriginTripped:        {"origin_tripped", SideOrigin, 503, "destination_unavailable", "The service is not available. Please try again later."},
	OriginTimeout:        {"origin_timeout", SideOrigin, 504, "http_response_timeout", "The service did not answer in time."},
	OriginClosed:         {"origin_closed", SideOrigin, 502, "connection_terminated", "The service closed the connection."},
	OriginCancelled:      {"origin_cancelled", SideOrigin, 502, "connection_terminated", "The service cancelled the request."},
	OriginProtocol:       {"origin_protocol", SideOrigin, 502, "http_protocol_error", "The service sent an invalid response."},
	OriginHeadTooLarge:   {"origin_head_too_large", SideOrigin, 502, "http_response_header_section_size", "The service sent an invalid response."},
	OriginIncomplete:     {"origin_incomplete", SideOrigin, 502, "http_response_incomplete", "The service sent an incomplete response."},
	OriginStalled:        {"origin_stalled", SideOrigin, 504, "http_response_timeout", "The service stopped sending its response."},
}

// Kinds returns every kind, for tables and metrics made ahead of time.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Name is the stable label of the kind in metrics and logs.
func (k Kind) Name() string { return table[k].name }

// Side says who causes faults of this kind.
func (k Kind) Side() Side { return table[k].side }

// Status is the HTTP status code a client gets for it.
func (k Kind) Status() int { return table[k].status }

// ProxyStatus is the error type of RFC 9209 section 2.3, or empty where none applies.
func (k Kind) ProxyStatus() string { return table[k].proxy }

// Title is one sentence that a client may read; it names no internals.
func (k Kind) Title() string { return table[k].title }
