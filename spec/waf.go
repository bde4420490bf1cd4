package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file is the table of the firewall. See firewall.go for what becomes of it, exclude.go for its exclusions, rules.go for
// rules of one's own.

type wafDoc struct {
	mode              val[WAFMode]
	engine            val[WAFEngine]
	paranoia          val[int]
	threshold         val[int]
	responses         val[Switch]
	responseThreshold val[int]
	allow             val[allowDoc]
	exclude           val[[]WAFExclude]
	rules             val[[]WAFRules]
	bodyBytesMax      val[Size]
	argumentsMax      val[int]
	cpuMax            val[time.Duration]
	onLimit           val[WAFOnLimit]
	logValues         val[Switch]
	shadow            val[float64]
}

type allowDoc struct{ methods, contentTypes, charsets, headers, extensions val[[]string] }

var wafMode = oneOf(WAFBlock, WAFDetect, WAFOff)

var (
	wafVerdict = []part[*wafDoc, *WAF]{
		partOf("mode", func(d *wafDoc) *val[WAFMode] { return &d.mode }, func(m *WAF) *WAFMode { return &m.Mode }, wafMode,
			"What a verdict does: block refuses with 403, detect logs and lets pass, off runs no rule."),
		partOf("engine", func(d *wafDoc) *val[WAFEngine] { return &d.engine }, func(m *WAF) *WAFEngine { return &m.Engine }, oneOf(WAFCompiled, WAFReference),
			"What runs the rules: compiled, or reference, one rule after another at many times the cost, for debugging. Both give the same verdicts."),
		partOf("paranoia", func(d *wafDoc) *val[int] { return &d.paranoia }, func(m *WAF) *int { return &m.Paranoia }, whole(1, 4),
			"The paranoia level of the Core Rule Set: each one above 1 has more rules, and more false positives."),
		partOf("threshold", func(d *wafDoc) *val[int] { return &d.threshold }, func(m *WAF) *int { return &m.Threshold }, whole(1, scoreMax),
			"The anomaly score from which on a request is refused; a critical match counts 5."),
		partOf("responses", func(d *wafDoc) *val[Switch] { return &d.responses }, func(m *WAF) *Switch { return &m.Responses }, onOff,
			"Whether responses are held, up to bodyBytesMax, and judged too; streams are delayed by it."),
		partOf("responseThreshold", func(d *wafDoc) *val[int] { return &d.responseThreshold }, func(m *WAF) *int { return &m.ResponseThreshold }, whole(1, scoreMax),
			"The anomaly score from which on a response is refused; an error match counts 4."),
	}
	wafExclude = partOf("exclude", func(d *wafDoc) *val[[]WAFExclude] { return &d.exclude }, func(m *WAF) *[]WAFExclude { return &m.Exclude }, exclusions,
		"Rules that do not hold, for a target, a path or everywhere; replaces the list of a farther document.")
	wafRules = partOf("rules", func(d *wafDoc) *val[[]WAFRules] { return &d.rules }, func(m *WAF) *[]WAFRules { return &m.Rules }, ruleFiles,
		"Files of SecLang (.conf) and of the phrases that they name (.data), by their paths from the directory of this document; loaded before the Core Rule Set.")
	wafBounds = []part[*wafDoc, *WAF]{
		partOf("bodyBytesMax", func(d *wafDoc) *val[Size] { return &d.bodyBytesMax }, func(m *WAF) *Size { return &m.BodyBytesMax }, size(1, wafBodyMost),
			"The largest body that is held and inspected, in bytes, KB or MB; never above bodyMax. Larger ones get 413."),
		partOf("argumentsMax", func(d *wafDoc) *val[int] { return &d.argumentsMax }, func(m *WAF) *int { return &m.ArgumentsMax }, whole(1, argumentsMost),
			"How many values query and body may have together; more get 400."),
		partOf("cpuMax", func(d *wafDoc) *val[time.Duration] { return &d.cpuMax }, func(m *WAF) *time.Duration { return &m.CPUMax }, duration(time.Millisecond, 10*time.Second),
			"The processor time that one request may cost the firewall; dearer ones get 403."),
		partOf("onLimit", func(d *wafDoc) *val[WAFOnLimit] { return &d.onLimit }, func(m *WAF) *WAFOnLimit { return &m.OnLimit }, oneOf(WAFRefuse, WAFPass),
			"What a request beyond one of these limits gets: refuse, or pass, judged by what was inspected."),
		partOf("logValues", func(d *wafDoc) *val[Switch] { return &d.logValues }, func(m *WAF) *Switch { return &m.LogValues }, onOff,
			"Whether the log event also has the messages of the rules and the values that matched, which may be personal or secret."),
		partOf("shadow", func(d *wafDoc) *val[float64] { return &d.shadow }, func(m *WAF) *float64 { return &m.Shadow }, share,
			"The share of requests, from 0 to 1, that the reference engine judges as well, beside the traffic; a difference is an alarm."),
	}
	wafAllow = []part[*allowDoc, *WAFAllow]{
		partOf("methods", func(d *allowDoc) *val[[]string] { return &d.methods }, func(m *WAFAllow) *[]string { return &m.Methods }, methodList,
			"The methods; those of the policy `methods` where that names any. Others get 403."),
		partOf("contentTypes", func(d *allowDoc) *val[[]string] { return &d.contentTypes }, func(m *WAFAllow) *[]string { return &m.ContentTypes },
			folded(mediaType, map[string]any{"pattern": "^[^\\s/;*]+/[^\\s/;]+$", "maxLength": textBytesMax}, wafListMax),
			"The types of request bodies; a * may stand in the second half: application/*+json. One that the firewall cannot parse passes uninspected but for the head."),
		partOf("charsets", func(d *allowDoc) *val[[]string] { return &d.charsets }, func(m *WAFAllow) *[]string { return &m.Charsets },
			folded(charset, map[string]any{"pattern": "^[A-Za-z0-9._:+-]+$", "maxLength": nameBytesMax}, wafListMax),
			"The charsets that a Content-Type may name."),
		partOf("headers", func(d *allowDoc) *val[[]string] { return &d.headers }, func(m *WAFAllow) *[]string { return &m.Headers },
			folded(fieldName, nameInSchema, wafListMax),
			"Names of header fields that pass though the Core Rule Set restricts them: [content-range]."),
		partOf("extensions", func(d *allowDoc) *val[[]string] { return &d.extensions }, func(m *WAFAllow) *[]string { return &m.Extensions },
			folded(extension, map[string]any{"pattern": `^\.[A-Za-z0-9_-]+$`, "maxLength": nameBytesMax}, wafListMax),
			"Extensions of paths that pass though the Core Rule Set restricts them: [.csv, .sql]."),
	}
)

// wafParts are all parts, in the order in which they are explained.
var wafParts = slices.Concat(wafVerdict,
	within("allow", wafAllow, func(d *wafDoc) *val[allowDoc] { return &d.allow }, func(m *WAF) *WAFAllow { return &m.Allow }),
	[]part[*wafDoc, *WAF]{wafExclude, wafRules}, wafBounds)

var allow = object[allowDoc]{
	name: "waf allow", doc: "What passes that the Core Rule Set would refuse otherwise; each list replaces that of a farther document.",
	fields: fieldsOfParts(wafAllow),
}

// waf is the firewall of an Entrypoint or Profile, wafOnRoute that of a route, which has no rules of its own.
var (
	wafTop = append(fieldsOfParts(wafVerdict), row("allow", func(d *wafDoc) *val[allowDoc] { return &d.allow }, allow.shape(),
		"The policy lists of the Core Rule Set: what passes."), wafExclude.field)
	waf = worded(object[wafDoc]{
		name: "waf", doc: "The firewall: the OWASP Core Rule Set. What is left out is as the farther document says.",
		fields: slices.Concat(wafTop, []field[*wafDoc]{wafRules.field}, fieldsOfParts(wafBounds)),
	}.shape(), "mode", wafMode)
	wafOnRoute = worded(object[wafDoc]{
		name: "waf of a route", doc: "The firewall on one route. What is left out is as the Entrypoint says.",
		fields:    lift("waf", slices.Concat(wafTop, fieldsOfParts(wafBounds)), func(d *wafDoc) *wafDoc { return d }),
		elsewhere: map[string]string{"rules": "write it in the Entrypoint: its rules are compiled once, and can look at REQUEST_FILENAME"},
	}.shape(), "mode", wafMode)
)

// folded is a set of words in lower case.
func folded(check func(string) (bad, fix string), extra map[string]any, most int) shape[[]string] {
	word := words(check, extra).then(func(_ *log, _ *node, s *string) bool {
		*s = strings.ToLower(*s)
		return true
	})
	return sortedSet(bare(listOf(word, most)))
}

// mediaType checks type/subtype (RFC 9110 section 8.3.1), with at most one * in the subtype.
func mediaType(s string) (bad, fix string) {
	kind, sub, ok := strings.Cut(s, "/")
	switch {
	case strings.Contains(s, ";"):
		return fmt.Sprintf("%q has parameters", clip(s)), "write the type alone: " + clip(strings.TrimSpace(s[:strings.IndexByte(s, ';')]))
	case !ok || kind == "" || sub == "" || len(s) > textBytesMax || strings.IndexFunc(kind+sub, notToken) >= 0:
		return fmt.Sprintf("%q is not a content type", clip(s)), "write application/json, or application/*+json for all that end in +json"
	case strings.Contains(kind, "*"):
		return fmt.Sprintf("%q would be every kind of body", clip(s)), "name the types: only their second half may have a *"
	case strings.Count(sub, "*") > 1:
		return fmt.Sprintf("%q has more than one *", clip(s)), "write application/*+json"
	}
	return "", ""
}

func charset(s string) (bad, fix string) {
	if s == "" || len(s) > nameBytesMax || strings.ContainsFunc(s, func(r rune) bool { return notHostRune(r) && r != '.' && r != ':' && r != '+' }) {
		return fmt.Sprintf("%q is not a charset", clip(s)), "write its name: utf-8, iso-8859-1"
	}
	return "", ""
}

func extension(s string) (bad, fix string) {
	name, dot := strings.CutPrefix(s, ".")
	if !dot || name == "" || len(s) > nameBytesMax || strings.ContainsFunc(name, notHostRune) {
		return fmt.Sprintf("%q is not an extension", clip(s)), "begin with a dot: .csv"
	}
	return "", ""
}
