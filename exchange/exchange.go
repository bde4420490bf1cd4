package exchange

import (
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// An Exchange belongs to one goroutine from Acquire to Release. Every []byte in it is a view into the connection's
// buffer or into Scratch; copy it to keep it. Two helpers may run beside it: a pump that owns only Req.Body, and a
// watcher that owns only the client's readability. Release waits for both.
type Exchange struct {
	Conn    *Conn // read-only but for what is kept for it, shared by the connection's exchanges; nil when a Tail runs without a client
	Req     Request
	Resp    Response
	Route   string    // "entrypoint/route", the label of metrics and logs; empty until matched
	Now     time.Time // read once; every stage sees the same instant
	End     time.Time // when the answer was complete; set by edge
	Fault   error     // why it ended early; nil once a stage has answered in its place
	Cause   error     // the first Fault, kept for the log after a stage has answered in its place
	Facts   Facts
	Scratch Scratch // memory for what lives as long as the exchange
	Sink    Sink    // where the answer goes; nil: nowhere, as when a Tail runs without a client

	run   run
	fixed Bytes // what InMemory returned
	pumps sync.WaitGroup
}

// Conn is what all exchanges of one client connection share.
type Conn struct {
	Client   netip.AddrPort // the peer, or for whom a balancer said in a PROXY header that the connection is
	Local    netip.AddrPort // the address it connected to
	Protocol string         // "h1" or "h2"
	TLS      *TLS           // nil: plain
	Balancer netip.Addr     // whose PROXY header named Client, or itself: then Client has this address; not valid: there was no header

	belongings atomic.Pointer[belongings] // nil: there are none yet
}

// TLS is what a connection's handshake settled; it is never changed.
type TLS struct {
	ServerName   string                 // the host the client named (SNI), in normal form; empty: none
	Version      uint16                 // as crypto/tls numbers it
	Curve        string                 // the key exchange, as spec.Curve names it; empty: none, as when TLS 1.2 resumed a session
	Policy       string                 // spec.TLS.Key of the policy that was enforced
	Client       [][]byte               // the client's certificate and its chain in DER, leaf first, without the trusted authority; nil: it showed none
	ClientName   string                 // who the client is by that certificate: its subject, or a name from subjectAltName; empty: it names nobody, or is none
	ClientSerial string                 // the number of that certificate, in hexadecimal digits; empty: it showed none
	Local        bool                   // the certificate is one of the local CA, which no browser trusts
	Covers       func(host []byte) bool // whether the certificate is good for a host in normal form
}

// Method is an interned request method; MethodOther stands for every extension method.
type Method uint8

// The methods with properties of their own.
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodPatch
	MethodDelete
	MethodOptions
	MethodTrace
	MethodConnect
	MethodQuery // RFC 10008: safe, and with a body that says what is asked for
)

// Safe reports whether a request of this method changes nothing (RFC 9110 section 9.2.1).
func (m Method) Safe() bool {
	switch m {
	case MethodGet, MethodHead, MethodOptions, MethodTrace, MethodQuery:
		return true
	}
	return false
}

// Idempotent reports whether a request of this method may be sent twice (RFC 9110 section 9.2.2).
func (m Method) Idempotent() bool {
	switch m {
	case MethodGet, MethodHead, MethodPut, MethodDelete, MethodOptions, MethodTrace, MethodQuery:
		return true
	}
	return false
}

// Request is what the client asked for: as it sent it (Target, Sent), beside the working copy that stages edit.
type Request struct {
	Method     Method
	MethodName []byte // as sent; case matters
	Minor      int    // the client's HTTP/1.x minor version
	Target     []byte // as sent
	Sent       Fields // the fields as sent, hop-by-hop ones included

	Host []byte // normal form: lower case, no port, no trailing dot; IPv6 in brackets
	Port uint16 // as the client named it; 0 if it named none

	Authority []byte // Host with the port, if the client named one
	Path      []byte // normal form
	RawPath   []byte // the path as sent, without the query
	Query     []byte // as sent, without the question mark; nil if there was none
	Fields    Fields // working copy without hop-by-hop fields, Host, Content-Length and Expect
	Body      Body   // nil: no body
	Trailers  Fields // set at the end of Body

	ToHost []byte // the Host that the service gets, if a stage chose it; nil: as the service says
	ToPath []byte // the path that the service gets, if a stage rewrote it; nil: Path, or RawPath

	Upgrade        []byte // the protocol asked for by Upgrade, if Connection names it; nil otherwise
	ExpectContinue bool   // the client waits for 100 before it sends the body
	AllowTrailers  bool   // the client sent TE: trailers
}

// Response is what the client will get. Status 0 means that there is none yet.
type Response struct {
	Status   int
	Fields   Fields    // without hop-by-hop fields, Content-Length and Transfer-Encoding: the writer frames anew
	Body     Body      // nil: no body
	Length   int64     // for HEAD and 304, the Content-Length to announce without a body; -1: none
	Trailers Fields    // set at the end of Body
	Tunnel   Tunnel    // after 101: the origin's end; the Sink brings the client's
	Age      time.Time // when a tunnel, or a body, must be over, however lively it is; zero: never
	Started  bool      // the head is with the client; the answer cannot be replaced any more
	Sent     int64     // body bytes given to the client so far
}

// A Tunnel is one end of what follows 101 Switching Protocols, or an extended CONNECT: bytes both ways that are not HTTP any
// more. One goroutine receives while another sends; Wake and Break may come from any.
type Tunnel interface {
	// Receive waits until by for bytes from the peer and returns a view that holds until the next call; io.EOF when the peer has
	// ended its side. It returns nothing at all, without an error, if by has passed or Wake was called meanwhile.
	Receive(by time.Time) (view []byte, err error)
	// Send gives bytes to the peer, who has that long to take them.
	Send(view []byte, patience time.Duration) error
	// End tells the peer that no more bytes will be sent, where the protocol can say so; otherwise it is Break.
	End()
	// Wake makes a Receive that waits, or the next one, return.
	Wake()
	// Break ends both directions now.
	Break()
}

// A Body is pulled. Next returns the next bytes, a view that holds until the next call of any method, or io.EOF
// after the last. Size is -1 when unknown. Replay starts the body again from its first byte and reports true, if every
// byte so far is still in memory; otherwise it changes nothing and reports false. Close may be called at any time, also twice.
type Body interface {
	Next() (view []byte, err error)
	Size() int64
	Replay() bool
	Close() error
}

// Ready is implemented by a Body that knows whether Next would answer at once. What a writer holds back before a body
// that does not say so is sent first.
type Ready interface{ Ready() bool }

// Whole is implemented by a Body that can be had in one piece: all of it, waiting for it if it must; or nil, with
// nothing read, if it is too large or of unknown size.
type Whole interface{ Whole() ([]byte, error) }

// Checked is implemented by a Body that can tell, without taking anything, whether what has come of it is well formed: who
// sends it on, or wraps it, asks before the origin sees a byte.
type Checked interface{ Check() error }

// A Sink is where an exchange's answer goes: the server side of a protocol.
type Sink interface {
	// Interim forwards a 1xx response other than 101; it never blocks for long and its failure shows at Send.
	Interim(x *Exchange, status int, fields Fields) error
	// Send writes head, body and trailers of x.Resp, or runs its tunnel. It sets x.Resp.Started first.
	Send(x *Exchange) error
	// Watch calls gone, once and from another goroutine, if the client leaves before stop is called. stop waits until
	// gone is not running any more. It is for waits that have become long: it costs a goroutine. While a pump reads the
	// request's body it must not be called: see Beside.
	Watch(gone func()) (stop func())
	// Interrupt makes a Next of the request body that waits for the client fail soon. Any goroutine may call it.
	Interrupt()
}

// Beside is implemented by a Sink that may be watched while a pump reads the request's body, whose end the pump sees for itself: but not
// while it waits for an origin that takes nothing. WatchBeside is as Watch.
type Beside interface {
	WatchBeside(gone func()) (stop func())
}

// Facts is what stages learned, one typed field per stage, one writer each; it becomes the log event.
type Facts struct {
	RequestID [16]byte // rewrite, or the renderer of an edge-made error; zero: none yet
	Client    ClientFacts
	Trace     TraceFacts
	Entry     EntryFacts
	Limit     LimitFacts
	Firewall  FirewallFacts
	Cache     CacheFacts
	Encoding  EncodingFacts
	Origin    OriginFacts
}

// ClientFacts is written by rewrite's first stage: who asked, seen through the proxies that are trusted.
type ClientFacts struct {
	Addr    netip.Addr // the rightmost address that is no trusted proxy's; the peer's if that is not trusted itself
	HTTPS   bool       // the client speaks TLS with us, or with a trusted proxy that says so
	Trusted bool       // the peer is a trusted proxy
}

// TraceFacts is written by rewrite. The trace id is RequestID.
type TraceFacts struct {
	Span    [8]byte // of the exchange with the origin; zero: the route sets no trace context
	Sampled bool    // it becomes a span at the exporter
}

// LimitFacts is written by limit.
type LimitFacts struct {
	Policy string // the limit that refused the request; empty: none did
}

// FirewallFacts is written by waf. It keeps no value of a request, only where rules matched.
type FirewallFacts struct {
	Verdict Judged
	Detect  bool            // nothing is refused here, Verdict says what would have been
	Score   int             // the anomaly score of the request
	Rules   []FirewallMatch // the rules that matched and log, in order
	Limit   string          // the bound of the firewall that the request passed; empty: none
	Partial bool            // the body was not looked at, or not all of it
	Answer  bool            // it was the answer that was refused
	Held    io.Closer       // waf's own: what it holds until its Done
}

// FirewallMatch is a rule that matched.
type FirewallMatch struct {
	Rule int
	Vars []string // the variables and keys, ARGS:q
	Msg  string   // with Data, only where the policy logs values: the rule's message
	Data string   // and what it says of the value that matched
}

// Judged is what the firewall made of a request.
type Judged uint8

// The verdicts.
const (
	JudgedNot    Judged = iota // it did not run, or not to its end
	JudgedPassed               // it let the request pass
	JudgedRefused
)

// EncodingFacts is written by compress: its first four by what chooses, the others by what encodes.
type EncodingFacts struct {
	Accept string // what the client gets at most: "br", "zstd", "gzip" or "identity"; empty: the stage did not run
	Takes  Coding // all that it takes, for who has several at hand; none if Accept is identity
	Plain  bool   // the origin is asked for identity all the same: an earlier stage has taken Accept-Encoding away from it
	Made   string // the coding the edge put on the body; empty: none
	Before int64  // body bytes before it
}

// EntryFacts is written by edge when it has matched.
type EntryFacts struct {
	Entrypoint, Owner, Route string
	Pattern                  string  // the path that the route matches, with {name} segments; a prefix ends in "/*"
	Params                   []Param // values of {name} segments, views
	LogOff                   bool    // the route asks for no log event
	Errors                   string  // spec.Errors: the form of edge-made error answers
	Calls                    bool    // a service of the route speaks HTTP/2, so requests may be gRPC's; nobody else's say so with effect
	BytesIn                  int64   // request body bytes read, set by the protocol
	BytesOut                 int64   // response body bytes written, set by edge at the end
}

// Param is the value of one {name} segment of the matched path.
type Param struct {
	Name  string
	Value []byte
}

// Coding is a set of content codings.
type Coding uint8

// The codings that an edge knows.
const (
	CodingBr Coding = 1 << iota
	CodingZstd
	CodingGzip
)

// OriginFacts is written by upstream, but for Mirror, which is mirror's: it is set before upstream begins.
type OriginFacts struct {
	Service, Endpoint string           // Endpoint is the last one that was asked, or whose answer won
	Locality          string           // of Endpoint, "region/zone"; empty: unknown
	Picked            Picked           // how Endpoint was chosen
	Class             string           // of priority, if the service has a bound on open requests
	Queued            time.Duration    // for a place among them
	Tries             int              // requests sent, or tried to; 0: the origin was not asked
	Reasons           [TriesMax]Reason // why the tries after the first were made; [0] for the second
	Refused           Reason           // why no further try, or none at all, was made although one was wanted; ReasonNone: none was
	Hedge             HedgeOutcome
	Reused            bool          // the last try went over a kept connection
	Asked             time.Duration // from Now until the last try's request had been sent; 0: none was, or not to its end
	FirstByte         time.Duration // from Now to the response head
	Status            int           // what the origin answered; 0: nothing
	GRPC              GRPCStatus    // the grpc-status of its answer, from the trailers or the head; zero: none
	Mirror            string        // the service that got a copy; empty: none
	Held              io.Closer     // upstream's own: the connection in use, let go by its Done
}

// TriesMax is how many tries beyond the first an exchange can have at most.
const TriesMax = 4

// Picked says how an endpoint was chosen, beyond the algorithm; a set of bits.
type Picked uint8

// The ways.
const (
	PickedSticky   Picked = 1 << iota // by the client's cookie
	PickedFailover                    // the cookie's endpoint was not to be had
	PickedPanic                       // health was ignored: too few endpoints were usable
	PickedSpill                       // from a farther locality than the nearest, by its health or load
)

var pickedWords = [...]string{"sticky", "failover", "panic", "spill"}

// Append appends the ways as logs print them, "sticky,panic"; nothing if there is none.
func (p Picked) Append(b []byte) []byte {
	first := len(b)
	for i, word := range pickedWords {
		if p&(1<<i) == 0 {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(b, word...)
	}
	return b
}

// Reason says why another try was made, or why none was.
type Reason uint8

// The reasons. Up to ReasonHedge they say why another try was made.
const (
	ReasonNone     Reason = iota
	ReasonConnect         // no connection could be made
	ReasonDied            // a kept connection died before the first byte of a response
	ReasonBroken          // a new one did
	ReasonInvalid         // what came was no valid response
	ReasonTimeout         // no response head in time (timeouts.try or timeouts.firstByte)
	ReasonStatus          // the status is one of retry.statuses
	ReasonHedge           // the first endpoint was slow
	ReasonBudget          // no try: the service's retryBudget was used up
	ReasonTries           // no try: retry.tries had been made
	ReasonEndpoint        // no try: no endpoint was left that had not been asked
	ReasonUnsafe          // no try: the request may not be sent twice
	ReasonBreaker         // no try: the service's breaker is open
	ReasonQueue           // no try: no place among the service's open requests, and none in the queue
	ReasonWait            // no try: it waited for a place for queueTime in vain
	ReasonWhole           // no try: timeouts.whole had passed
)

var reasons = [...]string{"", "connect", "died", "broken", "invalid", "timeout", "status", "hedge", "budget", "tries", "no_endpoint",
	"not_repeatable", "breaker", "queue_full", "queue_time", "whole_timeout"}

// String is the reason as logs and metrics print it.
func (r Reason) String() string { return reasons[r] }

// AppendReasons appends the reasons as logs print them, "connect,status", without those that are none.
func AppendReasons(b []byte, list []Reason) []byte {
	first := len(b)
	for _, r := range list {
		if r == ReasonNone {
			continue
		}
		if len(b) > first {
			b = append(b, ',')
		}
		b = append(b, reasons[r]...)
	}
	return b
}

// HedgeOutcome says what became of a hedge.
type HedgeOutcome uint8

// The outcomes.
const (
	HedgeNone HedgeOutcome = iota // there was none
	HedgeLost                     // the first endpoint answered before it
	HedgeWon
)

var hedgeOutcomes = [...]string{"", "lost", "won"}

// String is the outcome as logs and metrics print it.
func (h HedgeOutcome) String() string { return hedgeOutcomes[h] }

var pool = sync.Pool{New: func() any {
	x := new(Exchange)
	x.reset() // not all zero values mean none: Resp.Length
	return x
}}

// Acquire returns an empty exchange.
func Acquire() *Exchange { return pool.Get().(*Exchange) }

// Go runs f, which may use only x.Req.Body, beside the exchange; Release waits for it.
func (x *Exchange) Go(f func()) { x.pumps.Go(f) }

// Join waits for the helpers.
func (x *Exchange) Join() { x.pumps.Wait() }

// Release waits for the helpers and gives the exchange back. Nothing of it may be used afterwards; with -tags poison
// its memory is overwritten, so that a kept view fails loudly.
func (x *Exchange) Release() {
	x.pumps.Wait()
	x.reset()
	pool.Put(x)
}

func (x *Exchange) reset() {
	x.Scratch.reset()
	r, s := &x.Req, &x.Resp
	poisonFields(r.Sent, r.Fields, r.Trailers, s.Fields, s.Trailers)
	sent, fields, params := r.Sent[:0], r.Fields[:0], x.Facts.Entry.Params[:0]
	*r = Request{Sent: sent, Fields: fields, Trailers: r.Trailers[:0]}
	*s = Response{Fields: s.Fields[:0], Trailers: s.Trailers[:0], Length: -1}
	x.Conn, x.Sink, x.Route, x.Fault, x.Cause = nil, nil, "", nil, nil
	x.Now, x.End = time.Time{}, time.Time{}
	x.Facts = Facts{}
	x.Facts.Entry.Params = params
	x.run, x.fixed = run{}, Bytes{}
}
