package seclang

import "skerry.dev/skerry/waf/transform"

// A Set is what files of rules say, in their order.
type Set struct {
	Items     []Item    // rules and markers, in order
	Edits     []Edit    // SecRuleRemoveBy… and SecRuleUpdate…, in order; they change rules that stand before or after them
	Settings  []Setting // directives about the engine itself (SecRuleEngine, SecRequestBodyLimit …), which the spec governs
	Signature string    // SecComponentSignature, "OWASP_CRS/4.25.0"; the last one
}

// Item is a rule, or a marker that skipAfter names; exactly one of the two is set.
type Item struct {
	Rule   *Rule
	Marker string
}

// Pos is a place in a file of rules.
type Pos struct {
	File      string
	Line, Col int // from 1
}

// Setting is a directive about the engine. The parser checks that it knows its name and leaves the value alone.
type Setting struct {
	Pos  Pos
	Name string // as SecLang spells it, "SecRuleEngine"
	Args []string
}

// Rule is a SecRule or SecAction with what it inherits from SecDefaultAction.
type Rule struct {
	Pos        Pos
	ID         int      // 0 in a chained rule that names none
	Phase      int      // 1 request head, 2 request body, 3 response head, 4 response body, 5 log; a chained rule has its starter's
	Targets    []Target // none: SecAction, which always matches
	Operator   Operator
	Transforms []transform.ID // after t:none and inheritance
	Actions    []Action       // non-disruptive ones that do something, in order: setvar, ctl, initcol …
	Chain      *Rule          // the next link; nil at the end

	Disruptive Disruptive
	Status     int    // of deny and redirect; 0: the engine's default
	Redirect   Text   // of DisruptiveRedirect
	SkipAfter  string // marker or, as "id:N", nothing else; empty: none
	Skip       int    // rules to skip on a match
	Capture    bool   // fills TX:0 to TX:9
	MultiMatch bool   // the operator runs after each transformation that changes the value
	Log, Audit bool   // log without nolog, auditlog without noauditlog; log brings auditlog

	Msg, LogData Text
	Tags         []string
	Ver, Rev     string
	Severity     int // 0 EMERGENCY to 7 DEBUG; -1: none
}

// Disruptive is what a match does to the request.
type Disruptive uint8

// The disruptive actions. Block has been resolved by SecDefaultAction when a Set is complete; without one it is pass.
const (
	DisruptivePass Disruptive = iota
	DisruptiveBlock
	DisruptiveDeny
	DisruptiveDrop
	DisruptiveRedirect
	DisruptiveAllow        // no more rules but of phase 5
	DisruptiveAllowPhase   // no more rules of this phase
	DisruptiveAllowRequest // no more rules of phases 1 and 2
)

// Target is one variable that a rule looks at, or does not.
type Target struct {
	Var    Variable
	Key    string // of a collection, lower case; empty: all of it
	Regexp string // of a collection, the keys that it matches (case-insensitive); instead of Key
	Count  bool   // &VAR: how many there are
	Not    bool   // !VAR: left out of what the others cover
}

// Operator is what a value is held against.
type Operator struct {
	Op      Op
	Not     bool     // !@op
	Arg     Text     // as written, macros split
	Phrases []string // of pm, pmFromFile: the phrases, comments and empty lines removed, as written; of ipMatch, ipMatchFromFile: prefixes
}

// Text is a string with macros.
type Text []Part

// Part is a literal, or a macro %{VAR.key}.
type Part struct {
	Literal string
	Var     Variable // VarNone: Literal
	Key     string   // lower case
}

// Fixed returns the text if no macro is in it.
func (t Text) Fixed() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].Var == VarNone:
		return t[0].Literal, true
	}
	return "", false
}

// Action is something that a match does beside being one. Exactly one field is set.
type Action struct {
	Set *SetVar
	Ctl *Ctl
}

// SetOp is what setvar does.
type SetOp uint8

// The forms of setvar.
const (
	SetTo     SetOp = iota // setvar:tx.a=b; without a value it is 1
	SetAdd                 // setvar:tx.a=+b
	SetSub                 // setvar:tx.a=-b
	SetRemove              // setvar:!tx.a
)

// SetVar is setvar on the TX collection, the only one that lasts as long as a request.
type SetVar struct {
	Op    SetOp
	Name  Text // of the variable within TX
	Value Text
}

// CtlKind is what a ctl action changes, for this request only.
type CtlKind uint8

// The kinds of ctl. Those about the audit log are read and have no effect: the log event is the spec's.
const (
	CtlRuleEngine               CtlKind = iota // Value: on, off, detectiononly
	CtlRuleRemoveByID                          // Ranges
	CtlRuleRemoveByTag                         // Value
	CtlRuleRemoveByMsg                         // Value
	CtlRuleRemoveTargetByID                    // Ranges, Target
	CtlRuleRemoveTargetByTag                   // Value, Target
	CtlRuleRemoveTargetByMsg                   // Value, Target
	CtlRequestBodyProcessor                    // Value: urlencoded, multipart, json, xml
	CtlForceRequestBodyVariable                // Value: on, off
	CtlRequestBodyAccess                       // Value: on, off
	CtlResponseBodyAccess                      // Value: on, off
	CtlAudit                                   // auditEngine, auditLogParts, debugLogLevel
)

// Ctl is a ctl action.
type Ctl struct {
	Kind   CtlKind
	Ranges []Range
	Value  string // lower case for engine and body settings; tags and messages as written
	Target Target // Not is false
}

// Range is rule ids from First to Last, both included.
type Range struct{ First, Last int }

// EditKind is what an Edit changes when rules are loaded.
type EditKind uint8

// The kinds of Edit.
const (
	EditRemoveByID        EditKind = iota // SecRuleRemoveById
	EditRemoveByTag                       // SecRuleRemoveByTag: Pattern
	EditRemoveByMsg                       // SecRuleRemoveByMsg: Pattern
	EditUpdateTargetByID                  // SecRuleUpdateTargetById: Targets
	EditUpdateTargetByTag                 // SecRuleUpdateTargetByTag
	EditUpdateTargetByMsg                 // SecRuleUpdateTargetByMsg
	EditUpdateActionByID                  // SecRuleUpdateActionById: Update
)

// Edit changes rules when they are loaded.
type Edit struct {
	Pos     Pos
	Kind    EditKind
	Ranges  []Range
	Pattern string   // regular expression that a tag or message contains
	Targets []Target // Not: taken away; else added
	Update  *Update
}

// Update is what SecRuleUpdateActionById replaces: only what it names.
type Update struct {
	Disruptive *Disruptive
	Status     int // 0: as it was
	Log, Audit *bool
	Transforms *[]transform.ID
	Actions    []Action // added
	Msg        Text     // nil: as it was
	LogData    Text
	Tags       []string // added
	Severity   int      // -1: as it was
	SkipAfter  string
}
