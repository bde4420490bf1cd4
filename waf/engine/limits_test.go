package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/crs"
	"skerry.dev/skerry/waf/engine"
	"skerry.dev/skerry/waf/waftest"
)

// TestLimits passes each limit: where requests are refused, where they are only watched, where passing is let through. What cannot be
// read is refused there too.
func TestLimits(t *testing.T) {
	f := func(limit engine.Limit, status int, o engine.Options, rules string, r waftest.Request) {
		t.Helper()
		p, problems := engine.New(parsed(t, rules))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, reference := range []bool{false, true} {
			o.Reference = reference
			testLimit(t, p, o, r, limit, status)
		}
	}
	get := func(uri string) waftest.Request {
		return waftest.Request{Method: "GET", URI: uri, Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}
	}
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("/?")
		for i := range n {
			fmt.Fprintf(&b, "a%d=x&", i)
		}
		return b.String()
	}
	wide := body.DefaultLimits()
	wide.Pairs = 1 << 20
	anything := `SecRule ARGS|ARGS_NAMES "@rx ." "id:1,phase:2,pass,nolog,t:none,t:urlDecodeUni"`
	f(engine.LimitArguments, 400, engine.Options{}, anything, get(many(10_001)))
	f(engine.LimitFields, 400, engine.Options{Limits: wide}, anything, get(many(10_001)))
	f(engine.LimitBody, 400, engine.Options{}, anything, get("/").WithBody("application/json", []byte(`{"a":`)))
	f(engine.LimitWork, 403, engine.Options{Work: time.Microsecond}, anything, get(many(100)))
	f(engine.LimitTX, 403, engine.Options{}, `SecRule ARGS "@rx ." "id:1,phase:2,pass,nolog,t:none,setvar:tx.x_%{matched_var_name}=1,setvar:tx.y_%{matched_var_name}=1,setvar:tx.z_%{matched_var_name}=1"`, get(many(7_000)))
	f(engine.LimitRemovals, 403, engine.Options{}, `SecRule ARGS "@rx ." "id:1,phase:2,pass,nolog,t:none,ctl:ruleRemoveById=7"`, get(many(1_001)))
}

// testLimit judges in the three ways.
func testLimit(t *testing.T, p *engine.Program, o engine.Options, r waftest.Request, limit engine.Limit, status int) {
	t.Helper()
	ask := func(detect, pass bool) *engine.Transaction {
		o.Detect, o.PassLimits = detect, pass
		return policyOf(t, p, o).Judge(input(r))
	}
	blocked := ask(false, false)
	defer blocked.End()
	if v := blocked.Verdict(); !v.Refused() || v.Status != status || v.Limit != limit || v.Rule != 0 || blocked.Limit() != limit {
		t.Errorf("%v, reference %v: verdict %+v, want %d for the limit", limit, o.Reference, v, status)
	}
	watched := ask(true, false)
	defer watched.End()
	if v := watched.Would(); watched.Verdict().Refused() || v.Limit != limit || v.Status != status {
		t.Errorf("%v, reference %v, watched: would be %+v, is %+v", limit, o.Reference, v, watched.Verdict())
	}
	passed := ask(false, true)
	defer passed.End()
	if v := passed.Verdict(); v.Refused() != (limit == engine.LimitBody) || passed.Limit() != limit {
		t.Errorf("%v, reference %v, let through: verdict %+v, limit %v", limit, o.Reference, v, passed.Limit())
	}
}

// From paranoia 3 on the Core Rule Set makes a variable for each name of an argument: many names are no reason to refuse.
func TestManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString("/?")
	for i := range 1_500 {
		fmt.Fprintf(&b, "name%d=%d&", i, i)
	}
	for _, reference := range []bool{false, true} {
		p := policyOf(t, embedded(), engine.Options{TX: crs.Setup{Paranoia: 4, Threshold: 100_000}.Set(), Reference: reference})
		judged := p.Judge(input(waftest.Request{Method: "GET", URI: b.String(), Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "shop.example.com"}}}))
		if judged.Verdict().Refused() || judged.Limit() != engine.LimitNone {
			t.Errorf("reference %v: %+v, limit %v", reference, judged.Verdict(), judged.Limit())
		}
		judged.End()
	}
}

// TestTextOfVariable grows a variable by each value: it must not get longer than its limit.
func TestTextOfVariable(t *testing.T) {
	p, problems := engine.New(parsed(t, `SecRule ARGS "@rx ." "id:1,phase:2,pass,nolog,t:none,setvar:tx.all=%{tx.all}%{tx.all}%{matched_var}"`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	uri := "/?" + strings.Repeat("a=xxxxxxxxxx&", 60)
	tx := policyOf(t, p, engine.Options{}).Judge(input(waftest.Request{Method: "GET", URI: uri, Proto: "HTTP/1.1"}))
	defer tx.End()
	if n := len(tx.TX("all")); n != 64<<10 {
		t.Errorf("after 60 doublings the text has %d bytes, want 65536", n)
	}
}

// TestWork holds the count of work to being the same each time, and to growing with what there is to look at.
func TestWork(t *testing.T) {
	p := policy(t, engine.Options{}, paranoia(1), "")
	work := func(uri string) int64 {
		tx := p.Judge(input(waftest.Request{Method: "GET", URI: uri, Proto: "HTTP/1.1", Headers: [][2]string{{"Host", "a.example"}}}))
		defer tx.End()
		return tx.Work()
	}
	small, large := work("/?a=%3Cb%20c%3D"), work("/?a="+strings.Repeat("%3Cb%20c%3D", 100))
	if small <= 0 || large < 8*small {
		t.Errorf("work is %d for one tag and %d for a hundred", small, large)
	}
	_ = work("/?a=%3Cb%20c%3D")
	if again := work("/?a=%3Cb%20c%3D"); again > small {
		t.Errorf("work is %d when it was %d before", again, small)
	}
}
