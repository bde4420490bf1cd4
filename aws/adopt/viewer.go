package adopt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// viewers are what clients meet before any behaviour: the certificate, TLS, plain HTTP.
func (e *entry) viewers() {
	e.viewerCertificate(e.config.Get("ViewerCertificate"))
	e.viewerProtocol()
}

func (e *entry) viewerCertificate(c *schema.Node) {
	if c.Open() {
		e.refuse(c, ruleUnknownValue, unknownText)
		return
	}
	for _, name := range []string{"AcmCertificateArn", "IamCertificateId"} {
		if n := c.Get(name); n != nil && n.Kind == schema.Text && n.Text == "" {
			e.means(n, "there is none")
		}
	}
	if n := c.Get("AcmCertificateArn"); n.Open() || n.String() != "" {
		e.mapping.account.ask(e, n)
	}
	if n := c.Get("IamCertificateId"); n.Open() || n.String() != "" {
		e.refuse(n, ruleCertificate, "the certificate is in IAM; a spec names those of AWS Certificate Manager")
	}
	if n := c.Get("CloudFrontDefaultCertificate"); n != nil {
		e.means(n, "a certificate follows from the hosts")
	}
	n := c.Get("SslSupportMethod")
	switch text, ok := e.known(n); {
	case !ok:
	case isTrue(c.Get("CloudFrontDefaultCertificate")):
		e.means(n, "it is that of CloudFront's own certificate")
	case text == "sni-only":
		e.exact(n, "hosts", "every Entrypoint is asked for by name")
	default:
		e.refuse(n, ruleCertificate, "clients that name no host are served by addresses of their own ("+text+"); a spec has no such addresses")
	}
	n = c.Get("MinimumProtocolVersion")
	switch text, ok := e.known(n); {
	case !ok:
	case text == "TLSv1.2_2021":
		e.exact(n, "tls.minVersion", "1.2 is the default")
	case text == "TLSv1.3_2025":
		e.fields = put(e.fields, "1.3", "tls", "minVersion")
		e.exact(n, "tls.minVersion", "")
	case strings.HasPrefix(text, "TLSv1.2_"):
		e.near(n, "tls.minVersion", ruleTLS, text+" has ciphers that a spec does not offer; it becomes TLS 1.2 with those of TLSv1.2_2021")
	case c.Get("AcmCertificateArn") == nil && text == "TLSv1":
		e.means(n, "it is that of CloudFront's own certificate")
	default:
		e.near(n, "tls.minVersion", ruleTLS, text+" becomes TLS 1.2: older clients are turned away")
	}
}

// viewerProtocol says what plain HTTP gets. A spec says it once for all routes: if behaviours differ, the redirect holds for all.
func (e *entry) viewerProtocol() {
	nodes := []*schema.Node{}
	for _, b := range e.cacheBehaviors() {
		if n := b.Get("ViewerProtocolPolicy"); n != nil {
			nodes = append(nodes, n)
		}
	}
	served := !slices.ContainsFunc(nodes, func(n *schema.Node) bool { return n.String() != "allow-all" })
	if !served {
		e.fields = put(e.fields, "https", "redirect")
	}
	for _, n := range nodes {
		text, ok := e.known(n)
		switch {
		case !ok:
		case text == "redirect-to-https":
			e.exact(n, "redirect", "")
		case text == "https-only":
			e.near(n, "redirect", ruleProtocol, "plain HTTP is redirected; CloudFront refuses it with 403")
		case served:
			e.exact(n, "redirect", "off is that of the profile")
		default:
			e.near(n, "redirect", ruleProtocol, "plain HTTP is served here and not by other behaviours; a spec says it once, so it is redirected everywhere")
		}
	}
}

// cacheBehaviors are all behaviours in the order in which they are compared, the default one last.
func (e *entry) cacheBehaviors() []*schema.Node {
	list := slices.Clone(e.config.Get("CacheBehaviors").List())
	if d := e.config.Get("DefaultCacheBehavior"); d != nil {
		list = append(list, d)
	}
	return list
}

// settings are what the AWS document says once for all distributions.
func (e *entry) settings() {
	e.httpVersion()
	ipv6 := e.config.Get("IPV6Enabled")
	on, known := ipv6.AsBool()
	switch {
	case ipv6.Open():
		e.refuse(ipv6, ruleUnknownValue, unknownText)
	case ipv6 == nil || known:
		e.mapping.account.set(e, ipv6, "ipv6", onOff(on), "on")
	}
	price := e.config.Get("PriceClass")
	text, ok := e.known(price)
	switch class := strings.TrimPrefix(text, "PriceClass_"); {
	case price == nil:
		e.mapping.account.set(e, nil, "priceClass", "all", "all")
	case !ok:
	case slices.Contains([]string{"All", "200", "100"}, class):
		e.mapping.account.set(e, price, "priceClass", strings.ToLower(class), "all")
	case text == "None":
		e.mapping.account.set(e, price, "priceClass", "all", "all")
	}
	n := e.config.Get("Enabled")
	switch on, known := n.AsBool(); {
	case n.Open():
		e.refuse(n, ruleUnknownValue, unknownText)
	case known && on:
		e.means(n, "every Entrypoint serves")
	case known:
		e.refuse(n, ruleDisabled, "the distribution is switched off, and an Entrypoint is not")
	}
	e.logging(e.config.Get("Logging"))
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (e *entry) httpVersion() {
	n := e.config.Get("HttpVersion")
	text, ok := e.known(n)
	switch text = strings.ToLower(text); {
	case n == nil: // HTTP/2 is AWS's default
		e.mapping.account.set(e, nil, "http3", "off", "on")
	case !ok:
	case text == "http2and3":
		e.mapping.account.set(e, n, "http3", "on", "on")
	case text == "http2":
		e.mapping.account.set(e, n, "http3", "off", "on")
	case text == "http3":
		e.near(n, "", ruleHTTPVersion, "HTTP/2 is spoken too")
		e.mapping.account.set(e, nil, "http3", "on", "on")
	default:
		e.near(n, "", ruleHTTPVersion, text+" becomes HTTP/2, without HTTP/3")
		e.mapping.account.set(e, nil, "http3", "off", "on")
	}
}

// logging are the standard logs of the older kind.
func (e *entry) logging(n *schema.Node) {
	bucket := n.Get("Bucket")
	switch text, ok := e.known(bucket); {
	case n == nil:
	case bucket == nil || ok && text == "":
		e.means(n, "there are no logs")
	case !ok:
		e.refuse(n, ruleUnknownValue, "the bucket of the logs is known only to the deployment")
	default:
		name, _, _ := strings.Cut(text, ".s3")
		if !isBucketName(name) {
			e.refuse(n, ruleLogsLost, "the bucket of the logs is not named")
			return
		}
		e.logged = true
		if cookies := n.Get("IncludeCookies"); cookies.String() == "true" {
			e.near(cookies, "log", ruleLogs, "cookies are not logged, since they may be secrets")
		}
		e.mapping.account.logTo(e, n, "arn:aws:s3:::"+name, ruleLogs, "the logs are of the newer kind: JSON, with other names of objects and fields")
	}
}

// feature is a setting that a spec does not say, unless it has the value that means off.
type feature struct {
	path []string
	off  func(n *schema.Node) bool // whether it is off
	rule *finding.Rule
	text string
}

func isFalse(n *schema.Node) bool { return n.String() == "false" }
func isEmpty(n *schema.Node) bool {
	text, scalar := n.AsText()
	return scalar && text == "" || n.Known() && !scalar && len(n.Items) == 0 && len(n.Fields) == 0
}
func never(*schema.Node) bool { return false }

var distributionFeatures = []feature{
	{[]string{"Restrictions"}, noCountries, ruleCountries, "countries are let in or kept out; the documents let in everybody"},
	{[]string{"ViewerMtlsConfig"}, noClientCertificates, ruleClients, "clients have to show a certificate; the documents ask for none"},
	{[]string{"ConnectionFunctionAssociation"}, isEmpty, ruleClients, "a function decides about connections; the documents let in everybody"},
	{[]string{"ContinuousDeploymentPolicyId"}, isEmpty, ruleFeature,
		"a staging distribution has a share of the requests; write weighted services in place of it"},
	{[]string{"Staging"}, isFalse, ruleFeature, "it is the staging distribution of another one"},
	{[]string{"AnycastIpListId"}, isEmpty, ruleFeature, "it has addresses of its own"},
	{[]string{"CacheTagConfig"}, isEmpty, ruleFeature, "objects are invalidated by tags"},
	{[]string{"TenantConfig"}, isEmpty, ruleFeature, "it has tenants with parameters; take each tenant over by hand"},
	{[]string{"ConnectionMode"}, func(n *schema.Node) bool { return n.String() == "direct" }, ruleFeature, "it is for tenants"},
	{[]string{"S3Origin"}, never, ruleFeature, "the origin is in a form of before 2012"},
	{[]string{"CustomOrigin"}, never, ruleFeature, "the origin is in a form of before 2012"},
}

func noCountries(n *schema.Node) bool {
	geo := n.Get("GeoRestriction")
	return n.Known() && (geo == nil || geo.Get("RestrictionType").String() == "none")
}

func noClientCertificates(n *schema.Node) bool {
	mode := n.Get("Mode")
	return isEmpty(n) || !mode.Open() && (mode.String() == "" && n.Get("TrustStoreConfig") == nil || mode.String() == "off")
}

// refused are settings of the distribution that a spec does not say.
func (e *entry) refused() { e.features(e.config, distributionFeatures) }

func (e *entry) features(of *schema.Node, list []feature) {
	for _, f := range list {
		switch n := of.Path(f.path...); {
		case n == nil:
		case f.off(n):
			e.means(n, "it is off")
		case n.Open():
			e.refuse(n, f.rule, unknownText+"; if it is on, "+f.text)
		default:
			e.refuse(n, f.rule, f.text)
		}
	}
}

// pages are answers in place of errors.
func (e *entry) pages() {
	root := e.config.Get("DefaultRootObject")
	e.rootObject(root)
	list := e.config.Get("CustomErrorResponses").List()
	directory := e.routes[len(e.routes)-1].to
	fallback := e.fallback(list, directory)
	for _, n := range list {
		code := n.Get("ErrorCode").String()
		e.errorTTL(n, code)
		page := n.Get("ResponsePagePath").String()
		field := "errorPages." + code
		switch {
		case page == "" && !n.Get("ResponsePagePath").Open():
			e.means(n.Get("ErrorCode"), "")
			e.means(n.Get("ResponseCode"), "without a page it is that of the origin")
			e.means(n.Get("ResponsePagePath"), "there is none")
		case fallback != "" && page == fallback && (code == "403" || code == "404"):
			for _, name := range []string{"ErrorCode", "ResponseCode", "ResponsePagePath"} {
				at := spot{document: "Service " + directory.name, field: "directory.fallback"}
				e.say(verdict{node: n.Get(name), is: Approximated, at: at, rule: ruleFallback,
					text: "the fallback is given where no file is, and not for other answers with " + code})
			}
		default:
			text := fmt.Sprintf("the page of %s is an object of the origin, %s, and its text is not in the input; write it in %s",
				code, cmp.Or(page, "known only to the deployment"), field)
			for _, name := range []string{"ErrorCode", "ResponseCode", "ResponsePagePath"} {
				e.refuse(n.Get(name), ruleErrorPage, text)
			}
		}
	}
}

// fallback is the page that stands for files that are not there, if the whole distribution is one directory.
func (e *entry) fallback(list []*schema.Node, of *service) string {
	if of == nil || !of.directory || slices.ContainsFunc(e.routes, func(r *route) bool { return r.to != of }) {
		return ""
	}
	for _, n := range list {
		code, page := n.Get("ErrorCode").String(), n.Get("ResponsePagePath").String()
		if (code == "403" || code == "404") && n.Get("ResponseCode").String() == "200" && isFile(page) {
			of.fallback = page[1:]
			return page
		}
	}
	return ""
}

// isFile reports whether a path is that of a file that a directory may name.
func isFile(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	return ok && rest != "" && !strings.HasSuffix(rest, "/") && !strings.ContainsAny(rest, `\?#%`) && isNormal(path)
}

// errorTTL is how long an error is stored.
func (e *entry) errorTTL(n *schema.Node, code string) {
	ttl := n.Get("ErrorCachingMinTTL")
	seconds, ok := ttl.AsNumber()
	switch {
	case ttl == nil:
	case ok && seconds == 0:
		e.means(ttl, "errors are not stored, unless they say so")
	case ok && slices.Contains([]string{"404", "405", "414", "501"}, code) && e.negative(seconds):
		e.exact(ttl, "cache.ttl.negative", "")
	case ok:
		e.near(ttl, "cache.ttl.negative", ruleErrorTTL,
			fmt.Sprintf("answers with %s are stored for %g s at least; the edge stores them for as long as they say", code, seconds))
	default:
		e.refuse(ttl, ruleUnknownValue, unknownText)
	}
}

// negative says how long errors are stored, of all routes that store anything; false: they cannot all say so.
func (e *entry) negative(seconds float64) bool {
	for _, code := range []string{"404", "405", "414", "501"} {
		i := slices.IndexFunc(e.config.Get("CustomErrorResponses").List(), func(n *schema.Node) bool { return n.Get("ErrorCode").String() == code })
		if i < 0 {
			return false
		}
		if other, _ := e.config.Get("CustomErrorResponses").Items[i].Get("ErrorCachingMinTTL").AsNumber(); other != seconds {
			return false
		}
	}
	if slices.ContainsFunc(e.routes, func(r *route) bool { return at(r.policy, "cache", "mode") == nil }) {
		return false
	}
	for _, r := range e.routes {
		r.policy = put(r.policy, inSeconds(seconds), "cache", "ttl", "negative")
	}
	return true
}

// rootObject is what "/" stands for.
func (e *entry) rootObject(n *schema.Node) {
	text, ok := e.known(n)
	last := e.routes[len(e.routes)-1]
	switch {
	case !ok:
	case text == "":
		e.means(n, "there is none")
	case !isFile("/" + text):
		e.refuse(n, ruleIndex, text+" is no name of a file")
	case last.to.directory && !strings.Contains(text, "/") && len(last.rewrite) == 0:
		last.to.index = text
		e.say(verdict{node: n, is: Approximated, at: spot{document: "Service " + last.to.name, field: "directory.index"}, rule: ruleIndex,
			text: "the index stands for every directory; CloudFront has it for / alone"})
	case slices.ContainsFunc(e.routes, func(r *route) bool { return r.match.Path == "/" }):
		e.refuse(n, ruleIndex, "a route for / says something else")
	default:
		r := *last
		r.match = exactly("/")
		r.name = e.routeName(r.match)
		r.rewrite = []said{{"path", textOf(last.rewrite, "prefix") + "/" + text}}
		r.policy = slices.Clone(last.policy)
		e.routes = slices.Insert(e.routes, len(e.routes)-1, &r)
		e.say(verdict{node: n, is: Approximated, at: e.place(&r, "rewrite.path"), rule: ruleIndex, text: "a route of its own asks for " + text})
	}
}
