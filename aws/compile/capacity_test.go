package compile

import (
	"fmt"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

func TestStatementCapacity(t *testing.T) {
	body := &model.WebACLFieldToMatch{Body: &model.WebACLBody{}}
	for _, c := range []struct {
		what string
		s    *statement
		want int
	}{
		{"nothing", nil, 0},
		{"exactly", byteMatch(inPath(), "EXACTLY", "/a"), 2},
		{"contains, with two transformations", byteMatch(inPath(), "CONTAINS", "/a", "URL_DECODE", "LOWERCASE"), 30},
		{"regex", regexMatch(inPath(), "a", "LOWERCASE"), 13},
		{"size of all arguments", larger(&model.WebACLFieldToMatch{AllQueryArguments: map[string]any{}}, 1), 11},
		{"JSON", &statement{SqliMatchStatement: &model.WebACLSqliMatchStatement{FieldToMatch: &model.WebACLFieldToMatch{JsonBody: &model.WebACLJsonBody{}}}}, 40},
		{"SQL, high", &statement{SqliMatchStatement: &model.WebACLSqliMatchStatement{FieldToMatch: body, SensitivityLevel: model.Text("HIGH")}}, 30},
		{"XSS", &statement{XssMatchStatement: &model.WebACLXssMatchStatement{FieldToMatch: body}}, 40},
		{"country", &statement{GeoMatchStatement: &model.WebACLGeoMatchStatement{}}, 1},
		{"label", labelled("x"), 1},
		{"forwarded addresses", &statement{IPSetReferenceStatement: &model.WebACLIPSetReferenceStatement{
			IPSetForwardedIPConfig: &model.WebACLIPSetForwardedIPConfiguration{Position: model.Text("ANY")}}}, 5},
		{"set of regular expressions", &statement{RegexPatternSetReferenceStatement: &model.WebACLRegexPatternSetReferenceStatement{FieldToMatch: inPath()}}, 25},
		{"all together", not(and(labelled("x"), or(labelled("y"), byteMatch(inMethod(), "EXACTLY", "GET")))), 4},
		{"rate with two keys", &statement{RateBasedStatement: &model.WebACLRateBasedStatement{
			CustomKeys: make([]*model.WebACLRateBasedStatementCustomKey, 2), ScopeDownStatement: labelled("x")}}, 63},
	} {
		if got := statementCapacity(c.s); got != c.want {
			t.Errorf("%s: %d WCU, want %d", c.what, got, c.want)
		}
	}
}

func TestStatementsSimplify(t *testing.T) {
	x, y, z := labelled("x"), labelled("y"), labelled("z")
	for _, c := range []struct {
		what      string
		got, want *statement
	}{
		{"and of nothing", and(), nil}, {"and of one", and(nil, x), x}, {"and of none", and(x, none), none},
		{"or of nothing", or(), none}, {"or of one", or(none, x), x}, {"or of all", or(x, nil), nil},
		{"not of all", not(nil), none}, {"not of none", not(none), nil}, {"not of not", not(not(x)), x},
	} {
		if c.got != c.want {
			t.Errorf("%s is %+v", c.what, c.got)
		}
	}
	if s := and(x, and(y, z)); len(s.AndStatement.Statements) != 3 {
		t.Error("and in and stays nested")
	}
	if s := or(or(x, y), z); len(s.OrStatement.Statements) != 3 {
		t.Error("or in or stays nested")
	}
}

// Too many routes that differ: the rules are told with their numbers.
func TestCapacityBeyond(t *testing.T) {
	var text strings.Builder
	text.WriteString("routes:\n")
	for i := range 150 {
		fmt.Fprintf(&text, "  - {name: r%d, match: {path: /%d}, bodyMax: %d, service: http://127.0.0.1:9000}\n", i, i, 1000+i)
	}
	b := firewalls(t, entrypointNamed("shop", text.String()))
	got := found(b, "waf-capacity")
	if len(got) != 1 || !strings.Contains(got[0], " WCU, the limit is 5000: methods 8, ") || !strings.Contains(got[0], "aws-Common 700") || len(found(b, "waf-price")) != 0 {
		t.Error(got)
	}
}

// What several entrypoints restrict alike is one set of regular expressions, of which an account has ten.
func TestRegexSetsAreShared(t *testing.T) {
	b := firewalls(t, entrypointNamed("shop", forward)+entrypointNamed("api", "profile: api\n"+forward)+
		entrypointNamed("data", "waf: {allow: {extensions: [.sql], contentTypes: [application/"+strings.Repeat("x", 190)+"]}}\n"+forward))
	sets := 0
	for _, r := range b.shared.Resources {
		if set, ok := r.Props.(*model.RegexPatternSet); ok {
			if sets++; len(set.RegularExpressionList) > regexSetMax || wafText(set.Name) == "" {
				t.Errorf("%+v", set)
			}
		}
	}
	if sets != 2 {
		t.Errorf("%d sets of regular expressions, want those of all extensions and of all but .sql", sets)
	}
	if got := found(b, "waf-list"); len(got) == 0 || !strings.Contains(got[0], "1 of 1 items are too long") {
		t.Error(got)
	}
}
