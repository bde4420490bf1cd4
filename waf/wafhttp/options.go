package wafhttp

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/waf/body"
)

// Options say what a Firewall does. The zero value refuses what the Core Rule Set's own defaults refuse at paranoia 1, and lets
// programs use their methods and types.
type Options struct {
	Mode      Mode // default Block
	Paranoia  int  // 1 to 4, default 1: each level above 1 has more rules, and more false positives
	Threshold int  // anomaly score from which on a request is refused, default 5: one critical match
	Allow     Allow
	Exclude   []Exclude
	Rules     fs.FS // rules of one's own: the .conf files in its root, by name, before the Core Rule Set; those that end in -after.conf behind it; nil: none
	CRS       fs.FS // another release of CRS 4, unpacked; nil: the one in this module
	Reference bool  // rules are run one after another at many times the cost, for debugging; the verdicts are the same

	BodyBytesMax int           // the largest body that is held and inspected, in bytes, coded and decoded; default 128 KB, at most 16 MB
	HeldBytesMax int64         // what the bodies of all requests may hold together, in bytes; default 64 MB
	ArgumentsMax int           // how many values a query, a Cookie field and a body may each have; default 1,000
	CPUMax       time.Duration // processor time that the rules may cost for one request; default 100 ms
	OnLimit      OnLimit       // what a request beyond one of these gets; default Refuse

	Client     func(*http.Request) netip.AddrPort                // who asks; nil: RemoteAddr. Behind a proxy, say where it names the client
	RequestID  func(*http.Request) string                        // nil: a random one
	Answer     func(http.ResponseWriter, *http.Request, Refusal) // writes the answer to a refused request; nil: a line of text
	Report     func(*http.Request, Result)                       // called before the request goes on, or is answered, if there is anything to tell; by many goroutines at once
	ShowValues bool                                              // Result has the values that matched, and messages with pieces of them. They are what clients sent: passwords too
}

// Mode is what a verdict does.
type Mode uint8

// The modes.
const (
	Block  Mode = iota // a request at or above the threshold gets 403
	Detect             // it is reported and goes on, as does what could not be inspected
	Off                // no rule is run, and nothing held
)

// OnLimit is what a request gets that is beyond BodyBytesMax, HeldBytesMax, ArgumentsMax or CPUMax.
type OnLimit uint8

// The values of OnLimit.
const (
	Refuse OnLimit = iota // the limit's own status: 413 for a body, 503 for memory, 400 for arguments, 403 for processor time
	Pass                  // it goes on, judged by what was inspected, and is reported
)

// Allow is the policy lists of the Core Rule Set. A list that is nil is the default.
type Allow struct {
	Methods      []string // upper case; others get 403. Default: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY
	ContentTypes []string // of bodies, lower case, without parameters, with one * in the subtype: "application/*+json"; others get 415. See README.md for the default
	Charsets     []string // of Content-Type, lower case; default: iso-8859-1, iso-8859-15, utf-8, windows-1252
	Headers      []string // names, lower case, that pass though the Core Rule Set restricts them
	Extensions   []string // of paths, ".sql", that pass though the Core Rule Set restricts them
}

// Exclude takes rules out of force, or some targets out of rules.
type Exclude struct {
	Rule    string   // "942100", "942100-942199" or "tag:attack-sqli"
	Target  string   // "ARGS", "ARGS:q" or "ARGS:/^q_/", as SecLang writes it; empty: the whole rule
	Path    string   // of URL.Path, "/search", or "/search/*" for everything below /search/; empty: every path
	Methods []string // upper case; empty: every method
	Reason  string   // for people
}

// defaultMethods are what programs send; the Core Rule Set by itself would refuse half of them.
var defaultMethods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"}

// defaultTypes are the types that are inspected, and those without a processor that browsers and programs send in the
// ordinary course.
var defaultTypes = []string{
	"application/*+json", "application/csp-report", "application/grpc*", "application/json", "application/octet-stream",
	"application/soap+xml", "application/x-ndjson", "application/x-www-form-urlencoded", "application/xml",
	"multipart/form-data", "text/plain", "text/xml",
}

var defaultCharsets = []string{"iso-8859-1", "iso-8859-15", "utf-8", "windows-1252"}

// filled is the options with their defaults.
func (o Options) filled() (Options, error) {
	var wrong []fault.Problem
	bound := func(name string, v *int, fallback, most int) {
		if *v == 0 {
			*v = fallback
		}
		if *v < 1 || *v > most {
			wrong = append(wrong, fault.Problem{Text: fmt.Sprintf("Options.%s is %d: 1 to %d", name, *v, most)})
		}
	}
	bound("Paranoia", &o.Paranoia, 1, 4)
	bound("Threshold", &o.Threshold, 5, thresholdMost)
	bound("BodyBytesMax", &o.BodyBytesMax, bodyBytesMax, bodyBytesMost)
	bound("ArgumentsMax", &o.ArgumentsMax, argumentsMax, body.DefaultLimits().Pairs)
	if o.HeldBytesMax == 0 {
		o.HeldBytesMax = max(heldBytesMax, int64(o.BodyBytesMax))
	}
	if o.HeldBytesMax < int64(o.BodyBytesMax) {
		wrong = append(wrong, fault.Problem{Text: fmt.Sprintf("Options.HeldBytesMax is %d: less than one body of BodyBytesMax, %d", o.HeldBytesMax, o.BodyBytesMax)})
	}
	if o.CPUMax == 0 {
		o.CPUMax = cpuMax
	}
	if o.CPUMax < 0 || o.Mode > Off || o.OnLimit > Pass {
		wrong = append(wrong, fault.Problem{Text: fmt.Sprintf("Options: CPUMax %v, Mode %d or OnLimit %d is none", o.CPUMax, o.Mode, o.OnLimit)})
	}
	for _, l := range []struct {
		list     *[]string
		fallback []string
	}{{&o.Allow.Methods, defaultMethods}, {&o.Allow.ContentTypes, defaultTypes}, {&o.Allow.Charsets, defaultCharsets}} {
		if *l.list == nil {
			*l.list = l.fallback
		}
	}
	for _, t := range o.Allow.ContentTypes {
		if main, sub, ok := strings.Cut(t, "/"); !ok || main == "" || sub == "" || strings.Contains(main, "*") || strings.Count(sub, "*") > 1 || strings.ContainsAny(t, "; ") {
			wrong = append(wrong, fault.Problem{Text: fmt.Sprintf("Options.Allow.ContentTypes: %q is no type/subtype with at most one * in the subtype", t)})
		}
	}
	if len(wrong) > 0 {
		return o, fault.Problems(wrong)
	}
	return o, nil
}
