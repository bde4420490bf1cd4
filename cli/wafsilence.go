package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
)

// silencing is the exclusions that keep a rule from matching a request.
type silencing []spec.WAFExclude

// yaml is each as an item of waf.exclude.
func (s silencing) yaml() (lines []string) {
	for _, x := range s {
		lines = append(lines, "waf: {exclude: ["+excludeYAML(x)+"]}")
	}
	return lines
}

// excludeYAML is an exclusion on one line.
func excludeYAML(x spec.WAFExclude) string {
	parts := []string{"rule: " + x.Rule}
	if x.Target != "" {
		parts = append(parts, "target: "+yamlText(x.Target))
	}
	if x.Path != "" {
		parts = append(parts, "path: "+yamlText(x.Path))
	}
	if len(x.Methods) > 0 {
		parts = append(parts, "methods: ["+strings.Join(x.Methods, ", ")+"]")
	}
	if x.Reason != "" {
		parts = append(parts, "reason: "+yamlText(x.Reason))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

var plainScalar = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// yamlText is a scalar, in quotes if it needs them; JSON's are YAML's.
func yamlText(s string) string {
	if plainScalar.MatchString(s) {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSpace(b.String())
}

// targetText is a target as an exclusion in a spec names it; exact is false if its key cannot be written there, and the whole
// collection is named instead.
func targetText(v seclang.Variable, key string) (text string, exact bool) {
	switch {
	case key == "":
		return v.String(), true
	case !utf8.ValidString(key) || strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) || len(key) > valueShownMax:
		return v.String(), false
	case v != seclang.VarXML && (strings.HasPrefix(key, "/") || strings.Contains(key, "|")):
		return v.String() + ":/^" + regexp.QuoteMeta(key) + "$/", true
	}
	return v.String() + ":" + key, true
}

// excludablePath is the request's path if an exclusion can name it.
func (c *wafCase) excludablePath() string {
	p := string(c.path)
	if p == "" || strings.ContainsAny(p, "?#*{} \t") {
		return ""
	}
	return p
}

// silence finds the exclusions for a rule, from the narrowest up, and tries each: of its targets on this path, of the whole
// rule on this path, of the whole rule.
func (c *wafCase) silence(r *matchedRule) (silencing, error) {
	path := c.excludablePath()
	var narrow silencing
	for _, m := range r.values {
		if !silenceable(m.v) || m.link > 0 && len(narrow) > 0 {
			continue // one link that does not match is enough
		}
		target, _ := targetText(m.v, m.key)
		x := spec.WAFExclude{Rule: fmt.Sprint(r.id), Target: target, Path: path}
		if !slices.ContainsFunc(narrow, func(y spec.WAFExclude) bool { return y.Target == x.Target }) {
			narrow = append(narrow, x)
		}
	}
	for _, try := range []silencing{narrow, {{Rule: fmt.Sprint(r.id), Path: path}}, {{Rule: fmt.Sprint(r.id)}}} {
		if len(try) == 0 {
			continue
		}
		quiet, err := c.quiet(r.id, func(w *spec.WAF) { w.Exclude = append(slices.Clone(w.Exclude), try...) })
		if err != nil {
			return nil, err
		}
		if quiet {
			return try, nil
		}
	}
	return nil, nil
}

// quiet reports whether a rule does not match under a changed policy.
func (c *wafCase) quiet(rule int, change func(*spec.WAF)) (bool, error) {
	p, err := c.compiled(change)
	if err != nil {
		if own := (fault.Problems)(nil); errors.As(err, &own) && rule < ownRulesEnd {
			return false, nil // exclusions in a spec name rules of the Core Rule Set only
		}
		return false, err
	}
	t := c.judge(p)
	defer t.End()
	silent := true
	t.Matches(func(m engine.Match) bool {
		silent = m.Rule != rule
		return silent
	})
	return silent, nil
}

// seclang is the same as rules of one's own; nothing if SecLang has no way to say it that works.
func (c *wafCase) seclang(r *matchedRule, x silencing, id int) []string {
	if len(x) == 0 {
		return nil
	}
	var lines []string
	if path := x[0].Path; path != "" && !strings.ContainsAny(path, "%\"'\\,") {
		actions := make([]string, len(x))
		for i, e := range x {
			actions[i] = "ctl:ruleRemoveById=" + e.Rule
			if e.Target != "" {
				actions[i] = "ctl:ruleRemoveTargetById=" + e.Rule + ";" + e.Target
			}
		}
		lines = []string{fmt.Sprintf(`SecRule REQUEST_FILENAME "@streq %s" "id:%d,phase:1,pass,nolog,t:none,%s"`, path, id, strings.Join(actions, ","))}
	} else {
		for _, e := range x {
			if e.Target == "" {
				lines = append(lines, "SecRuleRemoveById "+e.Rule)
			} else {
				lines = append(lines, fmt.Sprintf(`SecRuleUpdateTargetById %s "!%s"`, e.Rule, e.Target))
			}
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	quiet, err := c.quiet(r.id, func(w *spec.WAF) {
		w.Rules = append(slices.Clone(w.Rules), spec.WAFRules{File: "tried.conf", Path: "tried.conf", Text: text})
	})
	if err != nil || !quiet {
		return nil
	}
	return lines
}
