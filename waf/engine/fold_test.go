package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// TestFoldShrinks holds how many rules are left to look at, which is what folding is for. The reference keeps all.
func TestFoldShrinks(t *testing.T) {
	set, err := crs.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, problems := engine.New(set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	all := 0
	for level, most := range map[int]int{0: 640, 1: 270, 2: 370, 3: 410, 4: 430} {
		o := engine.Options{TX: crs.Setup{Paranoia: level}.Set(), Reference: level == 0}
		steps := policyOf(t, p, o).Steps()
		t.Logf("paranoia %d: %d rules", level, steps)
		if level == 0 {
			all = steps
		}
		if steps > most || steps == 0 {
			t.Errorf("paranoia %d: %d rules are left, at most %d should be", level, steps, most)
		}
	}
	raised := policyOf(t, p, engine.Options{
		TX:     crs.Setup{Paranoia: 1}.Set(),
		Before: parsed(t, `SecRule REQUEST_URI "@beginsWith /admin" "id:1,phase:1,pass,nolog,t:none,setvar:tx.detection_paranoia_level=3"`),
	}).Steps()
	if raised >= all {
		t.Errorf("with the paranoia of some requests unknown %d of %d rules are left", raised, all)
	}
}

// TestFold holds policies of random rules against the reference, which runs everything on each request: rules that set
// variables always or for some requests, gates and jumps, skips, exclusions of rules, of tags and of variables, and what ends a phase.
func TestFold(t *testing.T) {
	n := 1500
	if slowly || testing.Short() {
		n = 100
	}
	s := seed(t)
	for i := range n {
		g := grammar{rng: rand.New(rand.NewPCG(s, uint64(i)))}
		base, before, after := g.rules(100, 4+g.rng.IntN(16)), g.rules(500, g.rng.IntN(5)), g.rules(900, g.rng.IntN(5))
		p, problems := engine.New(parsed(t, base))
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, base)
		}
		pair := newPair(t, p, map[string]string{"a": "1", "b": "2"}, before, after)
		for range 6 {
			if d := pair.differ(g.request()); d != "" {
				t.Fatalf("number %d: %s\n%s---- before\n%s---- after\n%s", i, d, base, before, after)
			}
		}
	}
}

// TestFoldCRS is the same on top of the Core Rule Set, with its variables, tags and numbers.
func TestFoldCRS(t *testing.T) {
	n := 60
	if slowly || testing.Short() {
		n = 5
	}
	s := seed(t)
	set, err := crs.Load()
	if err != nil {
		t.Fatal(err)
	}
	p, problems := engine.New(set)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i := range n {
		g := grammar{rng: rand.New(rand.NewPCG(s, uint64(i))), crs: true}
		setup := crs.Setup{Paranoia: 1 + g.rng.IntN(4), Threshold: []int{0, 5, 20}[g.rng.IntN(3)], EarlyBlocking: g.rng.IntN(2) == 0}
		if g.rng.IntN(3) == 0 {
			setup.DetectionParanoia = min(4, setup.Paranoia+1)
		}
		before, after := g.rules(100, 1+g.rng.IntN(6)), g.rules(500, g.rng.IntN(4))
		pair := newPair(t, p, setup.Set(), before, after)
		for range 4 {
			if d := pair.differ(g.request()); d != "" {
				t.Fatalf("number %d: %s\n%+v\n---- before\n%s---- after\n%s", i, d, setup, before, after)
			}
		}
	}
}

// pair is a policy folded and not.
type pair struct{ folded, reference *engine.Policy }

func newPair(t *testing.T, p *engine.Program, tx map[string]string, before, after string) pair {
	o := engine.Options{TX: tx, Before: parsed(t, before), After: parsed(t, after)}
	folded := policyOf(t, p, o)
	o.Reference = true
	return pair{folded, policyOf(t, p, o)}
}

// differ is in what the two judge a request differently; empty if in nothing that is promised.
func (p pair) differ(r waftest.Request) string {
	response := waftest.Response{Status: 200, Headers: [][2]string{{"Content-Type", "text/html"}}, Body: []byte("hello")}
	a, b := judge(p.folded, r, &response), judge(p.reference, r, &response)
	if a.Interrupted != b.Interrupted || a.By != b.By || a.Status != b.Status || a.Score != b.Score {
		return fmt.Sprintf("%v: %d by %d, score %d folded, %d by %d, score %d in the reference", r.Headers, a.Status, a.By, a.Score, b.Status, b.By, b.Score)
	}
	if a, b := told(a, b), told(b, b); !slices.Equal(a, b) {
		return fmt.Sprintf("%v:\nfolded    %v\nreference %v", r.Headers, a, b)
	}
	return ""
}

// told are the matches of a judgement that folding must leave: those of rules that log. The log phase of a request that reference says was
// refused, or let through by an allow, may find more variables set.
func told(j, reference waftest.Judgement) (out []string) {
	ended := reference.Interrupted || slices.ContainsFunc(reference.Found, func(f waftest.Found) bool { return f.Rule%100 >= 40 && f.Rule%100 < 80 })
	for _, f := range j.Found {
		if slices.Contains(j.Logged, f.Rule) && (f.Rule%100 != 80 || !ended) && f.Rule < 900000 {
			out = append(out, fmt.Sprintf("%v=%q", f.Match, f.Value))
		}
	}
	return out
}

// grammar makes rules and requests.
type grammar struct {
	rng *rand.Rand
	crs bool
	id  int
}

// rules are n of them with numbers from an id on, and at last one that shows all variables in the log phase. Numbers that
// end in 40 to 79 end a request.
func (g *grammar) rules(from, n int) string {
	var b strings.Builder
	g.id = from
	for range n {
		b.WriteString(g.rule())
		if g.rng.IntN(4) == 0 {
			fmt.Fprintf(&b, "SecMarker M%d\n", from+g.rng.IntN(3))
		}
	}
	for m := range 3 {
		fmt.Fprintf(&b, "SecMarker M%d\n", from+m)
	}
	fmt.Fprintf(&b, "SecRule TX:/^[a-d]$/ \"@unconditionalMatch\" \"id:%d,phase:5,pass,log\"\n", from/100*100+80)
	return b.String()
}

func (g *grammar) rule() string {
	phase := 1 + g.rng.IntN(2)
	if g.rng.IntN(8) == 0 {
		phase = 3
	}
	id := g.id
	g.id++
	log := g.one("log", "nolog", "nolog", "nolog")
	actions := g.actions()
	flow := ""
	switch g.rng.IntN(7) {
	case 0:
		flow = fmt.Sprintf(",skipAfter:M%d", id/100*100+g.rng.IntN(3))
	case 1:
		flow = fmt.Sprintf(",skip:%d", 1+g.rng.IntN(3))
	}
	pass := "pass"
	if g.rng.IntN(9) == 0 {
		pass = g.one("allow:phase", "allow:request", "allow", "deny")
		if log = "log"; pass == "allow" || pass == "deny" {
			id += 40
		}
	}
	head := fmt.Sprintf("id:%d,phase:%d,%s,%s,t:none,tag:%s%s%s", id, phase, pass, log, g.one("one", "two"), flow, actions)
	if g.rng.IntN(4) == 0 {
		return fmt.Sprintf("SecAction \"%s\"\n", head)
	}
	out := "SecRule " + g.condition() + " \"" + head
	if g.rng.IntN(4) == 0 {
		out += ",chain\"\n\tSecRule " + g.condition() + " \"t:none" + g.actions()
	}
	return out + "\"\n"
}

// condition asks for variables, or for what the request has.
func (g *grammar) condition() string {
	switch g.rng.IntN(8) {
	case 0, 1:
		return fmt.Sprintf("REQUEST_HEADERS:X-%d \"@streq 1\"", g.rng.IntN(4))
	case 2:
		return fmt.Sprintf("&TX:%s \"@eq %d\"", g.name(), g.rng.IntN(2))
	case 3:
		return fmt.Sprintf("TX:%s|TX:%s \"@%s %d\"", g.name(), g.name(), g.one("eq", "lt", "ge"), g.rng.IntN(4))
	case 4:
		return fmt.Sprintf("TX:%s \"%s@streq %%{tx.%s}\"", g.name(), g.one("", "!"), g.name())
	case 5:
		return fmt.Sprintf("TX:%s \"@rx ^[12]\"", g.name())
	default:
		return fmt.Sprintf("TX:%s \"@%s %d\"", g.name(), g.one("eq", "lt", "ge"), g.rng.IntN(4))
	}
}

func (g *grammar) actions() (out string) {
	for range g.rng.IntN(3) {
		switch g.rng.IntN(9) {
		case 0, 1, 2:
			out += fmt.Sprintf(",setvar:tx.%s=%d", g.name(), g.rng.IntN(5))
		case 3, 4:
			out += fmt.Sprintf(",setvar:tx.%s=+%s", g.name(), g.one("1", "2", "%{tx."+g.name()+"}"))
		case 5:
			out += fmt.Sprintf(",setvar:!tx.%s", g.name())
		case 6:
			out += ",ctl:ruleRemoveById=" + g.ids()
		case 7:
			out += ",ctl:ruleRemoveByTag=" + g.tag()
		case 8:
			out += ",ctl:ruleRemoveTargetBy" + g.one("Id="+g.ids(), "Tag="+g.tag()) + ";TX:" + g.name()
		}
	}
	return out
}

func (g *grammar) one(of ...string) string { return of[g.rng.IntN(len(of))] }

func (g *grammar) name() string {
	if g.crs && g.rng.IntN(2) == 0 {
		return g.one("detection_paranoia_level", "blocking_paranoia_level", "inbound_anomaly_score_threshold", "critical_anomaly_score",
			"inbound_anomaly_score_pl1", "early_blocking", "reporting_level", "allowed_methods")
	}
	return g.one("a", "b", "c", "d")
}

func (g *grammar) tag() string {
	if g.crs && g.rng.IntN(2) == 0 {
		return g.one("OWASP_CRS", "attack-sqli", "paranoia-level/2")
	}
	return g.one("one", "two")
}

func (g *grammar) ids() string {
	if g.crs && g.rng.IntN(2) == 0 {
		return g.one("942100", "901000-901999", "942011-942018", "949110")
	}
	first := 100 + g.rng.IntN(10)
	return fmt.Sprintf("%d-%d", first, first+g.rng.IntN(4))
}

// request has some of the fields that conditions ask for, and an attack in half the cases.
func (g *grammar) request() waftest.Request {
	r := waftest.Request{Method: "GET", URI: g.one("/", "/?q=1'+or+1%3d1--"), Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}
	for i := range 4 {
		if g.rng.IntN(2) == 0 {
			r.Headers = append(r.Headers, [2]string{fmt.Sprintf("X-%d", i), "1"})
		}
	}
	return r
}
