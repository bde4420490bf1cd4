package compile

import (
	"fmt"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// This file computes the capacity units (WCU) of a web ACL from the tables that AWS publishes, which stand with each kind of statement
// below https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statements-list.html. AWS counts a transformation of one part of a
// request once, however many statements ask for it: what is computed here is never less than what AWS computes.

var capacityRules = struct{ most, price finding.Rule }{
	most: finding.Rule{
		ID: "waf-capacity", Severity: finding.Error,
		Meaning: "A web ACL has more capacity units than AWS allows.",
		Remedy:  "give routes the same limits and the same waf, or split the entrypoint; managed groups that are excluded as a whole are left out",
		Witness: "aws wafv2 check-capacity --scope CLOUDFRONT", Source: "https://docs.aws.amazon.com/waf/latest/developerguide/limits.html",
	},
	price: finding.Rule{
		ID: "waf-price", Severity: finding.Note,
		Meaning: "A web ACL has more capacity units than the price of a request includes.",
		Remedy:  "exclude the families of rules that the application has no use for: 933100-933999 where there is no PHP, 932120-932140 and 932370-932380 where there is no Windows",
		Witness: "any request", Source: "https://aws.amazon.com/waf/pricing/",
	},
}

// capacity is the WCU of a web ACL, and says what is to be said about it.
func (a *acl) capacity() {
	total := 0
	var parts []string
	for _, r := range a.props.Rules {
		n := statementCapacity(r.Statement)
		total += n
		parts = append(parts, fmt.Sprintf("%s %d", r.Name, n))
	}
	switch {
	case total > capacityMax:
		a.find(&capacityRules.most, nil, "spec.waf", "the web ACL has %d WCU, the limit is %d: %s", total, capacityMax, strings.Join(parts, ", "))
	case total > capacityFree:
		steps := (total - capacityFree + capacityStep - 1) / capacityStep
		a.find(&capacityRules.price, nil, "spec.waf", "the web ACL has %d WCU, the price of a request includes %d and goes up by %d %s: %s",
			total, capacityFree, steps, plural(steps, "step", "steps"), strings.Join(parts, ", "))
	}
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// statementCapacity is the WCU of a statement with all that is nested in it.
func statementCapacity(s *statement) int {
	switch {
	case s == nil:
		return 0
	case s.AndStatement != nil:
		return sumCapacity(s.AndStatement.Statements)
	case s.OrStatement != nil:
		return sumCapacity(s.OrStatement.Statements)
	case s.NotStatement != nil:
		return statementCapacity(s.NotStatement.Statement)
	case s.ByteMatchStatement != nil:
		base := 2
		if how := s.ByteMatchStatement.PositionalConstraint; how == model.Text("CONTAINS") || how == model.Text("CONTAINS_WORD") {
			base = 10
		}
		return matchCapacity(base, s.ByteMatchStatement.FieldToMatch, s.ByteMatchStatement.TextTransformations)
	case s.RegexMatchStatement != nil:
		return matchCapacity(3, s.RegexMatchStatement.FieldToMatch, s.RegexMatchStatement.TextTransformations)
	case s.RegexPatternSetReferenceStatement != nil:
		return matchCapacity(25, s.RegexPatternSetReferenceStatement.FieldToMatch, s.RegexPatternSetReferenceStatement.TextTransformations)
	case s.SizeConstraintStatement != nil:
		return matchCapacity(1, s.SizeConstraintStatement.FieldToMatch, s.SizeConstraintStatement.TextTransformations)
	case s.SqliMatchStatement != nil:
		base := 20
		if s.SqliMatchStatement.SensitivityLevel == model.Text("HIGH") {
			base = 30
		}
		return matchCapacity(base, s.SqliMatchStatement.FieldToMatch, s.SqliMatchStatement.TextTransformations)
	case s.XssMatchStatement != nil:
		return matchCapacity(40, s.XssMatchStatement.FieldToMatch, s.XssMatchStatement.TextTransformations)
	case s.RateBasedStatement != nil:
		return 2 + 30*len(s.RateBasedStatement.CustomKeys) + statementCapacity(s.RateBasedStatement.ScopeDownStatement)
	case s.ManagedRuleGroupStatement != nil:
		return managedCapacity(s.ManagedRuleGroupStatement)
	case s.IPSetReferenceStatement != nil:
		if c := s.IPSetReferenceStatement.IPSetForwardedIPConfig; c != nil && c.Position == model.Text("ANY") {
			return 5
		}
	}
	return 1 // labels, countries, autonomous systems, IP sets
}

func sumCapacity(list []*statement) (n int) {
	for _, s := range list {
		n += statementCapacity(s)
	}
	return n
}

// matchCapacity is what a statement costs that looks at a part of a request.
func matchCapacity(base int, field *model.WebACLFieldToMatch, transformations []*model.WebACLTextTransformation) int {
	if field.JsonBody != nil {
		base *= 2
	}
	if field.AllQueryArguments != nil {
		base += 10
	}
	for _, t := range transformations {
		if t.Type != model.Text("NONE") {
			base += 10
		}
	}
	return base
}

func managedCapacity(m *model.WebACLManagedRuleGroupStatement) int {
	name, _ := m.Name.(model.Text)
	g := schema.ManagedRules().Group(string(name))
	if g == nil {
		panic("BUG: a managed group that is not known: " + string(name))
	}
	return g.Capacity + statementCapacity(m.ScopeDownStatement)
}
