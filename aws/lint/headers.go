package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// headersRows are about response headers policies.
var headersRows = []row[*cfn.Resource]{
	{rule("header-security", refuses,
		"security header fields have settings of their own and cannot be custom",
		"move it to SecurityHeadersConfig",
		"X-Frame-Options among CustomHeadersConfig", guide+"understanding-response-headers-policies.html"), headerSecurity},
	{rule("header-cors", refuses,
		"fields of CORS have settings of their own and cannot be custom",
		"move it to CorsConfig",
		"Access-Control-Allow-Origin among CustomHeadersConfig", guide+"understanding-response-headers-policies.html"), headerCORS},
	{rule("header-custom", refuses,
		"CloudFront does not add this header field to answers",
		"leave it to the origin",
		"Content-Length among CustomHeadersConfig", guide+"understanding-response-headers-policies.html"), headerCustom},
	{rule("header-twice", refuses,
		"a header field stands twice in the policy",
		"keep one",
		"X-Team and x-team", api+"ResponseHeadersPolicyCustomHeadersConfig.html"), headerTwice},
	{rule("header-remove", refuses,
		"CloudFront does not remove this header field",
		"leave it",
		"Header: Via among RemoveHeadersConfig", guide+"understanding-response-headers-policies.html#remove-headers-disallowed"), headerRemove},
	{rule("header-removed-and-added", hint,
		"the field is removed first and added then: answers have it",
		"keep one of both",
		"Server removed and added", guide+"understanding-response-headers-policies.html"), headerRemovedAndAdded},
	{rule("header-long", refuses,
		"the value of a header field has 1,783 characters at most",
		"shorten it, or let a function set it",
		"a Content-Security-Policy of 2,000 characters", guide+"understanding-response-headers-policies.html"), headerLong},
	{rule("cors-credentials", refuses,
		"with credentials neither origins nor header fields may be *",
		"list them",
		"AccessControlAllowCredentials with AccessControlAllowOrigins: [*]", guide+"understanding-response-headers-policies.html"), corsCredentials},
	{rule("cors-origin", refuses,
		"an origin is a scheme and a host; * may be all of it, or its leftmost label",
		"write https://www.example.com",
		"https://www.example.com/path", guide+"understanding-response-headers-policies.html"), corsOrigin},
	{rule("cors-method", refuses,
		"CORS knows GET, DELETE, HEAD, OPTIONS, PATCH, POST, PUT and ALL",
		"write them in capitals",
		"get", guide+"understanding-response-headers-policies.html"), corsMethod},
	{rule("cors-empty", refuses,
		"the lists of origins, methods and fields have one item at least",
		`write "*" for all`,
		"AccessControlAllowHeaders without items", api+"ResponseHeadersPolicyCorsConfig.html"), corsEmpty},
	{rule("xss-both", refuses,
		"X-XSS-Protection blocks or reports, not both",
		"keep one",
		"ModeBlock with ReportUri", guide+"understanding-response-headers-policies.html"), xssBoth},
	{rule("hsts-preload", risk,
		"browsers take a host into their lists only with includeSubdomains and a year",
		"IncludeSubdomains: true and 31536000 seconds",
		"Preload with 300 seconds", ""), hstsPreload},
}

var securityHeaders = strings.Fields("content-security-policy referrer-policy strict-transport-security x-content-type-options x-frame-options x-xss-protection")

var corsHeaders = strings.Fields(`access-control-allow-credentials access-control-allow-headers access-control-allow-methods
	access-control-allow-origin access-control-expose-headers access-control-max-age`)

// kept are the header fields that CloudFront neither adds nor removes.
var kept = strings.Fields(`connection content-encoding content-length expect host keep-alive proxy-authenticate proxy-authorization
	proxy-connection trailer transfer-encoding upgrade via warning x-accel-buffering x-accel-charset x-accel-limit-rate x-accel-redirect
	x-amzn-auth x-amzn-cf-billing x-amzn-cf-id x-amzn-cf-xff x-amzn-errortype x-amzn-fle-profile x-amzn-header-count x-amzn-header-order
	x-amzn-lambda-integration-tag x-amzn-requestid x-cache x-forwarded-proto x-real-ip`)

func isKept(low string) bool {
	return slices.Contains(kept, low) || strings.HasPrefix(low, "x-amz-cf-") || strings.HasPrefix(low, "x-edge-")
}

func headersConfig(r *cfn.Resource) *schema.Node {
	if r.Type != typeHeadersPolicy {
		return nil
	}
	return r.Properties.Get("ResponseHeadersPolicyConfig")
}

// fieldNames visits the names of the header fields of a list.
func fieldNames(r *cfn.Resource, list string, visit func(n *schema.Node, low string, sure bool)) {
	items, _ := entries(headersConfig(r).Path(list, "Items"))
	for _, e := range items {
		if name, ok := e.Get("Header").AsText(); ok {
			visit(e.Get("Header"), strings.ToLower(name), e.sure)
		}
	}
}

func headerSecurity(l *linter, r *cfn.Resource) {
	fieldNames(r, "CustomHeadersConfig", func(n *schema.Node, low string, _ bool) {
		if slices.Contains(securityHeaders, low) {
			l.find(n, "%s is a security header field", short(n.Text))
		}
	})
}

func headerCORS(l *linter, r *cfn.Resource) {
	fieldNames(r, "CustomHeadersConfig", func(n *schema.Node, low string, _ bool) {
		if slices.Contains(corsHeaders, low) {
			l.find(n, "%s is a field of CORS", short(n.Text))
		}
	})
}

func headerCustom(l *linter, r *cfn.Resource) {
	fieldNames(r, "CustomHeadersConfig", func(n *schema.Node, low string, _ bool) {
		if isKept(low) || !isToken(low) {
			l.find(n, "CloudFront does not add %q", short(n.Text))
		}
	})
}

func headerTwice(l *linter, r *cfn.Resource) {
	for _, list := range []string{"CustomHeadersConfig", "RemoveHeadersConfig"} {
		seen := map[string]bool{}
		fieldNames(r, list, func(n *schema.Node, low string, sure bool) {
			if sure && seen[low] {
				l.find(n, "%s stands twice", short(n.Text))
			}
			seen[low] = seen[low] || sure
		})
	}
}

func headerRemove(l *linter, r *cfn.Resource) {
	fieldNames(r, "RemoveHeadersConfig", func(n *schema.Node, low string, _ bool) {
		if isKept(low) || !isToken(low) {
			l.find(n, "CloudFront does not remove %q", short(n.Text))
		}
	})
}

func headerRemovedAndAdded(l *linter, r *cfn.Resource) {
	added := map[string]bool{}
	fieldNames(r, "CustomHeadersConfig", func(_ *schema.Node, low string, _ bool) { added[low] = true })
	fieldNames(r, "RemoveHeadersConfig", func(n *schema.Node, low string, _ bool) {
		if added[low] {
			l.find(n, "%s is added by the same policy", short(n.Text))
		}
	})
}

func headerLong(l *linter, r *cfn.Resource) {
	c := headersConfig(r)
	check := func(n *schema.Node) {
		if v, ok := n.AsText(); ok && len(v) > cspMax {
			l.find(n, "the value has %d characters", len(v))
		}
	}
	check(c.Path("SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy"))
	items, _ := entries(c.Path("CustomHeadersConfig", "Items"))
	for _, e := range items {
		check(e.Get("Value"))
	}
}

var corsLists = []string{"AccessControlAllowOrigins", "AccessControlAllowHeaders", "AccessControlAllowMethods"}

func corsCredentials(l *linter, r *cfn.Resource) {
	c := headersConfig(r).Get("CorsConfig")
	if !isTrue(c.Get("AccessControlAllowCredentials")) {
		return
	}
	for _, name := range corsLists[:2] {
		items, _ := entries(c.Path(name, "Items"))
		for _, e := range items {
			if text := e.String(); text == "*" || strings.Contains(text, "*") && name == "AccessControlAllowHeaders" {
				l.find(e.Node, "credentials are allowed, and %s has %q", name, short(text))
			}
		}
	}
}

func corsOrigin(l *linter, r *cfn.Resource) {
	items, _ := entries(headersConfig(r).Path("CorsConfig", "AccessControlAllowOrigins", "Items"))
	for _, e := range items {
		o, ok := e.AsText()
		if !ok || o == "*" || o == "null" {
			continue
		}
		host := o
		if scheme, rest, found := strings.Cut(o, "://"); found {
			host = rest
			if scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-*") != "" {
				host = ""
			}
		}
		host, _, _ = strings.Cut(host, ":")
		if !isHost(strings.TrimPrefix(host, "*.")) {
			l.find(e.Node, "%q is no origin", short(o))
		}
	}
}

var corsMethods = strings.Fields("GET DELETE HEAD OPTIONS PATCH POST PUT ALL")

func corsMethod(l *linter, r *cfn.Resource) {
	items, _ := entries(headersConfig(r).Path("CorsConfig", "AccessControlAllowMethods", "Items"))
	for _, e := range items {
		if m, ok := e.AsText(); ok && m != "*" && !slices.Contains(corsMethods, m) {
			l.find(e.Node, "%q is no method", short(m))
		}
	}
}

func corsEmpty(l *linter, r *cfn.Resource) {
	c := headersConfig(r).Get("CorsConfig")
	for _, name := range corsLists {
		n := c.Path(name, "Items")
		if items, known := count(n); known && items == 0 {
			l.find(n, "%s has no items", name)
		}
	}
}

func xssBoth(l *linter, r *cfn.Resource) {
	x := headersConfig(r).Path("SecurityHeadersConfig", "XSSProtection")
	if isTrue(x.Get("ModeBlock")) && has(x, "ReportUri") {
		l.find(x.Get("ReportUri"), "ModeBlock is on")
	}
}

func hstsPreload(l *linter, r *cfn.Resource) {
	h := headersConfig(r).Path("SecurityHeadersConfig", "StrictTransportSecurity")
	age, ok := h.Get("AccessControlMaxAgeSec").AsNumber()
	if isTrue(h.Get("Preload")) && (isFalse(h.Get("IncludeSubdomains")) || lacks(h, "IncludeSubdomains") || ok && age < 31536000) {
		l.find(h.Get("Preload"), "Preload is on without a year, or without the subdomains")
	}
}
