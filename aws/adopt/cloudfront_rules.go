package adopt

import "skerry.dev/skerry/aws/finding"

// docsGuide begins the pages of CloudFront's Developer Guide.
const docsGuide = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"

// cloudFrontRules are what distributions, and what belongs to them, can come to.
var cloudFrontRules = [...]*finding.Rule{
	ruleNoHost, ruleUnknownValue, ruleMissing, ruleNoACL, ruleSigned, ruleCountries, ruleClients, ruleFunction, ruleDisabled, ruleFeature,
	rulePattern, ruleBelow, ruleProtocol, ruleTLS, ruleCertificate, ruleCertificateHosts, ruleHTTPVersion, ruleAccount,
	ruleCacheLeast, ruleCacheTime, ruleCacheKey, ruleCacheIdentity, ruleCacheCookies, ruleErrorTTL, ruleCompress,
	ruleRequestFields, ruleCloudFrontFields, ruleAnswer, ruleAnswerLost, ruleErrorPage, ruleFallback, ruleIndex,
	ruleBucket, ruleBucketName, ruleOrigin, ruleOriginProtocol, ruleOriginPath, ruleClosed, ruleSecret, ruleSecretMade,
	ruleFailOver, ruleShield, ruleWaits,
	ruleLogs, ruleLogsLost, ruleRecord, ruleRecordLost, ruleZone,
}

// What makes the documents more open than what stands there.
var (
	ruleNoACL = &finding.Rule{
		ID: "import-web-acl-missing", Severity: finding.Error,
		Meaning: "the distribution has a web ACL that the input does not have: the documents let through what it refuses",
		Remedy:  "give the answer of `aws wafv2 get-web-acl --scope CLOUDFRONT` too, or write waf, limit and the like by hand",
		Witness: "a request that the web ACL refuses",
	}
	ruleSigned = &finding.Rule{
		ID: "import-signed-paths", Severity: finding.Error, Source: docsGuide + "PrivateContent.html",
		Meaning: "the paths are for signed URLs and signed cookies alone, which a spec does not know: the documents make them public",
		Remedy:  "do not put the documents into service before the service itself checks who may have these paths",
		Witness: "a request without a signature: 403 of CloudFront, the file from the documents",
	}
	ruleCountries = &finding.Rule{
		ID: "import-countries", Severity: finding.Error, Source: docsGuide + "georestrictions.html",
		Meaning: "countries are let in or kept out, which a spec does not say: the documents let in everybody",
		Remedy:  "let the service, or a rule of a web ACL of your own, keep them out",
		Witness: "a request from a country that is kept out",
	}
	ruleClients = &finding.Rule{
		ID: "import-client-certificates", Severity: finding.Error, Source: docsGuide + "viewer-mtls.html",
		Meaning: "CloudFront asks clients for certificates, or a function decides about their connections: the documents let in everybody",
		Remedy:  "write tls.clientCertificates and clientCA in the Entrypoint, whose authorities the edge reads as a secret",
		Witness: "a TLS handshake without a client certificate",
	}
	ruleFunction = &finding.Rule{
		ID: "import-function", Severity: finding.Error, Source: docsGuide + "edge-functions.html",
		Meaning: "a function has a say in requests or answers, and its code is not read: it may check who is let in, redirect or rewrite, and the " +
			"documents do none of it",
		Remedy:  "read the code, say what it does as redirects, rewrites, headers or in the service, and then allow the id",
		Witness: "any request of the behaviour",
	}
	ruleClosed = &finding.Rule{
		ID: "import-origin-open", Severity: finding.Error,
		Meaning: "nobody but CloudFront reaches the origin, and the documents cannot say so for want of its ARN",
		Remedy:  "give the VPC origin too (`aws cloudfront get-vpc-origin`), or write aws.loadBalancer or aws.function in the Service",
		Witness: `a request straight to the origin`,
	}
	ruleSecret = &finding.Rule{
		ID: "import-secret-in-clear", Severity: finding.Error, Source: docsGuide + "add-origin-custom-headers.html",
		Meaning: "CloudFront adds a field to requests whose value may be a secret, and it stands in the input in clear text; neither the " +
			"documents nor the ledger repeat it",
		Remedy: "put it into AWS Secrets Manager and let the service take X-Origin-Secret (aws.secret), or write the value in place of *** if it " +
			"is no secret",
		Witness: "a request straight to the origin with the same field",
	}
)

// What is not there.
var (
	ruleNoHost = &finding.Rule{
		ID: "import-no-host", Severity: finding.Error,
		Meaning: "an Entrypoint has hosts of its own, and names below cloudfront.net are none",
		Remedy:  "write the host that people use in hosts",
		Witness: `GET https://d111111abcdef8.cloudfront.net/`,
	}
	ruleUnknownValue = &finding.Rule{
		ID: "import-unknown-value", Severity: finding.Error,
		Meaning: "a value is known only when the stack is deployed, or is none that a spec takes",
		Remedy:  "give the answers of AWS's API in place of the template, or write the value in the documents",
		Witness: "DomainName: {Ref: Domain}",
	}
	ruleMissing = &finding.Rule{
		ID: "import-missing", Severity: finding.Error,
		Meaning: "the distribution refers to something that is neither in the input nor one that AWS manages",
		Remedy:  "give it too: aws cloudfront get-cache-policy, get-origin-request-policy, get-response-headers-policy",
		Witness: `"CachePolicyId": "0c2f6a5e-…"`,
	}
	ruleDisabled = &finding.Rule{
		ID: "import-disabled", Severity: finding.Error,
		Meaning: "the distribution is switched off, and there is no such thing as an Entrypoint that is",
		Remedy:  "leave the documents away, or write maintenance: on",
		Witness: `"Enabled": false`,
	}
	ruleFeature = &finding.Rule{
		ID: "import-feature", Severity: finding.Error,
		Meaning: "CloudFront has a feature in use that a spec does not say",
		Remedy:  "decide what is to become of it, and then allow the id",
		Witness: `"SmoothStreaming": true`,
	}
	ruleFailOver = &finding.Rule{
		ID: "import-fail-over", Severity: finding.Error, Source: docsGuide + "high_availability_origin_failover.html",
		Meaning: "a second origin is asked when the first one fails; the documents name the first alone",
		Remedy:  "write both endpoints in one Service, with retry, if they serve the same",
		Witness: "a request while the first origin is down",
	}
	ruleOrigin = &finding.Rule{
		ID: "import-origin", Severity: finding.Error,
		Meaning: "a setting of an origin is none that a Service has",
		Remedy:  "put a server before it that has the setting",
		Witness: `"OriginMtlsConfig": {"ClientCertificateArn": …}`,
	}
	ruleBucketName = &finding.Rule{
		ID: "import-bucket-name", Severity: finding.Error,
		Meaning: "the name of a bucket is known only to the deployment, so that the Service has an endpoint that cannot exist",
		Remedy:  "give the answers of AWS's API, or write directory and aws.bucket in the Service",
		Witness: `DomainName: !GetAtt Bucket.RegionalDomainName`,
	}
	ruleErrorPage = &finding.Rule{
		ID: "import-error-page", Severity: finding.Error, Source: docsGuide + "GeneratingCustomErrorResponses.html",
		Meaning: "an error has a page that is an object of the origin, whose text the input does not have",
		Remedy:  "fetch the page (curl, or aws s3 cp), put it beside the document and name it: errorPages: {404: {file: 404.html}}",
		Witness: `GET /missing: the text of /errors/404.html`,
	}
	ruleAnswerLost = &finding.Rule{
		ID: "import-answer-field", Severity: finding.Error,
		Meaning: "a field of answers is one that a spec does not set",
		Remedy:  "let the service send it",
		Witness: `any answer: no Server-Timing`,
	}
	ruleCloudFrontFields = &finding.Rule{
		ID: "import-cloudfront-fields", Severity: finding.Error, Source: docsGuide + "adding-cloudfront-headers.html",
		Meaning: "the service, or the cache, goes by fields that only CloudFront makes, as of the country or the device of a client",
		Remedy:  "let the service find out by itself",
		Witness: "any request: the service gets no CloudFront-Viewer-Country",
	}
	ruleLogsLost = &finding.Rule{
		ID: "import-logs-lost", Severity: finding.Error,
		Meaning: "logs go where a spec cannot send them",
		Remedy:  "write logs.bucket in the AWS document, or go on with a delivery of your own beside it",
		Witness: `any request, in the logs`,
	}
	ruleRecordLost = &finding.Rule{
		ID: "import-record-choice", Severity: finding.Error,
		Meaning: "Route 53 chooses among several records of a host, by weight, place or health",
		Remedy:  "leave the zone out of the AWS document, so that the records stay as they are",
		Witness: `"Weight": 10`,
	}
	ruleCertificate = &finding.Rule{
		ID: "import-certificate", Severity: finding.Error,
		Meaning: "the certificate is none of AWS Certificate Manager, or is shown to clients that name no host",
		Remedy:  "import it into AWS Certificate Manager in us-east-1 and name it in certificates of the AWS document",
		Witness: `"IamCertificateId": "ASCA…"`,
	}
	rulePattern = &finding.Rule{
		ID: "import-path-pattern", Severity: finding.Error, Source: docsGuide + "DownloadDistValuesCacheBehavior.html",
		Meaning: "the pattern of a behaviour has wildcards where no path, prefix or {name} stands for them: its requests take another route",
		Remedy:  "give what it matches a prefix of its own, or write a route for each of the paths",
		Witness: "GET /photo.jpg where the pattern is *.jpg",
	}
)
