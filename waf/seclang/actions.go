package seclang

import (
	"strconv"
	"strings"

	"skerry.dev/skerry/waf/transform"
)

// action is one member of a rule's list of actions.
type action struct {
	name, value span
	has         bool // a colon
}

// builder is a rule in the making, or what SecDefaultAction and SecRuleUpdateActionById say.
type builder struct {
	in         place
	rule       *Rule
	transforms []transform.ID
	seen       map[string]Pos // groups of actions that may come once
	chain      bool
	block      bool // "block", which SecDefaultAction resolves
	starter    int  // id of the chain's first rule, in a link
	jump       span // of skipAfter
}

// place is where an action may stand.
type place uint8

const (
	inRule place = 1 << iota // SecAction, and a SecRule that begins a chain or has none
	inLink                   // a chained rule
	inDefault
	inUpdate
)

// takes is what an action has behind a colon.
type takes uint8

const (
	takesNothing takes = iota
	takesValue
	takesPerhaps
)

// actionRow says how to read an action.
type actionRow struct {
	takes takes
	in    place
	once  string // group of which a rule has one at most
	apply func(p *parser, b *builder, a action)
}

const (
	inAll  = inRule | inLink | inDefault | inUpdate
	inBoth = inRule | inLink
	inHead = inRule | inDefault | inUpdate
	verb   = "disruptive action"
)

var actionRows = map[string]actionRow{
	"accuracy":   {takesValue, inBoth, "accuracy", applyRank},
	"allow":      {takesPerhaps, inHead, verb, applyAllow},
	"auditlog":   {takesNothing, inAll, "", func(_ *parser, b *builder, _ action) { b.logs("audit", true) }},
	"block":      {takesNothing, inRule | inUpdate, verb, applyBlock},
	"capture":    {takesNothing, inBoth, "", func(_ *parser, b *builder, _ action) { b.rule.Capture = true }},
	"chain":      {takesNothing, inBoth, "", func(_ *parser, b *builder, _ action) { b.chain = true }},
	"ctl":        {takesValue, inBoth | inUpdate, "", applyCtl},
	"deny":       {takesNothing, inHead, verb, func(_ *parser, b *builder, _ action) { b.rule.Disruptive = DisruptiveDeny }},
	"drop":       {takesNothing, inHead, verb, func(_ *parser, b *builder, _ action) { b.rule.Disruptive = DisruptiveDrop }},
	"id":         {takesValue, inRule, "id", applyID},
	"initcol":    {takesValue, inBoth, "", applyInitcol},
	"log":        {takesNothing, inAll, "", func(_ *parser, b *builder, _ action) { b.logs("log", true) }},
	"logdata":    {takesValue, inBoth | inUpdate, "logdata", func(p *parser, b *builder, a action) { b.rule.LogData = p.macros(a.value) }},
	"maturity":   {takesValue, inBoth, "maturity", applyRank},
	"msg":        {takesValue, inBoth | inUpdate, "msg", func(p *parser, b *builder, a action) { b.rule.Msg = p.macros(a.value) }},
	"multimatch": {takesNothing, inBoth, "", func(_ *parser, b *builder, _ action) { b.rule.MultiMatch = true }},
	"noauditlog": {takesNothing, inAll, "", func(_ *parser, b *builder, _ action) { b.logs("audit", false) }},
	"nolog":      {takesNothing, inAll, "", func(_ *parser, b *builder, _ action) { b.logs("log", false) }},
	"pass":       {takesNothing, inHead, verb, func(_ *parser, b *builder, _ action) { b.rule.Disruptive = DisruptivePass }},
	"phase":      {takesValue, inRule | inDefault, "phase", func(*parser, *builder, action) {}}, // read before the others
	"redirect":   {takesValue, inRule | inDefault, verb, applyRedirect},
	"rev":        {takesValue, inBoth, "rev", func(_ *parser, b *builder, a action) { b.rule.Rev = a.value.s }},
	"setvar":     {takesValue, inBoth | inUpdate, "", applySetvar},
	"severity":   {takesValue, inBoth | inUpdate, "severity", applySeverity},
	"skip":       {takesValue, inRule, "skip", applySkip},
	"skipafter":  {takesValue, inRule | inUpdate, "skipAfter", applySkipAfter},
	"status":     {takesValue, inHead, "status", applyStatus},
	"t":          {takesValue, inAll, "", applyTransform},
	"tag":        {takesValue, inBoth | inUpdate, "", func(_ *parser, b *builder, a action) { b.rule.Tags = append(b.rule.Tags, a.value.s) }},
	"ver":        {takesValue, inBoth, "ver", func(_ *parser, b *builder, a action) { b.rule.Ver = a.value.s }},
}

// actionNames are the actions as SecLang spells them.
var actionNames = []string{
	"accuracy", "allow", "auditlog", "block", "capture", "chain", "ctl", "deny", "drop", "id", "initcol", "log", "logdata", "maturity",
	"msg", "multiMatch", "noauditlog", "nolog", "pass", "phase", "redirect", "rev", "setvar", "severity", "skip", "skipAfter",
	"status", "t", "tag", "ver",
}

// actionsRefused are actions that ModSecurity or Coraza know and Skerry does not offer, with the reason.
var actionsRefused = map[string]string{
	"append":                 "the firewall does not write into bodies",
	"deprecatevar":           outlives,
	"exec":                   "it runs a program for each request",
	"expirevar":              outlives,
	"pause":                  "it would hold a request's memory for the attacker's time; use a limit",
	"prepend":                "the firewall does not write into bodies",
	"proxy":                  "where a request goes is the route's",
	"sanitisearg":            masked,
	"sanitisematched":        masked,
	"sanitisematchedbytes":   masked,
	"sanitiserequestheader":  masked,
	"sanitiseresponseheader": masked,
	"sanitizearg":            masked,
	"sanitizematched":        masked,
	"sanitizematchedbytes":   masked,
	"sanitizerequestheader":  masked,
	"sanitizeresponseheader": masked,
	"setenv":                 "there is no environment that a later stage would read",
	"setrsc":                 outlives,
	"setsid":                 outlives,
	"setuid":                 outlives,
	"xmlns":                  "XML is looked at as XML:/* and XML://@*, which need no names",
}

const masked = "the log masks matched values by itself"

// splitActions cuts a list of actions at commas that stand in no quotes. A backslash takes the meaning from the byte behind it.
func (p *parser) splitActions(t span) []action {
	var out []action
	start, colon, opened := 0, -1, -1
	for i := 0; i <= len(t.s); i++ {
		switch {
		case i == len(t.s) && opened >= 0:
			p.wrong(t.at(opened), "the quote that begins here is not closed", "")
			return out
		case i == len(t.s), t.s[i] == ',' && opened < 0:
			if a, ok := p.action(t, start, colon, i); ok {
				out = append(out, a)
			}
			start, colon = i+1, -1
		case t.s[i] == '\\':
			i = min(i+1, len(t.s)-1)
		case t.s[i] == '\'' && opened < 0:
			opened = i
		case t.s[i] == '\'':
			opened = -1
		case t.s[i] == ':' && opened < 0 && colon < 0:
			colon = i
		}
	}
	return out
}

// action is t[start:end] with a colon at colon, or none at -1.
func (p *parser) action(t span, start, colon, end int) (action, bool) {
	if colon < 0 {
		a := action{name: t.sub(start, end).trim(), value: t.sub(end, end)}
		if a.name.s == "" {
			p.wrong(t.at(start), "an action is missing: a comma too many", "")
		}
		return a, a.name.s != ""
	}
	a := action{name: t.sub(start, colon).trim(), value: t.sub(colon+1, end).trim(), has: true}
	if !strings.HasPrefix(a.value.s, "'") {
		return a, true
	}
	n := closing(a.value.s, '\'')
	if n != len(a.value.s)-1 {
		p.wrong(a.value.at(max(n+1, 0)), "text behind a closing quote", `a quote within quotes is written \'`)
		return a, false
	}
	a.value = a.value.sub(1, n).unescape('\'')
	return a, true
}

// apply reads a list of actions into b.
func (p *parser) apply(b *builder, list []action) {
	for _, a := range list {
		if p.full() {
			return
		}
		name := strings.ToLower(a.name.s)
		row, ok := actionRows[name]
		why, refused := actionsRefused[name]
		switch {
		case refused:
			p.wrong(a.name.pos(), "the action "+a.name.s+" is not offered: "+why, "")
		case !ok:
			p.wrong(a.name.pos(), "unknown action "+quote(a.name.s), meant(a.name.s, actionNames))
		case row.in&b.in == 0:
			p.misplaced(b, a, row)
		case row.takes == takesNothing && a.has:
			p.wrong(a.value.pos(), "the action "+a.name.s+" has no value", "")
		case row.takes == takesValue && a.value.s == "":
			p.wrong(a.name.pos(), "the action "+a.name.s+" has no value", "write "+a.name.s+":VALUE")
		default:
			if p.again(b, a, row) {
				continue
			}
			b.seen[name] = a.name.pos()
			row.apply(p, b, a)
		}
	}
}

// again reports a second action of a group of which there is one at most.
func (p *parser) again(b *builder, a action, row actionRow) bool {
	if row.once == "" {
		return false
	}
	first, ok := b.seen["once "+row.once]
	if ok {
		p.wrong(a.name.pos(), "a second "+row.once+" in one list of actions; the first is at "+first.String(), "keep one")
		return true
	}
	b.seen["once "+row.once] = a.name.pos()
	return false
}

// misplaced reports an action that does not belong where it stands.
func (p *parser) misplaced(b *builder, a action, row actionRow) {
	switch {
	case b.in == inLink && row.in&inRule != 0:
		p.wrong(a.name.pos(), "the action "+a.name.s+" belongs to the first rule of the chain (id "+strconv.Itoa(b.starter)+")", "")
	case b.in == inDefault:
		p.wrong(a.name.pos(), "SecDefaultAction cannot have the action "+a.name.s, "it has a phase, a disruptive action, status, logging and transformations")
	default:
		p.wrong(a.name.pos(), "SecRuleUpdateActionById cannot change "+a.name.s, "remove the rule and write your own")
	}
}

// logs sets what is logged: log brings auditlog with it, and nolog takes it away.
func (b *builder) logs(which string, on bool) {
	b.rule.Audit = on
	if which == "log" {
		b.rule.Log = on
		b.seen["set log"] = Pos{}
	}
	b.seen["set audit"] = Pos{}
}

func applyBlock(_ *parser, b *builder, _ action) { b.rule.Disruptive, b.block = DisruptiveBlock, true }

func applyAllow(p *parser, b *builder, a action) {
	switch strings.ToLower(a.value.s) {
	case "":
		b.rule.Disruptive = DisruptiveAllow
	case "phase":
		b.rule.Disruptive = DisruptiveAllowPhase
	case "request":
		b.rule.Disruptive = DisruptiveAllowRequest
	default:
		p.wrong(a.value.pos(), "allow is for "+quote(a.value.s)+", which is neither phase nor request", "")
	}
}

func applyRedirect(p *parser, b *builder, a action) {
	b.rule.Disruptive, b.rule.Redirect = DisruptiveRedirect, p.macros(a.value)
}

func applyID(p *parser, b *builder, a action) {
	id, ok := number(a.value.s)
	if !ok {
		p.wrong(a.value.pos(), "an id is a whole number from 1, not "+quote(a.value.s), "ids from 1 to 99999 are yours")
		return
	}
	if at, taken := p.places[id]; taken {
		p.wrong(a.value.pos(), "the id "+a.value.s+" is taken by the rule at "+at.String(), "give this one its own")
		return
	}
	p.places[id] = a.value.pos()
	b.rule.ID = id
}

func applySkip(p *parser, b *builder, a action) {
	n, ok := number(a.value.s)
	if !ok {
		p.wrong(a.value.pos(), "skip is followed by how many rules to skip, from 1, not "+quote(a.value.s), "")
	}
	b.rule.Skip = n
}

func applySkipAfter(_ *parser, b *builder, a action) { b.rule.SkipAfter, b.jump = a.value.s, a.value }

func applyStatus(p *parser, b *builder, a action) {
	n, ok := number(a.value.s)
	if !ok || n < 200 || n > 599 {
		p.wrong(a.value.pos(), "a status is a number from 200 to 599, not "+quote(a.value.s), "")
	}
	b.rule.Status = n
}

// severities are SecLang's names, by number.
var severities = []string{"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"}

func applySeverity(p *parser, b *builder, a action) {
	for n, name := range severities {
		if strings.EqualFold(name, a.value.s) || a.value.s == strconv.Itoa(n) {
			b.rule.Severity = n
			return
		}
	}
	p.wrong(a.value.pos(), "a severity is 0 to 7 or a name, not "+quote(a.value.s), meant(a.value.s, severities))
}

// applyRank checks maturity and accuracy, which tell people something about a rule and the engine nothing.
func applyRank(p *parser, _ *builder, a action) {
	if n, ok := number(a.value.s); !ok || n > 9 {
		p.wrong(a.value.pos(), a.name.s+" is a number from 1 to 9, not "+quote(a.value.s), "")
	}
}

// applyInitcol reads what CRS has behind tx.enable_default_collections. It has no effect, and none could be seen: whatever would
// look at such a collection is refused.
func applyInitcol(p *parser, _ *builder, a action) {
	name, key, ok := a.value.cut("=")
	if !ok || name.s == "" || key.s == "" {
		p.wrong(a.value.pos(), "initcol is written initcol:ip=%{REMOTE_ADDR}, not "+quote(a.value.s), "")
		return
	}
	switch strings.ToLower(name.s) {
	case "global", "ip", "resource", "session", "user":
		p.macros(key)
	default:
		p.wrong(name.pos(), "unknown collection "+quote(name.s), meant(name.s, []string{"global", "ip", "resource", "session", "user"}))
	}
}
