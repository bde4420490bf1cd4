package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/transform"
)

// matchedRule is a rule that matched, with its values.
type matchedRule struct {
	id      int
	head    *seclang.Rule
	message string
	points  int
	values  []matchedValue
}

// matchedValue is a value that a link of a rule matched. It is of memory of its own.
type matchedValue struct {
	link  int
	v     seclang.Variable
	key   string
	seen  []byte // as the operator saw it
	raw   []byte // before the transformations; nil: not known
	chain []transform.ID
	data  string // logdata, which says what of it matched
}

func (m *matchedValue) name() string {
	if m.key == "" {
		return m.v.String()
	}
	return m.v.String() + ":" + m.key
}

// matchedRules are the rules that matched and log, but for those that add up and judge the score.
func matchedRules(t *engine.Transaction) (found []matchedRule) {
	t.Matches(func(m engine.Match) bool {
		if f := crs.Family(m.Rule); !m.Logged || f == "score" || f == "correlation" {
			return true
		}
		n := len(found)
		if n == 0 || found[n-1].id != m.Rule {
			found = append(found, matchedRule{id: m.Rule, head: m.Source})
			n++
		}
		r := &found[n-1]
		if r.message == "" {
			r.message = string(m.Msg)
		}
		r.points += pointsOf(t, m.Source)
		if m.Var != seclang.VarNone {
			r.values = append(r.values, matchedValue{
				link: m.Link, v: m.Var, key: string(m.Key), seen: append([]byte{}, m.Value...), chain: m.Source.Transforms, data: string(m.Data),
			})
		}
		return true
	})
	return found
}

// pointsOf is what one match of a link adds to the score.
func pointsOf(t *engine.Transaction, link *seclang.Rule) (sum int) {
	for _, a := range link.Actions {
		if !scores(a) {
			continue
		}
		text, fixed := a.Set.Value.Fixed()
		if !fixed && len(a.Set.Value) == 1 {
			text = string(t.TX(a.Set.Value[0].Key))
		}
		n, _ := strconv.Atoi(text) // what is no number adds nothing
		sum += n
	}
	return sum
}

// values finds what the values were before their transformations: rules that always match, without any, tell.
func (c *wafCase) values(found []matchedRule) {
	set, asked := &seclang.Set{}, map[string]bool{}
	for _, r := range found {
		for _, m := range r.values {
			if asked[m.name()] || m.v == seclang.VarTX || m.v == seclang.VarMatchedVar || m.v == seclang.VarMatchedVars || m.v == seclang.VarMatchedVarsNames {
				continue
			}
			asked[m.name()] = true
			set.Items = append(set.Items, seclang.Item{Rule: &seclang.Rule{
				ID: len(set.Items) + 1, Phase: 2, Severity: -1, Targets: []seclang.Target{{Var: m.v, Key: strings.ToLower(m.key)}},
				Operator: seclang.Operator{Op: seclang.OpUnconditionalMatch},
			}})
		}
	}
	p, problems := c.rules.Program().NewPolicy(engine.Options{Before: set, Detect: true, PassLimits: true})
	if len(set.Items) == 0 || len(problems) > 0 {
		return // what the values were stays unknown
	}
	t := c.judge(p)
	defer t.End()
	t.Matches(func(m engine.Match) bool {
		if m.Rule > len(set.Items) {
			return true
		}
		for i := range found {
			for k := range found[i].values {
				if v := &found[i].values[k]; v.raw == nil && v.v == m.Var && v.key == string(m.Key) && becomes(m.Value, v.seen, v.chain) {
					v.raw = append([]byte{}, m.Value...)
				}
			}
		}
		return true
	})
}

// becomes reports whether a value is another after some or all of the transformations.
func becomes(raw, seen []byte, chain []transform.ID) bool {
	value := raw
	for i := 0; ; i++ {
		if bytes.Equal(value, seen) {
			return true
		}
		if i == len(chain) {
			return false
		}
		value = chain[i].Append(nil, value)
	}
}

// changing are the transformations that made one value of another, in order. With multiMatch they may be the first of the chain only.
func changing(raw, seen []byte, chain []transform.ID) (names []string) {
	last := len(chain)
	for n, value := 0, raw; n < len(chain); n++ {
		if bytes.Equal(value, seen) && !bytes.Equal(through(value, chain[n:]), seen) {
			last = n
			break
		}
		value = chain[n].Append(nil, value)
	}
	for _, id := range chain[:last] {
		if id.Changed(raw) {
			names = append(names, id.String())
			raw = id.Append(nil, raw)
		}
	}
	return names
}

func through(value []byte, chain []transform.ID) []byte {
	for _, id := range chain {
		value = id.Append(nil, value)
	}
	return value
}

// printRule writes one rule with what it matched and what silences it.
func (c *wafCase) printRule(w io.Writer, r *matchedRule, n int) error {
	f := factsOf(r.head)
	level := "of no paranoia level"
	if f.Paranoia > 0 {
		level = fmt.Sprintf("paranoia %d", f.Paranoia)
	}
	fmt.Fprintf(w, "\n%d  %s\n", r.id, r.message)
	fmt.Fprintf(w, "  %s, %s, %s, %s, %s:%d\n", orDash(f.Severity), count(r.points, "point"), f.Family, level, f.File, f.Line)
	var rows [][]string
	for i := range r.values {
		rows = append(rows, valueRows(&r.values[i])...)
	}
	table(w, rows)
	x, err := c.silence(r)
	if err != nil {
		return err
	}
	for _, line := range x.yaml() {
		fmt.Fprintln(w, "  silence  "+line)
	}
	for _, line := range c.seclang(r, x, ownRuleID+n) {
		fmt.Fprintln(w, "  SecLang  "+line)
	}
	return nil
}

func valueRows(m *matchedValue) [][]string {
	name := "  " + strings.Trim(strconv.Quote(m.name()), `"`)
	if m.link > 0 {
		name += fmt.Sprintf(" (link %d)", m.link)
	}
	if m.raw == nil {
		return [][]string{{name, "seen", quoted(m.seen)}}
	}
	rows := [][]string{{name, "value", quoted(m.raw)}}
	if names := changing(m.raw, m.seen, m.chain); len(names) > 0 {
		rows = append(rows, []string{"", "after " + strings.Join(names, ", "), quoted(m.seen)})
	}
	return rows
}

// quoted is a value with escapes, cut.
func quoted(b []byte) string {
	if len(b) <= valueShownMax {
		return strconv.Quote(string(b))
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.Quote(string(b[:valueShownMax])), len(b))
}

// silenceable reports whether an exclusion can name a variable: the others are not the client's, or change while rules run.
func silenceable(v seclang.Variable) bool {
	return !slices.Contains([]seclang.Variable{
		seclang.VarTX, seclang.VarMatchedVar, seclang.VarMatchedVars, seclang.VarMatchedVarsNames, seclang.VarMatchedVarName,
	}, v)
}
