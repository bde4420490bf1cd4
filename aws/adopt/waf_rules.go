package adopt

import "skerry.dev/skerry/aws/finding"

const wafDocs = "https://docs.aws.amazon.com/waf/latest/developerguide/"

// wafRules are the reasons why something of AWS WAF is not said exactly. What refuses requests there and does not here is an
// error: the documents are more open. What lets requests pass there and does not here is a warning: they are stricter.
var wafRules = struct {
	block, allow, count, closed, regional, open, unused, detail, answer finding.Rule
	scope, narrow, lists, sizes, rate, rateLost                         finding.Rule
	group, managed, managedLost, override                               finding.Rule
	log, private                                                        finding.Rule
}{
	block: finding.Rule{
		ID: "import-waf-block", Severity: finding.Error,
		Meaning: "A rule refuses requests and the documents cannot say which: they are more open than the web ACL.",
		Remedy:  "refuse these requests in the service, or write the rule in SecLang (waf.rules) where the entrypoint stays on Skerry",
		Witness: "a request that the rule refuses", Source: wafDocs + "waf-rule-statements.html",
	},
	allow: finding.Rule{
		ID: "import-waf-allow", Severity: finding.Warning,
		Meaning: "A rule lets requests pass whatever the rules behind it say; the documents have no such exception and are stricter.",
		Remedy:  "write exclusions (waf.exclude) or routes of their own for these requests",
		Witness: "a request that the rule allows and another one refuses",
		Source:  wafDocs + "waf-rule-action.html",
	},
	count: finding.Rule{
		ID: "import-waf-count", Severity: finding.Warning,
		Meaning: "A rule counts requests, or labels them, and refuses none; the documents leave it out.",
		Remedy:  "count in the access log", Witness: "a request that the rule counts", Source: wafDocs + "waf-rule-action.html",
	},
	closed: finding.Rule{
		ID: "import-waf-closed", Severity: finding.Error,
		Meaning: "The web ACL refuses what no rule allows; the documents allow what no rule refuses: they are more open.",
		Remedy:  "write routes for what is allowed and none for the rest, or `maintenance: {allow: […]}` where only some addresses may come",
		Witness: "a request that no rule is about", Source: wafDocs + "web-acl-default-action.html",
	},
	regional: finding.Rule{
		ID: "import-waf-regional", Severity: finding.Error,
		Meaning: "This protects a load balancer, an API or a user pool in a region, not a distribution; the documents do not have it.",
		Remedy:  "keep it where it is, or give the web ACL of the distribution", Witness: "Scope: REGIONAL",
		Source: wafDocs + "how-aws-waf-works-resources.html",
	},
	open: finding.Rule{
		ID: "import-waf-open", Severity: finding.Error,
		Meaning: "What a rule does is known only when the template is deployed, or stands in a resource that the input does not have.",
		Remedy:  "give the answers of the API instead of the template, and the sets and groups that the web ACL refers to",
		Witness: "Addresses: !Ref Blocked",
	},
	unused: finding.Rule{
		ID: "import-waf-unused", Severity: finding.Warning,
		Meaning: "No distribution of the input has this web ACL: the documents do not have what it says.",
		Remedy:  "give the distribution with it", Witness: "a web ACL alone",
	},
	detail: finding.Rule{
		ID: "import-waf-detail", Severity: finding.Warning,
		Meaning: "A setting of AWS WAF has no field in a spec.",
		Remedy:  "leave it, or do what it does in the service", Witness: "TokenDomains",
	},
	answer: finding.Rule{
		ID: "import-waf-answer", Severity: finding.Warning,
		Meaning: "The edge refuses with a status and a body of its own.",
		Remedy:  "look whether clients depend on the status; bodies are pages (errorPages)", Witness: "a request that is refused",
		Source: wafDocs + "waf-custom-request-response.html",
	},
	scope: finding.Rule{
		ID: "import-waf-scope", Severity: finding.Warning,
		Meaning: "A rule holds for more requests in the documents than in the web ACL: they are stricter.",
		Remedy:  "look whether the requests that differ matter", Witness: "the path /api where the rule is about what begins with /api/",
		Source: wafDocs + "waf-rule-scope-down-statements.html",
	},
	narrow: finding.Rule{
		ID: "import-waf-narrow", Severity: finding.Error,
		Meaning: "A rule holds for fewer requests in the documents than in the web ACL: they are more open.",
		Remedy:  "write routes for the paths that are left out", Witness: "the path /api2 where the rule is about what begins with /api",
		Source: wafDocs + "waf-rule-scope-down-statements.html",
	},
	lists: finding.Rule{
		ID: "import-waf-list", Severity: finding.Warning,
		Meaning: "A list of the web ACL is said by one of the firewall's that is not quite the same.",
		Remedy:  "compare waf.allow with the list", Witness: "a request with an item of the list",
	},
	sizes: finding.Rule{
		ID: "import-waf-size", Severity: finding.Warning,
		Meaning: "A bound on a part of a request is said by one that counts otherwise.",
		Remedy:  "look whether larger requests are sent", Witness: "a request of just that size",
		Source: wafDocs + "waf-oversize-request-components.html",
	},
	rate: finding.Rule{
		ID: "import-waf-rate", Severity: finding.Warning,
		Meaning: "AWS WAF estimates a count over a window every few seconds; the edge has a token bucket for each address that refuses at once.",
		Remedy:  "lower the burst where a client should not send a window's count at once", Witness: "the whole count at once, of one address",
		Source: wafDocs + "waf-rule-statement-type-rate-based.html",
	},
	rateLost: finding.Rule{
		ID: "import-waf-rate-lost", Severity: finding.Error,
		Meaning: "A rate is not kept by the documents: they are more open than the web ACL.",
		Remedy:  "bound the requests by client address (limit), or keep the rate in the service", Witness: "more requests than the rate",
		Source: wafDocs + "waf-rule-statement-type-rate-based-aggregation-options.html",
	},
	group: finding.Rule{
		ID: "import-waf-group", Severity: finding.Error,
		Meaning: "Nothing of a spec stands for this rule group: the documents are more open than the web ACL.",
		Remedy:  "see what the group has refused lately, and refuse that in the service", Witness: "a request that the group refuses",
		Source: wafDocs + "aws-managed-rule-groups-list.html",
	},
	managed: finding.Rule{
		ID: "import-waf-managed", Severity: finding.Warning,
		Meaning: "The Core Rule Set stands in for a rule group of AWS, whose rules nobody can read: it finds other requests of the same kinds.",
		Remedy:  "begin with `waf: detect` and look into the log which requests would be refused", Witness: "a request that only one of them refuses",
		Source: wafDocs + "aws-managed-rule-groups-baseline.html",
	},
	managedLost: finding.Rule{
		ID: "import-waf-managed-lost", Severity: finding.Error,
		Meaning: "Rules of a group of AWS refuse requests, and nothing of the Core Rule Set stands for them: the documents are more open.",
		Remedy:  "see what these rules have refused lately, and then allow the id; addresses can be kept out by what stands before the edge",
		Witness: "a request of an address that AWS knows as bad", Source: wafDocs + "aws-managed-rule-groups-list.html",
	},
	override: finding.Rule{
		ID: "import-waf-override", Severity: finding.Warning,
		Meaning: "A rule of a managed group does something else than its group; the documents exclude rules of the Core Rule Set that stand for it.",
		Remedy:  "read the exclusions: they are a judgement by what the names of both sides promise", Witness: "a request that the rule would refuse",
		Source: wafDocs + "waf-managed-rule-group-override-options.html",
	},
	log: finding.Rule{
		ID: "import-waf-log", Severity: finding.Warning,
		Meaning: "The log of AWS WAF has other requests, fields or places in the documents.",
		Remedy:  "look at what reads the log", Witness: "a request that is logged",
		Source: wafDocs + "logging.html",
	},
	private: finding.Rule{
		ID: "import-waf-log-private", Severity: finding.Error,
		Meaning: "A part of requests is kept out of logs, and the documents would let it into them.",
		Remedy:  "see that no secret stands in that part, or that nobody reads the log who must not see it",
		Witness: "a request with a secret in that part",
		Source:  wafDocs + "logging-fields.html",
	},
}

// wafRuleList is all of them.
func wafRuleList() []*finding.Rule {
	r := &wafRules
	return []*finding.Rule{
		&r.block, &r.allow, &r.count, &r.closed, &r.regional, &r.open, &r.unused, &r.detail, &r.answer,
		&r.scope, &r.narrow, &r.lists, &r.sizes, &r.rate, &r.rateLost, &r.group, &r.managed, &r.managedLost, &r.override, &r.log, &r.private,
	}
}
