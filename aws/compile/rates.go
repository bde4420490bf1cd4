package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// This file turns limits per client address into rules with a rate.
//
// The edge has a token bucket; AWS WAF has a count over a window of 1, 2, 5 or 10 minutes. The count is the rate over the window, rounded
// down, so that nobody gets more on average than the spec says. The window is the shortest in which rounding takes no more than a
// twentieth and the burst fits, since a client is noticed, and let go, the sooner the shorter it is; and otherwise the one that takes least.

var rateRules = struct{ minimum, rounded, burst, shared, many finding.Rule }{
	minimum: finding.Rule{
		ID: "rate-minimum", Severity: finding.Error,
		Meaning: "AWS WAF counts to 10 in 10 minutes at least: a lower limit cannot be kept.",
		Remedy:  "keep the limit in the service, or allow 60 requests an hour",
		Witness: "11 requests of one address within 10 minutes", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
	},
	rounded: finding.Rule{
		ID: "rate-rounded", Severity: finding.Note,
		Meaning: "A limit is rounded down to a whole count in a window of AWS WAF.",
		Remedy:  "choose a limit that is whole in 1, 2, 5 or 10 minutes",
		Witness: "requests of one address at the rate of the spec",
		Source:  "https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-high-level-settings.html",
	},
	burst: finding.Rule{
		ID: "rate-burst", Severity: finding.Warning,
		Meaning: "A burst does not fit any window of AWS WAF: clients that come with it are refused, though they keep the rate.",
		Remedy:  "raise the rate, or lower the burst",
		Witness: "the burst of the spec at once, of one address",
		Source:  "https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-high-level-settings.html",
	},
	shared: finding.Rule{
		ID: "rate-shared", Severity: finding.Note,
		Meaning: "Routes with the same limit are counted together, where the edge counts each of them.",
		Remedy:  "give routes that are to be counted apart limits that differ",
		Witness: "requests of one address to both routes",
	},
	many: finding.Rule{
		ID: "rate-rules", Severity: finding.Error,
		Meaning: "A web ACL has 10 rules with a rate at most; limits beyond them share the nearest one that is stricter.",
		Remedy:  "give routes the same limits, or split the entrypoint",
		Witness: "requests of one address at the rate of the spec", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
	},
}

// window is a count in a span of time.
type window struct {
	count int64
	span  time.Duration
}

// perHour compares rates.
func perHour(count int64, span time.Duration) float64 {
	return float64(count) * time.Hour.Seconds() / span.Seconds()
}

func (w window) String() string { return fmt.Sprintf("%d in %d s", w.count, int(w.span.Seconds())) }

var windows = [...]time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}

// windowOf is the window for a limit: never more on average than its rate, but where that is below what AWS WAF can count.
func windowOf(l spec.Limit) window {
	var best window
	lost := 2.0
	for _, span := range windows {
		exact := float64(l.PerAddress.Count) * span.Seconds() / l.PerAddress.Per.Seconds()
		w := window{int64(l.PerAddress.Count) * int64(span/time.Second) / int64(l.PerAddress.Per/time.Second), span}
		if w.count < rateLimitMin {
			continue
		}
		part := 1 - float64(w.count)/exact
		if part <= 0.05 && w.count >= int64(l.Burst) {
			return w
		}
		if part < lost {
			best, lost = w, part
		}
	}
	if best.count == 0 {
		return window{rateLimitMin, windows[len(windows)-1]}
	}
	return best
}

// rates adds a rule for each limit.
func (a *acl) rates() {
	groups := a.lanes.by(func(p *spec.Policy) string {
		if p.Limit == nil || p.Limit.PerAddress.Count == 0 {
			return ""
		}
		return fmt.Sprintf("%d/%s burst %d", p.Limit.PerAddress.Count, p.Limit.PerAddress.Per, p.Limit.Burst)
	})
	groups = slices.DeleteFunc(groups, func(g *laneGroup) bool { return g.key == "" })
	for _, g := range groups {
		a.tellRate(g)
	}
	for _, g := range a.fewer(groups) {
		w := windowOf(*g.policy.Limit)
		scope := a.lanes.reach(g.in, true)
		if scope == none {
			continue
		}
		a.rule(bandRates, g.name("rate"), g.at, &statement{RateBasedStatement: &model.WebACLRateBasedStatement{
			AggregateKeyType: model.Text("IP"), Limit: model.Int(w.count), EvaluationWindowSec: model.Int(w.span / time.Second), ScopeDownStatement: scope,
		}}, a.refuse(429, "Retry-After", strconv.Itoa(int(w.span.Seconds()))))
	}
}

// tellRate says what becomes of a limit.
func (a *acl) tellRate(g *laneGroup) {
	const path = "spec.limit"
	l := *g.policy.Limit
	w := windowOf(l)
	asked := fmt.Sprintf("%d in %s", l.PerAddress.Count, perText(l.PerAddress.Per))
	is, was := perHour(w.count, w.span), perHour(int64(l.PerAddress.Count), l.PerAddress.Per)
	switch {
	case is > was:
		a.find(&rateRules.minimum, g, path, "the limit is %s, AWS WAF lets pass %s: %.3g times as many", asked, w, is/was)
	case is < was:
		a.find(&rateRules.rounded, g, path, "the limit is %s, it becomes %s: %.3g %% fewer", asked, w, 100*(1-is/was))
	}
	if w.count < int64(l.Burst) {
		a.find(&rateRules.burst, g, path, "%d requests may come at once, AWS WAF refuses from the %dth in %d s on", l.Burst, w.count+1, int(w.span.Seconds()))
	}
	var own []string
	for i, r := range a.lanes.routes {
		if g.in[i] && r.Policy.Limit != a.site.entry.Policy.Limit {
			own = append(own, r.Name)
		}
	}
	slices.Sort(own)
	if len(own) > 1 || len(own) == 1 && g.in[len(a.lanes.routes)] {
		a.find(&rateRules.shared, g, path, "%s with limits of their own of %s are counted together with all that have the same", strings.Join(own, ", "), asked)
	}
}

func perText(d time.Duration) string {
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	}
	return "an hour"
}

// fewer joins the mildest limits with the next stricter ones until there are no more than AWS WAF takes. The routes of both keep the
// stricter limit.
func (a *acl) fewer(groups []*laneGroup) []*laneGroup {
	if len(groups) <= rateRulesMax {
		return groups
	}
	a.find(&rateRules.many, nil, "spec.limit", "there are %d different limits, a web ACL takes %d: %d of them are counted with a stricter one",
		len(groups), rateRulesMax, len(groups)-rateRulesMax)
	slices.SortStableFunc(groups, func(x, y *laneGroup) int {
		return compareRates(windowOf(*y.policy.Limit), windowOf(*x.policy.Limit))
	})
	n := len(groups) - rateRulesMax
	into := *groups[n] // the mildest that stays; stricter than all before it
	into.in = unionOf(groups[:n+1], len(into.in))
	return append([]*laneGroup{&into}, groups[n+1:]...)
}

func compareRates(x, y window) int {
	switch a, b := perHour(x.count, x.span), perHour(y.count, y.span); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
