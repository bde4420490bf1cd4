package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// This file is about exclusions: rules that do not hold, for a target, a path or everywhere. Only their form is checked here;
// whether there is such a rule or variable the firewall says when it compiles them.

type excludeDoc struct {
	rule, target, path val[string]
	methods            val[[]string]
	reason             val[string]
}

var exclusion = object[excludeDoc]{
	name: "exclusion", doc: "Rules that do not hold, for a target, a path or everywhere.",
	fields: []field[*excludeDoc]{
		row("rule", func(d *excludeDoc) *val[string] { return &d.rule }, excludedRule,
			"The id of a rule, a range of ids (942100-942199), or a tag (tag:attack-sqli).").needed(),
		row("target", func(d *excludeDoc) *val[string] { return &d.target },
			words(excludedTarget, map[string]any{"pattern": "^[A-Za-z_]+(:.+)?$", "maxLength": textBytesMax}),
			"What the rules do not look at, as SecLang writes it: ARGS, ARGS:q or ARGS:/^q_/. Left out: the rules do not hold at all."),
		row("path", func(d *excludeDoc) *val[string] { return &d.path },
			words(excludedPath, map[string]any{"pattern": `^/[^?#\s*{}]*(/\*)?$`, "maxLength": textBytesMax}),
			"A whole path, or /search/* for everything below /search/: every path, if left out."),
		row("methods", func(d *excludeDoc) *val[[]string] { return &d.methods }, methodList, "The methods of the requests: every one, if left out."),
		row("reason", func(d *excludeDoc) *val[string] { return &d.reason }, plainText, "Why, for those who read it later."),
	},
	check: func(l *log, _ Pos, d *excludeDoc) {
		if d.methods.Clean && len(d.methods.V) == 0 {
			l.refuse(d.methods.At, "name at least one, or remove the line", "the list of methods is empty")
		}
	},
}

var exclusionList = listOf(exclusion.shape(), excludeMax)

// exclusions is a list of exclusions that knows their places: the firewall has more to say about them.
var exclusions = leaf[[]WAFExclude]{
	describe: exclusionList.describe,
	read: func(l *log, n *node) ([]WAFExclude, bool) {
		vs, ok := exclusionList.read(l, n)
		out := make([]WAFExclude, 0, len(vs))
		seen := map[string]Pos{}
		for _, v := range vs {
			if !v.Clean {
				continue
			}
			e := v.V.model(v.At)
			key := e.brief()
			if first, again := seen[key]; again {
				l.refuse(v.At, "remove one of them", "the exclusion of %s stands twice, first at line %d", clip(key), first.Line)
			}
			seen[key] = v.At
			out = append(out, e)
		}
		return out, ok
	},
	write: func(es []WAFExclude) any {
		vs := make([]val[excludeDoc], len(es))
		for i, e := range es {
			vs[i] = said(e.doc())
		}
		return exclusionList.write(vs)
	},
}.shape().briefly(func(es []WAFExclude) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.brief()
	}
	return "[" + strings.Join(parts, ", ") + "]"
})

func (d excludeDoc) model(at Pos) WAFExclude {
	e := WAFExclude{At: at, Rule: d.rule.V, Target: d.target.V, Path: d.path.V, Methods: d.methods.V, Reason: d.reason.V}
	name, key, keyed := strings.Cut(e.Target, ":")
	if e.Target = strings.ToUpper(name); keyed {
		e.Target += ":" + key
	}
	return e
}

func (e WAFExclude) doc() excludeDoc {
	return excludeDoc{
		rule: said(e.Rule), target: saidText(e.Target), path: saidText(e.Path),
		methods: saidIf(e.Methods, len(e.Methods) > 0), reason: saidText(e.Reason),
	}
}

// brief is what an exclusion is about: "942100 ARGS:q /search GET POST".
func (e WAFExclude) brief() string {
	parts := slices.DeleteFunc([]string{e.Rule, e.Target, e.Path}, func(s string) bool { return s == "" })
	return strings.Join(append(parts, e.Methods...), " ")
}

// excludedRule is a rule of an exclusion. An id alone need not stand in quotes.
var excludedRule = leaf[string]{
	read: func(l *log, n *node) (string, bool) {
		if n.kind != numberNode && !isText(l, n) {
			return "", false
		}
		bad, fix := ruleName(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		return n.text, bad == ""
	},
	write: func(s string) any { return s },
	describe: func(*describer) map[string]any {
		return map[string]any{
			"type": []string{"string", "integer"}, "minimum": 1, "maximum": ruleIDMax,
			"pattern": "^([1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?|tag:[^\\s'\",|]+)$", "maxLength": nameBytesMax,
		}
	},
}.shape()

func ruleName(s string) (bad, fix string) {
	const form = "write an id (942100), a range of ids (942100-942199) or a tag (tag:attack-sqli)"
	if tag, is := strings.CutPrefix(s, "tag:"); is {
		if tag == "" || len(s) > nameBytesMax || strings.ContainsAny(tag, `'",|`) || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return fmt.Sprintf("%q names no tag", clip(s)), form
		}
		return "", ""
	}
	from, to, isRange := strings.Cut(s, "-")
	first, ok := ruleID(from)
	if !ok {
		return fmt.Sprintf("%q names no rule", clip(s)), form
	}
	if !isRange {
		return "", ""
	}
	last, ok := ruleID(to)
	switch {
	case !ok:
		return fmt.Sprintf("%q names no rule", clip(s)), form
	case last < first:
		return fmt.Sprintf("the range %q ends before it begins", s), fmt.Sprintf("write %s-%s", to, from)
	}
	return "", ""
}

func ruleID(s string) (id int64, ok bool) {
	id, ok = digitsOf(s)
	return id, ok && s[0] != '0' && id <= ruleIDMax
}

// excludedTarget checks a target as SecLang writes it: NAME, NAME:key or NAME:/pattern/.
func excludedTarget(s string) (bad, fix string) {
	if bad, fix = anyText(s); bad != "" {
		return bad, fix
	}
	name, key, keyed := strings.Cut(s, ":")
	switch {
	case strings.HasPrefix(s, "!") || strings.HasPrefix(s, "&"):
		return fmt.Sprintf("the target %q begins with %s", clip(s), s[:1]), "name what the rules must not look at: " + clip(s[1:])
	case name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") != "":
		return fmt.Sprintf("%q is not a target", clip(s)), "write ARGS, ARGS:q, REQUEST_COOKIES:/^_ga/ or the like"
	case keyed && (key == "" || key == "//"):
		return fmt.Sprintf("the target %q has an empty key", clip(s)), "write " + name + " for all of it"
	case !strings.HasPrefix(key, "/") || strings.EqualFold(name, "XML"): // XML:/* is a path
		if strings.Contains(key, "|") {
			return fmt.Sprintf("%q is more than one target", clip(s)), "write an exclusion for each of them"
		}
		return "", ""
	case len(key) < 2 || !strings.HasSuffix(key, "/"):
		return fmt.Sprintf("the pattern in %q has no end", clip(s)), "write it between two slashes: " + name + ":/^q_/"
	}
	if _, err := regexp.Compile(key[1 : len(key)-1]); err != nil {
		return fmt.Sprintf("the pattern in %q is not a regular expression: %s", clip(s), strings.TrimPrefix(err.Error(), "error parsing regexp: ")), ""
	}
	return "", ""
}

// excludedPath checks a whole path, or one that ends in /*.
func excludedPath(s string) (bad, fix string) {
	whole, wild := strings.CutSuffix(s, "/*")
	switch {
	case wild && whole == "":
		return `"/*" is every path`, "leave the path out"
	case strings.ContainsAny(s, "?#"):
		return fmt.Sprintf("the path %q has a ? or # in it", clip(s)), "write the path alone; a target names parts of a query"
	case strings.ContainsAny(s, "{}"):
		return fmt.Sprintf("the path %q has a {name} in it", clip(s)), "exclusions know whole paths, and /* at their end"
	case strings.Contains(whole, "*"):
		return fmt.Sprintf("the path %q has a * in it", clip(s)), "only a whole last segment can be *: /search/*"
	}
	return matchPath(whole)
}
