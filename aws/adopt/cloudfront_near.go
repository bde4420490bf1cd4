package adopt

import "skerry.dev/skerry/aws/finding"

// What the documents say nearly.
var (
	ruleBelow = &finding.Rule{
		ID: "import-path-below", Severity: finding.Warning,
		Meaning: "a prefix takes its own path too, which the pattern of CloudFront does not stand for",
		Remedy:  "write a route for the path itself, if it has to go elsewhere",
		Witness: "GET /docs where the pattern is /docs/*",
	}
	ruleProtocol = &finding.Rule{
		ID: "import-viewer-protocol", Severity: finding.Warning,
		Meaning: "what plain HTTP gets is said once for an Entrypoint: a redirect to HTTPS, or what HTTPS gets",
		Remedy:  "give what has to be served over plain HTTP an Entrypoint of its own",
		Witness: "GET http://www.example.com/",
	}
	ruleTLS = &finding.Rule{
		ID: "import-tls-versions", Severity: finding.Warning, Source: docsGuide + "secure-connections-supported-viewer-protocols-ciphers.html",
		Meaning: "the lowest version of TLS is 1.2 or 1.3, with ciphers that are chosen already",
		Remedy:  "look into the logs (ssl-protocol) whether anybody still comes with an older one",
		Witness: "a client that speaks TLS 1.1 alone",
	}
	ruleCertificateHosts = &finding.Rule{
		ID: "import-certificate-hosts", Severity: finding.Warning,
		Meaning: "the AWS document says of each certificate which hosts it covers, and the input does not say all of it",
		Remedy:  "give the answer of `aws acm describe-certificate` too",
		Witness: `"ACMCertificateArn": "arn:aws:acm:…"`,
	}
	ruleHTTPVersion = &finding.Rule{
		ID: "import-http-version", Severity: finding.Warning,
		Meaning: "distributions speak HTTP/1.1 and HTTP/2, and HTTP/3 if http3 is on: nothing else can be chosen",
		Remedy:  "nothing has to be done: clients choose the version",
		Witness: `"HttpVersion": "http1.1"`,
	}
	ruleAccount = &finding.Rule{
		ID: "import-account", Severity: finding.Warning,
		Meaning: "the AWS document says once for all distributions what each of these says for itself",
		Remedy:  "decide which value is to hold, or compile the entrypoints apart",
		Witness: `PriceClass_100 here and PriceClass_All there`,
	}
	ruleCacheLeast = &finding.Rule{
		ID: "import-cache-least", Severity: finding.Warning, Source: docsGuide + "Expiration.html",
		Meaning: "CloudFront stores an answer for a shortest time, whatever it says of itself; the edge heeds no-store, no-cache and private",
		Remedy:  "let the service say how long its answers are fresh",
		Witness: "two GETs of an answer with Cache-Control: no-store within that time",
	}
	ruleCacheTime = &finding.Rule{
		ID: "import-cache-time", Severity: finding.Warning,
		Meaning: "an answer is fresh for a year at most",
		Remedy:  "nothing has to be done",
		Witness: `"MaxTTL": 63072000`,
	}
	ruleCacheKey = &finding.Rule{
		ID: "import-cache-key", Severity: finding.Warning,
		Meaning: "what counts for the cache differs a little from what the policy says",
		Remedy:  "look at cache.key of the route",
		Witness: `"QueryStringCacheKeys": ["page"]`,
	}
	ruleCacheIdentity = &finding.Rule{
		ID: "import-cache-identity", Severity: finding.Warning,
		Meaning: "CloudFront stores answers for each value of Authorization; the edge stores what such requests get only if the answer lets it " +
			"(RFC 9111 section 3.5)",
		Remedy:  "write cache.identity with a probe, if answers to people who are known are to be stored",
		Witness: "two GETs with the same Authorization: the second asks the service too",
	}
	ruleCacheCookies = &finding.Rule{
		ID: "import-cache-cookies", Severity: finding.Warning,
		Meaning: "CloudFront has a copy for each set of cookies; in mode private a request with a cookie that may say who asks is never answered " +
			"from the cache",
		Remedy:  "name the cookies that say nothing of who asks in anonymousCookies, and those that answers depend on in key.cookies",
		Witness: "two GETs with the same cookie: the second asks the service too",
	}
	ruleErrorTTL = &finding.Rule{
		ID: "import-error-time", Severity: finding.Warning,
		Meaning: "how long answers with an error are stored is said once for a route, for some errors, and not against what the answers say",
		Remedy:  "let the service say Cache-Control in its errors",
		Witness: `two requests that get 503`,
	}
	ruleCompress = &finding.Rule{
		ID: "import-compress", Severity: finding.Warning, Source: docsGuide + "ServingCompressedFiles.html",
		Meaning: "the edge chooses by itself what it compresses, and knows zstd",
		Remedy:  "nothing has to be done, unless a client stumbles over it",
		Witness: `GET with Accept-Encoding: zstd`,
	}
	ruleRequestFields = &finding.Rule{
		ID: "import-request-fields", Severity: finding.Warning, Source: docsGuide + "RequestAndResponseBehaviorCustomOrigin.html",
		Meaning: "the service gets more, or less, of a request than CloudFront passes on",
		Remedy:  "see whether the service answers by what it did not get before; take it out with headers.request.remove, or let it count for the cache",
		Witness: "a GET with a cookie of its own",
	}
	ruleAnswer = &finding.Rule{
		ID: "import-answer", Severity: finding.Warning,
		Meaning: "fields of answers are made in a way that differs a little",
		Remedy:  "look at cors, hsts and headers.response of the Entrypoint",
		Witness: `OPTIONS with Origin and Access-Control-Request-Method`,
	}
	ruleFallback = &finding.Rule{
		ID: "import-fallback", Severity: finding.Warning,
		Meaning: "a fallback stands for files that are not there, and not for every answer with 403 or 404",
		Remedy:  "nothing has to be done for an application of one page",
		Witness: `GET /secret, which the firewall refuses with 403`,
	}
	ruleIndex = &finding.Rule{
		ID: "import-index", Severity: finding.Warning,
		Meaning: "the edge has an index for every directory, and CloudFront a file for / alone",
		Remedy:  "see whether there are directories with a file of this name that must not be seen",
		Witness: "GET /docs/",
	}
	ruleBucket = &finding.Rule{
		ID: "import-bucket", Severity: finding.Warning,
		Meaning: "compiled again, an origin is closed by an origin access control that signs every request",
		Remedy:  "let the policy of the bucket, or of the function, allow cloudfront.amazonaws.com before the documents are put into service",
		Witness: `GET straight to the bucket`,
	}
	ruleOriginProtocol = &finding.Rule{
		ID: "import-origin-protocol", Severity: finding.Warning,
		Meaning: "an endpoint has one scheme and one port, and TLS 1.2 or later",
		Remedy:  "write http:// in the Service if the origin has no HTTPS",
		Witness: `an origin that has no HTTPS`,
	}
	ruleOriginPath = &finding.Rule{
		ID: "import-origin-rewrite", Severity: finding.Warning,
		Meaning: "what an origin adds to each request is a rewrite or an edit of each route; compiled again, a CloudFront Function does it",
		Remedy:  "nothing has to be done",
		Witness: `"OriginPath": "/production"`,
	}
	ruleSecretMade = &finding.Rule{
		ID: "import-secret-made", Severity: finding.Warning,
		Meaning: "compiled again, another secret is sent in X-Origin-Secret",
		Remedy:  "name the ARN of the secret in aws.secret of the Service",
		Witness: `a request to the service with the old secret`,
	}
	ruleShield = &finding.Rule{
		ID: "import-origin-shield", Severity: finding.Warning, Source: docsGuide + "origin-shield.html",
		Meaning: "a layer that stores stands before the origin; a spec has none, so that the service is asked more often",
		Remedy:  "see whether the service bears a miss from each region",
		Witness: `the same GET in two regions`,
	}
	ruleWaits = &finding.Rule{
		ID: "import-waits", Severity: finding.Warning,
		Meaning: "a directory has no waits and no tries; compiled again, those of a bucket are the usual ones",
		Remedy:  "nothing has to be done",
		Witness: `"ConnectionAttempts": 1`,
	}
	ruleLogs = &finding.Rule{
		ID: "import-logs", Severity: finding.Warning, Source: docsGuide + "standard-logging.html",
		Meaning: "compiled again, access logs have other fields and names than these",
		Remedy:  "adapt what reads them",
		Witness: `"IncludeCookies": true`,
	}
	ruleRecord = &finding.Rule{
		ID: "import-record", Severity: finding.Warning,
		Meaning: "hosts in zones that the AWS document names get alias records, and no others",
		Remedy:  "take the record away before the first deployment, or leave the zone out",
		Witness: `www.example.com CNAME d111111abcdef8.cloudfront.net`,
	}
	ruleZone = &finding.Rule{
		ID: "import-zone", Severity: finding.Warning,
		Meaning: "the AWS document names zones by domain and id, and the input does not say both",
		Remedy:  "look them up: aws route53 list-hosted-zones",
		Witness: `"HostedZoneName": "example.com."`,
	}
)
