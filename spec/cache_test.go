package spec_test

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"skerry.dev/skerry/spec"
)

// caches are those of the entrypoint and of its first route.
func caches(t *testing.T, text string) (of, on *spec.Cache) {
	t.Helper()
	e := mustParse(t, yaml(text)).Entrypoints[0]
	return e.Policy.Cache, e.Routes[0].Policy.Cache
}

// TestCacheOfProfiles holds every value of the model but the names that are known, and which profile stores.
func TestCacheOfProfiles(t *testing.T) {
	got, _ := caches(t, six)
	want := &spec.Cache{
		Mode: spec.CachePrivate, Key: spec.CacheKey{QueryExcept: got.Key.QueryExcept, Headers: []string{}, Cookies: []string{}},
		TTL: spec.CacheTTL{Max: 365 * 24 * time.Hour}, Anonymous: got.Anonymous, Identity: spec.CacheIdentity{Headers: []string{}, Cookies: []string{}},
		Collapse: 5 * time.Second, ObjectMax: 64 << 20, Prerender: []string{},
		Probe: spec.CacheProbe{Every: 2 * time.Second, Identities: []spec.ProbeIdentity{}, Paths: []string{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for profile, mode := range map[string]spec.CacheMode{
		"website": spec.CachePrivate, "static": spec.CachePrivate, "api": spec.CacheOff, "partner-api": spec.CacheOff, "webhook": spec.CacheOff, "plain": spec.CacheOff,
	} {
		of, on := caches(t, six+"  profile: "+profile+"\n  routes: [{match: {path: /a}, service: http://a, cache: private}]\n")
		if of.Mode != mode || of.On() != (mode != spec.CacheOff) {
			t.Errorf("%s: got %s, on %v", profile, of.Mode, of.On())
		}
		if !reflect.DeepEqual(on, want) {
			t.Errorf("%s: `cache: private` becomes %+v", profile, on)
		}
	}
	if (*spec.Cache)(nil).On() || (&spec.Cache{}).On() {
		t.Error("nothing is on")
	}
}

// TestCacheMerges: what a nearer document leaves out stays, whatever else it says.
func TestCacheMerges(t *testing.T) {
	f := func(fields, ofRoute, wantOf, wantOn string) {
		t.Helper()
		of, on := caches(t, six+fields+"  routes: [{match: {path: /a}, service: http://a"+ofRoute+"}]\n")
		for _, c := range []struct {
			is   *spec.Cache
			want string
		}{{of, wantOf}, {on, wantOn}} {
			got := fmt.Sprintf("%s %v %v %v %v", c.is.Mode, c.is.Key.Query, c.is.Key.Cookies, c.is.TTL.Default, c.is.Directives)
			if len(c.is.Key.QueryExcept) > 0 {
				got += fmt.Sprintf(" except %d", len(c.is.Key.QueryExcept))
			}
			if c.is.Key.Query != nil {
				got += " chosen"
			}
			if got = strings.ReplaceAll(got, fmt.Sprintf("except %d", len(spec.CampaignParameters)), "except campaigns"); got != c.want {
				t.Errorf("%s%s: got %s, want %s", fields, ofRoute, got, c.want)
			}
		}
	}
	f("  cache: {ttl: {default: 1m}}\n", ", cache: {key: {cookies: [b, a, b]}}", "private [] [] 1m0s false except campaigns", "private [] [a b] 1m0s false except campaigns")
	f("  cache: {mode: off, ttl: {default: 1m}}\n", ", cache: private", "off [] [] 1m0s false except campaigns", "private [] [] 1m0s false except campaigns")
	f("  cache: off\n", "", "off [] [] 0s false except campaigns", "off [] [] 0s false except campaigns")
	f("  cache: {ttl: {default: 1m}}\n", ", cache: {ttl: {default: off, negative: 1s}}", "private [] [] 1m0s false except campaigns", "private [] [] 0s false except campaigns")
	// One of query and queryExcept takes the place of the other.
	f("  cache: {key: {query: [b, a]}}\n", ", cache: {key: {queryExcept: [x]}}", "private [a b] [] 0s false chosen", "private [] [] 0s false except 1")
	f("  cache: {key: {query: []}}\n", ", cache: {key: {queryExcept: []}}", "private [] [] 0s false chosen", "private [] [] 0s false")
	// The mode says whether directives of requests are heeded, unless somebody else does.
	f("  cache: standard\n", ", cache: private", "standard [] [] 0s true except campaigns", "private [] [] 0s false except campaigns")
	f("  cache: {requestDirectives: on}\n", ", cache: standard", "private [] [] 0s true except campaigns", "standard [] [] 0s true except campaigns")
	f("  cache: {requestDirectives: off}\n", ", cache: standard", "private [] [] 0s false except campaigns", "standard [] [] 0s false except campaigns")

	of, on := caches(t, six+"  log: off\n  routes: [{match: {path: /a}, service: http://a, hedge: off}]\n")
	if of != on {
		t.Error("a route that says nothing of it has a cache of its own")
	}
}

// TestAnonymousCookies: names, patterns and words become names; what counts in the key, and everything in standard, is not among them.
func TestAnonymousCookies(t *testing.T) {
	f := func(fields, ofRoute string, want func(of, on []string) bool) {
		t.Helper()
		of, on := caches(t, six+"  cache: {"+fields+"}\n  routes: [{match: {path: /a}, service: http://a, cache: {"+ofRoute+"}}]\n")
		if !want(of.Anonymous, on.Anonymous) {
			t.Errorf("%s, %s: got %q\nand %q", fields, ofRoute, of.Anonymous, on.Anonymous)
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(spec.AnalyticsCookies, spec.ConsentCookies)))
	f("", "anonymousCookies: [b, a*, b]", func(of, on []string) bool {
		return slices.Equal(of, all) && slices.Equal(on, []string{"a*", "b"})
	})
	f("anonymousCookies: [known/consent, ZZ]", "anonymousCookies: []", func(of, on []string) bool {
		return len(of) == len(spec.ConsentCookies)+1 && slices.Contains(of, "ZZ") && slices.IsSorted(of) && len(on) == 0
	})
	f("mode: standard", "mode: private", func(of, on []string) bool { return of == nil && slices.Equal(on, all) })
	f("key: {cookies: [CookieConsent, cart]}", "key: {cookies: []}", func(of, on []string) bool {
		return len(of) == len(all)-1 && !slices.Contains(of, "CookieConsent") && slices.Equal(on, all)
	})
}

// TestKnownNames holds the names that a release knows: each of them one that a document may write, and none that matches what
// services know somebody by.
func TestKnownNames(t *testing.T) {
	for what, names := range map[string][]string{
		"anonymousCookies": slices.Concat(spec.AnalyticsCookies, spec.ConsentCookies), "key: {queryExcept": spec.CampaignParameters,
	} {
		seen := map[string]bool{}
		for _, name := range names {
			if seen[name] {
				t.Errorf("%s: %s stands twice", what, name)
			}
			seen[name] = true
		}
		end := strings.Repeat("}", strings.Count(what, "{"))
		of, _ := caches(t, six+"  cache: {"+what+": ["+strings.Join(names, ", ")+"]"+end+"}\n")
		if n := max(len(of.Anonymous), len(of.Key.QueryExcept)); n < len(names) {
			t.Errorf("%s: %d of %d names", what, n, len(names))
		}
	}
	for _, who := range []string{
		"PHPSESSID", "JSESSIONID", "ASP.NET_SessionId", ".AspNetCore.Cookies", ".AspNet.ApplicationCookie", "connect.sid", "laravel_session", "remember_web_59ba36",
		"sessionid", "session", "session_id", "_session_id", "_shop_session", "_gitlab_session", "sid", "SID", "uid", "user", "token", "auth", "auth_token", "access_token",
		"id_token", "refresh_token", "jwt", "RT", "AT", "csrftoken", "XSRF-TOKEN", "_csrf", "remember_me", "remember_token", "__Host-session", "__Secure-next-auth.session-token",
		"wordpress_logged_in_a", "wp-settings-1", "wp_woocommerce_session_a", "woocommerce_cart_hash", "comment_author_a", "SESS49960de5", "SSESS49960de5", "fe_typo_user",
		"frontend", "PrestaShop-a", "cart", "basket", "currency", "lang", "ajs_user_id", "ajs_group_id", "ai_authUser", "mbox", "optimizelyEndUserId", "AWSALB", "AWSALBCORS",
		"AWSELB", "CognitoIdentityServiceProvider.a", "_oauth2_proxy", "CF_Authorization", "_shopify_s", "secure_customer_sig", "_gaexp", "_vwo_uuid", "_sp", "s_user", "cb", "_c",
	} {
		for _, p := range slices.Concat(spec.AnalyticsCookies, spec.ConsentCookies) {
			if ok, err := path.Match(p, who); ok || err != nil {
				t.Errorf("%s takes %s, which may say who asks (%v)", p, who, err)
			}
		}
	}
	for _, counts := range []string{"id", "page", "q", "s", "sort", "ref", "lang", "variant", "pk_id", "pk", "token", "code", "state", "affiliate", "irclickid", "cjevent", "awc", "_", "v"} {
		for _, p := range spec.CampaignParameters {
			if ok, err := path.Match(p, counts); ok || err != nil {
				t.Errorf("%s takes %s, by which a service may tell pages apart (%v)", p, counts, err)
			}
		}
	}
}

// TestProfileKeepsWhatItSaysOfTheCache: as much in the canonical form as in its document, zeros too.
func TestProfileKeepsWhatItSaysOfTheCache(t *testing.T) {
	f := func(says, want string) {
		t.Helper()
		s := mustParse(t, yaml("apiVersion: skerry.dev/v1\nkind: Profile\nmetadata: {name: mine}\nspec: {"+says+"}\n"))
		_, got, _ := strings.Cut(string(spec.Canonical(s)), `"spec":`)
		if got = strings.TrimSuffix(got, "}\n"); got != want {
			t.Errorf("%q: got %s, want %s", says, got, want)
		}
		sameInCanonicalForm(t, s)
	}
	f("", `{}`)
	f("cache: {}", `{}`)
	f("cache: {key: {}}", `{}`)
	f("cache: off", `{"cache":"off"}`)
	f("cache: false", `{"cache":"off"}`)
	f("cache: {mode: private}", `{"cache":"private"}`)
	f("cache: {key: {query: []}, ttl: {default: off}}", `{"cache":{"key":{"query":[]},"ttl":{"default":"off"}}}`)
	f("cache: {requestDirectives: off, collapse: off}", `{"cache":{"requestDirectives":"off","collapse":"off"}}`)
	f("cache: {anonymousCookies: [known/consent, known/analytics, _ga, a]}", `{"cache":{"anonymousCookies":["known/analytics","known/consent","a"]}}`)
}

// TestProbeIdentities holds what the probe gets.
func TestProbeIdentities(t *testing.T) {
	of, _ := caches(t, six+`  cache:
    identity: {headers: [X-Customer, Authorization], cookies: [Sid]}
    probe:
      every: 500ms
      identities:
        - {header: Authorization, value: "env:SKERRY_SECRET_ANNA", marker: anna@example.com}
        - {header: Cookie, value: "file:probe/ben"}
      paths: [/account?tab=1, /account]
`)
	at := func(line, col int) spec.Pos { return spec.Pos{File: "x.yaml", Line: line, Col: col} }
	want := spec.CacheProbe{Every: 500 * time.Millisecond, Paths: []string{"/account", "/account?tab=1"}, Identities: []spec.ProbeIdentity{
		{At: at(12, 42), Header: "authorization", Value: "env:SKERRY_SECRET_ANNA", Marker: "anna@example.com"},
		{At: at(13, 35), Header: "cookie", Value: "file:probe/ben"},
	}}
	if !reflect.DeepEqual(of.Probe, want) {
		t.Errorf("got  %+v\nwant %+v", of.Probe, want)
	}
	if id := of.Identity; !id.On() || !slices.Equal(id.Headers, []string{"authorization", "x-customer"}) || !slices.Equal(id.Cookies, []string{"Sid"}) {
		t.Errorf("identity %+v", id)
	}
}

// TestExplainedCache: of the fields only those that are in force are explained, the mode says where requestDirectives comes from.
func TestExplainedCache(t *testing.T) {
	f := func(fields string, want ...string) {
		t.Helper()
		var got []string
		for _, s := range mustParse(t, yaml(six+fields)).Entrypoints[0].Sources {
			if name, is := strings.CutPrefix(s.Path, "spec.cache."); is {
				switch name {
				case "mode", "key.query", "key.queryExcept", "anonymousCookies", "requestDirectives":
					got = append(got, name+" "+s.Value+" ("+s.From+")")
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got  %q\nwant %q", fields, got, want)
		}
	}
	f("", "mode private (profile website)", "key.queryExcept [known/campaigns] (profile website)",
		"anonymousCookies [known/analytics, known/consent] (profile website)", "requestDirectives off (profile website)")
	f("  cache: off\n", "mode off (spec x.yaml:7:10)")
	f("  cache: {mode: standard, key: {query: [a]}}\n", "mode standard (spec x.yaml:7:17)", "key.query [a] (spec x.yaml:7:40)",
		"requestDirectives on (spec x.yaml:7:17)")
	f("  cache: {requestDirectives: on, anonymousCookies: [a]}\n", "mode private (profile website)", "key.queryExcept [known/campaigns] (profile website)",
		"anonymousCookies [a] (spec x.yaml:7:52)", "requestDirectives on (spec x.yaml:7:30)")
}
