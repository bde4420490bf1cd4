package spec

import (
	"strconv"
	"strings"
	"time"
)

// This file is the model of the firewall: what the policy `waf` becomes. Unlike other policies it is merged field by field: an
// entrypoint that raises the paranoia keeps the lists of its profile. A list is one value: a nearer one replaces a farther one whole.

// WAF is what the OWASP Core Rule Set and rules of one's own do to requests. A nil WAF is off.
type WAF struct {
	Mode      WAFMode   `yaml:"mode"`      // default block
	Engine    WAFEngine `yaml:"engine"`    // default compiled
	Paranoia  int       `yaml:"paranoia"`  // 1 to 4, default 1
	Threshold int       `yaml:"threshold"` // anomaly score of a request from which on it is refused, default 5: one critical match

	Responses         Switch `yaml:"responses"`         // whether responses are held and judged; default off
	ResponseThreshold int    `yaml:"responseThreshold"` // anomaly score of a response from which on it is refused, default 4

	Allow   WAFAllow     `yaml:"allow"`
	Exclude []WAFExclude `yaml:"exclude"` // in document order
	Rules   []WAFRules   `yaml:"rules"`   // loaded before the Core Rule Set, in document order; not on a route

	BodyBytesMax Size          `yaml:"bodyBytesMax"` // the largest body that is held and inspected, default 128 KB
	ArgumentsMax int           `yaml:"argumentsMax"` // values of query and body together, default 1,000
	CPUMax       time.Duration `yaml:"cpuMax"`       // processor time for one request, default 100 ms
	OnLimit      WAFOnLimit    `yaml:"onLimit"`      // default refuse
	LogValues    Switch        `yaml:"logValues"`    // whether the log event has the messages of rules, with the values that matched; default off
	Shadow       float64       `yaml:"shadow"`       // share of requests that the reference engine judges too, off the path, 0 to 1; default 0.0001
}

// WAFMode is what a verdict of the firewall does.
type WAFMode string

// The modes.
const (
	WAFBlock  WAFMode = "block"  // a request at or above the threshold gets 403
	WAFDetect WAFMode = "detect" // it is logged and passes
	WAFOff    WAFMode = "off"    // no rule is run; nothing else of the WAF is in force
)

// WAFEngine is what runs the rules.
type WAFEngine string

// The engines. Both give the same verdicts.
const (
	WAFCompiled  WAFEngine = "compiled"
	WAFReference WAFEngine = "reference" // one rule after another, at many times the cost: for debugging
)

// WAFOnLimit is what a request gets that is beyond BodyBytesMax, ArgumentsMax or CPUMax.
type WAFOnLimit string

// The values of WAFOnLimit.
const (
	WAFRefuse WAFOnLimit = "refuse" // the limit's own status: 413 for a body, 400 for arguments, 403 for processor time
	WAFPass   WAFOnLimit = "pass"   // it passes, judged by what was inspected, and is logged as inspected in part
)

// WAFAllow is the policy lists of the Core Rule Set: what passes that the rules would refuse otherwise. Lists are sorted,
// each item stands once.
type WAFAllow struct {
	Methods      []string `yaml:"methods"`      // upper case; Policy.Methods where that names any
	ContentTypes []string `yaml:"contentTypes"` // of request bodies, lower case, no parameters; one * in the subtype: application/*+json
	Charsets     []string `yaml:"charsets"`     // of Content-Type, lower case
	Headers      []string `yaml:"headers"`      // names that pass though the Core Rule Set restricts them, lower case
	Extensions   []string `yaml:"extensions"`   // of paths that pass though the Core Rule Set restricts them: ".sql", lower case
}

// WAFExclude takes rules out of force, or some targets out of rules.
type WAFExclude struct {
	At      Pos
	Rule    string   `yaml:"rule"`    // "942100", "942100-942199" or "tag:attack-sqli"; see IDs and Tag
	Target  string   `yaml:"target"`  // "ARGS", "ARGS:q" or "ARGS:/^q_/", the name in upper case; empty: the whole rule; see Selector
	Path    string   `yaml:"path"`    // "/search", or "/search/*" for everything below /search/; empty: every path
	Methods []string `yaml:"methods"` // sorted; empty: every method
	Reason  string   `yaml:"reason"`  // for people
}

// IDs returns the ids of the rules, both included; 0, 0 if they are named by a tag.
func (e WAFExclude) IDs() (first, last int) {
	from, to, isRange := strings.Cut(e.Rule, "-")
	first, err := strconv.Atoi(from)
	if err != nil {
		return 0, 0
	}
	if !isRange {
		return first, first
	}
	last, err = strconv.Atoi(to)
	if err != nil {
		return 0, 0
	}
	return first, last
}

// Tag returns the tag that the rules have; empty if they are named by id.
func (e WAFExclude) Tag() string {
	tag, is := strings.CutPrefix(e.Rule, "tag:")
	if !is {
		return ""
	}
	return tag
}

// Selector returns the parts of Target: the variable or collection, and the key of it, or the regular expression (RE2) that keys
// must match. Both empty: all of it.
func (e WAFExclude) Selector() (variable, key, pattern string) {
	variable, key, _ = strings.Cut(e.Target, ":")
	if len(key) > 1 && key[0] == '/' && key[len(key)-1] == '/' {
		return variable, "", key[1 : len(key)-1]
	}
	return variable, key, ""
}

// WAFRules is one file of rules of one's own, or of phrases that such rules name.
type WAFRules struct {
	File string // as the spec names it, with slashes; it ends in .conf (SecLang), or in .data (what @pmFromFile and @ipMatchFromFile read)
	Text string // what is in it
	Path string // the file as problems print it; File, if the text stands in the spec itself
}
