package match_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/corazawaf/coraza/v3"

	"skerry.dev/skerry/waf/match"
)

// oracle runs rules of one operator each on a value.
type oracle struct{ waf coraza.WAF }

// newOracle has a rule for each operator, with the ids from 1 on.
func newOracle(t testing.TB, operators []string) oracle {
	t.Helper()
	var b strings.Builder
	b.WriteString("SecRuleEngine DetectionOnly\nSecArgumentsLimit 10\n")
	for n, op := range operators {
		op = strings.ReplaceAll(op, `"`, `\"`)
		fmt.Fprintf(&b, "SecRule ARGS_GET:v \"%s\" \"id:%d,phase:1,pass,log,capture,logdata:'[%%{TX.0}]'\"\n", op, n+1)
	}
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return oracle{w}
}

// matches is what each rule that matched captured, by id.
func (c oracle) matches(value string) map[int]string {
	tx := c.waf.NewTransaction()
	defer tx.Close()
	tx.ProcessURI("/", "GET", "HTTP/1.1")
	tx.AddGetRequestArgument("v", value)
	tx.ProcessRequestHeaders()
	found := map[int]string{}
	for _, m := range tx.MatchedRules() {
		found[m.Rule().ID()] = m.MatchedDatas()[0].Data()
	}
	return found
}

// A pattern means what it means to Coraza: the flags, and which patterns are of bytes.
func TestPatternsAreCorazas(t *testing.T) {
	rnd := dice(t)
	patterns := oddPatterns[1:]
	for _, p := range crsPatterns(t) {
		if strings.Contains(p.text, `\x`) && !strings.Contains(p.text, "'") {
			patterns = append(patterns, p.text)
		}
	}
	var operators []string
	var ours []*match.Regexp
	for _, p := range patterns {
		operators = append(operators, "@rx "+p)
		ours = append(ours, compile(t, p, match.Options{}))
	}
	theirs := newOracle(t, operators)
	values := []string{"", "a", "a\nb", "é", "\xe9", "É", "\xc9", "Ã©", "k", "\u212a", "a\xff\nb", "aé", "\xffa", "日本", "本x", "\ufffd", "x\xff", "\xff"}
	all := crsValues(t)
	for range 25 {
		values = append(values, string(noise(rnd)), string(mutate(rnd, all[rnd.IntN(len(all))])))
	}
	matched := 0
	for _, v := range values {
		found := theirs.matches(v)
		matched += len(found)
		for n, r := range ours {
			at := r.Find([]byte(v), nil)
			want, ok := found[n+1]
			if ok != (at != nil) || ok != r.Match([]byte(v)) {
				t.Fatalf("%q on %q: %v, Coraza says %v", r, v, at != nil, ok)
			}
			if ok && want != "["+v[at[0]:at[1]]+"]" {
				t.Fatalf("%q on %q: %q, Coraza says %s", r, v, v[at[0]:at[1]], want)
			}
		}
	}
	if matched < 200 {
		t.Errorf("%d matches: the values are of no use", matched)
	}
}

// A list of phrases means what it means to Coraza.
func TestPhrasesAreCorazas(t *testing.T) {
	rnd := dice(t)
	lists := [][]string{{"he", "she", "his", "hers"}, {"É", "ß", "ı"}, {"aaaa", "aa"}, {"b", "ABAB", "bab"}, {"x-y", "y-", "SELECT"}}
	var operators []string
	for _, list := range lists {
		operators = append(operators, "@pm "+strings.Join(list, " "))
	}
	theirs, p := newOracle(t, operators), match.NewPhrases(lists)
	parts := []string{"a", "b", "A", "h", "he", "rs", "S", "é", "É", "ß", "x-", "y", "-", "select", "İ", "\xff"}
	for range 500 {
		v := ""
		for range rnd.IntN(8) {
			v += parts[rnd.IntN(len(parts))]
		}
		found := theirs.matches(v)
		for n := range lists {
			from, to, ok := p.Find(n, []byte(v))
			want, is := found[n+1]
			if ok != is {
				t.Fatalf("%q on %q: %v, Coraza says %v", lists[n], v, ok, is)
			}
			if ok && want != "["+v[from:to]+"]" {
				t.Fatalf("%q on %q: %q, Coraza says %s", lists[n], v, v[from:to], want)
			}
		}
	}
}
