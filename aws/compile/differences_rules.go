package compile

import (
	"sync"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/spec"
)

// differenceRules are the rules of what differs, by id. Their meaning is the reason in portability.yaml; the severity of a
// finding depends on who said the value, and that of the rule is the worst it can be.
var differenceRules = sync.OnceValue(func() map[string]*finding.Rule {
	rules := map[string]*finding.Rule{}
	for _, d := range spec.Differences() {
		if d.Fit == spec.FitExact {
			continue
		}
		r := rules[d.ID]
		if r == nil {
			row := differenceRemedies[d.ID]
			r = &finding.Rule{ID: d.ID, Severity: finding.Warning, Meaning: d.Reason, Remedy: row.remedy, Witness: row.witness, Source: row.source}
			rules[d.ID] = r
		}
		if d.Fit == spec.FitNone {
			r.Severity = finding.Error
		}
	}
	return rules
})

// allowIt is what remains where nothing else can be done.
const allowIt = "if that is acceptable, allow this id"

const (
	docsCloudFront = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
	docsWAF        = "https://docs.aws.amazon.com/waf/latest/developerguide/"
)

// differenceRemedies are what to do about each difference, and what shows it.
var differenceRemedies = map[string]struct{ remedy, witness, source string }{
	"access-logs": {"read delays and fields as those of CloudFront; name the bucket in `logs.bucket` of the AWS document",
		"any request: its line is there minutes later", docsCloudFront + "AccessLogs.html"},
	"behaviours": {"put routes with the same policy below one prefix", "a request for the path of a route that has no behaviour of its own", ""},
	"body-max": {"bound what streams, and messages of gRPC, in the service too",
		"a POST without Content-Length that is larger than bodyMax", docsWAF + "waf-oversize-request-components.html"},
	"cache-bounds":    {"let the service say Cache-Control: no-store for large answers; " + allowIt, "an answer larger than objectMax, asked for twice", ""},
	"cache-collapse":  {"let a slow service answer with Cache-Control: no-store; " + allowIt, "two requests at once for a path whose answer takes longer than collapse", ""},
	"cache-identity":  {"keep identity short: each name makes the cache less useful", "two requests with different values of the field: both are misses", ""},
	"cache-key":       {"name few parameters, fields and cookies, or ask for a larger quota", "a request with a parameter that does not count: the service does not get it", docsCloudFront + "controlling-the-cache-key.html"},
	"cache-negative":  {"let the service say Cache-Control in its errors", "a 410 without Cache-Control, asked for twice", docsCloudFront + "HTTPStatusCodes.html"},
	"cache-patterns":  {"name the parameters in full", "a request with a parameter that only a pattern has: it is a page of its own", ""},
	"cache-policy":    {"let the service say Cache-Control: private or no-store for what is somebody's own", "two requests with different cookies: both are misses", ""},
	"cache-prerender": {"ask for the paths after each deployment; " + allowIt, "the first request for a path: a miss", ""},
	"cache-probe":     {"keep a probe of your own beside CloudFront; " + allowIt, "an answer for one person that another gets: nobody tells", ""},
	"cache-requests":  {"say `requestDirectives: off`; " + allowIt, "a request with Cache-Control: no-cache for what is stored: a hit", ""},
	"cache-sessions":  {"let the service say Cache-Control: private where there is a session", "two requests with different session cookies: each has its own copy", ""},
	"cache-stale": {"let the service say stale-while-revalidate and stale-if-error in Cache-Control",
		"a request for what is no longer fresh while the service fails", docsCloudFront + "Expiration.html"},
	"cache-ttl":           {"let the service say Cache-Control; write whole seconds", "an answer without Cache-Control, asked for twice", docsCloudFront + "Expiration.html"},
	"certificates":        {"import it to AWS Certificate Manager in us-east-1 and name its ARN in `certificates` of the AWS document, or name the zone for a new one", "a handshake: the certificate is that of AWS Certificate Manager", docsCloudFront + "cnames-and-https-requirements.html"},
	"client-certificates": {"keep the entrypoint on Skerry, or check certificates at a load balancer behind CloudFront", "a handshake without a client certificate, which succeeds", docsCloudFront + "viewer-mtls.html"},
	"compress":            {"turn `compress` off where answers with secrets reflect what was sent, and let the service compress", "a request with Accept-Encoding: zstd, or one with a session", docsCloudFront + "ServingCompressedFiles.html"},
	"cors":                {"name origins in full; patterns stand for one label or more", "a preflight: a function answers it", docsCloudFront + "understanding-response-headers-policies.html"},
	"custom-errors":       {"let the service make its own errors", "a request while the service is down: the page of CloudFront", docsCloudFront + "GeneratingCustomErrorResponses.html"},
	"default-certificate": {"see to it that clients name the host; " + allowIt, "a handshake without a server name", ""},
	"directory":           {"store what stands in the directory in the bucket that `aws.bucket` names", "a request for a folder without a slash at its end", ""},
	"endpoints":           {"put a load balancer before the endpoints and name it", "a request while the first endpoint is down", docsCloudFront + "high_availability_origin_failover.html"},
	"error-pages":         {"leave {request_id} out of pages, and what is large", "a request that is refused: its page has no id", docsCloudFront + "GeneratingCustomErrorResponses.html"},
	"firewall":            {"let it detect first and look into the logs of AWS WAF; their groups are closed, so nobody can prove what they find", "an attack that the Core Rule Set refuses and no managed group knows", docsWAF + "aws-managed-rule-groups-list.html"},
	"firewall-body":       {"raise firewall.bodyKB of the AWS document, for a price", "a form of 100 KB", docsWAF + "waf-oversize-request-components.html"},
	"firewall-counts":     {"bound the number of arguments in the service; " + allowIt, "a request with 1,001 parameters passes", ""},
	"firewall-excludes":   {"give the exclusion a path; look into the logs of AWS WAF which rules refuse what should pass", "a request that the exclusion is about", docsWAF + "waf-managed-rule-group-settings.html"},
	"firewall-lists":      {"keep lists short: a regular expression of AWS WAF has 200 bytes", "a POST with a content type that is not allowed: 403", ""},
	"firewall-paranoia":   {"go back to `paranoia: 1, threshold: 5`, or keep the entrypoint on Skerry; " + allowIt, "a request that only a higher paranoia level refuses", docsWAF + "aws-managed-rule-groups-baseline.html"},
	"firewall-responses":  {"let the service keep secrets out of its errors; " + allowIt, "an answer with a stack trace passes", ""},
	"firewall-rules":      {"keep the entrypoint on Skerry, or write the rule in the service; " + allowIt, "a request that the rule refuses passes", ""},
	"firewall-values":     {"say `logValues: off` and look at sampled requests; " + allowIt, "a request that is refused: its log has no matched value of a redacted field", docsWAF + "logging-fields.html"},
	"firewall-shadow":     {"leave engine and shadow out for what runs on AWS; " + allowIt, "no request shows it", ""},
	"forwarded":           {"take the scheme from CloudFront-Forwarded-Proto, and the client's address from X-Forwarded-For", "a request with X-Forwarded-For of its own", docsCloudFront + "adding-cloudfront-headers.html"},
	"function-body":       {"keep bodies short, or let a service answer", "a route that responds", docsCloudFront + "cloudfront-function-restrictions.html"},
	"head-max":            {"keep cookies small", "a request with a head of 21 KB: 494 of CloudFront", docsCloudFront + "cloudfront-limits.html"},
	"header-edits":        {"edit fields that are not CloudFront's own", "an answer of the service with 404", docsCloudFront + "edge-function-restrictions-all.html"},
	"health":              {"put a load balancer with health checks before the endpoints; " + allowIt, "a request while an endpoint does not answer: it waits for the timeout", docsCloudFront + "high_availability_origin_failover.html"},
	"hedging":             {"make the service quicker, or retry in the client; " + allowIt, "a request while the first endpoint is slow", ""},
	"hosts":               {"name each host below the first level; give addresses a name", "a request for a.b.example.com where the host is *.example.com", docsCloudFront + "CNAMEs.html"},
	"maintenance":         {"deploy some minutes before it begins", "a request during maintenance: 503", ""},
	"match-function":      {"tell routes apart by path where it is possible", "two requests for one path that differ in the condition", ""},
	"methods":             {"use the methods that CloudFront knows", "QUERY /: 403 or 405 of CloudFront", ""},
	"mirroring":           {"mirror at the load balancer or in the service; " + allowIt, "any request of the route: the second service gets nothing", ""},
	"moved":               {"keep paths and targets below 1 KB together", "a request for a path that has moved", docsCloudFront + "kvs-with-functions.html"},
	"origin-attempts":     {"keep `try` near the connect and first byte timeouts", "a request while the origin takes no connection", docsCloudFront + "DownloadDistValuesOrigin.html"},
	"origin-balancing":    {"put a load balancer before the endpoints and name it as the only one; " + allowIt, "many requests at once: all go to the first endpoint", ""},
	"origin-dns":          {"set the time to live of the DNS records; " + allowIt, "a request after the record has changed", ""},
	"origin-fail-over":    {"have two endpoints at most, and retry in the client what is no GET, HEAD or OPTIONS; " + allowIt, "a POST while the first endpoint is down", docsCloudFront + "high_availability_origin_failover.html"},
	"origin-host":         {"let the service answer to the client's host", "any request: the Host that the service gets", ""},
	"origin-http":         {"use `protocol: http1` where the service is not gRPC", "a GET: the service gets HTTP/1.1", docsCloudFront + "distribution-using-grpc.html"},
	"origin-load":         {"bound the load at a load balancer or in the service, or with `limit`; " + allowIt, "more requests at once than the service can take: all reach it", ""},
	"origin-mtls":         {"import the certificate to AWS Certificate Manager, or close the origin as a VPC origin", "a handshake with the service: CloudFront shows no certificate", ""},
	"origin-proxy-header": {"read the client's address from X-Forwarded-For, or put a load balancer that writes the header before the service", "any request: the service waits for a PROXY header and closes the connection: 502", ""},
	"origin-tls":          {"give the service a certificate of a public authority with its own name; " + allowIt, "a handshake with a service whose certificate is of a private authority: 502", docsCloudFront + "using-https-cloudfront-to-custom-origin.html"},
	"path-function":       {"use prefixes of whole segments", "a request for a path that the wildcard has and the pattern has not", ""},
	"path-normal":         {"let clients send paths in their normal form", "GET /a/../b: 308 to /b", ""},
	"pool":                {"leave them out for what runs on AWS, or bound connections at a load balancer; " + allowIt, "many requests at once: CloudFront opens what it needs", ""},
	"rate":                {"choose a rate well above what a client needs, since it is counted over a minute or more", "requests of one address beyond the rate, for less than half a minute", docsWAF + "waf-rule-statement-type-rate-based-caveats.html"},
	"redirect-function":   {"have redirects share a prefix where there are many, or list them in `redirects`", "a request for the route", docsCloudFront + "cloudfront-function-restrictions.html"},
	"request-id":          {"take it as text: it is not a UUID", "any request: the X-Request-Id of the answer", ""},
	"rewrite-function":    {"let the service answer with public URLs", "a request that the service answers with 404 and Content-Location", ""},
	"stream-age":          {"end streams in the service", "a WebSocket that is silent for 10 minutes", docsCloudFront + "distribution-working-with.websockets.html"},
	"tags":                {"use letters, digits, spaces and _ . : / = + - @", "the tags of the distribution", ""},
	"timeouts":            {"write whole seconds: 1 to 10 to connect, 1 to 120 for the first byte", "a request while the service is silent", docsCloudFront + "DownloadDistValuesOrigin.html"},
	"tls-versions":        {"take the security policy of CloudFront as it is", "a handshake with a cipher of its own choice", docsCloudFront + "secure-connections-supported-viewer-protocols-ciphers.html"},
	"traces":              {"let the service export its own spans; " + allowIt, "a request with traceparent", ""},
	"websocket":           {"say `websocket: on` where clients may upgrade", "a request with Upgrade: websocket: 403", docsCloudFront + "distribution-working-with.websockets.html"},
	"weights":             {"use `canary: continuousDeployment` in the AWS document for up to 15 %", "one client before and after the weights change", ""},
	"whole-timeout":       {"write whole seconds, and bound retries in the client", "a request whose answer takes longer than whole", docsCloudFront + "DownloadDistValuesOrigin.html"},
}
