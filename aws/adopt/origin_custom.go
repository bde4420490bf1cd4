package adopt

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// endpoint gives an origin its address.
func (o *origin) endpoint(scheme, host string, port int) {
	o.https = scheme == "https"
	url := scheme + "://" + host
	if port != 443 && o.https || port != 80 && !o.https {
		url += ":" + strconv.Itoa(port)
	}
	o.fields = put(o.fields, []string{url}, "endpoints")
}

// customOrigin is everything that is no bucket: a server, a load balancer in a VPC, the URL of a function.
func (e *entry) customOrigin(o *origin, host string) {
	n := o.node
	e.exactService(n.Get("DomainName"), o, "endpoints", "")
	c := n.Get("CustomOriginConfig")
	if v := n.Get("VpcOriginConfig"); v != nil {
		c = v
	}
	e.waits(o, c)
	if v := n.Get("VpcOriginConfig"); v != nil {
		e.vpcOrigin(o, v, host)
	} else {
		e.address(o, c, host)
		e.mutual(c.Get("OriginMtlsConfig"))
	}
	if m := functionHost.FindStringSubmatch(host); m != nil {
		e.lambda(o, m[1])
	} else {
		e.signed(n.Get("OriginAccessControlId"))
	}
	if s3 := n.Get("S3OriginConfig"); s3 != nil {
		e.refuse(s3, ruleBucketName, "it is a bucket, and its name is known only to the deployment; write directory and aws.bucket in the Service")
	}
}

func (e *entry) mutual(n *schema.Node) {
	if n != nil && isEmpty(n) {
		e.means(n, "there is none")
	} else if n != nil {
		e.refuse(n, ruleOrigin, "CloudFront shows the origin a certificate; the documents name none")
	}
}

// address is scheme and port.
func (e *entry) address(o *origin, c *schema.Node, host string) {
	port := func(name string, usual int) (int, *schema.Node) {
		n := c.Get(name)
		if v, ok := n.AsNumber(); ok && v >= 1 && v <= 65535 {
			return int(v), n
		}
		e.known(n)
		return usual, n
	}
	plain, atPlain := port("HTTPPort", 80)
	tls, atTLS := port("HTTPSPort", 443)
	policy := c.Get("OriginProtocolPolicy")
	used, unused, usual := atTLS, atPlain, "80"
	switch text, ok := e.known(policy); {
	case text == "http-only":
		used, unused, usual = atPlain, atTLS, "443"
		o.endpoint("http", host, plain)
		e.exactService(policy, o, "endpoints", "")
	case text == "https-only" || policy == nil:
		o.endpoint("https", host, tls)
		e.exactService(policy, o, "endpoints", "")
	default:
		o.endpoint("https", host, tls)
		if ok {
			e.nearService(policy, o, "endpoints", ruleOriginProtocol, "the origin is always asked by HTTPS; CloudFront asks it as the client asked")
		}
	}
	e.exactService(used, o, "endpoints", "")
	switch {
	case unused == nil:
	case unused.String() == usual:
		e.means(unused, "AWS's default, and nothing is sent there")
	default:
		e.nearService(unused, o, "endpoints", ruleOriginProtocol, "nothing is sent to this port; compiled again, it is "+usual)
	}
	e.originTLS(o, c.Get("OriginSSLProtocols"))
	n := c.Get("IpAddressType")
	switch text, ok := e.known(n); {
	case !ok:
	case text == "ipv4":
		e.exactService(n, o, "dns.family", "auto takes IPv4 if there is any")
	case text == "ipv6":
		o.fields = put(o.fields, "ipv6", "dns", "family")
		e.exactService(n, o, "dns.family", "")
	case text == "dualstack":
		o.fields = put(o.fields, "both", "dns", "family")
		e.exactService(n, o, "dns.family", "")
	}
}

// originTLS are the versions of TLS towards an origin.
func (e *entry) originTLS(o *origin, n *schema.Node) {
	switch list := texts(n); {
	case n == nil:
	case n.Open():
		e.refuse(n, ruleUnknownValue, unknownText)
	case len(list) == 1 && list[0] == "TLSv1.2":
		e.exactService(n, o, "tls.minVersion", "1.2 is the default")
	default:
		e.nearService(n, o, "tls.minVersion", ruleOriginProtocol, "the origin has to speak TLS 1.2 or later, and is not asked with "+inWords(list))
	}
}

// waits are the waits on an origin. CloudFront's wait for an answer holds between two packets of it too.
func (e *entry) waits(o *origin, c *schema.Node) {
	seconds := func(n *schema.Node, usual float64, fields ...string) {
		v, ok := n.AsNumber()
		switch {
		case n == nil:
			v = usual
		case !ok || v < 1 || v > 3600:
			e.refuse(n, ruleUnknownValue, "the wait is not known, or none that a spec takes")
			v = usual
		default:
			e.exactService(n, o, strings.Join(fields, "."), "")
		}
		o.fields = put(o.fields, inSeconds(v), fields...)
	}
	n := o.node
	seconds(n.Get("ConnectionTimeout"), 10, "timeouts", "connect")
	read := c.Get("OriginReadTimeout")
	seconds(read, 30, "timeouts", "firstByte")
	o.fields = put(o.fields, textOf(o.fields, "timeouts", "firstByte"), "timeouts", "idle")
	seconds(c.Get("OriginKeepaliveTimeout"), 5, "keepAlive", "idle")
	if whole := n.Get("ResponseCompletionTimeout"); whole != nil {
		seconds(whole, 3600, "timeouts", "whole")
		if connect, ok := n.Get("ConnectionTimeout").AsNumber(); ok {
			if most, _ := whole.AsNumber(); connect > most { // a spec does not take a wait that another one always ends first
				o.fields = put(o.fields, textOf(o.fields, "timeouts", "whole"), "timeouts", "connect")
			}
		}
	}
}

var (
	loadBalancerARN = regexp.MustCompile(`^arn:aws:elasticloadbalancing:[a-z]{2}-[a-z]+-[0-9]{1,2}:[0-9]{12}:loadbalancer/(app|net)/[0-9A-Za-z-]{1,32}/[0-9a-f]{16}$`)
	functionARN     = regexp.MustCompile(`^arn:aws:lambda:([a-z]{2}-[a-z]+-[0-9]{1,2}):[0-9]{12}:function:[0-9A-Za-z_-]{1,64}(:[0-9A-Za-z_-]*[A-Za-z_-][0-9A-Za-z_-]*)?$`)
	secretARN       = regexp.MustCompile(`^arn:aws:secretsmanager:[a-z]{2}-[a-z]+-[0-9]{1,2}:[0-9]{12}:secret:[0-9A-Za-z/_+=.@-]{1,512}-[0-9A-Za-z]{6}$`)
	certificateARN  = regexp.MustCompile(`^arn:aws:acm:us-east-1:([0-9]{12}):certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	resolvedSecret  = regexp.MustCompile(`^\{\{resolve:secretsmanager:(arn:.+?):SecretString(:::?)?\}\}$`)
)

// vpcOrigin is a load balancer that nobody reaches but CloudFront.
func (e *entry) vpcOrigin(o *origin, v *schema.Node, host string) {
	r := e.target(v.Get("VpcOriginId"), "AWS::CloudFront::VpcOrigin")
	if owner := v.Get("OwnerAccountId"); owner != nil {
		e.refuse(owner, ruleOrigin, "the VPC origin is of another account")
	}
	if r == nil {
		o.endpoint("https", host, 443)
		e.refuse(v.Get("VpcOriginId"), ruleClosed,
			"the input does not have the VPC origin, so nothing says which load balancer it is: the Service is one that is reached over the internet")
		return
	}
	e.used[r] = true
	c := r.Props.Get("VpcOriginEndpointConfig")
	e.address(o, c, host)
	e.means(c.Get("Name"), "it has a name of its own for each content")
	arn := c.Get("Arn")
	if text := arn.String(); loadBalancerARN.MatchString(text) {
		o.fields = put(o.fields, text, "aws", "loadBalancer")
		e.exactService(arn, o, "aws.loadBalancer", "")
		e.exactService(v.Get("VpcOriginId"), o, "aws.loadBalancer", "")
		return
	}
	e.refuse(v.Get("VpcOriginId"), ruleClosed,
		"what is inside the VPC is no load balancer that is known by its ARN: the Service is one that is reached over the internet")
	e.refuse(arn, ruleClosed, "it is no load balancer that is known by its ARN")
}

// signed is an origin access control of what is neither a bucket nor the URL of a function, as far as the input says: nothing
// signs the requests of a Service with endpoints.
func (e *entry) signed(n *schema.Node) {
	text, known := n.AsText()
	if n == nil || known && text == "" {
		e.means(n, "there is none")
		return
	}
	const lost = "requests to the origin are signed, and those of a Service with endpoints are not: the origin refuses them, or has to be open to all"
	e.refuse(n, ruleClosed, lost)
	if r := e.target(n, typeAccessControl); r != nil {
		e.used[r] = true
		e.refuse(r.Props, ruleClosed, lost)
	}
}

// lambda is the URL of a function. Which one it is stands in the permission that lets CloudFront ask it.
func (e *entry) lambda(o *origin, region string) {
	n := o.node.Get("OriginAccessControlId")
	arn := e.permitted(region)
	if text, known := n.AsText(); n == nil || known && text == "" || arn != "" {
		if e.accessControl(o, n, "lambda") {
			o.fields = put(o.fields, arn, "aws", "function")
		}
		return
	}
	text := "requests to the function are signed, and the input does not say which function it is; write its ARN in aws.function of the Service"
	e.refuse(n, ruleClosed, text)
	if r := e.target(n, typeAccessControl); r != nil {
		e.used[r] = true
		e.refuse(r.Props, ruleClosed, text)
	}
}

// permitted is the one function of a region that a template lets CloudFront ask by its URL; empty: none, or several.
func (e *entry) permitted(region string) (arn string) {
	for _, t := range e.templates {
		for _, r := range t.Resources {
			name := r.Properties.Get("FunctionName").String()
			m := functionARN.FindStringSubmatch(name)
			if r.Type != "AWS::Lambda::Permission" || m == nil || m[1] != region || r.Properties.Get("Principal").String() != "cloudfront.amazonaws.com" {
				continue
			}
			if arn != "" && arn != name {
				return ""
			}
			arn = name
		}
	}
	if e.lambdaURLs() > 1 {
		return ""
	}
	return arn
}

// lambdaURLs is how many origins are URLs of functions: with more than one nothing says whose a permission is.
func (e *entry) lambdaURLs() (count int) {
	for _, n := range e.config.Get("Origins").List() {
		if functionHost.MatchString(strings.ToLower(n.Get("DomainName").String())) {
			count++
		}
	}
	return count
}

const secretField = "X-Origin-Secret"

// originHeaders are fields that CloudFront adds to each request of an origin. Their values are most often what the origin knows
// CloudFront by, so they stand neither in a document nor in the ledger.
func (e *entry) originHeaders(o *origin) {
	list := o.node.Get("OriginCustomHeaders")
	if list != nil && isEmpty(list) {
		e.means(list, "there is none")
		return
	}
	for _, n := range listOf(list) {
		name, ok := e.known(n.Get("HeaderName"))
		value := n.Get("HeaderValue")
		text := value.String()
		switch {
		case !ok:
		case strings.EqualFold(name, "X-Forwarded-Proto") && text == "https" || strings.EqualFold(name, "X-Forwarded-Port") && text == "443":
			e.exact(n, "forwarded", "")
		case strings.EqualFold(name, secretField) && e.secret(o, n, value):
		case value.Open():
			e.refuse(n, ruleUnknownValue, "the value of "+name+" is known only to the deployment; send it with headers.request, or with aws.secret "+
				"in "+secretField)
		case strings.EqualFold(name, secretField): // compiled again, it is sent anyway
			e.mask(value)
			e.refuse(n, ruleSecret, "the value of "+name+" is a secret in clear text; put it into AWS Secrets Manager and name its ARN in aws.secret")
		case o.bucket != "":
			e.mask(value)
			e.nearService(n, o, "aws.bucket", ruleBucket, "a bucket is closed by an origin access control, and not by the field "+name)
		case !isToken(name) || slices.Contains(framing, strings.ToLower(name)) || !isValue(text):
			e.mask(value)
			e.refuse(n, ruleOrigin, "a spec does not set the field "+name+" to this value")
		case harmless(name, text):
			o.request = append(o.request, said{name, text})
			e.say(verdict{node: n, is: Approximated, at: e.place(nil, "headers.request.set"), rule: ruleOriginPath,
				text: fmt.Sprintf("routes set %s, which compiled again is a function", name)})
		default:
			e.mask(value)
			o.request = append(o.request, said{name, "***"})
			e.refuse(n, ruleSecret, "the value of "+name+" may be a secret in clear text: *** stands in its place")
		}
	}
}

// secret is the field that Skerry itself makes: its value comes from AWS Secrets Manager.
func (e *entry) secret(o *origin, n, value *schema.Node) bool {
	text := value.String()
	if value.Open() {
		text = value.Text // of a dynamic reference, as a template has it
	}
	if m := resolvedSecret.FindStringSubmatch(text); m != nil && secretARN.MatchString(m[1]) {
		o.fields = put(o.fields, m[1], "aws", "secret")
		e.exactService(n, o, "aws.secret", "")
		return true
	}
	if value.Open() && value.Call != nil {
		for _, part := range value.Call.Parts {
			if e.made(part, "AWS::SecretsManager::Secret") != nil {
				e.exactService(n, o, "aws.secret", "a secret is made for it")
				return true
			}
		}
		if value.Call.Name == "resolve" {
			e.nearService(n, o, "aws.secret", ruleSecretMade, "a new secret is made; name the ARN of the one that is there in aws.secret")
			return true
		}
	}
	return false
}

// mask keeps a value out of the ledger.
func (e *entry) mask(n *schema.Node) {
	for _, row := range e.ledger.leafs[n] {
		row.Value = "***"
	}
}

// harmless reports whether a field that CloudFront adds is no secret, by its name and its value: in doubt it is one.
func harmless(name, value string) bool {
	name = strings.ToLower(name)
	_, err := strconv.ParseUint(value, 10, 8)
	return (err == nil || slices.Contains(plainWords, strings.ToLower(value))) &&
		!slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// plainWords are values that tell the origin how it is asked, and that anybody would guess.
var plainWords = []string{
	"", "cloudfront", "dev", "development", "disabled", "enabled", "false", "http", "https", "live", "no", "off", "on", "prod", "production",
	"public", "qa", "stage", "staging", "test", "true", "web", "www", "yes",
}

var secretWords = []string{
	"auth", "cdn", "code", "cookie", "cred", "hash", "hmac", "key", "nonce", "origin", "pass", "pin", "pwd", "secret", "session", "shared",
	"sign", "token", "valid", "verif",
}
