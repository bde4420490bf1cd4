package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// cachePolicy is what a behaviour stores, wherever that is said: in a policy of the input, one that AWS manages, or in the older
// form.
type cachePolicy struct {
	least, unsaid, longest  float64 // seconds
	gzip, brotli            bool
	headers, cookies, query selection
	legacy                  bool // CloudFront passes on what is selected, beside what counts

	atLeast, atUnsaid, atLongest, atGzip, atBrotli *schema.Node // where it stands; nil of what AWS manages
	tell                                           *teller
}

// stores reports whether anything is stored.
func (c *cachePolicy) stores() bool { return c != nil && c.longest > 0 }

const typeCachePolicy = "AWS::CloudFront::CachePolicy"

// caching finds the policy of a behaviour; nil: nothing is known of it, and nothing is stored then.
func (e *entry) caching(r *route) *cachePolicy {
	n := r.node.Get("CachePolicyId")
	id := n.String()
	if n == nil || n.Known() && id == "" {
		e.means(n, "there is none")
		return e.legacyCache(r)
	}
	t := &teller{e: e, route: r, whole: n}
	if c, known := managedCache(id); known {
		c.tell = t
		return c
	}
	if p := e.target(n, typeCachePolicy); p != nil {
		e.used[p] = true
		c := cachePolicyOf(p.Props.Get("CachePolicyConfig"))
		c.tell = t
		for _, name := range []string{"Name", "Comment"} {
			e.means(p.Props.Path("CachePolicyConfig", name), "a policy has a name of its own for each content")
		}
		return c
	}
	e.absent(n, "the input does not have the cache policy "+id+"; nothing is stored")
	return nil
}

// cachePolicyOf reads a policy of the input.
func cachePolicyOf(n *schema.Node) *cachePolicy {
	p := n.Get("ParametersInCacheKeyAndForwardedToOrigin")
	c := &cachePolicy{
		atLeast: n.Get("MinTTL"), atUnsaid: n.Get("DefaultTTL"), atLongest: n.Get("MaxTTL"),
		atGzip: p.Get("EnableAcceptEncodingGzip"), atBrotli: p.Get("EnableAcceptEncodingBrotli"),
		headers: selectionOf(p.Get("HeadersConfig"), "HeaderBehavior", "Headers"),
		cookies: selectionOf(p.Get("CookiesConfig"), "CookieBehavior", "Cookies"),
		query:   selectionOf(p.Get("QueryStringsConfig"), "QueryStringBehavior", "QueryStrings"),
	}
	c.gzip, c.brotli = isTrue(c.atGzip), isTrue(c.atBrotli)
	c.times()
	return c
}

// times reads the times, with what AWS takes where they are left out.
func (c *cachePolicy) times() {
	c.unsaid, c.longest = dayTTL, yearTTL
	for _, t := range []struct {
		n  *schema.Node
		is *float64
	}{{c.atLeast, &c.least}, {c.atUnsaid, &c.unsaid}, {c.atLongest, &c.longest}} {
		if v, ok := t.n.AsNumber(); ok {
			*t.is = v
		}
	}
	c.longest = max(c.longest, c.least)
	c.unsaid = min(max(c.unsaid, c.least), c.longest)
}

const (
	dayTTL  = 86400    // seconds
	yearTTL = 31536000 // seconds; the longest that a spec takes
)

// legacyCache reads the older form: ForwardedValues, and times in the behaviour.
func (e *entry) legacyCache(r *route) *cachePolicy {
	f := r.node.Get("ForwardedValues")
	if f == nil && r.node.Get("MinTTL") == nil && r.node.Get("DefaultTTL") == nil && r.node.Get("MaxTTL") == nil {
		return nil
	}
	c := &cachePolicy{
		legacy: true, atLeast: r.node.Get("MinTTL"), atUnsaid: r.node.Get("DefaultTTL"), atLongest: r.node.Get("MaxTTL"),
		gzip: true, tell: &teller{e: e, route: r},
	}
	c.times()
	c.headers.how = "none"
	for _, h := range f.Get("Headers").List() {
		c.headers.how = "whitelist"
		c.headers.names, c.headers.items = append(c.headers.names, h.String()), append(c.headers.items, h)
	}
	if h := f.Get("Headers"); h != nil && isEmpty(h) {
		c.headers.at = h
	}
	c.cookies = selectionOf(f.Get("Cookies"), "Forward", "WhitelistedNames")
	query := f.Get("QueryString")
	c.query = selection{how: "none", at: query}
	if isTrue(query) {
		c.query.how = "all"
	}
	switch keys := f.Get("QueryStringCacheKeys"); {
	case keys != nil && isEmpty(keys):
		e.means(keys, "it is empty")
	case len(keys.List()) > 0 && isTrue(query):
		c.query.how = "whitelist"
		for _, k := range keys.Items {
			c.query.names, c.query.items = append(c.query.names, k.String()), append(c.query.items, k)
		}
	}
	if c.headers.has("*") { // every field counts, so that nothing is stored
		c.longest, c.unsaid, c.least = 0, 0, 0
	}
	return c
}

// cache says what a route stores.
func (e *entry) cache(r *route, c *cachePolicy) {
	if c == nil {
		return
	}
	t := c.tell
	switch unknown := c.unknown(); {
	case unknown != nil:
		t.refuse(unknown, ruleUnknownValue, unknownText+"; nothing is stored")
		c.longest = 0
		fallthrough
	case !c.stores():
		for _, n := range c.nodes() {
			t.exact(n, "cache", "nothing is stored, as the profile says")
		}
		return
	}
	mode := "standard"
	if c.cookies.how == "all" || c.cookies.how == "allExcept" {
		mode = "private"
	}
	r.policy = put(r.policy, mode, "cache", "mode")
	e.cacheTimes(r, c)
	e.cacheHeaders(r, c)
	e.cacheCookies(r, c)
	e.cacheQuery(r, c)
	e.cacheEncodings(r, c)
}

// unknown is a part of which only the deployment knows what it says; nil: there is none.
func (c *cachePolicy) unknown() *schema.Node {
	for _, n := range c.nodes() {
		if n.Open() {
			return n
		}
	}
	return nil
}

// nodes are all places of the policy.
func (c *cachePolicy) nodes() []*schema.Node {
	list := []*schema.Node{c.atLeast, c.atUnsaid, c.atLongest, c.atGzip, c.atBrotli}
	for _, s := range []*selection{&c.headers, &c.cookies, &c.query} {
		list = append(append(list, s.at), s.items...)
	}
	return slices.DeleteFunc(list, func(n *schema.Node) bool { return n == nil })
}

func (e *entry) cacheTimes(r *route, c *cachePolicy) {
	t := c.tell
	if c.least > 0 {
		t.near(c.atLeast, "cache.ttl", ruleCacheLeast,
			fmt.Sprintf("CloudFront stores every answer for %g s at least, whatever it says; the edge does not store what says no-store or private", c.least))
	} else {
		t.exact(c.atLeast, "cache.ttl", "")
	}
	if c.unsaid > 0 {
		r.policy = put(r.policy, inSeconds(min(c.unsaid, yearTTL)), "cache", "ttl", "default")
	}
	t.exact(c.atUnsaid, "cache.ttl.default", "")
	if c.longest > yearTTL {
		t.near(c.atLongest, "cache.ttl.max", ruleCacheTime, "a year is the longest")
		return
	}
	if c.longest < yearTTL {
		r.policy = put(r.policy, inSeconds(c.longest), "cache", "ttl", "max")
	}
	t.exact(c.atLongest, "cache.ttl.max", "")
}

// cacheHeaders are request fields that count. What counts at the edge anyway is not named.
func (e *entry) cacheHeaders(r *route, c *cachePolicy) {
	t := c.tell
	var names []string
	for i, name := range c.headers.names {
		n, lower := c.headers.item(i), strings.ToLower(name)
		switch {
		case lower == "host" || lower == "x-forwarded-host":
			t.exact(n, "cache.key", "the host counts at the edge anyway")
		case lower == "cloudfront-forwarded-proto":
			t.exact(n, "cache.key", "the scheme counts at the edge anyway")
		case lower == "x-skerry-route":
			t.exact(n, "", "Skerry's own function sets it")
		case lower == "authorization":
			t.near(n, "cache.mode", ruleCacheIdentity,
				"answers to requests with Authorization are stored for all only if they say that they may be, and not for each value")
		case strings.HasPrefix(lower, "cloudfront-"):
			t.refuse(n, ruleCloudFrontFields, name+" is made by CloudFront; the edge has no such field")
		case slices.Contains(neverInKey, lower) || !isToken(name):
			t.refuse(n, ruleCacheKey, name+" cannot count for the cache of the edge")
		default:
			names = append(names, lower)
			t.exact(n, "cache.key.headers", "")
		}
	}
	if len(names) > namesMax {
		names = names[:namesMax]
		t.near(nil, "cache.key.headers", ruleCacheKey, fmt.Sprintf("of the fields only %d count", namesMax))
	}
	t.exact(c.headers.at, "cache.key.headers", "")
	if len(names) > 0 {
		slices.Sort(names)
		r.policy = put(r.policy, slices.Compact(names), "cache", "key", "headers")
	}
}

// neverInKey are fields that a key of the edge does not take.
var neverInKey = []string{"cache-control", "connection", "content-length", "cookie", "http2-settings", "if-match", "if-modified-since",
	"if-none-match", "if-range", "if-unmodified-since", "keep-alive", "pragma", "proxy-authorization",
	"proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"}

func (e *entry) cacheCookies(r *route, c *cachePolicy) {
	t := c.tell
	s := &c.cookies
	good := slices.DeleteFunc(slices.Clone(s.names), func(n string) bool { return !isCookie(n) })
	whole := len(good) == len(s.names) && len(good) <= namesMax
	switch {
	case s.how == "none":
		t.exact(s.at, "cache.mode", "")
	case s.how == "all":
		t.near(s.at, "cache.mode", ruleCacheCookies, "CloudFront has a copy for each set of cookies; the edge stores nothing of requests with a cookie")
	case s.how == "whitelist" && whole:
		r.policy = put(r.policy, sorted(good), "cache", "key", "cookies")
		t.exact(s.at, "cache.key.cookies", "")
		for _, n := range s.items {
			t.exact(n, "cache.key.cookies", "")
		}
	case s.how == "allExcept" && whole:
		r.policy = put(r.policy, sorted(good), "cache", "anonymousCookies")
		for _, n := range append(slices.Clone(s.items), s.at) {
			t.near(n, "cache.anonymousCookies", ruleCacheCookies,
				"CloudFront has a copy for each set of the other cookies; the edge stores nothing of requests with another cookie")
		}
	default: // patterns: what counts there is more than one name
		r.policy = put(r.policy, "private", "cache", "mode")
		for _, n := range append(slices.Clone(s.items), s.at) {
			t.near(n, "cache.mode", ruleCacheCookies, "not all of the cookies can be named; the edge stores nothing of requests with a cookie")
		}
	}
}

func isCookie(name string) bool {
	return len(name) <= cookieNameBytesMax && isToken(name) && !strings.Contains(name, "*")
}

// isToken reports whether text is a token (RFC 9110 section 5.6.2), as names of fields and cookies are.
func isToken(s string) bool { return s != "" && len(s) <= 256 && strings.Trim(s, tokenBytes) == "" }

const tokenBytes = "!#$%&'*+.^_`|~-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (e *entry) cacheQuery(r *route, c *cachePolicy) {
	t := c.tell
	s := &c.query
	fit := len(s.names) <= namesMax && !slices.ContainsFunc(s.names, func(n string) bool {
		return n == "" || len(n) > queryNameBytesMax || strings.ContainsAny(n, "&=#*") ||
			strings.ContainsFunc(n, func(c rune) bool { return c <= ' ' || c >= 0x7f })
	})
	field, names := "cache.key.query", sorted(s.names)
	switch {
	case s.how == "all":
		t.exact(s.at, "cache.key", "every parameter counts, as at the edge")
		return
	case s.how == "none":
		r.policy = put(r.policy, []string{}, "cache", "key", "query")
		t.exact(s.at, field, "")
		return
	case s.how == "whitelist" && fit:
		r.policy = put(r.policy, names, "cache", "key", "query")
	case s.how == "allExcept" && fit:
		field = "cache.key.queryExcept"
		r.policy = put(r.policy, names, "cache", "key", "queryExcept")
	default:
		for _, n := range append(slices.Clone(s.items), s.at) {
			t.near(n, "cache.key", ruleCacheKey, "not all of the parameters can be named: every one counts")
		}
		return
	}
	for _, n := range append(slices.Clone(s.items), s.at) {
		if c.legacy {
			t.near(n, field, ruleCacheKey, "CloudFront sends parameters to the service that do not count; the edge leaves them out")
		} else {
			t.exact(n, field, "")
		}
	}
}

// cacheEncodings is whether Accept-Encoding counts. Where the edge compresses, or heeds Vary, it does.
func (e *entry) cacheEncodings(r *route, c *cachePolicy) {
	t := c.tell
	compressed := isTrue(r.node.Get("Compress"))
	if c.gzip && c.brotli && !compressed && !c.legacy {
		names, _ := at(r.policy, "cache", "key", "headers").([]string)
		r.policy = put(r.policy, sorted(append(slices.Clone(names), "accept-encoding")), "cache", "key", "headers")
	}
	for _, n := range []*schema.Node{c.atGzip, c.atBrotli} {
		switch {
		case c.gzip == c.brotli && c.gzip && !compressed:
			t.exact(n, "cache.key.headers", "")
		case c.gzip == c.brotli:
			t.exact(n, "compress", "")
		default:
			t.near(n, "compress", ruleCompress, "gzip and br go together")
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
