package lint

import "skerry.dev/skerry/aws/schema"

// capacity is how many WCU the rules need: at least, without what transformations cost, since rules can share them; and at
// most. Groups that are not known count for nothing. See
// https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html
func (l *linter) capacity(a *acl) (least, most int) {
	for _, w := range a.rules {
		if w.sure {
			w.walk(func(s *statement) {
				base, transforms := l.cost(s)
				least += base
				most += base + transforms
			})
		}
	}
	return least, most
}

// cost is the WCU of one statement, without those inside it, and of its transformations.
func (l *linter) cost(s *statement) (base, transforms int) {
	switch s.kind {
	case "AsnMatchStatement", "GeoMatchStatement", "LabelMatchStatement":
		return 1, 0
	case "IPSetReferenceStatement":
		if is(s.body.Path("IPSetForwardedIPConfig", "Position"), "ANY") {
			return 5, 0
		}
		return 1, 0
	case "ByteMatchStatement":
		base = 2
		if c := s.body.Get("PositionalConstraint"); is(c, "CONTAINS") || is(c, "CONTAINS_WORD") {
			base = 10
		}
	case "RegexMatchStatement":
		base = 3
	case "RegexPatternSetReferenceStatement":
		base = 25
	case "SizeConstraintStatement":
		base = 1
	case "SqliMatchStatement":
		base = 20
		if is(s.body.Get("SensitivityLevel"), "HIGH") {
			base = 30
		}
	case "XssMatchStatement":
		base = 40
	case "RateBasedStatement":
		keys, _ := entries(s.body.Get("CustomKeys"))
		return 2 + 30*len(keys), 0
	case "ManagedRuleGroupStatement":
		if g := schema.ManagedRules().Group(s.body.Get("Name").String()); g != nil && is(s.body.Get("VendorName"), "AWS") {
			return g.Capacity, 0
		}
		return 0, 0
	case "RuleGroupReferenceStatement":
		if r := l.refersTo(s.body.Get("Arn"), typeRuleGroup); r != nil {
			c, _ := r.Properties.Get("Capacity").AsNumber()
			return int(c), 0
		}
		return 0, 0
	default:
		return 0, 0
	}
	field := s.body.Get("FieldToMatch")
	if field.Get("JsonBody") != nil {
		base *= 2
	}
	if field.Get("AllQueryArguments") != nil {
		base += 10
	}
	list, _ := entries(s.body.Get("TextTransformations"))
	for _, t := range list {
		if !is(t.Get("Type"), "NONE") {
			transforms += 10
		}
	}
	return base, transforms
}
