package spec

import (
	"fmt"
	"strings"
)

// This file has the names and paths that a cache is told: fields, cookies, parameters, pages.

// unkeyed are request fields that cannot be part of a key, and what to do instead.
var unkeyed = map[string]string{
	"cookie":              "name the cookies: `cookies: [currency]`",
	"host":                "remove it: the host is part of every key",
	"proxy-authorization": "remove it: it is for proxies that a client is told to use",
	"cache-control":       "remove it; `requestDirectives` says whether it is heeded",
	"pragma":              "remove it; `requestDirectives` says whether it is heeded",
	"if-match":            "remove it: the cache compares it with what is stored",
	"if-modified-since":   "remove it: the cache compares it with what is stored",
	"if-none-match":       "remove it: the cache compares it with what is stored",
	"if-range":            "remove it: the cache compares it with what is stored",
	"if-unmodified-since": "remove it: the cache compares it with what is stored",
	"range":               "remove it: ranges are cut from the whole that is stored",
}

// identityField checks the name of a request field that may say who asks.
func identityField(s string) (bad, fix string) {
	if bad, fix = fieldName(s); bad != "" {
		return bad, fix
	}
	name := strings.ToLower(s)
	fix, is := unkeyed[name]
	if _, own := ownFields[name]; own && !is {
		fix, is = "remove it: it belongs to one connection", true
	}
	if is {
		return fmt.Sprintf("the field %q cannot be part of a key", clip(s)), fix
	}
	return "", ""
}

// keyField is identityField for one that does not say who asks.
func keyField(s string) (bad, fix string) {
	if strings.EqualFold(s, "authorization") {
		return fmt.Sprintf("the field %q says who asks", s), "write `identity: {headers: [authorization]}`"
	}
	return identityField(s)
}

var cookieInSchema = map[string]any{"pattern": "^[!#$%&'+.^_`|~0-9A-Za-z-]+$", "maxLength": cookieNameBytesMax}

// cookieNames are names of cookies, cookiePatterns those and beginnings of them. Both know capitals from small letters (RFC 6265
// section 5.4).
var (
	cookieNames    = sortedSet(bare(listOf(words(exactCookie, cookieInSchema), cacheNamesMax)))
	cookiePatterns = withKnown(knownCookies, cookiePattern, "[!#$%&'+.^_`|~0-9A-Za-z-]+\\*?", cookieNameBytesMax)
)

func exactCookie(s string) (bad, fix string) {
	if strings.Contains(s, "*") {
		return fmt.Sprintf("%q has a *", clip(s)), "write the names out; only anonymousCookies has patterns"
	}
	return cookieName(s)
}

func cookiePattern(s string) (bad, fix string) {
	if s == "*" {
		return `"*" would take every cookie for one that says nothing of who asks`, "name them: _ga, _ga_*; or write `mode: standard`, where cookies make no session"
	}
	return pattern(s, cookieName)
}

// pattern checks a name that may have one * at its end.
func pattern(s string, name func(string) (bad, fix string)) (bad, fix string) {
	begin, _ := strings.CutSuffix(s, "*")
	if strings.Contains(begin, "*") {
		return fmt.Sprintf("%q has a * where none can be", clip(s)), "only the end can be one: utm_*"
	}
	if bad, fix = name(begin); bad == "" && len(s) > len(begin) {
		bad, fix = name(s[:len(s)-1] + "x") // which is as long
	}
	return bad, fix
}

// matchesPattern says whether a list of names, some with a trailing *, has a name.
func matchesPattern(patterns []string, name string) bool {
	for _, p := range patterns {
		if begin, any := strings.CutSuffix(p, "*"); p == name || any && strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

// queryNames are names of query parameters, queryPatterns those and beginnings of them.
var (
	queryNames = sortedSet(bare(listOf(words(exactQuery, map[string]any{
		"pattern": "^[^&=#*\\s]+$", "maxLength": queryNameBytesMax,
	}), patternsMax)))
	queryPatterns = withKnown(knownParameters, queryPattern, "[^&=#*\\s]+\\*?", queryNameBytesMax)
)

func exactQuery(s string) (bad, fix string) {
	if strings.Contains(s, "*") {
		return fmt.Sprintf("%q has a *", clip(s)), "write the names out; only queryExcept has patterns"
	}
	return queryName(s)
}

func queryPattern(s string) (bad, fix string) {
	if s == "*" {
		return `"*" is every parameter`, "write `query: []`: none counts"
	}
	return pattern(s, queryName)
}

func queryName(s string) (bad, fix string) {
	switch {
	case s == "" || len(s) > queryNameBytesMax:
		return fmt.Sprintf("the name of a parameter has 1 to %d bytes, %q has %d", queryNameBytesMax, clip(s), len(s)), ""
	case strings.ContainsFunc(s, func(r rune) bool { return isControl(r) || strings.ContainsRune(" &=#", r) }):
		return fmt.Sprintf("%q is not the name of a parameter", clip(s)), "write the name alone: page"
	}
	if i := strings.IndexByte(s, '%'); i >= 0 && len(s) > i+2 && isHex(s[i+1]) && isHex(s[i+2]) {
		return fmt.Sprintf("%q has a percent-code in it", clip(s)), "write the character that it stands for"
	}
	return "", ""
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// pagePaths is a list of paths that the edge itself asks for.
func pagePaths(most int) shape[[]string] {
	return sortedSet(bare(listOf(words(pagePath, map[string]any{"pattern": "^/[^#\\s\\\\{}]*$", "maxLength": textBytesMax}), most)))
}

// pagePath checks a path in normal form, with its query.
func pagePath(s string) (bad, fix string) {
	path, _, _ := strings.Cut(s, "?")
	switch {
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("the path %q does not begin with /", clip(s)), "write the path alone, without scheme and host: /news?page=1"
	case len(s) > textBytesMax:
		return fmt.Sprintf("the path has %d bytes, the limit is %d", len(s), textBytesMax), ""
	case strings.Contains(s, "#"):
		return fmt.Sprintf("the path %q has a # in it", clip(s)), "remove it and what follows: no client sends that"
	case strings.ContainsAny(path, "*{}"):
		return fmt.Sprintf("the path %q has a pattern in it", clip(s)), "write each path out"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '{' || r == '}' }):
		return fmt.Sprintf("the path %q has a character that cannot be in one", clip(s)), "write it as a percent-code: %20"
	case strings.Count(path, "/") > segmentsMax:
		return fmt.Sprintf("the path has %d segments, the limit is %d", strings.Count(path, "/"), segmentsMax), ""
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Sprintf("the path %q has a segment %q", clip(s), segment), "write it in its shortest form"
		}
	}
	return percentCodes(path)
}

// percentCodes checks that a path has only the percent-codes of its normal form.
func percentCodes(path string) (bad, fix string) {
	for i := range len(path) {
		if path[i] != '%' {
			continue
		}
		if len(path) < i+3 || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return fmt.Sprintf("the path %q has a %% that begins no percent-code", clip(path)), "write %25 for it"
		}
		code := path[i : i+3]
		if up := strings.ToUpper(code); up != code {
			return fmt.Sprintf("the path %q is not in its normal form", clip(path)), fmt.Sprintf("write %s as %s", code, up)
		}
		if c := unhex(code[1])<<4 | unhex(code[2]); unreserved(c) {
			return fmt.Sprintf("the path %q is not in its normal form", clip(path)), fmt.Sprintf("write %s as %q", code, string(rune(c)))
		}
	}
	return "", ""
}

// unreserved are the characters that need no percent-code (RFC 3986 section 2.3).
func unreserved(c byte) bool {
	return isLower(c) || c >= 'A' && c <= 'Z' || strings.IndexByte("-._~", c) >= 0
}

func unhex(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}
