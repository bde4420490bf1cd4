package engine_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/seclang"
	"skerry.dev/skerry/waf/waftest"
)

// program is the Core Rule Set with the setup of its own tests, made ready once for all tests.
var program = sync.OnceValue(func() *engine.Program {
	set, problems := seclang.ParseText("test.conf", waftest.DefaultSetup+"Include @owasp_crs/*.conf\n", coreruleset.FS)
	if len(problems) > 0 {
		panic(problems[0].String())
	}
	p, problems := engine.New(set)
	if len(problems) > 0 {
		panic(problems[0].String())
	}
	return p
})

// parsed is a rule set of directives alone.
func parsed(t testing.TB, text string) *seclang.Set {
	t.Helper()
	set, problems := seclang.ParseText("test.conf", text, nil)
	if len(problems) > 0 {
		t.Fatalf("%v in\n%s", problems, text)
	}
	return set
}

// policyOf is a policy of a program; it fails the test if there are problems.
func policyOf(t testing.TB, p *engine.Program, o engine.Options) *engine.Policy {
	t.Helper()
	y, problems := p.NewPolicy(o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return y
}

// policy is one of the Core Rule Set, with directives before and after it.
func policy(t testing.TB, o engine.Options, before, after string) *engine.Policy {
	t.Helper()
	o.Before, o.After = parsed(t, before), parsed(t, after)
	return policyOf(t, program(), o)
}

// paranoia is a directive that sets the level of paranoia.
func paranoia(level int) string {
	return fmt.Sprintf(`SecAction "id:900000,phase:1,pass,nolog,t:none,setvar:tx.blocking_paranoia_level=%d,setvar:tx.detection_paranoia_level=%[1]d"`+"\n", level)
}

// input is a request of the fixtures as the engine takes it.
func input(r waftest.Request) *engine.Input {
	in := &engine.Input{
		Client: netip.MustParseAddrPort("192.0.2.1:40000"), Method: []byte(r.Method), Target: []byte(r.URI), Proto: []byte(r.Proto),
		Host: []byte(r.Header("Host")), Body: r.Body,
	}
	for _, h := range r.Headers {
		in.Fields = append(in.Fields, body.Pair{Name: []byte(h[0]), Value: []byte(h[1])})
	}
	path, _, _ := strings.Cut(r.URI, "?")
	in.Path = []byte(path)
	in.Media, _ = body.Classify([]byte(r.Header("Content-Type")), &body.Memory{}) // see judge
	return in
}

// judge runs every phase on a request, and on its response if there is one, and says what came of it in the oracle's words.
func judge(p *engine.Policy, r waftest.Request, response *waftest.Response) waftest.Judgement {
	t := p.Judge(input(r))
	defer t.End()
	if response != nil && !t.Verdict().Refused() {
		answer(t, *response)
	}
	t.Log()
	j := judgement(t)
	if _, err := body.Classify([]byte(r.Header("Content-Type")), &body.Memory{}); err != nil && len(r.Body) > 0 {
		j.Limit = engine.LimitBody.String() // as whoever classifies it refuses it
	}
	return j
}

// answer gives a transaction its response. Only text is looked at, as the recommended setup of SecLang has it.
func answer(t *engine.Transaction, r waftest.Response) {
	t.Status(r.Status, []byte("HTTP/1.1"))
	kind := ""
	for _, h := range r.Headers {
		t.ResponseHeader([]byte(h[0]), []byte(h[1]))
		if strings.EqualFold(h[0], "Content-Type") {
			kind, _, _ = strings.Cut(h[1], ";")
		}
	}
	if !t.ResponseHead().Refused() && slices.Contains([]string{"text/plain", "text/html", "text/xml"}, strings.TrimSpace(kind)) {
		t.ResponseBody(r.Body)
	}
}

// judgement reads what a transaction has come to.
func judgement(t *engine.Transaction) (j waftest.Judgement) {
	logged := map[int]bool{}
	t.Matches(func(m engine.Match) bool {
		f := waftest.Match{Rule: m.Rule, Link: m.Link, Var: name(m)}
		j.Found = append(j.Found, waftest.Found{Match: f, Value: string(m.Value)})
		j.Matches = append(j.Matches, f)
		if m.Logged {
			logged[m.Rule] = true
		}
		return true
	})
	slices.SortFunc(j.Matches, func(a, b waftest.Match) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Link, b.Link), cmp.Compare(a.Var, b.Var))
	})
	j.Matches = slices.Compact(j.Matches)
	for id := range logged {
		j.Logged = append(j.Logged, id)
	}
	slices.Sort(j.Logged)
	if v := t.Verdict(); v.Refused() {
		j.Interrupted, j.Status, j.By, j.Location = true, v.Status, v.Rule, string(v.Location)
		j.Action = map[engine.Action]string{engine.ActionDeny: "deny", engine.ActionDrop: "drop", engine.ActionRedirect: "redirect"}[v.Action]
	}
	j.Limit = t.Limit().String()
	j.Score = t.Score()
	return j
}

// name is the variable of a match as Coraza writes it: keys in lower case, none of files, XML by its longer name.
func name(m engine.Match) string {
	switch m.Var {
	case seclang.VarNone:
		return ""
	case seclang.VarFiles, seclang.VarFilesNames:
		return m.Var.String()
	}
	v, key, _ := strings.Cut(m.Name(), ":")
	v = strings.Replace(v, "XML", "REQUEST_XML", 1)
	if key == "" {
		return v
	}
	key = lower(key)
	if strings.HasPrefix(v, "MATCHED_VARS") && (strings.HasPrefix(key, "xml:") || strings.HasSuffix(key, ":xml:/*")) {
		key = strings.Replace(key, "xml:", "request_xml:", 1)
	}
	if strings.HasPrefix(v, "MATCHED_VARS") && strings.HasPrefix(key, "files:") {
		key = "files"
	}
	return v + ":" + key
}

// lower lowers ASCII and leaves other bytes alone.
func lower(s string) string {
	return string(lowerBytes([]byte(s)))
}

func lowerBytes(b []byte) []byte {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return b
}

// telling drops what only arranges the rule set's own variables, which one engine has done beforehand and another has not,
// and the rules of Coraza's own setup.
func telling(list []waftest.Match) []waftest.Match {
	return slices.DeleteFunc(slices.Clone(list), func(m waftest.Match) bool {
		return m.Var == "" || strings.HasPrefix(m.Var, "TX") || 900000 <= m.Rule && m.Rule <= 901999 || 200000 <= m.Rule && m.Rule <= 200099
	})
}

// differences says in what two lists of matches differ, a line each.
func differences(a, b []waftest.Match, nameA, nameB string) (out []string) {
	for _, m := range a {
		if !slices.Contains(b, m) {
			out = append(out, fmt.Sprintf("only %s: %v", nameA, m))
		}
	}
	for _, m := range b {
		if !slices.Contains(a, m) {
			out = append(out, fmt.Sprintf("only %s: %v", nameB, m))
		}
	}
	return out
}
