package compile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// cachedRoute is a route that only reads, with a cache.
func cachedRoute(cache, more string) string {
	return "routes:\n  - name: all\n    match: {prefix: /}\n    methods: [GET, HEAD, OPTIONS]\n    service: https://o.example.net\n    cache: " + cache + more
}

func cachePolicyOf(t *testing.T, b *builder) *model.CachePolicyConfig {
	t.Helper()
	return referred[*model.CachePolicy](t, behaviorOf(t, b, "").props.CachePolicyId).CachePolicyConfig
}

func TestCachePolicy(t *testing.T) {
	f := func(cache, cookies, query, headers, ttl string) {
		t.Helper()
		b := routed(t, cachedRoute(cache, ""), "")
		p := cachePolicyOf(t, b)
		key := p.ParametersInCacheKeyAndForwardedToOrigin
		is(t, cache, key.CookiesConfig, cookies)
		is(t, cache, key.QueryStringsConfig, query)
		is(t, cache, key.HeadersConfig, headers)
		is(t, cache, []model.Value{p.MinTTL, p.DefaultTTL, p.MaxTTL}, ttl)
	}
	const (
		safe   = `{"HeaderBehavior":"whitelist","Headers":["Authorization","Host","Origin"]}`
		none   = `{"CookieBehavior":"none"}`
		all    = `{"QueryStringBehavior":"all"}`
		unsaid = `[0,0,31536000]`
	)
	f("{mode: standard, key: {queryExcept: []}}", none, all, safe, unsaid)
	f("{mode: standard, key: {query: []}}", none, `{"QueryStringBehavior":"none"}`, safe, unsaid)
	f("{mode: standard, key: {query: [page, q]}}", none, `{"QueryStringBehavior":"whitelist","QueryStrings":["page","q"]}`, safe, unsaid)
	f("{mode: standard, key: {queryExcept: [fbclid, gclid]}}", none, `{"QueryStringBehavior":"allExcept","QueryStrings":["fbclid","gclid"]}`, safe, unsaid)
	f("{mode: standard, key: {queryExcept: ['utm_*']}}", none, all, safe, unsaid)
	f("{mode: standard, key: {query: ['a[]']}}", none, all, safe, unsaid)
	f("{mode: standard, key: {query: []}, ttl: {default: 90s, max: 1d}}", none, `{"QueryStringBehavior":"none"}`, safe, `[0,90,86400]`)
	f("{mode: standard, key: {query: [], headers: [accept-language], cookies: [currency]}}", `{"CookieBehavior":"whitelist","Cookies":["currency"]}`,
		`{"QueryStringBehavior":"none"}`, `{"HeaderBehavior":"whitelist","Headers":["Accept-Language","Authorization","Host","Origin"]}`, unsaid)
	f("{mode: private, key: {query: []}, anonymousCookies: [_ga, _gid]}", `{"CookieBehavior":"allExcept","Cookies":["_ga","_gid"]}`,
		`{"QueryStringBehavior":"none"}`, safe, unsaid)
	f("{mode: private, key: {query: []}, anonymousCookies: ['_ga_*']}", `{"CookieBehavior":"all"}`, `{"QueryStringBehavior":"none"}`, safe, unsaid)
	f("{mode: private, key: {query: []}, anonymousCookies: []}", `{"CookieBehavior":"all"}`, `{"QueryStringBehavior":"none"}`, safe, unsaid)
}

func TestCacheFindings(t *testing.T) {
	b := routed(t, cachedRoute("private", ""), "")
	finds(t, b, "warning cache-cookies: of the route all every cookie counts: 143 are anonymous, 31 of them patterns; a cache policy can leave 10 out",
		"warning cache-set-cookie: the route all", "note cache-query: a cache policy names 10")
	b = routed(t, cachedRoute("{mode: standard, key: {query: [a]}}", ""), "")
	findsNot(t, b, "cache-cookies", "cache-set-cookie", "cache-query", "cache-methods", "cache-fields", "cache-key-fields")
}

// TestCacheMethods: what takes POST needs all that the client sent. In mode private that is not stored; in mode standard, which
// somebody asked for, it is, and told.
func TestCacheMethods(t *testing.T) {
	f := func(mode, methods string, stored bool, id string) {
		t.Helper()
		b := routed(t, "routes: [{name: all, match: {prefix: /}, service: https://o.example.net, cache: "+mode+methods+"}]", "")
		v := behaviorOf(t, b, "").props
		if _, made := v.CachePolicyId.(model.Ref); made != stored {
			t.Errorf("%s%s stores: %t", mode, methods, made)
		}
		if !stored {
			is(t, mode, v.OriginRequestPolicyId, `"`+allViewer+`"`)
		}
		for _, other := range []string{"cache-methods", "cache-fields"} {
			if other == id {
				finds(t, b, "warning "+id)
			} else {
				findsNot(t, b, other)
			}
		}
	}
	f("private", "", false, "cache-methods")
	f("private", ", methods: [GET, POST]", false, "cache-methods")
	f("private", ", methods: [GET, HEAD]", true, "")
	f("standard", "", true, "cache-fields")
	f("standard", ", methods: [GET, OPTIONS]", true, "")
	f("off", "", false, "")
}

func TestCountedFields(t *testing.T) {
	f := func(entry, route, service, want string) {
		t.Helper()
		b := routed(t, entry+"\nroutes: [{name: all, match: {prefix: /}, methods: [GET], service: api, cache: {mode: standard, key: {query: []}}"+route+"}]", `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec: {endpoints: ["https://o.example.net"]`+service+`}
`)
		is(t, entry+route+service, cachePolicyOf(t, b).ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers, want)
	}
	f("", "", "", `["Authorization","Host","Origin"]`)
	f("", "", ", host: endpoint", `["Authorization","Origin","X-Forwarded-Host"]`)
	f("forwarded: remove", "", ", host: endpoint", `["Authorization","Origin"]`)
	f("forwarded: keep", "", "", `["Authorization","Forwarded","Host","Origin","X-Forwarded-Host","X-Forwarded-Port"]`)
	f("redirect: off", "", "", `["Authorization","CloudFront-Forwarded-Proto","Host","Origin"]`)
	f("", `, cors: {origins: ["https://a.example.org"]}`, "", `["Authorization","Host"]`)
	f("", `, headers: {request: {default: {X-Lang: en}}}`, "", `["Authorization","Host","Origin","X-Lang"]`)
	f("", `, headers: {request: {set: {X-Lang: en}}}`, "", `["Authorization","Host","Origin"]`)
}

// TestForwardedTellsTheHost: Forwarded has the client's address beside the host, so that it cannot count, and what depends on it is not
// stored.
func TestForwardedTellsTheHost(t *testing.T) {
	b := routed(t, "forwarded: standard\nroutes: [{name: all, match: {prefix: /}, methods: [GET], service: api, cache: standard}]", `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec: {endpoints: ["https://o.example.net"], host: endpoint}
`)
	is(t, "policy", behaviorOf(t, b, "").props.CachePolicyId, `"`+cachingDisabled+`"`)
	finds(t, b, "warning cache-key-refused: the default behaviour stores nothing, since Forwarded")
}

func TestPassedFields(t *testing.T) {
	f := func(route, want string) {
		t.Helper()
		b := routed(t, cachedRoute("{mode: standard, key: {query: []}}", route), "")
		id := behaviorOf(t, b, "").props.OriginRequestPolicyId
		if want == "" {
			if id != nil {
				t.Errorf("%s: the service gets more: %v", route, id)
			}
			return
		}
		is(t, route, referred[*model.OriginRequestPolicy](t, id).OriginRequestPolicyConfig.HeadersConfig.Headers, want)
	}
	const quiet = "\n    requestID: off\n    trace: off\n    websocket: off\n    forwarded: remove"
	f("", `["Sec-WebSocket-Key","Sec-WebSocket-Protocol","Sec-WebSocket-Version","Traceparent","X-Forwarded-Host","X-Request-Id"]`)
	f(quiet, "")
	f(quiet+"\n    headers: {request: {set: {X-Stage: prod, Authorization: none}}}", `["X-Stage"]`)
	f("\n    requestID: off\n    trace: off\n    websocket: off\n    forwarded: standard", `["Forwarded"]`)
	f("\n    trace: off\n    websocket: off\n    rewrite: {host: other.example.net}", `["X-Request-Id"]`) // X-Forwarded-Host counts
}

// TestTooManyFields: where more fields would have to count than a policy names, nothing is stored.
func TestTooManyFields(t *testing.T) {
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprintf("x-field-%d", i))
	}
	cache := "{mode: standard, key: {query: [], headers: [" + strings.Join(names, ", ") + "]}}"
	b := routed(t, cachedRoute(cache, ""), "")
	is(t, "policy", behaviorOf(t, b, "").props.CachePolicyId, `"`+cachingDisabled+`"`)
	finds(t, b, "warning cache-key-fields: 11 fields would have to count, and cachePolicyHeaders is 10")
	b = routed(t, cachedRoute(cache, ""), "  quotas: {cachePolicyHeaders: 11}\n")
	if got := len(cachePolicyOf(t, b).ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers); got != 11 {
		t.Errorf("with room for 11, %d fields count", got)
	}
}

// TestCacheIsSafe holds what CloudFront is told to store against what may never happen, over policies at random.
func TestCacheIsSafe(t *testing.T) {
	base := routed(t, cachedRoute("{mode: standard, key: {query: []}}", ""), "")
	s := base.sites[0]
	names := func(t *rapid.T, what string) []string {
		list := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_]{1,12}\*?`), 0, 14, rapid.ID).Draw(t, what)
		slices.Sort(list)
		return list
	}
	rapid.Check(t, func(t *rapid.T) {
		b := newBuilder(base.spec, new(Memory))
		r := *s.entry.Routes[0]
		cache := *r.Policy.Cache
		cache.Mode = rapid.SampledFrom([]spec.CacheMode{spec.CachePrivate, spec.CacheStandard}).Draw(t, "mode")
		cache.Anonymous, cache.Key.Headers, cache.Key.Cookies = nil, names(t, "headers"), names(t, "cookies")
		if cache.Mode == spec.CachePrivate {
			cache.Anonymous = names(t, "anonymous")
		}
		cache.Key.Query, cache.Key.QueryExcept = nil, names(t, "except")
		cache.TTL.Default = time.Duration(rapid.IntRange(0, 1e6).Draw(t, "default")) * time.Second
		cache.TTL.Max = cache.TTL.Default + time.Hour
		forwarded := rapid.SampledFrom([]spec.Forwarded{spec.ForwardedSet, spec.ForwardedStandard, spec.ForwardedBoth, spec.ForwardedRemove, spec.ForwardedKeep}).Draw(t, "forwarded")
		r.Policy.Cache, r.Policy.Forwarded = &cache, &forwarded
		methods := rapid.SampledFrom([][]string{{}, {"GET"}, {"GET", "HEAD", "OPTIONS"}, {"GET", "POST"}}).Draw(t, "methods")
		r.Policy.Methods = &methods
		v := &behavior{routes: []*spec.Route{&r}, props: &model.DistributionCacheBehavior{}, uncached: rapid.Bool().Draw(t, "uncached")}
		v.keys = rapid.SampledFrom([][]string{nil, {routeKey}}).Draw(t, "keys")
		b.policy(&remarks{b: b, site: s}, v)
		ref, stores := v.props.CachePolicyId.(model.Ref)
		if !stores {
			if v.props.CachePolicyId != model.Text(cachingDisabled) || v.props.OriginRequestPolicyId != model.Text(allViewer) {
				t.Fatalf("nothing is stored, and the service does not get everything: %v", v.props.OriginRequestPolicyId)
			}
			return
		}
		checkSafe(t, v, &cache, ref.Resource.Props.(*model.CachePolicy).CachePolicyConfig)
	})
}

func checkSafe(t *rapid.T, v *behavior, cache *spec.Cache, p *model.CachePolicyConfig) {
	key := p.ParametersInCacheKeyAndForwardedToOrigin
	counted := func(name string) bool {
		return slices.Contains(key.HeadersConfig.Headers, model.Value(model.Text(name)))
	}
	switch {
	case v.uncached:
		t.Fatal("stored, although its routes differ")
	case p.MinTTL != model.Int(0) || p.DefaultTTL.(model.Int) > p.MaxTTL.(model.Int):
		t.Fatalf("times are %v, %v, %v", p.MinTTL, p.DefaultTTL, p.MaxTTL)
	case !counted("Authorization") || !counted("Host"):
		t.Fatalf("counted are %v", key.HeadersConfig.Headers)
	case len(v.keys) > 0 && !counted("X-Skerry-Route"):
		t.Fatal("the route does not count")
	case cache.Mode == spec.CachePrivate && len(v.props.AllowedMethods) > 3:
		t.Fatal("private, with methods that write")
	case len(key.HeadersConfig.Headers) > 10 || len(key.CookiesConfig.Cookies) > 10 || len(key.QueryStringsConfig.QueryStrings) > 10:
		t.Fatal("more names than a policy has")
	}
	if how := key.CookiesConfig.CookieBehavior.(model.Text); cache.Mode == spec.CachePrivate && how != "all" && how != "allExcept" {
		t.Fatalf("private, and cookies are %s", how)
	}
	for _, name := range key.CookiesConfig.Cookies {
		if strings.HasSuffix(string(name.(model.Text)), "*") && cache.Mode == spec.CachePrivate {
			t.Fatal("a pattern is taken for a name")
		}
	}
	if o, ok := v.props.OriginRequestPolicyId.(model.Ref); ok {
		c := o.Resource.Props.(*model.OriginRequestPolicy).OriginRequestPolicyConfig
		if c.CookiesConfig.CookieBehavior != model.Text("none") || c.QueryStringsConfig.QueryStringBehavior != model.Text("none") || c.HeadersConfig.HeaderBehavior != model.Text("whitelist") {
			t.Fatal("something reaches the service without counting")
		}
		for _, name := range c.HeadersConfig.Headers {
			if counted(string(name.(model.Text))) {
				t.Fatalf("%s counts, and is passed on once more", name)
			}
		}
	} else if v.props.OriginRequestPolicyId != nil {
		t.Fatal("a behaviour that stores passes everything on")
	}
}
