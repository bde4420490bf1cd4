package adopt

import (
	"fmt"
	"slices"
	"strconv"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// This file turns rates of AWS WAF into limits per client address. The count of a window becomes the rate over it, in the unit in
// which it is whole, and the burst: AWS WAF lets the whole count come at once.

// rateLimit is a limit of a spec.
type rateLimit struct {
	count, burst int64
	unit         string  // s, m or h
	perHour      float64 // to compare
}

func (l *rateLimit) fields() []said {
	return []said{{"perAddress", strconv.FormatInt(l.count, 10) + "/" + l.unit}, {"burst", int(l.burst)}}
}

// limitOf is the limit for a count in a window in seconds; nil: it is beyond what a spec takes.
func limitOf(count, window int64) *rateLimit {
	if count <= 0 || window <= 0 || count > burstMost {
		return nil
	}
	l := &rateLimit{burst: count, perHour: float64(count) * 3600 / float64(window)}
	for _, u := range []struct {
		name    string
		seconds int64
	}{{"s", 1}, {"m", 60}, {"h", 3600}} {
		if l.count, l.unit = count*u.seconds/window, u.name; count*u.seconds%window == 0 {
			break
		}
	}
	if l.count < 1 || l.count > rateMost {
		return nil
	}
	return l
}

// rate takes over a rule with a rate.
func (w *webACL) rate(r *wafRule, body *schema.Node) {
	lost := func(rule *finding.Rule, format string, args ...any) {
		w.refuse(r, rule, "the rate %s "+format, append([]any{r.name}, args...)...)
	}
	count, ok := body.Get("Limit").AsNumber()
	window := float64(windowDefault)
	if n := body.Get("EvaluationWindowSec"); n != nil {
		var known bool
		window, known = n.AsNumber()
		ok = ok && known
	}
	l := limitOf(int64(count), int64(window))
	key := body.Get("AggregateKeyType").String()
	switch {
	case r.action == "Count":
		lost(&wafRules.count, "refuses nothing")
		return
	case !ok:
		lost(&wafRules.open, "has a count that is known only when it is deployed")
		return
	case key != "IP":
		lost(&wafRules.rateLost, "counts by %s, and a limit counts by the address of the client", key)
		return
	case l == nil:
		lost(&wafRules.rateLost, "has a count of %.0f, a burst has %d at most", count, burstMost)
		return
	}
	scope, near, ok := w.rateScope(body.Get("ScopeDownStatement"))
	if !ok {
		lost(&wafRules.rateLost, "counts only some requests, and no path says which")
		return
	}
	text := fmt.Sprintf("%.0f requests in %.0f s of the rate %s become %d/%s with a burst of %d, by token bucket; an IPv6 address counts by its /64",
		count, window, r.name, l.count, l.unit, l.burst)
	if near != "" {
		text += "; " + near
	}
	if r.action != "Block" {
		text += "; who exceeds it is refused and not asked to prove that there is a browser (" + r.action + ")"
	}
	w.taken(r, "limit", scope, &wafRules.rate, text, statusRate)
	w.rates = append(w.rates, &rateSaid{r, l, scope})
	w.add(r, scope, func(p *lanePolicy) { p.limit = l.with(p.limit) })
}

// rateSaid is a rate that has become a limit.
type rateSaid struct {
	rule  *wafRule
	limit *rateLimit
	scope *expr
}

// with is a limit that lets through no more than either of two; o may be nil.
func (l *rateLimit) with(o *rateLimit) *rateLimit {
	if o == nil {
		return l
	}
	if o.perHour < l.perHour {
		l, o = o, l
	}
	both := *l
	both.burst = min(l.burst, o.burst)
	return &both
}

// severalRates says of rates that hold for the same paths what has become of them: a limit has one rate and one burst.
func (w *webACL) severalRates() {
	meet := func(a, b *rateSaid) bool {
		return slices.ContainsFunc(lanesOf(use{}, w.tests), func(l *lane) bool { return a.scope.fits(l.sample) && b.scope.fits(l.sample) })
	}
	for i, a := range w.rates {
		for j, b := range w.rates {
			if i == j || !meet(a, b) {
				continue
			}
			stricter := b.limit.perHour <= a.limit.perHour && b.limit.burst <= a.limit.burst
			milder := b.limit.perHour >= a.limit.perHour && b.limit.burst >= a.limit.burst
			switch {
			case stricter && (!milder || j < i):
				w.f.ledger.amend(a.rule.node, &wafRules.rate,
					"where the rate "+b.rule.name+" holds too, that one is the limit, which is stricter and counts by itself")
			case !stricter && !milder:
				w.f.ledger.amend(a.rule.node, &wafRules.rate,
					"where the rate "+b.rule.name+" holds too, the limit has the smaller rate and the smaller burst of the two")
			}
		}
	}
}

// rateScope is which paths are counted, and how a limit differs from that.
func (w *webACL) rateScope(n *schema.Node) (scope *expr, near string, ok bool) {
	if n == nil {
		return &expr{op: opEvery}, "", true
	}
	scope, rest := expression(n, w.labels).split()
	for _, e := range rest {
		switch {
		case e.methods() != nil:
			near = "it counts other methods too"
		case e.op == opNot && e.of[0].node != nil && len(w.addressSets(e.of[0].node)) > 0:
			near = "the addresses that it does not count are counted"
		default:
			return nil, "", false
		}
	}
	return scope, near, true
}
