package spec

import (
	"net/netip"
	"time"
)

// APIVersion is the apiVersion of every document.
const APIVersion = "skerry.dev/v1"

// Spec is every document under the paths that were read, resolved: profiles and defaults are merged in, names are
// checked, routes of an entrypoint are complete. A Spec is never changed after Load returned it.
type Spec struct {
	Entrypoints  []*Entrypoint  // by name
	Services     []*Service     // by name; the inline ones (service: URL) included, named by their URL
	Profiles     []*Profile     // by name; built-in ones included
	Certificates []*Certificate // by name
	AWS          *AWS           // nil: no document says anything of AWS
	Hash         string         // content hash of the canonical form, "sha256:" and 64 hex digits
}

// Pos is a place in a file; Line and Col count from 1.
type Pos struct {
	File      string
	Line, Col int
}

// Meta is a document's metadata.
type Meta struct {
	Name   string            `yaml:"name"`
	Owner  string            `yaml:"owner"`
	Labels map[string]string `yaml:"labels"`
}

// Entrypoint is a named set of public hosts with its routes, its protections and its owner.
type Entrypoint struct {
	Meta    Meta
	At      Pos
	Hosts   []string // normal form: lower case, no port; "*.example.com" matches every name below example.com; IP literals, v6 in brackets
	Profile string
	// CanonicalHost, one of Hosts without a wildcard, is where requests to the other hosts are sent; empty: nowhere.
	CanonicalHost string
	Moved         []Moved  // bulk redirects, by From, each From once; from `redirects`
	Routes        []*Route // in document order; the implicit one of `service:` beside hosts is last and named "default"
	Policy        Policy   // in force for what matches no route (errors, log); every pointer set
	Portability   Portability
	written       []byte   // canonical form, made by Parse: hash, difference and identity all start from it
	Sources       []Source // where each value of Policy came from, and behind them the ids of Portability
}

// Route is one match inside an entrypoint and where it goes.
type Route struct {
	Name    string // unique within the entrypoint
	At      Pos
	Match   Match
	To      Destination
	Rewrite *Rewrite // nil: nothing is rewritten
	Mirror  *Mirror  // nil: nothing is mirrored
	Policy  Policy   // in force; every pointer set
	Sources []Source // where each value of Policy came from; for explain. Routes that say nothing share one list
}

// Source is one value in force and where it came from.
type Source struct {
	Path  string // "spec.headers.response.remove", …
	Value string // as YAML would print it in one line; an object that a word stands for behind the word: "on {sample: 0.01}"
	From  string // "default", "profile website", "spec FILE:LINE:COL"; Author and Pos take it apart
	at    Pos    // where a document says it, be it that of a profile
}

// Match says which requests a route takes. The empty Match takes all.
type Match struct {
	Path    PathMatch
	Methods []string // upper case; empty: any
	Headers []Pair   // each must be there with exactly this value; value "*": any value
	Query   []Pair   // as Headers
}

// PathKind is how a path is matched.
type PathKind uint8

// The kinds of path match, least specific first.
const (
	PathAny     PathKind = iota // every path
	PathPrefix                  // by whole segments: /a matches /a, /a/ and /a/b, not /ab
	PathPattern                 // whole path with {name} for exactly one non-empty segment
	PathExact                   // the whole path
)

// PathMatch is a path in normal form and how to match it. {name} segments may stand in a prefix as well.
type PathMatch struct {
	Kind PathKind
	Path string
}

// Pair is a name and the value it must have.
type Pair struct{ Name, Value string }

// Destination is where a route goes; exactly one of the fields is set.
type Destination struct {
	Services []Weighted // one with weight 1, or several
	Redirect *Redirect
	Respond  *Respond
}

// Weighted is a service and its share of the clients.
type Weighted struct {
	Service *Service
	Weight  int // 0 to 1,000,000; 0 gets nothing
}

// Moved is one bulk redirect of an entrypoint: an exact path and where it has gone. It wins over every route.
type Moved struct {
	From   string // a path in normal form
	To     string // URL or absolute path; a query of the request is appended if To has none
	Status int    // 301, 302, 303, 307 or 308
}

// Rewrite is what a route changes of a request on its way to the service. What the client sees stays: Location and
// Content-Location of the answer are mapped back.
type Rewrite struct {
	Host   string // the Host the service gets; empty: as the service says
	Path   string // the whole path, with {name} segments of the match; empty: unchanged. Not with Prefix
	Prefix string // what stands in place of the matched prefix, "/" to strip it; empty: unchanged. The match must have a prefix
}

// Redirect answers with a Location.
type Redirect struct {
	Status int    `yaml:"status"` // 301, 302, 303, 307 or 308; default 308
	To     string `yaml:"to"`     // URL or absolute path; {path} and {query} stand for those of the request, {name} for segments
}

// Respond answers with a fixed response.
type Respond struct {
	Status      int    `yaml:"status"` // default 200
	ContentType string `yaml:"contentType"`
	Body        string `yaml:"body"`
}

// Profile is a reusable bundle of policy that an entrypoint names.
type Profile struct {
	Meta    Meta
	At      Pos
	BuiltIn bool
	Extends string // another profile whose values this one starts from; empty: the defaults
	Policy  Policy // as written, pointers nil where the profile says nothing; of WAF and Cache, fields are zero there
	waf     val[wafDoc]
	cache   val[cacheDoc]
}

// Policy is what an entrypoint, a route or a profile may say of protections and defaults. The same fields stand in the
// spec of all three, but for those marked "not on a route"; the nearest to the route wins, firewall and cache are merged field by
// field, header edits name by name.
type Policy struct {
	Log         *Switch        `yaml:"log"`         // one event per exchange
	Trace       *Trace         `yaml:"trace"`       // W3C trace context, and how many exchanges become spans
	RequestID   *Switch        `yaml:"requestID"`   // set X-Request-Id towards the origin and on the response
	Forwarded   *Forwarded     `yaml:"forwarded"`   // X-Forwarded-* and Forwarded towards the origin
	TLS         *TLS           `yaml:"tls"`         // what a handshake must have; not on a route
	Redirect    *PlainHTTP     `yaml:"redirect"`    // what plain HTTP gets; not on a route, where redirect is a destination
	HSTS        *HSTS          `yaml:"hsts"`        // Strict-Transport-Security; not on a route
	CORS        *CORS          `yaml:"cors"`        // who may call from pages of other origins
	Limit       *Limit         `yaml:"limit"`       // requests per client address
	HeadMax     *Size          `yaml:"headMax"`     // request head in bytes, 431 beyond it
	BodyMax     *Size          `yaml:"bodyMax"`     // request body, or message of a gRPC call, in bytes, 413 beyond it; 0: without limit
	Compress    *Compress      `yaml:"compress"`    // gzip, br, zstd
	Errors      *Errors        `yaml:"errors"`      // form of the edge's own error answers, but to calls of gRPC
	ErrorPages  *[]ErrorPage   `yaml:"errorPages"`  // HTML of the edge's own error answers, by status
	Maintenance *Maintenance   `yaml:"maintenance"` // answer 503 to everybody but a few
	Path        *PathForm      `yaml:"path"`        // what path the origin gets
	WebSocket   *Switch        `yaml:"websocket"`   // allow Upgrade: websocket
	StreamAge   *time.Duration `yaml:"streamAge"`   // how old a stream may get, from the request's arrival; 0: without limit
	Retry       *Retry         `yaml:"retry"`       // when another endpoint is asked
	Hedge       *Hedge         `yaml:"hedge"`       // when a second endpoint is asked beside the first
	Priority    *Priority      `yaml:"priority"`    // who is served first when a service is at its limit
	Methods     *[]string      `yaml:"methods"`     // allowed ones, 405 for others; empty list: all but TRACE and CONNECT
	WAF         *WAF           `yaml:"waf"`         // the firewall; merged field by field
	Cache       *Cache         `yaml:"cache"`       // what is stored of answers; merged field by field
	Headers     *Headers       `yaml:"headers"`
}

// Switch is on or off.
type Switch bool

// Forwarded says what happens to X-Forwarded-For, -Proto, -Host, -Port, Forwarded and X-Real-IP. What a client sent in them never
// reaches an origin, unless mode is keep.
type Forwarded string

// The modes of Forwarded.
const (
	ForwardedSet      Forwarded = "set"      // remove the client's, set X-Forwarded-* of our own
	ForwardedStandard Forwarded = "standard" // remove the client's, set Forwarded (RFC 7239) of our own
	ForwardedBoth     Forwarded = "both"     // set both forms
	ForwardedRemove   Forwarded = "remove"   // remove the client's, set nothing
	ForwardedKeep     Forwarded = "keep"     // forward as sent: only behind another trusted proxy
)

// Errors is the form of error answers.
type Errors string

// The forms of Errors.
const (
	ErrorsAuto    Errors = "auto"    // HTML if Accept prefers text/html, problem details otherwise
	ErrorsHTML    Errors = "html"    // small HTML
	ErrorsProblem Errors = "problem" // RFC 9457 application/problem+json
)

// PathForm is the form of the path that an origin gets.
type PathForm string

// The forms of a path.
const (
	PathNormal PathForm = "normal" // the normal form the router matched
	PathRaw    PathForm = "raw"    // as sent, and only if both forms match the same route
)

// Headers are the edits of header fields, in both directions.
type Headers struct {
	Request  *Edits `yaml:"request"`
	Response *Edits `yaml:"response"`
}

// Edits sets and removes fields. Set replaces every field of that name; Default sets a field only where there is none of
// its name, so that a service may be stricter than its profile. Removal comes first, Default last.
type Edits struct {
	Set     map[string]string `yaml:"set"`
	Default map[string]string `yaml:"default"`
	Remove  []string          `yaml:"remove"`
}

// Service is what stands behind the edge: endpoints, or a directory.
type Service struct {
	Meta      Meta
	At        Pos
	Inline    bool       // came from `service: URL`
	Endpoints []Endpoint // none if Directory is set
	Directory *Directory // files instead of endpoints; nil: none
	Host      HostForm
	HostName  string        // with HostName form: the name sent
	Protocol  Protocol      // how endpoints are spoken to; empty, as for a Directory: HTTP/1.1
	Proxy     ProxyProtocol // what goes before it on each connection; empty, as for a Directory: nothing
	Health    *Health
	Timeouts  Timeouts
	KeepAlive KeepAlive

	Balance     Balance
	Ejection    Ejection
	RetryBudget RetryBudget
	Concurrency Concurrency
	Breaker     Breaker
	DNS         DNS
	TLS         OriginTLS
	AWS         *AWSOrigin // nil: nothing is said

	Sources []Source // where each value came from
	written []byte   // as in Entrypoint
}

// Directory is files that the edge serves itself.
type Directory struct {
	Path     string // below the directory that --files names; cleaned, relative, with slashes
	Index    string // the file a directory's URL stands for, default index.html
	Fallback string // served with 200 where no file is, for single-page applications; empty: 404
}

// Certificate is a certificate chain and its key, each by reference. Hosts are those of the certificate itself.
type Certificate struct {
	Meta    Meta
	At      Pos
	Chain   Ref  // PEM, leaf first
	Key     Ref  // PEM
	Default bool // for clients that name no host (no SNI)
}

// Ref is a reference to a secret: "file:NAME" below the directory of --secrets, or "env:SKERRY_SECRET_…". See Secrets.
type Ref string

// Endpoint is one address of a service.
type Endpoint struct {
	TLS  bool       // https://
	Host string     // name or IP literal without brackets
	Port uint16     //
	Addr netip.Addr // valid if Host is an IP literal
	At   Pos

	Weight int    // its share of requests beside the others', 0 to 1,000, default 1; 0 gets none
	Region string // where it is; empty: unknown
	Zone   string // within Region; empty: unknown
}

// HostForm says which Host an origin gets.
type HostForm string

// The forms of HostForm.
const (
	HostPreserve HostForm = "preserve" // the client's, in normal form
	HostEndpoint HostForm = "endpoint" // the endpoint's address
	HostName     HostForm = "name"     // Service.HostName
)

// Protocol is how the endpoints of a service are spoken to.
type Protocol string

// The protocols. With ProtocolHTTP2, https:// endpoints must choose h2 by ALPN, and http:// endpoints are spoken to in HTTP/2 at once
// (prior knowledge, RFC 9113 section 3.3).
const (
	ProtocolHTTP1 Protocol = "http1" // HTTP/1.1, the default
	ProtocolHTTP2 Protocol = "http2" // HTTP/2, which gRPC needs
)

// ProxyProtocol is the header of the PROXY protocol in front of each connection to an endpoint.
type ProxyProtocol string

// The headers. Such a connection is one client's, which ProtocolHTTP2 cannot have.
const (
	ProxyOff ProxyProtocol = "off" // none, the default
	ProxyV1  ProxyProtocol = "v1"  // a line of text
	ProxyV2  ProxyProtocol = "v2"  // binary
)

// Health is an active health check.
type Health struct {
	Path           string        // default /
	Interval       time.Duration // default 5 s
	Timeout        time.Duration // default 2 s
	HealthyAfter   int           // successes in a row, default 2
	UnhealthyAfter int           // failures in a row, default 3
	StatusFrom     int           // default 200
	StatusTo       int           // inclusive, default 399
	Host           string        // Host of the check; default the endpoint's
}

// Timeouts bound each wait on an origin.
type Timeouts struct {
	Connect   time.Duration // default 2 s
	FirstByte time.Duration // request sent to first response byte, default 30 s
	Idle      time.Duration // between two reads or writes of a body, default 60 s
	Try       time.Duration // one try, from its beginning to the response head; 0, the default: no bound of its own
	Whole     time.Duration // from the arrival of the request to the last byte of the response, all tries and waits; 0, the default: none. Tunnels are exempt once they are open
}

// KeepAlive bounds the connections to each endpoint.
type KeepAlive struct {
	Max         int           // idle connections kept, default 256; 0: none
	Idle        time.Duration // an idle connection is closed after it, default 55 s
	Age         time.Duration // a connection carries no new request after it, default 1 h
	Requests    int           // a connection carries so many at most; 0, the default: no limit
	Connections int           // open at once, idle or not; 0, the default: no limit
}
