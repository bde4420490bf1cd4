package adopt

// This file has the policies that AWS manages. Their content never changes, and answers of the API name them by their ids alone.

// managedCaches are cache policies by id, as the Developer Guide of CloudFront lists them ("Use managed cache policies").
var managedCaches = map[string]struct {
	least, unsaid, longest  float64
	encodings               bool
	headers, cookies, query []string // "*": all; nil: none
}{
	"4135ea2d-6df8-44a3-9df3-4b5a84be39ad": {}, // CachingDisabled
	"658327ea-f89d-4fab-a63d-7e88639e58f6": {least: 1, unsaid: dayTTL, longest: yearTTL, encodings: true},
	"b2884449-e4de-46a7-ac36-70bc7f1ddd6d": {least: 1, unsaid: dayTTL, longest: yearTTL},
	"08627262-05a9-4f76-9ded-b50ca2e3a84f": { // Elemental-MediaPackage
		unsaid: dayTTL, longest: yearTTL, encodings: true, headers: []string{"Origin"}, query: []string{"aws.manifestfilter", "end", "m", "start"},
	},
	"2e54312d-136d-493c-8eb9-b001f22f67d2": { // Amplify
		least: 2, unsaid: 2, longest: 600, encodings: true,
		headers: []string{"Authorization", "CloudFront-Viewer-Country", "Host"}, cookies: []string{"*"}, query: []string{"*"},
	},
	"83da9c7e-98b4-4e11-a168-04f0df8e2c65": { // UseOriginCacheControlHeaders
		longest: yearTTL, encodings: true, headers: originHeaders, cookies: []string{"*"},
	},
	"4cc15a8a-d715-48a4-82b8-cc0b614638fe": { // UseOriginCacheControlHeaders-QueryStrings
		longest: yearTTL, encodings: true, headers: originHeaders, cookies: []string{"*"}, query: []string{"*"},
	},
}

var originHeaders = []string{"Host", "Origin", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"}

// managedCache is a policy that AWS manages; false: AWS manages none with this id.
func managedCache(id string) (*cachePolicy, bool) {
	m, known := managedCaches[id]
	if !known {
		return nil, false
	}
	return &cachePolicy{
		least: m.least, unsaid: m.unsaid, longest: m.longest, gzip: m.encodings, brotli: m.encodings,
		headers: managedSelection(m.headers), cookies: managedSelection(m.cookies), query: managedSelection(m.query),
	}, true
}

func managedSelection(names []string) selection {
	switch {
	case len(names) == 0:
		return selection{how: "none"}
	case names[0] == "*":
		return selection{how: "all"}
	}
	return selection{how: "whitelist", names: names}
}

// managedRequests are origin request policies by id ("Use managed origin request policies").
var managedRequests = map[string]requestPolicy{
	"216adef6-5c7f-47e4-b989-5492eafa07d3": {headers: selection{how: "allViewer"}, cookies: selection{how: "all"}, query: selection{how: "all"}},
	"b689b0a8-53d0-40ab-baf2-68738e2966ac": {
		headers: selection{how: "allExcept", names: []string{"Host"}}, cookies: selection{how: "all"}, query: selection{how: "all"},
	},
	"33f36d7e-f396-46d9-90e0-52428a34d9dc": { // AllViewerAndCloudFrontHeaders-2022-06
		headers: selection{how: "allViewerAndWhitelistCloudFront", names: []string{"CloudFront-…"}},
		cookies: selection{how: "all"}, query: selection{how: "all"},
	},
	"59781a5b-3903-41f3-afcb-af62929ccde1": { // CORS-CustomOrigin
		headers: selection{how: "whitelist", names: []string{"Origin"}}, cookies: selection{how: "none"}, query: selection{how: "none"},
	},
	"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": { // CORS-S3Origin
		headers: selection{how: "whitelist", names: []string{"Access-Control-Request-Headers", "Access-Control-Request-Method", "Origin"}},
		cookies: selection{how: "none"}, query: selection{how: "none"},
	},
	"775133bc-15f2-49f9-abea-afb2e0bf67d2": { // Elemental-MediaTailor-PersonalizedManifests
		headers: selection{how: "whitelist", names: []string{"Access-Control-Request-Headers", "Access-Control-Request-Method", "Origin", "User-Agent",
			"X-Forwarded-For"}},
		cookies: selection{how: "none"}, query: selection{how: "all"},
	},
	"acba4595-bd28-49b8-b9fe-13317c0390fa": { // UserAgentRefererHeaders
		headers: selection{how: "whitelist", names: []string{"Referer", "User-Agent"}}, cookies: selection{how: "none"}, query: selection{how: "none"},
	},
}

// managedAnswer is a response headers policy of AWS: CORS, the security headers, or both ("Use managed response headers
// policies").
type managedAnswer struct{ cors, preflight, security bool }

var managedAnswers = map[string]managedAnswer{
	"60669652-455b-4ae9-85a4-c4c02393f86c": {cors: true},                                  // SimpleCORS
	"5cc3b908-e619-4b99-88e5-2cf7f45965bd": {cors: true, preflight: true},                 // CORS-With-Preflight
	"67f7725c-6f97-4210-82d7-5512b31e9d03": {security: true},                              // SecurityHeadersPolicy
	"e61eb60c-9c35-4d20-a928-2b84e02af89c": {cors: true, security: true},                  // CORS-and-SecurityHeadersPolicy
	"eaab4381-ed33-4a86-88ca-d9558dc6cd63": {cors: true, preflight: true, security: true}, // CORS-with-preflight-and-SecurityHeadersPolicy
}
