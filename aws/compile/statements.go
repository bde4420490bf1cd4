package compile

import (
	"slices"

	"skerry.dev/skerry/aws/model"
)

// This file builds statements of AWS WAF. A nil statement is every request: and leaves it out, or becomes it. None is what no
// request fits: it is never written down.

type statement = model.WebACLStatement

// none fits no request.
var none = &statement{}

// and fits what fits all of them.
func and(list ...*statement) *statement {
	var of []*statement
	for _, s := range list {
		switch {
		case s == none:
			return none
		case s == nil:
		case s.AndStatement != nil:
			of = append(of, s.AndStatement.Statements...)
		default:
			of = append(of, s)
		}
	}
	switch len(of) {
	case 0:
		return nil
	case 1:
		return of[0]
	}
	return &statement{AndStatement: &model.WebACLAndStatement{Statements: of}}
}

// or fits what fits one of them.
func or(list ...*statement) *statement {
	var of []*statement
	for _, s := range list {
		switch {
		case s == nil:
			return nil
		case s == none:
		case s.OrStatement != nil:
			of = append(of, s.OrStatement.Statements...)
		default:
			of = append(of, s)
		}
	}
	switch len(of) {
	case 0:
		return none
	case 1:
		return of[0]
	}
	return &statement{OrStatement: &model.WebACLOrStatement{Statements: of}}
}

// not fits what does not fit.
func not(s *statement) *statement {
	switch {
	case s == nil:
		return none
	case s == none:
		return nil
	case s.NotStatement != nil:
		return s.NotStatement.Statement
	}
	return &statement{NotStatement: &model.WebACLNotStatement{Statement: s}}
}

// The parts of a request that statements look at.
func inPath() *model.WebACLFieldToMatch   { return &model.WebACLFieldToMatch{UriPath: map[string]any{}} }
func inMethod() *model.WebACLFieldToMatch { return &model.WebACLFieldToMatch{Method: map[string]any{}} }

func inHeader(name string) *model.WebACLFieldToMatch {
	return &model.WebACLFieldToMatch{SingleHeader: &model.WebACLSingleHeader{Name: model.Text(name)}}
}

func inArgument(name string) *model.WebACLFieldToMatch {
	return &model.WebACLFieldToMatch{SingleQueryArgument: &model.WebACLSingleQueryArgument{Name: model.Text(name)}}
}

// inBody is a body; one beyond what AWS WAF looks at fits.
func inBody() *model.WebACLFieldToMatch {
	return &model.WebACLFieldToMatch{Body: &model.WebACLBody{OversizeHandling: model.Text("MATCH")}}
}

// inHeaders are all fields; heads beyond what AWS WAF looks at, 8 KB or 200 fields, fit.
func inHeaders(scope string) *model.WebACLFieldToMatch {
	return &model.WebACLFieldToMatch{Headers: &model.WebACLHeaders{
		MatchPattern: &model.WebACLHeaderMatchPattern{All: map[string]any{}}, MatchScope: model.Text(scope), OversizeHandling: model.Text("MATCH"),
	}}
}

// transformed is text transformations in their order.
func transformed(kinds []string) []*model.WebACLTextTransformation {
	if len(kinds) == 0 {
		kinds = []string{"NONE"}
	}
	var out []*model.WebACLTextTransformation
	for i, k := range kinds {
		out = append(out, &model.WebACLTextTransformation{Priority: model.Int(i), Type: model.Text(k)})
	}
	return out
}

// byteMatch compares with text of at most searchBytesMax bytes. how is EXACTLY, STARTS_WITH, ENDS_WITH or CONTAINS.
func byteMatch(field *model.WebACLFieldToMatch, how, text string, transformations ...string) *statement {
	if len(text) > searchBytesMax {
		panic("BUG: a search text of AWS WAF with more than 200 bytes")
	}
	return &statement{ByteMatchStatement: &model.WebACLByteMatchStatement{
		FieldToMatch: field, PositionalConstraint: model.Text(how), SearchString: model.Text(text), TextTransformations: transformed(transformations),
	}}
}

// regexMatch matches a regular expression; whoever builds it from what users write asks regexFlaw before.
func regexMatch(field *model.WebACLFieldToMatch, regex string, transformations ...string) *statement {
	if flaw := regexFlaw(regex); flaw != "" {
		panic("BUG: a regular expression that AWS WAF refuses: " + flaw)
	}
	return &statement{RegexMatchStatement: &model.WebACLRegexMatchStatement{
		FieldToMatch: field, RegexString: model.Text(regex), TextTransformations: transformed(transformations),
	}}
}

// larger fits a part of more than size bytes.
func larger(field *model.WebACLFieldToMatch, size int64) *statement { return sized(field, "GT", size) }

// isThere fits a request that has the part, be it empty.
func isThere(field *model.WebACLFieldToMatch) *statement { return sized(field, "GE", 0) }

func sized(field *model.WebACLFieldToMatch, operator string, size int64) *statement {
	return &statement{SizeConstraintStatement: &model.WebACLSizeConstraintStatement{
		FieldToMatch: field, ComparisonOperator: model.Text(operator), Size: model.Int(size), TextTransformations: transformed(nil),
	}}
}

// anything fits every request, where a statement has to be.
func anything(s *statement) *statement {
	if s == nil {
		return sized(inPath(), "GE", 0)
	}
	return s
}

// labelled fits a request that a rule before has given a label.
func labelled(label string) *statement {
	return &statement{LabelMatchStatement: &model.WebACLLabelMatchStatement{Key: model.Text(label), Scope: model.Text("LABEL")}}
}

// inSet fits a client address of an IP set.
func inSet(set *model.Resource) *statement {
	return &statement{IPSetReferenceStatement: &model.WebACLIPSetReferenceStatement{Arn: model.Ref{Resource: set, Attr: "Arn"}}}
}

// methodIn fits the methods, in their order.
func methodIn(names []string) *statement {
	var of []*statement
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		of = append(of, byteMatch(inMethod(), "EXACTLY", name))
	}
	return or(of...)
}

// matchAny matches one of several regular expressions: each by itself, or, where that costs more, by a set, of which an account has few.
func (b *builder) matchAny(a *acl, field *model.WebACLFieldToMatch, regexes []string, transformations ...string) *statement {
	if len(regexes) <= regexesInline {
		var of []*statement
		for _, r := range regexes {
			of = append(of, regexMatch(field, r, transformations...))
		}
		return or(of...)
	}
	var of []*statement
	for part := range slices.Chunk(regexes, regexSetMax) {
		props := &model.RegexPatternSet{Scope: scopeCloudFront, RegularExpressionList: model.Texts(part)}
		set := b.share("RegexPatternSet", a.site.entry.At, props, func(name string) { props.Name = model.Text(name) })
		of = append(of, &statement{RegexPatternSetReferenceStatement: &model.WebACLRegexPatternSetReferenceStatement{
			Arn: model.Ref{Resource: set, Attr: "Arn"}, FieldToMatch: field, TextTransformations: transformed(transformations),
		}})
	}
	return or(of...)
}
