package waftest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
)

// TestSetup is what the Core Rule Set's own tests suppose about its configuration: every level of paranoia, and limits on
// arguments and files, of which the set has none by itself. It goes before the rules ([Options.Before]).
const TestSetup = `SecAction "id:900005,phase:1,nolog,pass,t:none,ctl:ruleEngine=DetectionOnly,\
	setvar:tx.blocking_paranoia_level=4,setvar:tx.detection_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\
	setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,\
	setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
`

// MarkerRule logs the field X-CRS-Test, by which go-ftw finds the beginning and the end of a test in a log, and keeps the
// request that carries it from every other rule. It goes before the rules.
const MarkerRule = `SecRule REQUEST_HEADERS:X-CRS-Test "@rx ^.*$" \
	"id:999999,phase:1,pass,log,t:none,msg:'X-CRS-Test %{MATCHED_VAR}',ctl:ruleRemoveById=1-999999"
`

// DefaultSetup is the example setup of the Core Rule Set, as its tests use it: alerts only, in every phase.
const DefaultSetup = `Include @crs-setup.conf.example
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
`

// WebPolicy is lists like those of a web profile: methods and content types that the Core Rule Set refuses by itself, though
// they are no attack. It goes before the rules.
const WebPolicy = `SecAction "id:900200,phase:1,pass,nolog,t:none,\
	setvar:'tx.allowed_methods=GET HEAD POST PUT PATCH DELETE OPTIONS QUERY',\
	setvar:'tx.allowed_request_content_type=|application/x-www-form-urlencoded| |multipart/form-data| |text/xml| |application/xml| |application/soap+xml| |application/json| |text/plain| |application/octet-stream| |application/csp-report| |application/reports+json| |application/x-ndjson| |application/merge-patch+json| |application/json-patch+json| |application/strategic-merge-patch+json| |application/scim+json| |application/activity+json| |application/graphql| |application/grpc| |application/grpc-web+proto| |application/grpc-web-text| |application/protobuf| |application/x-protobuf| |application/msgpack| |application/offset+octet-stream| |application/x-git-upload-pack-request|'"
`

// Options say how the oracle is set up. The zero value is the Core Rule Set as it comes, blocking, at paranoia 1.
type Options struct {
	Paranoia int    // 1 to 4, for blocking and detection; 0: what the rules say
	Detect   bool   // DetectionOnly: nothing interrupts, so that every rule is judged
	Before   string // directives between the setup and the rules
	After    string // directives after the rules
	Matched  func(types.MatchedRule)
}

// Directives returns what the options say as SecLang, the rules of the module included, for Coraza's root file system.
func (o Options) Directives() string {
	var b strings.Builder
	b.WriteString("Include @coraza.conf-recommended\nSecAuditEngine Off\n" + DefaultSetup)
	if o.Detect {
		b.WriteString("SecRuleEngine DetectionOnly\n")
	} else {
		b.WriteString("SecRuleEngine On\n")
	}
	if o.Paranoia != 0 {
		fmt.Fprintf(&b, "SecAction \"id:900000,phase:1,pass,nolog,t:none,setvar:tx.blocking_paranoia_level=%d,setvar:tx.detection_paranoia_level=%[1]d\"\n", o.Paranoia)
	}
	b.WriteString(o.Before + "\nInclude @owasp_crs/*.conf\n" + o.After + "\n")
	return b.String()
}

// NewWAF builds Coraza from the options.
func (o Options) NewWAF(t testing.TB) coraza.WAF {
	t.Helper()
	config := coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(o.Directives())
	if o.Matched != nil {
		config = config.WithErrorCallback(o.Matched)
	}
	waf, err := coraza.NewWAF(config)
	if err != nil {
		t.Fatal(err)
	}
	return waf
}

// Coraza is the oracle. It may be asked from several goroutines and answers one at a time: transactions share nothing, but
// what it says is easier to believe if nothing else ran.
type Coraza struct {
	mu  sync.Mutex
	waf coraza.WAF
}

// NewCoraza builds the oracle. It fails the test if Coraza does not take the rules.
func NewCoraza(t testing.TB, o Options) *Coraza {
	t.Helper()
	return &Coraza{waf: o.NewWAF(t)}
}

// NewCorazaOf builds an oracle of these directives alone, its engine on. Bodies of forms, multipart and JSON are looked at.
func NewCorazaOf(t testing.TB, directives string) *Coraza {
	t.Helper()
	const bodies = `SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,pass,nolog,msg:'JSON',ctl:requestBodyProcessor=JSON"
`
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(bodies + directives))
	if err != nil {
		t.Fatal(err)
	}
	return &Coraza{waf: waf}
}

// A Match is that a rule matched on a variable.
type Match struct {
	Rule int    // the id of the rule, or of its chain's first
	Link int    // 0 the rule itself, 1 the first chained to it, and so on
	Var  string // "ARGS:foo", ASCII of the key in lower case; "" of an action without a target
}

// String is the match as "942100/0 ARGS:foo".
func (m Match) String() string { return fmt.Sprintf("%d/%d %s", m.Rule, m.Link, m.Var) }

// A Judgement is what an engine makes of a request.
type Judgement struct {
	Matches     []Match // each once, ordered by rule, link and variable; those of rules that do not log too
	Found       []Found // the same in the order in which they came, with their values
	Logged      []int   // the rules among them that log, in order
	Interrupted bool
	Action      string // of the interruption: deny, drop, redirect
	Location    string // of a redirect
	Status      int    // of the interruption
	By          int    // the rule that interrupted
	Limit       string // that the request passed; never Coraza's
	Score       int    // TX:blocking_inbound_anomaly_score at the end
}

// Found is a match with what the operator saw.
type Found struct {
	Match
	Value string
}

// Rules returns the ids of the rules that matched, each once, in order.
func (j Judgement) Rules() (ids []int) {
	for _, m := range j.Matches {
		if len(ids) == 0 || ids[len(ids)-1] != m.Rule {
			ids = append(ids, m.Rule)
		}
	}
	return ids
}

// A Response is what a request got, for the rules of phases 3 and 4.
type Response struct {
	Status  int
	Headers [][2]string
	Body    []byte
}

// Judge runs the rules of phases 1, 2 and 5 on the request.
func (c *Coraza) Judge(r Request) Judgement { return c.judge(r, nil) }

// JudgeBoth runs the rules of every phase on the request and its response.
func (c *Coraza) JudgeBoth(r Request, resp Response) Judgement { return c.judge(r, &resp) }

func (c *Coraza) judge(r Request, resp *Response) Judgement {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx := c.waf.NewTransaction()
	defer tx.Close()
	stopped := request(tx, r)
	if !stopped && resp != nil {
		response(tx, *resp)
	}
	tx.ProcessLogging()
	return judgement(tx)
}

// request gives a transaction the request, and reports whether a rule ended it.
func request(tx types.Transaction, r Request) (stopped bool) {
	tx.ProcessConnection("192.0.2.1", 40000, "192.0.2.2", 80)
	tx.ProcessURI(r.URI, r.Method, r.Proto)
	for _, h := range r.Headers {
		tx.AddRequestHeader(h[0], h[1])
	}
	if host := r.Header("Host"); host != "" {
		tx.SetServerName(host)
	}
	if tx.ProcessRequestHeaders() != nil {
		return true
	}
	if len(r.Body) > 0 {
		if it, _, err := tx.WriteRequestBody(r.Body); err != nil || it != nil {
			return true
		}
	}
	it, err := tx.ProcessRequestBody()
	return it != nil || err != nil
}

// response gives it the response.
func response(tx types.Transaction, r Response) {
	for _, h := range r.Headers {
		tx.AddResponseHeader(h[0], h[1])
	}
	if tx.ProcessResponseHeaders(r.Status, "HTTP/1.1") != nil || !tx.IsResponseBodyProcessable() {
		return
	}
	if it, _, err := tx.WriteResponseBody(r.Body); err != nil || it != nil {
		return
	}
	tx.ProcessResponseBody()
}

// judgement reads what a transaction has come to.
func judgement(tx types.Transaction) (j Judgement) {
	matches, logged := map[Match]bool{}, map[int]bool{}
	for _, m := range tx.MatchedRules() {
		if m.(interface{ Log() bool }).Log() { // every MatchedRule of version 3 has it
			logged[m.Rule().ID()] = true
		}
		for _, d := range m.MatchedDatas() {
			found := Match{Rule: m.Rule().ID(), Link: d.ChainLevel(), Var: name(d)}
			matches[found] = true
			j.Found = append(j.Found, Found{Match: found, Value: d.Value()})
		}
	}
	j.Matches = slices.SortedFunc(maps.Keys(matches), func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Var, b.Var))
	})
	j.Logged = slices.Sorted(maps.Keys(logged))
	if it := tx.Interruption(); it != nil {
		j.Interrupted, j.Status, j.By, j.Action, j.Location = true, it.Status, it.RuleID, it.Action, it.Data
	}
	if state, ok := tx.(plugintypes.TransactionState); ok {
		if score := state.Variables().TX().Get("blocking_inbound_anomaly_score"); len(score) > 0 {
			j.Score, _ = strconv.Atoi(score[0])
		}
	}
	return j
}

// name is the variable of a match.
func name(d types.MatchData) string {
	v := d.Variable().Name()
	switch {
	case v == "UNKNOWN":
		return ""
	case d.Key() != "":
		return v + ":" + lower(d.Key())
	}
	return v
}

// lower lowers ASCII and leaves other bytes alone, as keys have any.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
