package compile

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/spec"
)

// This file is about exclusions of rules of the Core Rule Set. What they take out of a protection is never more than they say: paths
// are compared as they are written.

// ruleIDs are the rules that an exclusion names; none: its tag is on no rule about requests.
func ruleIDs(e spec.WAFExclude) []schema.RuleIDs {
	if tag := e.Tag(); tag != "" {
		return schema.ManagedRules().Tagged(tag)
	}
	first, last := e.IDs()
	return []schema.RuleIDs{{First: first, Last: last}}
}

func overlap(x, y []schema.RuleIDs) bool {
	for _, a := range x {
		if slices.ContainsFunc(y, a.Overlaps) {
			return true
		}
	}
	return false
}

// vague reports whether an exclusion takes out one value only, wherever it stands: no rule of AWS can be told to leave out that, and
// without a path it would be off for the whole entrypoint.
func vague(e spec.WAFExclude) bool {
	_, key, pattern := e.Selector()
	return key+pattern != "" && e.Path == ""
}

// scopeOf fits the requests that an exclusion is about, and no others; nil: all.
func scopeOf(e spec.WAFExclude) *statement {
	var path, methods *statement
	if e.Path != "" {
		whole, below := strings.CutSuffix(e.Path, "/*")
		switch {
		case len(whole) >= searchBytesMax:
			return none
		case below:
			path = and(byteMatch(inPath(), "STARTS_WITH", whole+"/"), undotted())
		default:
			path = byteMatch(inPath(), "EXACTLY", whole)
		}
	}
	if len(e.Methods) > 0 {
		methods = methodIn(alsoHead(e.Methods))
	}
	return and(path, methods)
}

// excluded fits the requests for which a rule of the Core Rule Set that we have as a rule of our own does not hold.
func excluded(w *spec.WAF, id int) *statement {
	var of []*statement
	for _, e := range w.Exclude {
		if !vague(e) && overlap(ruleIDs(e), []schema.RuleIDs{{First: id, Last: id}}) {
			of = append(of, scopeOf(e))
		}
	}
	return or(of...)
}

// exclusionsKey tells policies apart whose exclusions of a rule differ.
func exclusionsKey(w *spec.WAF, id int) string {
	var b strings.Builder
	for _, e := range w.Exclude {
		if !vague(e) && overlap(ruleIDs(e), []schema.RuleIDs{{First: id, Last: id}}) {
			fmt.Fprintf(&b, "%q %q;", e.Path, e.Methods)
		}
	}
	return b.String()
}

// lookedAt are the parts of a request that rules of AWS look at, by the variables and collections of SecLang that hold them.
var lookedAt = map[string][]string{
	"ARGS": {"QUERYARGUMENTS", "QUERYSTRING", "BODY"}, "ARGS_GET": {"QUERYARGUMENTS", "QUERYSTRING"}, "ARGS_POST": {"BODY"},
	"ARGS_NAMES": {"QUERYARGUMENTS", "QUERYSTRING", "BODY"}, "ARGS_GET_NAMES": {"QUERYARGUMENTS", "QUERYSTRING"}, "ARGS_POST_NAMES": {"BODY"},
	"QUERY_STRING": {"QUERYARGUMENTS", "QUERYSTRING"}, "REQUEST_BODY": {"BODY"}, "XML": {"BODY"}, "JSON": {"BODY"}, "FILES": {"BODY"},
	"FILES_NAMES": {"BODY"}, "MULTIPART_PART_HEADERS": {"BODY"},
	"REQUEST_COOKIES": {"COOKIE", "HEADER"}, "REQUEST_COOKIES_NAMES": {"COOKIE", "HEADER"},
	"REQUEST_HEADERS": {"HEADER"}, "REQUEST_HEADERS_NAMES": {"HEADER"},
	"REQUEST_URI": {"URIPATH", "QUERYARGUMENTS", "QUERYSTRING"}, "REQUEST_URI_RAW": {"URIPATH", "QUERYARGUMENTS", "QUERYSTRING"},
	"REQUEST_FILENAME": {"URIPATH"}, "REQUEST_BASENAME": {"URIPATH"}, "REQUEST_LINE": {"URIPATH", "QUERYARGUMENTS", "QUERYSTRING", "METHOD"},
	"REQUEST_METHOD": {"METHOD"},
}

// stops reports whether an exclusion is about a rule of AWS: it names a rule of the Core Rule Set that it stands for, and what it looks at.
func stops(e spec.WAFExclude, r *schema.ManagedRule) bool {
	if vague(e) || !overlap(ruleIDs(e), r.CRS) {
		return false
	}
	variable, _, _ := e.Selector()
	return variable == "" || slices.Contains(lookedAt[variable], r.Looks())
}
