package seclang

import (
	"regexp/syntax"
	"strings"
)

// ctlForm is what stands behind the "=" of a ctl.
type ctlForm uint8

const (
	ctlWord         ctlForm = iota // one of some words
	ctlFree                        // anything
	ctlName                        // a tag or message
	ctlRanges                      // ids
	ctlRangesTarget                // ids;TARGET
	ctlNameTarget                  // tag;TARGET
)

// ctlRow says how to read a kind of ctl.
type ctlRow struct {
	name  string // as SecLang spells it
	kind  CtlKind
	form  ctlForm
	words []string // of ctlWord
}

var ctlRows = []ctlRow{
	{"auditEngine", CtlAudit, ctlWord, []string{"on", "off", "relevantonly"}},
	{"auditLogParts", CtlAudit, ctlFree, nil},
	{"debugLogLevel", CtlAudit, ctlFree, nil},
	{"forceRequestBodyVariable", CtlForceRequestBodyVariable, ctlWord, []string{"on", "off"}},
	{"requestBodyAccess", CtlRequestBodyAccess, ctlWord, []string{"on", "off"}},
	{"requestBodyProcessor", CtlRequestBodyProcessor, ctlWord, []string{"urlencoded", "multipart", "json", "xml"}},
	{"responseBodyAccess", CtlResponseBodyAccess, ctlWord, []string{"on", "off"}},
	{"ruleEngine", CtlRuleEngine, ctlWord, []string{"on", "off", "detectiononly"}},
	{"ruleRemoveById", CtlRuleRemoveByID, ctlRanges, nil},
	{"ruleRemoveByMsg", CtlRuleRemoveByMsg, ctlName, nil},
	{"ruleRemoveByTag", CtlRuleRemoveByTag, ctlName, nil},
	{"ruleRemoveTargetById", CtlRuleRemoveTargetByID, ctlRangesTarget, nil},
	{"ruleRemoveTargetByMsg", CtlRuleRemoveTargetByMsg, ctlNameTarget, nil},
	{"ruleRemoveTargetByTag", CtlRuleRemoveTargetByTag, ctlNameTarget, nil},
}

// ctlsRefused are kinds that ModSecurity or Coraza know and Skerry does not offer, with the reason.
var ctlsRefused = map[string]string{
	"forceresponsebodyvariable": "response bodies are the spec's",
	"hashenforcement":           "pages are not signed",
	"hashengine":                "pages are not signed",
	"parsexmlintoargs":          "use XML:/* and XML://@*",
	"requestbodylimit":          "the limit of bodies is the spec's waf.bodyBytesMax",
	"responsebodylimit":         "response bodies are the spec's",
	"responsebodyprocessor":     "response bodies are the spec's",
}

func ctlNames() []string {
	names := make([]string, len(ctlRows))
	for i, r := range ctlRows {
		names[i] = r.name
	}
	return names
}

func applyCtl(p *parser, b *builder, a action) {
	name, value, ok := a.value.cut("=")
	if !ok {
		p.wrong(a.value.pos(), "ctl is written ctl:NAME=VALUE, not "+quote(a.value.s), "")
		return
	}
	name, value = name.trim(), value.trim()
	if n := len(value.s) - 1; n > 0 && value.s[0] == '\'' && value.s[n] == '\'' { // Coraza would look for the quotes too
		value = value.sub(1, n)
	}
	if why, refused := ctlsRefused[strings.ToLower(name.s)]; refused {
		p.wrong(name.pos(), "ctl:"+name.s+" is not offered: "+why, "")
		return
	}
	for _, row := range ctlRows {
		if strings.EqualFold(row.name, name.s) {
			if c, ok := p.ctl(row, value); ok {
				b.rule.Actions = append(b.rule.Actions, Action{Ctl: c})
			}
			return
		}
	}
	p.wrong(name.pos(), "unknown ctl "+quote(name.s), meant(name.s, ctlNames()))
}

// ctl reads the value of a ctl.
func (p *parser) ctl(row ctlRow, t span) (*Ctl, bool) {
	c := &Ctl{Kind: row.kind}
	if t.s == "" {
		p.wrong(t.pos(), "ctl:"+row.name+" has no value", "")
		return nil, false
	}
	if i := strings.Index(t.s, "%{"); i >= 0 {
		p.wrong(t.at(i), "ctl has no macros", "")
		return nil, false
	}
	what, target, both := t.cut(";")
	wantsTarget := row.form == ctlRangesTarget || row.form == ctlNameTarget
	switch {
	case wantsTarget && !both:
		p.wrong(t.pos(), "ctl:"+row.name+" is written with a target: "+row.name+"=942100;ARGS:q", "")
		return nil, false
	case wantsTarget:
		tg, _, f := readTarget(target, true)
		if f == nil && (tg.Not || tg.Count) {
			f = &flaw{target.pos(), "the target of a ctl is neither negated nor counted", "name what the rule shall not look at"}
		}
		if p.noted(f) {
			return nil, false
		}
		c.Target = tg
	default:
		what = t
	}
	return c, p.ctlValue(c, row, what.trim())
}

// ctlValue reads the value, without the target.
func (p *parser) ctlValue(c *Ctl, row ctlRow, t span) bool {
	switch row.form {
	case ctlRanges, ctlRangesTarget:
		ranges, f := readRanges(t)
		c.Ranges = ranges
		return !p.noted(f)
	case ctlWord:
		c.Value = strings.ToLower(t.s)
		for _, w := range row.words {
			if w == c.Value {
				return true
			}
		}
		p.wrong(t.pos(), "ctl:"+row.name+" is one of "+strings.Join(row.words, ", ")+", not "+quote(t.s), meant(t.s, row.words))
		return false
	}
	c.Value = t.s
	if t.s == "" {
		p.wrong(t.pos(), "ctl:"+row.name+" has no value", "")
	}
	return t.s != ""
}

// readRanges reads rule ids: 942100, 942100-942199, and lists of them between commas or spaces.
func readRanges(t span) (out []Range, f *flaw) {
	for _, w := range t.split(", \t") {
		if w.s == "" {
			continue
		}
		low, high, ranged := strings.Cut(w.s, "-")
		if !ranged {
			high = low
		}
		a, okA := number(low)
		b, okB := number(high)
		switch {
		case !okA || !okB:
			return nil, &flaw{w.pos(), quote(w.s) + " is neither a rule id nor a range of them", "as in 942100 or 942100-942199"}
		case a > b:
			return nil, &flaw{w.pos(), "the range " + w.s + " goes backwards", ""}
		}
		out = append(out, Range{a, b})
	}
	if out == nil {
		return nil, &flaw{t.pos(), "a rule id is missing", "as in 942100 or 942100-942199"}
	}
	return out, nil
}

// label checks the pattern that finds rules by tag or message.
func label(t span) *flaw {
	if t.s == "" {
		return &flaw{t.pos(), "the pattern is empty: it would find every rule", ""}
	}
	if _, err := syntax.Parse(t.s, syntax.Perl); err != nil {
		return pattern(t, "")
	}
	return nil
}
