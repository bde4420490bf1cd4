package engine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/waf/seclang"
)

// Difference says in what two transactions of the same request differ, which must not be: verdict, score, and what the rules
// matched but for their own variables, which a policy may have set beforehand, and but for requests that match more than is kept. It is empty if they
// agree. The names of variables are in it, no values.
func Difference(a, b *Transaction) string {
	switch {
	case a.verdict.Action != b.verdict.Action || a.verdict.Rule != b.verdict.Rule:
		return "verdict of rule " + strconv.Itoa(a.verdict.Rule) + " against " + strconv.Itoa(b.verdict.Rule)
	case a.would.Rule != b.would.Rule:
		return "verdict of rule " + strconv.Itoa(a.would.Rule) + " against " + strconv.Itoa(b.would.Rule)
	case a.Score() != b.Score():
		return "score " + strconv.Itoa(a.Score()) + " against " + strconv.Itoa(b.Score())
	}
	if len(a.results) == matchesMax || len(b.results) == matchesMax {
		return "" // what is kept ends there, and one of them may have kept variables of rules that the other had no need to set
	}
	left, right := a.telling(), b.telling()
	for _, m := range left {
		if !slices.Contains(right, m) {
			return m + " against nothing"
		}
	}
	for _, m := range right {
		if !slices.Contains(left, m) {
			return "nothing against " + m
		}
	}
	return ""
}

// telling are the matches by name, each once.
func (t *Transaction) telling() (out []string) {
	t.Matches(func(m Match) bool {
		if m.Var != seclang.VarTX && m.Var != seclang.VarNone {
			out = append(out, strconv.Itoa(m.Rule)+"/"+strconv.Itoa(m.Link)+" "+strings.ToLower(m.Name()))
		}
		return true
	})
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out)
}
