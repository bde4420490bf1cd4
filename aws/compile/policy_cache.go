package compile

import (
	"slices"
	"strings"
	"time"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsCacheKey = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html"

// cacheRules are what storing answers comes to.
var cacheRules = struct{ methods, fields, refused, room, cookies, query, setCookie finding.Rule }{
	methods: finding.Rule{
		ID: "cache-methods", Severity: finding.Warning, Source: docsCacheKey,
		Meaning: "A behaviour that stores passes on what its policies name, for POST and PUT as well, which need all that the client sent; and what is passed on without counting could make one client's answer another's. In mode private, a behaviour that takes such methods stores nothing.",
		Remedy:  "give what is to be stored paths of its own, with `methods: [GET, HEAD, OPTIONS]`",
		Witness: "two times GET /logo.svg of a route that takes POST too: both are misses",
	},
	fields: finding.Rule{
		ID: "cache-fields", Severity: finding.Warning, Source: docsCacheKey,
		Meaning: "A behaviour that stores passes on what its policies name, for POST and PUT as well: other fields and cookies do not reach the service.",
		Remedy:  "give what is to be stored paths of its own, with `methods: [GET, HEAD, OPTIONS]`",
		Witness: "POST with X-CSRF-Token and a session cookie",
	},
	refused: finding.Rule{
		ID: "cache-key-refused", Severity: finding.Warning,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html",
		Meaning: "Some fields cannot count for the cache. What depends on them is not stored.",
		Remedy:  "leave the field out of cache.key and cache.identity",
	},
	room: finding.Rule{
		ID: "cache-key-fields", Severity: finding.Warning, Source: docsCacheKey,
		Meaning: "A cache policy and an origin request policy name few fields. Where more would have to count, or to reach the service, nothing is stored.",
		Remedy:  "name fewer in cache.key, cache.identity and headers.request, or raise `quotas.cachePolicyHeaders` and `quotas.originRequestPolicyHeaders`",
	},
	cookies: finding.Rule{
		ID: "cache-cookies", Severity: finding.Warning, Source: docsCacheKey,
		Meaning: "A cache policy can leave few cookies out of the key, each by its whole name. Where more say nothing of who asks, every cookie counts: a browser with any cookie shares answers with nobody.",
		Remedy:  "write `anonymousCookies` with a few whole names, or mode standard where answers are the same for everybody",
		Witness: "two times the same GET with another value of _ga: both are misses",
	},
	query: finding.Rule{
		ID: "cache-query", Severity: finding.Note, Source: docsCacheKey,
		Meaning: "A cache policy names few parameters, each by its whole name as it stands in the URL. Where the key has more, or patterns, every parameter counts.",
		Remedy:  "write `key: {query: [NAME]}` with the few that count",
		Witness: "GET /?utm_source=a and GET /?utm_source=b: both are misses",
	},
	setCookie: finding.Rule{
		ID: "cache-set-cookie", Severity: finding.Warning, Source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html",
		Meaning: "CloudFront stores an answer that sets a cookie, with the cookie, if the answer says that it is fresh, and gives it to whoever sends the same cookies: most often none.",
		Remedy:  `send Cache-Control: private, or no-cache="Set-Cookie", with every answer that sets a cookie`,
		Witness: "an answer with Cache-Control: max-age=60 and Set-Cookie: session=…; the next client without cookies gets the same session",
	},
}

// caching is what counts for the cache at a behaviour, and what else of a request the service gets.
type caching struct {
	cache        *spec.Cache
	bucket       bool
	key          []string // request fields that count, in canonical form, sorted
	pass         []string // request fields that reach the service beside them
	cookies      model.CachePolicyCookiesConfig
	query        model.CachePolicyQueryStringsConfig
	defaultTTL   int
	longestTTL   int
	compressible bool
}

// cached decides whether a behaviour stores anything; nil: it does not. In doubt more counts, or nothing is stored: an answer must never
// reach somebody whom it is not for.
func (b *builder) cached(t *remarks, v *behavior, to destination) *caching {
	r := to.route
	if r == nil || v.uncached || v.props.GrpcConfig != nil || !r.Policy.Cache.On() {
		return nil
	}
	c := &caching{
		cache: r.Policy.Cache, bucket: to.bucket, compressible: r.Policy.Compress.On,
		defaultTTL: int(r.Policy.Cache.TTL.Default / time.Second), longestTTL: int(r.Policy.Cache.TTL.Max / time.Second),
	}
	if !to.bucket && len(v.props.AllowedMethods) > len(methodSets[1]) {
		if c.cache.Mode == spec.CachePrivate {
			t.note(&cacheRules.methods, r.At, "spec.cache.mode", "%s stores nothing", patternName(v))
			return nil
		}
		t.note(&cacheRules.fields, r.At, "spec.cache.mode", "%s passes on few fields", patternName(v))
	}
	c.key, c.pass = b.countedFields(t.site, v, to), passedFields(v, to)
	c.pass = slices.DeleteFunc(c.pass, func(f string) bool { return slices.Contains(c.key, f) })
	if !b.fieldsFit(t, v, to, c) {
		return nil
	}
	b.countCookies(t, r, c)
	b.countQuery(t, r, c)
	return c
}

// countedFields are the request fields that count: what the spec names; who asks, also in mode standard, since a service gets no
// Authorization that does not count; which site is asked, since one cache policy serves all hosts of a distribution; and where the edge
// does no CORS, which page asks.
func (b *builder) countedFields(s *site, v *behavior, to destination) []string {
	list := slices.Clone(v.keys)
	if to.bucket {
		return fields(list)
	}
	p := &to.route.Policy
	list = append(list, p.Cache.Key.Headers...)
	list = append(list, p.Cache.Identity.Headers...)
	if !to.signed {
		list = append(list, "Authorization")
	}
	switch {
	case to.viewerHost:
		list = append(list, "Host")
	case *p.Forwarded == spec.ForwardedSet || *p.Forwarded == spec.ForwardedBoth:
		list = append(list, "X-Forwarded-Host")
	}
	if *p.Forwarded == spec.ForwardedKeep {
		list = append(list, "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded")
	}
	if len(p.CORS.Origins) == 0 {
		list = append(list, "Origin")
	}
	if *s.entry.Policy.Redirect == spec.PlainServed {
		list = append(list, "CloudFront-Forwarded-Proto")
	}
	for name := range p.Headers.Request.Default {
		list = append(list, name) // the client may have sent another one
	}
	return fields(list)
}

// passedFields are the request fields that the service gets without their counting: what the edge itself makes, and what a WebSocket
// needs. Nothing else, since an answer that depends on it would be given to those who sent something else.
func passedFields(v *behavior, to destination) []string {
	if to.bucket {
		return nil
	}
	p := &to.route.Policy
	var list []string
	switch *p.Forwarded {
	case spec.ForwardedSet:
		list = append(list, "X-Forwarded-Host")
	case spec.ForwardedStandard:
		list = append(list, "Forwarded")
	case spec.ForwardedBoth:
		list = append(list, "X-Forwarded-Host", "Forwarded")
	}
	if *p.RequestID {
		list = append(list, "X-Request-Id")
	}
	if p.Trace.On {
		list = append(list, "Traceparent")
	}
	if *p.WebSocket {
		list = append(list, "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol")
	}
	for name := range p.Headers.Request.Set {
		if !neverCounts(name) && !strings.EqualFold(name, "Authorization") && !strings.EqualFold(name, "Accept-Encoding") {
			list = append(list, name)
		}
	}
	return fields(list)
}

// fieldsFit reports whether CloudFront takes the fields.
func (b *builder) fieldsFit(t *remarks, v *behavior, to destination, c *caching) bool {
	if i := slices.IndexFunc(c.key, neverCounts); i >= 0 {
		t.note(&cacheRules.refused, v.at, "spec.cache.key", "%s stores nothing, since %s cannot count", patternName(v), c.key[i])
		return false
	}
	if *to.route.Policy.Forwarded == spec.ForwardedStandard && !to.viewerHost && !to.bucket {
		t.note(&cacheRules.refused, v.at, "spec.forwarded", "%s stores nothing, since Forwarded tells the service the host, and cannot count", patternName(v))
		return false
	}
	if i := slices.Index(c.key, "Accept-Encoding"); i >= 0 { // it counts in its normal form, where that is asked for
		c.key, c.compressible = slices.Delete(c.key, i, i+1), true
	}
	for _, room := range []struct {
		quota, what string
		fields      []string
	}{{"cachePolicyHeaders", "count", c.key}, {"originRequestPolicyHeaders", "reach the service", c.pass}} {
		if most := b.granted(room.quota); len(room.fields) > most {
			t.note(&cacheRules.room, v.at, "spec.cache", "%s stores nothing: %d fields would have to %s, and %s is %d (%s)",
				patternName(v), len(room.fields), room.what, room.quota, most, strings.Join(room.fields, ", "))
			return false
		}
	}
	return true
}

// countCookies says which cookies count, and so reach the service.
func (b *builder) countCookies(t *remarks, r *spec.Route, c *caching) {
	most := b.granted("cachePolicyCookies")
	set := func(how string, names []string) {
		c.cookies = model.CachePolicyCookiesConfig{CookieBehavior: model.Text(how)}
		if len(names) > 0 {
			c.cookies.Cookies = model.Texts(names)
		}
	}
	switch anonymous := c.cache.Anonymous; {
	case c.bucket:
		set("none", nil)
	case c.cache.Mode == spec.CachePrivate:
		t.note(&cacheRules.setCookie, r.At, "spec.cache.mode", "%s stores answers in mode private, and its service gets cookies", routeName(r))
		if n := patterns(anonymous); n > 0 || len(anonymous) > most || !b.namesFit(anonymous) {
			t.note(&cacheRules.cookies, r.At, "spec.cache.anonymousCookies", "of %s every cookie counts: %d are anonymous, %d of them patterns; a cache policy can leave %d out", routeName(r), len(anonymous), n, most)
			set("all", nil)
		} else if len(anonymous) > 0 {
			set("allExcept", anonymous)
		} else {
			set("all", nil)
		}
	default:
		names := slices.Concat(c.cache.Key.Cookies, c.cache.Identity.Cookies)
		slices.Sort(names)
		switch names = slices.Compact(names); {
		case len(names) == 0:
			set("none", nil)
		case len(names) > most || !b.namesFit(names):
			t.note(&cacheRules.cookies, r.At, "spec.cache.key.cookies", "of %s every cookie counts: a cache policy names %d, not %d", routeName(r), most, len(names))
			set("all", nil)
		default:
			set("whitelist", names)
		}
	}
}

// countQuery says which parameters count, and so reach the service.
func (b *builder) countQuery(t *remarks, r *spec.Route, c *caching) {
	most := b.granted("cachePolicyQueryStrings")
	how, names := "allExcept", c.cache.Key.QueryExcept
	if c.cache.Key.Query != nil {
		how, names = "whitelist", c.cache.Key.Query
	}
	c.query = model.CachePolicyQueryStringsConfig{QueryStringBehavior: model.Text("all")}
	switch n := patterns(names); {
	case c.bucket, how == "whitelist" && len(names) == 0:
		c.query.QueryStringBehavior = model.Text("none")
	case len(names) == 0:
	case n > 0 || len(names) > most || slices.ContainsFunc(names, written) || !b.namesFit(names):
		t.note(&cacheRules.query, r.At, "spec.cache.key", "of %s every parameter counts: the key names %d, %d of them patterns; a cache policy names %d", routeName(r), len(names), n, most)
	default:
		c.query = model.CachePolicyQueryStringsConfig{QueryStringBehavior: model.Text(how), QueryStrings: model.Texts(names)}
	}
}

// namesFit reports whether names together are short enough for a cache policy.
func (b *builder) namesFit(names []string) bool {
	sum := 0
	for _, n := range names {
		sum += len(n)
	}
	return sum <= b.granted("cachePolicyNameBytes")
}

// patterns is how many of the names stand for several.
func patterns(names []string) (n int) {
	for _, name := range names {
		if strings.HasSuffix(name, "*") {
			n++
		}
	}
	return n
}

// written reports whether a name may stand in a URL in another form than its own.
func written(name string) bool {
	return len(name) > parameterMax || strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", c))
	})
}

// cachePolicy is the policy for what counts. The shortest time is always 0: with another one CloudFront would store what the service
// forbids to store.
func (b *builder) cachePolicy(r *spec.Route, c *caching) model.Value {
	headers := &model.CachePolicyHeadersConfig{HeaderBehavior: model.Text("none")}
	if len(c.key) > 0 {
		headers = &model.CachePolicyHeadersConfig{HeaderBehavior: model.Text("whitelist"), Headers: model.Texts(c.key)}
	}
	p := &model.CachePolicyConfig{
		MinTTL: model.Int(0), DefaultTTL: model.Int(c.defaultTTL), MaxTTL: model.Int(c.longestTTL),
		ParametersInCacheKeyAndForwardedToOrigin: &model.CachePolicyParametersInCacheKeyAndForwardedToOrigin{
			CookiesConfig: &c.cookies, HeadersConfig: headers, QueryStringsConfig: &c.query,
			EnableAcceptEncodingGzip: model.Bool(c.compressible), EnableAcceptEncodingBrotli: model.Bool(c.compressible),
		},
	}
	shared := b.share("CachePolicy", r.At, &model.CachePolicy{CachePolicyConfig: p}, func(name string) { p.Name = model.Text(name) })
	return model.Ref{Resource: shared, Attr: "Id"}
}

// passPolicy is the policy for what reaches the service beside what counts; nil: nothing does.
func (b *builder) passPolicy(r *spec.Route, pass []string) model.Value {
	if len(pass) == 0 {
		return nil
	}
	p := &model.OriginRequestPolicyConfig{
		CookiesConfig:      &model.OriginRequestPolicyCookiesConfig{CookieBehavior: model.Text("none")},
		QueryStringsConfig: &model.OriginRequestPolicyQueryStringsConfig{QueryStringBehavior: model.Text("none")},
		HeadersConfig:      &model.OriginRequestPolicyHeadersConfig{HeaderBehavior: model.Text("whitelist"), Headers: model.Texts(pass)},
	}
	shared := b.share("OriginRequestPolicy", r.At, &model.OriginRequestPolicy{OriginRequestPolicyConfig: p}, func(name string) { p.Name = model.Text(name) })
	return model.Ref{Resource: shared, Attr: "Id"}
}

// canonicalField is the name of a field as AWS writes it: capitals in front, and behind each -.
func canonicalField(name string) string {
	out, capital := []byte(name), true
	for i, c := range out {
		if capital && c >= 'a' && c <= 'z' {
			out[i] = c - 'a' + 'A'
		} else if !capital && c >= 'A' && c <= 'Z' {
			out[i] = c - 'A' + 'a'
		}
		capital = c == '-'
	}
	return string(out)
}

// fields are names of fields in canonical form, sorted, each once.
func fields(list []string) []string {
	out := make([]string, 0, len(list))
	for _, name := range list {
		switch name = canonicalField(name); {
		case strings.HasPrefix(name, "Cloudfront-"):
			name = "CloudFront-" + name[len("CloudFront-"):]
		case strings.HasPrefix(name, "Sec-Websocket-"):
			name = "Sec-WebSocket-" + name[len("Sec-WebSocket-"):]
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// neverCounts reports whether a cache policy refuses to count a field.
func neverCounts(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "cache-control", "connection", "content-length", "cookie", "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization",
		"proxy-connection", "range", "request-range", "te", "trailer", "transfer-encoding", "upgrade", "x-forwarded-proto", "x-real-ip":
		return true
	}
	return strings.HasPrefix(name, "x-amz-cf-") || strings.HasPrefix(name, "x-edge-")
}
