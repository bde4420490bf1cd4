package lint

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// statementRows are about one statement, wherever it stands.
var statementRows = []row[*statement]{
	{rule("waf-statement-one", refuses,
		"a statement is exactly one of those that there are",
		"keep one, or put them into AndStatement",
		"GeoMatchStatement and ByteMatchStatement in one", wafAPI+"Statement.html"), statementOne},
	{rule("waf-nested-group", refuses,
		"a rule group stands at the top of a rule, and in no other group",
		"give it a rule of its own",
		"ManagedRuleGroupStatement in AndStatement", waf+"waf-rule-statements-rule-group.html"), nestedGroup},
	{rule("waf-nested-rate", refuses,
		"a rate stands at the top of a rule",
		"narrow it by ScopeDownStatement",
		"RateBasedStatement in NotStatement", waf+"waf-rule-statement-type-rate-based.html"), nestedRate},
	{rule("waf-statements-few", refuses,
		"And and Or join two statements or more",
		"write the one without them",
		"AndStatement with one statement", wafAPI+"AndStatement.html"), statementsFew},
	{rule("waf-field-one", refuses,
		"a statement looks at exactly one part of a request",
		"keep one, or use two statements",
		"UriPath and QueryString", wafAPI+"FieldToMatch.html"), fieldOne},
	{rule("waf-field-pattern", refuses,
		"the pattern of header fields, cookies or JSON is exactly one of its forms",
		"All, or a list",
		"MatchPattern with All and IncludedHeaders", wafAPI+"HeaderMatchPattern.html"), fieldPattern},
	{rule("waf-json-path", refuses,
		"a path into JSON is a JSON pointer",
		"write /user/name",
		"IncludedPaths: [user.name]", wafAPI+"JsonMatchPattern.html"), jsonPath},
	{rule("waf-transform-priority", refuses,
		"two text transformations have the same priority",
		"number them",
		"Priority: 0 twice", wafAPI+"TextTransformation.html"), transformPriority},
	{rule("waf-transform-none", refuses,
		"NONE stands alone",
		"remove it",
		"NONE and LOWERCASE", wafAPI+"TextTransformation.html"), transformNone},
	{rule("waf-transform-count", refuses,
		"a statement has one to ten text transformations",
		"NONE for none; merge others",
		"an empty list", wafLimits), transformCount},
	{rule("waf-search", refuses,
		"a text to look for has 1 to 200 bytes, and is given once",
		"SearchString, or SearchStringBase64",
		"SearchString of 300 bytes", wafLimits), search},
	{rule("waf-search-case", risk,
		"the text is never found: the request is made lower case first",
		"write it in lower case",
		"SearchString: Admin with LOWERCASE; GET /Admin", wafAPI+"ByteMatchStatement.html"), searchCase},
	{rule("waf-search-path", risk,
		"the text is never found: a path begins with a slash",
		"write the slash, or match CONTAINS",
		"SearchString: admin, STARTS_WITH, UriPath; GET /admin", waf+"waf-rule-statement-fields-list.html"), searchPath},
	{rule("waf-regex", refuses,
		"AWS WAF does not take this regular expression",
		"write it without what it does not know",
		"(?=a), \\1, (?>a), a++", waf+"waf-regex-pattern-support.html"), regexDialect},
	{rule("waf-regex-long", refuses,
		"a regular expression has 1 to 512 characters",
		"split it",
		"a list of 100 words", wafLimits), regexLong},
	{rule("waf-country", refuses,
		"countries are the two capital letters of ISO 3166-1, 50 at most",
		"write the code",
		"UK instead of GB", wafAPI+"GeoMatchStatement.html"), wafCountry},
	{rule("waf-label-key", refuses,
		"a label to look for is a name; a namespace ends with a colon",
		"end it with a colon for NAMESPACE, and without for LABEL",
		"Scope: NAMESPACE, Key: bot", wafAPI+"LabelMatchStatement.html"), labelKey},
	{rule("waf-rate-limit", refuses,
		"a rate is 10 to 2,000,000,000 requests in its window",
		"at least 10",
		"Limit: 5", wafAPI+"RateBasedStatement.html"), rateLimit},
	{rule("waf-rate-keys", refuses,
		"CUSTOM_KEYS has one to five keys, and no other type has any",
		"write CustomKeys, or another AggregateKeyType",
		"AggregateKeyType: IP with CustomKeys", wafAPI+"RateBasedStatement.html"), rateKeys},
	{rule("waf-rate-key-one", refuses,
		"a key is exactly one thing",
		"one entry for each",
		"{IP: {}, HTTPMethod: {}} in one entry", wafAPI+"RateBasedStatementCustomKey.html"), rateKeyOne},
	{rule("waf-rate-key-ip", refuses,
		"an address as a key needs another key beside it",
		"AggregateKeyType: IP, or a second key",
		"CustomKeys: [{IP: {}}]", wafAPI+"RateBasedStatementCustomKey.html"), rateKeyIP},
	{rule("waf-rate-forwarded", refuses,
		"FORWARDED_IP needs ForwardedIPConfig",
		"name the header field",
		"AggregateKeyType: FORWARDED_IP alone", wafAPI+"RateBasedStatement.html"), rateForwarded},
	{rule("waf-rate-constant", refuses,
		"CONSTANT counts all requests that a narrower statement takes",
		"add ScopeDownStatement",
		"AggregateKeyType: CONSTANT alone", wafAPI+"RateBasedStatement.html"), rateConstant},
	{rule("waf-group-unknown", refuses,
		"AWS has no managed rule group of that name",
		"take a name from list-available-managed-rule-groups",
		"AWSManagedRulesCoreRuleSet", waf+"aws-managed-rule-groups-list.html"), groupUnknown},
	{rule("waf-group-rule", refuses,
		"the managed rule group has no rule of that name: nothing is overridden",
		"take the name from the page of the group",
		"XSS_BODY in AWSManagedRulesCommonRuleSet", waf+"aws-managed-rule-groups-list.html"), groupRule},
	{rule("waf-group-config", refuses,
		"the managed rule group needs a configuration of its own",
		"ManagedRuleGroupConfigs with the entry of that group",
		"AWSManagedRulesBotControlRuleSet without InspectionLevel", wafAPI+"ManagedRuleGroupConfig.html"), groupConfig},
	{rule("waf-scope", refuses,
		"a web ACL refers to sets and groups of its own scope only",
		"make them with the same scope",
		"a REGIONAL IP set in a web ACL of CloudFront", waf+"how-aws-waf-works-resources.html"), wafScope},
	{rule("waf-size-beyond", risk,
		"AWS WAF does not look at so much of a body: the size is never more than what it looks at",
		"compare with what it looks at, or match oversized bodies by OversizeHandling",
		"Size: 100000 of Body; POST of 200 KB", waf+"waf-oversize-request-components.html"), sizeBeyond},
	{rule("waf-header-name", refuses,
		"the name of a header field or a query parameter is not empty",
		"name it",
		"SingleHeader: {Name: \"\"}", wafAPI+"SingleHeader.html"), headerName},
}

func statementOne(l *linter, s *statement) {
	found, open := only(s.Node, statementKinds...)
	if !open && s.Kind == schema.Map && len(found) != 1 {
		l.find(s.Node, "%s of the statements that there are: %s", plural(len(found), "stands here", "stand here"), strings.Join(found, ", "))
	}
}

func nestedGroup(l *linter, s *statement) {
	switch {
	case !s.isGroup():
	case s.in != nil:
		l.find(s.Node, "%s stands in %s", s.kind, s.in.kind)
	case s.rule.in.group:
		l.find(s.Node, "%s stands in a rule group", s.kind)
	}
}

func nestedRate(l *linter, s *statement) {
	if s.kind == "RateBasedStatement" && s.in != nil {
		l.find(s.Node, "it stands in %s", s.in.kind)
	}
}

func statementsFew(l *linter, s *statement) {
	n := s.body.Get("Statements")
	if statements, known := count(n); (s.kind == "AndStatement" || s.kind == "OrStatement") && known && statements < 2 {
		l.find(n, "%s joins %s", s.kind, plural(statements, "statement", "statements"))
	}
}

var fieldKinds = []string{
	"AllQueryArguments", "Body", "Cookies", "HeaderOrder", "Headers", "JA3Fingerprint", "JA4Fingerprint", "JsonBody", "Method", "QueryString",
	"SingleHeader", "SingleQueryArgument", "UriFragment", "UriPath",
}

func fieldOne(l *linter, s *statement) {
	f := s.body.Get("FieldToMatch")
	if found, open := only(f, fieldKinds...); f.Known() && !open && len(found) != 1 {
		l.find(f, "%s", map[bool]string{true: "no part is named", false: strings.Join(found, " and ") + " are named"}[len(found) == 0])
	}
}

func fieldPattern(l *linter, s *statement) {
	f := s.body.Get("FieldToMatch")
	for kind, forms := range map[string][]string{
		"Headers": {"All", "IncludedHeaders", "ExcludedHeaders"}, "Cookies": {"All", "IncludedCookies", "ExcludedCookies"}, "JsonBody": {"All", "IncludedPaths"},
	} {
		p := f.Path(kind, "MatchPattern")
		if found, open := only(p, forms...); p.Known() && !open && len(found) != 1 {
			l.find(p, "%d of %s", len(found), strings.Join(forms, ", "))
		}
	}
}

func jsonPath(l *linter, s *statement) {
	list, _ := entries(s.body.Path("FieldToMatch", "JsonBody", "MatchPattern", "IncludedPaths"))
	for _, e := range list {
		if p, ok := e.AsText(); ok && !strings.HasPrefix(p, "/") {
			l.find(e.Node, "%q is no JSON pointer", short(p))
		}
	}
}

// transforms are the lists of text transformations of a statement: its own, and those of the keys of a rate.
func (s *statement) transforms() (lists []*schema.Node) {
	if n := s.body.Get("TextTransformations"); n != nil {
		lists = append(lists, n)
	}
	keys, _ := entries(s.body.Get("CustomKeys"))
	for _, k := range keys {
		for _, f := range k.Fields {
			if n := f.Value.Get("TextTransformations"); n != nil {
				lists = append(lists, n)
			}
		}
	}
	return lists
}

func transformPriority(l *linter, s *statement) {
	for _, n := range s.transforms() {
		seen := map[string]bool{}
		list, _ := entries(n)
		for _, e := range list {
			p, ok := e.Get("Priority").AsText()
			if ok && e.sure && seen[p] {
				l.find(e.Get("Priority"), "the priority %s stands twice", short(p))
			}
			seen[p] = seen[p] || ok && e.sure
		}
	}
}

func transformNone(l *linter, s *statement) {
	for _, n := range s.transforms() {
		list, _ := entries(n)
		for _, e := range list {
			if is(e.Get("Type"), "NONE") && len(list) > 1 && e.sure {
				l.find(e.Get("Type"), "NONE stands beside %s", plural(len(list)-1, "other", "others"))
				break
			}
		}
	}
}

func transformCount(l *linter, s *statement) {
	for _, n := range s.transforms() {
		if transforms, known := count(n); known && (transforms == 0 || transforms > transformsMax) {
			l.find(n, "there are %d", transforms)
		}
	}
}

func search(l *linter, s *statement) {
	if s.kind != "ByteMatchStatement" || s.body.Open() {
		return
	}
	plain, coded := s.body.Get("SearchString"), s.body.Get("SearchStringBase64")
	text, ok := plain.AsText()
	switch raw, known := coded.AsText(); {
	case plain != nil && coded != nil && !plain.Open() && !coded.Open():
		l.find(coded, "SearchString and SearchStringBase64 stand together")
	case plain == nil && coded == nil:
		l.find(s.body, "there is no text to look for")
	case ok && (len(text) == 0 || len(text) > searchMax):
		l.find(plain, "the text has %d bytes", len(text))
	case known:
		data, err := base64.StdEncoding.DecodeString(raw)
		if err != nil {
			l.find(coded, "this is not base64")
		} else if len(data) == 0 || len(data) > searchMax {
			l.find(coded, "the text has %d bytes", len(data))
		}
	}
}

// lowers is whether a statement makes the request lower case.
func (s *statement) lowers() bool {
	list, _ := entries(s.body.Get("TextTransformations"))
	return slices.ContainsFunc(list, func(e entry) bool { return e.sure && is(e.Get("Type"), "LOWERCASE") })
}

func searchCase(l *linter, s *statement) {
	if text, ok := s.body.Get("SearchString").AsText(); ok && s.lowers() && text != strings.ToLower(text) {
		l.find(s.body.Get("SearchString"), "%q has capitals", short(text))
	}
}

func searchPath(l *linter, s *statement) {
	how := s.body.Get("PositionalConstraint")
	text, ok := s.body.Get("SearchString").AsText()
	if ok && text != "" && text[0] != '/' && s.body.Path("FieldToMatch", "UriPath") != nil && (is(how, "STARTS_WITH") || is(how, "EXACTLY")) &&
		plainTransforms(s) {
		l.find(s.body.Get("SearchString"), "%q does not begin with a slash", short(text))
	}
}

// plainTransforms is whether a statement leaves the beginning of a path as it is.
func plainTransforms(s *statement) bool {
	list, open := entries(s.body.Get("TextTransformations"))
	return !open && !slices.ContainsFunc(list, func(e entry) bool {
		return !slices.Contains([]string{"NONE", "LOWERCASE", "URL_DECODE", "URL_DECODE_UNI", "NORMALIZE_PATH", "NORMALIZE_PATH_WIN", "COMPRESS_WHITE_SPACE"}, e.Get("Type").String())
	})
}

// foreign are the parts of PCRE that AWS WAF does not take.
var foreign = []struct {
	form *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`\\[1-9]|\\g[{<'0-9-]|\\k[{<']|\(\?P=`), "a reference to a group"},
	{regexp.MustCompile(`\(\?<?[=!]`), "a look-around"},
	{regexp.MustCompile(`\(\?>`), "an atomic group"},
	{regexp.MustCompile(`[*+?}]\+`), "a possessive quantifier"},
	{regexp.MustCompile(`\(\?(R|[0-9]|&|P>|\+[0-9]|-[0-9])`), "recursion"},
	{regexp.MustCompile(`\(\?\(`), "a condition"},
	{regexp.MustCompile(`\\[CRK]`), `\C, \R or \K`},
	{regexp.MustCompile(`\(\*[A-Z]`), "a verb of backtracking"},
	{regexp.MustCompile(`\(\?C[0-9]*\)`), "a callout"},
}

// regexFlaw says what AWS WAF does not take of a regular expression; empty: nothing is known.
func regexFlaw(s string) string {
	outside := withoutClasses(s)
	for _, f := range foreign {
		if f.form.MatchString(outside) {
			return "it has " + f.what
		}
	}
	depth := 0
	for _, c := range outside {
		if c == '(' {
			depth++
		} else if c == ')' {
			depth--
		}
		if depth < 0 {
			return "a ) closes nothing"
		}
	}
	switch {
	case depth > 0:
		return "a ( is not closed"
	case strings.HasSuffix(outside, `\`):
		return "it ends with a backslash"
	case outside != "" && strings.IndexByte("*+?", outside[0]) >= 0:
		return "a quantifier has nothing before it"
	case unclosedClass(s):
		return "a [ is not closed"
	}
	return ""
}

// withoutClasses is an expression with X for each class, and \\ and escaped signs as they are, but ( ) [ ] for which X stands too.
func withoutClasses(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if strings.IndexByte(`\()[]*+?{}`, s[i+1]) >= 0 {
				b.WriteByte('X')
			} else {
				b.WriteString(s[i : i+2])
			}
			i++
		case s[i] == '[':
			i = classEnd(s, i)
			b.WriteByte('X')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// classEnd is where the class that begins at a place ends; the length of the expression: nowhere.
func classEnd(s string, i int) int {
	i++
	if i < len(s) && s[i] == '^' {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], "[:"):
			if end := strings.Index(s[i:], ":]"); end > 0 {
				i += end + 1
			}
		case s[i] == ']':
			return i
		}
	}
	return len(s)
}

func unclosedClass(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			if i = classEnd(s, i); i >= len(s) {
				return true
			}
		}
	}
	return false
}

func regexDialect(l *linter, s *statement) {
	if text, ok := s.body.Get("RegexString").AsText(); ok {
		if flaw := regexFlaw(text); flaw != "" {
			l.find(s.body.Get("RegexString"), "%q: %s", short(text), flaw)
		}
	}
}

func regexLong(l *linter, s *statement) {
	if text, ok := s.body.Get("RegexString").AsText(); ok && (len(text) == 0 || len([]rune(text)) > regexMax) {
		l.find(s.body.Get("RegexString"), "it has %d characters", len([]rune(text)))
	}
}

func wafCountry(l *linter, s *statement) {
	n := s.body.Get("CountryCodes")
	list, _ := entries(n)
	for _, e := range list {
		if c, ok := e.AsText(); ok && !isCountry(c) {
			l.find(e.Node, "%q is no country", short(c))
		}
	}
	if countries, known := count(n); known && (countries == 0 || countries > countriesMax) {
		l.find(n, "there are %d countries", countries)
	}
}

func labelKey(l *linter, s *statement) {
	key, ok := s.body.Get("Key").AsText()
	if s.kind != "LabelMatchStatement" || !ok {
		return
	}
	scope := s.body.Get("Scope").String()
	switch {
	case scope == "NAMESPACE" && !strings.HasSuffix(key, ":"):
		l.find(s.body.Get("Key"), "the namespace %q does not end with a colon", short(key))
	case scope == "LABEL" && strings.HasSuffix(key, ":"):
		l.find(s.body.Get("Key"), "the label %q ends with a colon", short(key))
	case key == "" || strings.ContainsFunc(key, func(r rune) bool { return !strings.ContainsRune(hostBytes+":", r) }):
		l.find(s.body.Get("Key"), "%q is no label", short(key))
	}
}

func headerName(l *linter, s *statement) {
	for _, kind := range []string{"SingleHeader", "SingleQueryArgument"} {
		if n := s.body.Path("FieldToMatch", kind, "Name"); is(n, "") {
			l.find(n, "%s has no name", kind)
		}
	}
}

func sizeBeyond(l *linter, s *statement) {
	if s.kind != "SizeConstraintStatement" || s.rule.in.group || s.body.Path("FieldToMatch", "Body") == nil {
		return
	}
	limit := 16.0 // KB, which CloudFront takes
	switch n := s.rule.in.Properties.Path("AssociationConfig", "RequestBody", "CLOUDFRONT", "DefaultSizeInspectionLimit"); {
	case n.Open():
		return
	case n != nil:
		limit = map[string]float64{"KB_16": 16, "KB_32": 32, "KB_48": 48, "KB_64": 64}[n.String()]
	}
	size, ok := s.body.Get("Size").AsNumber()
	how := s.body.Get("ComparisonOperator").String()
	if ok && limit > 0 && (how == "GT" || how == "GE") && size > limit*1024 && is(s.rule.in.Properties.Get("Scope"), "CLOUDFRONT") &&
		!is(s.body.Path("FieldToMatch", "Body", "OversizeHandling"), "MATCH") {
		l.find(s.body.Get("Size"), "%s bytes are compared, and AWS WAF looks at %s KB", number(size), number(limit))
	}
}
