package main

// kind is what a row's exchanges are: it decides load, origin and who can take part.
type kind uint8

const (
	overH1     kind = iota // requests over HTTP/1.1, by wrk
	overH2                 // requests over HTTP/2, by h2load
	overGRPC               // unary calls over HTTP/2, by h2load, to an origin of HTTP/2 without TLS
	overSocket             // messages on WebSockets, by this program
)

// row is one line of comparison and its budget as a ratio to nginx; a row without one is for the record.
type row struct {
	key, title, path string
	kind             kind
	edits            bool // access log, four header edits, a limit per address
	secure           bool // TLS 1.3
	cached           bool // answers come from the peer's cache
	workers          int  // of every peer
	answer           int  // least bytes of an answer's body, where the load counts them; 0: it does not
	atMost, aim      float64
	also             []budget // to other peers
	callsAim         float64  // system calls per exchange; 0: any

	seconds int    // least length of a sample; 0: as the flag says
	fixture string // a benign request instead of path: the row is about firewalls, and its ratios are to nginx with ModSecurity
}

// budget is what Skerry may cost as a ratio to a peer; 0 is no such bound.
type budget struct {
	peer        string
	atMost, aim float64
}

// firewall reports whether the row is about firewalls.
func (r row) firewall() bool { return r.fixture != "" }

// yardstick is the peer that a row's ratios refer to.
func (r row) yardstick() string {
	if r.firewall() {
		return "modsecurity"
	}
	return "nginx"
}

// unit is what figures are for each of.
func (r row) unit() string {
	switch r.kind {
	case overGRPC:
		return "call"
	case overSocket:
		return "round trip"
	}
	return "request"
}

// place is which peers have a part in the row.
func (r row) place() where {
	switch {
	case r.firewall():
		return inFirewall
	case r.cached && r.secure:
		return inCacheTLS
	case r.cached:
		return inCache
	case r.kind == overH2:
		return inH2
	case r.kind == overGRPC:
		return inGRPC
	case r.kind == overSocket:
		return inSocket
	}
	return inPlain
}

var rows = []row{
	{key: "plain", title: "H1 → H1, 1 KB, keep-alive", path: "/1k", workers: 1, atMost: 0.95, aim: 0.85},
	{key: "edits", title: "H1 → H1, 1 KB, access log, four request-header edits and a limit per address", path: "/1k", edits: true, workers: 1, atMost: 0.9, aim: 0.75},
	{key: "tls", title: "TLS 1.3 H1 → H1, 1 KB", path: "/1k", secure: true, workers: 1, atMost: 0.85, aim: 0.7},
	{key: "large", title: "H1 → H1, 100 KB bodies", path: "/100k", workers: 1, atMost: 0.75, aim: 0.6},
	{key: "h2", title: "TLS 1.3 H2 → H1, 1 KB, 16 connections × 10 streams", path: "/1k", kind: overH2, secure: true, workers: 1, answer: 1024,
		atMost: 0.9, aim: 0.7, also: []budget{{peer: "haproxy", atMost: 1}, {peer: "h2o", aim: 1}}, callsAim: 2.5},
	{key: "grpc", title: "gRPC: TLS 1.3 H2 → H2 without TLS, unary, 100 B each way, 16 connections × 10 streams", path: grpcPath, kind: overGRPC, secure: true, workers: 1,
		answer: len(grpcFrame), atMost: 1, aim: 0.7},
	{key: "websocket", title: "WebSocket over H1 → H1, messages of 1 KB, echoed", path: "/echo", kind: overSocket, workers: 1, atMost: 1},
	{key: "plain2", title: "two workers: H1 → H1, 1 KB, keep-alive", path: "/1k", workers: 2, atMost: 1, aim: 0.85},
	{key: "edits2", title: "two workers: access log, four request-header edits and a limit per address", path: "/1k", edits: true, workers: 2, atMost: 1, aim: 0.85},
	{key: "tls2", title: "two workers: TLS 1.3 H1 → H1, 1 KB", path: "/1k", secure: true, workers: 2, atMost: 1, aim: 0.85},
	{key: "large2", title: "two workers: H1 → H1, 100 KB bodies", path: "/100k", workers: 2, atMost: 1, aim: 0.85},
	{key: "h2x2", title: "two workers: TLS 1.3 H2 → H1, 1 KB, 16 connections × 10 streams", path: "/1k", kind: overH2, secure: true, workers: 2, answer: 1024, atMost: 1, aim: 0.8},
}
