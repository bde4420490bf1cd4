package engine

import (
	"errors"
	"strconv"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/seclang"
)

// Verdict is what becomes of a request.
type Verdict struct {
	Action   Action
	Status   int    // of ActionDeny and ActionRedirect
	Rule     int    // the rule that decided; 0: Limit did
	Limit    Limit  // the limit that was passed, if that decided
	Location []byte // of ActionRedirect
}

// Refused reports whether the request does not go on.
func (v Verdict) Refused() bool { return v.Action != ActionPass }

// Action is what a verdict says to do.
type Action uint8

// The actions.
const (
	ActionPass Action = iota
	ActionDeny
	ActionDrop // close the connection without an answer
	ActionRedirect
)

// Limit is a bound on what a request may ask of the firewall.
type Limit uint8

// The limits.
const (
	LimitNone      Limit = iota
	LimitFields          // values in all collections
	LimitArguments       // pairs of a body, a query or a Cookie field, or the length of a name, or depth
	LimitBody            // a body that is malformed, or has two readings
	LimitWork            // work spent on its rules
	LimitTX              // TX variables that it made
	LimitRemovals        // exclusions that it added
	LimitBodyBytes       // of a body that would have to be held
	LimitType            // a body of a type that is not allowed
)

var limitNames = [...]string{"", "values", "arguments", "body", "work", "variables", "exclusions", "body_bytes", "content_type"}

// String is the limit as logs and metrics print it.
func (l Limit) String() string { return limitNames[l] }

var limitStatus = [...]int{0, 400, 400, 400, 403, 403, 403, 413, 415}

// refuse notes that a limit was passed, and refuses the request if the policy says so.
func (t *Transaction) refuse(l Limit) {
	if t.limit == LimitNone {
		t.limit = l
	}
	v := Verdict{Action: ActionDeny, Status: limitStatus[l], Limit: l}
	switch {
	case t.p.passLimits && l != LimitBody: // what cannot be read is no matter of how much there is
	case t.mode == ModeDetect:
		if !t.would.Refused() {
			t.would = v
		}
	case !t.verdict.Refused():
		t.verdict = v
	}
}

// refused is refuse for an error of package body.
func (t *Transaction) refused(err error) {
	if err == nil {
		return
	}
	var e *body.Error
	switch {
	case errors.As(err, &e) && e.Reason == body.Limit:
		t.refuse(LimitArguments)
	default:
		t.refuse(LimitBody)
	}
}

// spend counts work: bytes that something looked at, and a constant for starting. It is counted, not timed, so that a request
// has the same verdict on a busy machine.
func (t *Transaction) spend(n int) {
	t.work += int64(n) + workStart
	if t.work > t.p.workMax && !t.exhausted {
		t.exhausted = true
		t.refuse(LimitWork)
	}
}

// Work is what the transaction has spent so far, in bytes looked at.
func (t *Transaction) Work() int64 { return t.work }

// deny does what a disruptive action asks for, or notes it.
func (t *Transaction) deny(r *rule) {
	v := Verdict{Action: ActionDeny, Status: r.status, Rule: r.id}
	if v.Status == 0 {
		v.Status = 403
	}
	switch r.disruptive {
	case seclang.DisruptiveDrop:
		v.Action = ActionDrop
	case seclang.DisruptiveRedirect:
		v.Action = ActionRedirect
		if v.Status < 300 || v.Status > 399 {
			v.Status = 302
		}
		target := r.redirect
		v.Location = t.mem.Copy(t.expand(&target))
	}
	if t.mode == ModeBlock {
		t.verdict = v
	} else if !t.would.Refused() {
		t.would = v
	}
}

// Would is the verdict that ModeDetect kept from being one.
func (t *Transaction) Would() Verdict { return t.would }

// Limit is the first limit that the request passed, whether or not that refused it.
func (t *Transaction) Limit() Limit { return t.limit }

// TX is the value of a TX variable, by its name in lower case; nil if it is not set.
func (t *Transaction) TX(name string) []byte {
	if id, ok := t.p.names.ids[name]; ok {
		if v := t.txAt(id); v.kind != txUnset {
			return v.bytes(t)
		}
	}
	return nil
}

// Score is the anomaly score that the request has, or had when it was refused, as far as the policy's paranoia counts.
func (t *Transaction) Score() int {
	return atoi(t.TX("blocking_inbound_anomaly_score"))
}

// result is one value that one link matched.
type result struct {
	rule *rule
	got  got
	msg  []byte // of a starter that logs, the first of its results
	data []byte
}

// Match is that a rule matched one value.
type Match struct {
	Rule     int // the rule's id, or its chain's first's
	Link     int // 0 the rule itself, 1 the first chained to it, and so on
	Var      seclang.Variable
	Key      []byte        // of a collection, as sent
	Value    []byte        // as the operator saw it, transformed
	Logged   bool          // the rule asks for it
	Msg      []byte        // of the first match of a rule that logs, its message; macros expanded
	Data     []byte        // and its logdata
	Source   *seclang.Rule // the link
	Severity int
}

// Name is the variable as SecLang writes it: ARGS_GET:q.
func (m Match) Name() string {
	if len(m.Key) == 0 {
		return m.Var.String()
	}
	return m.Var.String() + ":" + string(m.Key)
}

// Matches calls f with each match, in the order in which they came, until it returns false. The views hold until End.
func (t *Transaction) Matches(f func(Match) bool) {
	for i := range t.results {
		s := &t.results[i]
		link := 0
		for r := s.rule.head; r != s.rule; r = r.next {
			link++
		}
		m := Match{
			Rule: s.rule.id, Link: link, Var: s.got.v, Key: s.got.key, Value: s.got.val, Logged: s.rule.head.logged, Msg: s.msg, Data: s.data,
			Source: s.rule.src, Severity: s.rule.head.severity,
		}
		if !f(m) {
			return
		}
	}
}

func (t *Transaction) result(r *rule, g *got) {
	if len(t.results) < matchesMax {
		t.results = append(t.results, result{rule: r, got: *g})
	}
}

// describe keeps the message of a rule that logs.
func (t *Transaction) describe(r *rule, from int) {
	if !t.p.describe || from >= len(t.results) {
		return
	}
	t.results[from].msg = t.mem.Copy(t.expand(&r.msg))
	t.results[from].data = t.mem.Copy(t.expand(&r.data))
}

// ruleText is a RULE variable, of the rule that is evaluated.
func (t *Transaction) ruleText(key []byte) []byte {
	if t.current == nil {
		return nil
	}
	head := t.current.head
	switch string(key) {
	case "id":
		return t.mem.Copy(strconv.AppendInt(nil, int64(head.id), 10))
	case "msg":
		return head.msgText
	case "severity":
		return t.number(head.severity)
	case "rev":
		return []byte(head.src.Rev)
	}
	return nil
}
