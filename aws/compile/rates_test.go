package compile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

func TestWindowOf(t *testing.T) {
	for _, c := range []struct {
		count int
		per   time.Duration
		burst int
		want  string
	}{
		{300, time.Second, 600, "18000 in 60 s"},
		{10, time.Minute, 10, "10 in 60 s"},
		{10, time.Minute, 20, "20 in 120 s"},   // the burst fits a longer one
		{1000, time.Hour, 10, "16 in 60 s"},    // 4 % fewer
		{650, time.Hour, 10, "21 in 120 s"},    // 10 in 60 s would be 8 % fewer
		{1000, time.Hour, 2000, "83 in 300 s"}, // no burst like that fits: the least loss
		{60, time.Hour, 1, "10 in 600 s"},      // the lowest limit there is
		{5, time.Hour, 10, "10 in 600 s"},      // lower than that
		{1, time.Second, 2, "60 in 60 s"},      //
		{1000000, time.Second, 1, "60000000 in 60 s"},
	} {
		w := windowOf(spec.Limit{PerAddress: spec.Rate{Count: c.count, Per: c.per}, Burst: c.burst})
		if w.String() != c.want {
			t.Errorf("%d per %v, burst %d: %v, want %s", c.count, c.per, c.burst, w, c.want)
		}
	}
}

// Whoever keeps the rate of a rule keeps that of the spec, but where AWS WAF cannot count as low.
func TestWindowNeverExceedsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := spec.Limit{PerAddress: spec.Rate{
			Count: rapid.IntRange(1, 1_000_000).Draw(t, "count"), Per: rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "per"),
		}, Burst: rapid.IntRange(1, 2_000_000).Draw(t, "burst")}
		w := windowOf(l)
		exact := float64(l.PerAddress.Count) / l.PerAddress.Per.Seconds() * w.span.Seconds()
		switch {
		case w.count < rateLimitMin:
			t.Fatalf("%v is below what AWS takes", w)
		case w.count > rateLimitMin && float64(w.count) > exact*1.000001:
			t.Fatalf("%v exceeds %v", w, l)
		case w.count == rateLimitMin && float64(w.count) > exact*1.000001 && w.span != 10*time.Minute:
			t.Fatalf("%v exceeds %v more than it has to", w, l)
		case float64(w.count) < exact*0.9:
			t.Fatalf("%v is a tenth below %v", w, l)
		}
	})
}

func TestRates(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", `
profile: plain
limit: {perAddress: 100/s}
routes:
  - {name: login, match: {path: /login}, limit: {perAddress: 5/h}, service: http://127.0.0.1:9000}
  - {name: reset, match: {path: /reset}, limit: {perAddress: 1000/h, burst: 2000}, service: http://127.0.0.1:9000}
  - {name: again, match: {path: /again}, limit: {perAddress: 1000/h, burst: 2000}, service: http://127.0.0.1:9000}
  - {name: free, match: {prefix: /free}, limit: off, service: http://127.0.0.1:9000}
  - {name: all, match: {prefix: /}, service: http://127.0.0.1:9000}
`))
	for _, c := range []struct{ path, want string }{
		{"/", "6000 in 60"}, {"/login", "10 in 600"}, {"/lo%67in", "6000 in 60, 10 in 600"}, {"/reset", "83 in 300"}, {"/again", "83 in 300"}, {"/free/x", ""},
	} {
		var got []string
		for _, r := range b.sites[0].acl.Props.(*model.WebACL).Rules {
			if s := r.Statement.RateBasedStatement; s != nil && wafFits(t, s.ScopeDownStatement, &wafReq{method: "GET", path: c.path}) {
				got = append(got, fmt.Sprintf("%d in %d", wafInt(s.Limit), wafInt(s.EvaluationWindowSec)))
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s is counted by %v, want %s", c.path, got, c.want)
		}
	}
	for id, want := range map[string]string{
		"rate-minimum": "the limit is 5 in an hour, AWS WAF lets pass 10 in 600 s: 12 times as many",
		"rate-rounded": "the limit is 1000 in an hour, it becomes 83 in 300 s: 0.4 % fewer",
		"rate-burst":   "2000 requests may come at once, AWS WAF refuses from the 84th in 300 s on",
		"rate-shared":  "again, reset with limits of their own of 1000 in an hour are counted together with all that have the same",
	} {
		if got := strings.Join(found(b, id), "|"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

// More limits than a web ACL takes: each request is still counted, by its own limit or a stricter one.
func TestRatesBeyondTheirNumber(t *testing.T) {
	var text strings.Builder
	text.WriteString("profile: plain\nlimit: {perAddress: 500/s}\nroutes:\n")
	for i := range 14 {
		fmt.Fprintf(&text, "  - {name: r%d, match: {path: /%d}, limit: {perAddress: %d/s}, service: http://127.0.0.1:9000}\n", i, i, 10+i)
	}
	b := firewalls(t, entrypointNamed("shop", text.String()))
	rates := 0
	counted := map[int]int64{}
	for _, r := range b.sites[0].acl.Props.(*model.WebACL).Rules {
		s := r.Statement.RateBasedStatement
		if s == nil {
			continue
		}
		rates++
		for i := range 15 { // the last path has the limit of the entrypoint
			if wafFits(t, s.ScopeDownStatement, &wafReq{method: "GET", path: fmt.Sprintf("/%d", i)}) {
				counted[i] = wafInt(s.Limit)
			}
		}
	}
	if rates != rateRulesMax {
		t.Errorf("%d rules with a rate, want %d", rates, rateRulesMax)
	}
	for i := range 15 {
		limit := int64(10+i) * 60
		if i == 14 {
			limit = 500 * 60
		}
		if counted[i] == 0 || counted[i] > limit {
			t.Errorf("/%d is counted to %d, the limit is %d", i, counted[i], limit)
		}
	}
	if got := found(b, "rate-rules"); len(got) != 1 || !strings.Contains(got[0], "there are 15 different limits, a web ACL takes 10: 5 of them") {
		t.Error(got)
	}
}
