package adopt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// origin is one origin of a distribution.
type origin struct {
	node           *schema.Node
	name           string // for the service
	bucket, region string // empty: it is no bucket
	https          bool
	fields         []said // of a Service with endpoints
	request        []said // fields that CloudFront adds to requests
	attempts       int
	path           string   // before that of the request
	made           *service // the first of its services; nil: no behaviour asks it
}

const (
	attemptsUsual     = 3
	typeAccessControl = "AWS::CloudFront::OriginAccessControl"
)

// readOrigins reads origins and origin groups. Of a group the first origin is asked.
func (e *entry) readOrigins() {
	for _, n := range e.config.Get("Origins").List() {
		o := &origin{node: n, attempts: attemptsUsual}
		id := n.Get("Id").String()
		e.origins[id] = o
		e.means(n.Get("Id"), "the name of an origin within the distribution")
		e.origin(o, id)
	}
	groups := e.config.Get("OriginGroups")
	for _, g := range listOf(groups) {
		members := listOf(g.Get("Members"))
		text := "a second origin is asked when the first one fails; the documents name the first alone"
		if len(members) > 0 {
			e.origins[g.Get("Id").String()] = e.origins[members[0].Get("OriginId").String()]
		}
		e.refuse(g, ruleFailOver, text)
	}
	e.means(groups.Get("Quantity"), "how many groups there are")
	if groups != nil && len(listOf(groups)) == 0 {
		e.means(groups, "there is none")
	}
}

// targetOrigin is the origin of a behaviour; one that is not there goes to a name that cannot exist (RFC 6761 section 6.4).
func (e *entry) targetOrigin(r *route) *origin {
	n := r.node.Get("TargetOriginId")
	id := n.String()
	if o := e.origins[id]; o != nil && !n.Open() {
		e.say(verdict{node: n, is: Exact, at: e.place(r, "service")})
		return o
	}
	e.refuse(n, ruleMissing, "there is no origin "+id+"; the route goes nowhere")
	o := &origin{name: "missing", attempts: attemptsUsual}
	o.endpoint("https", "missing.invalid", 443)
	return o
}

var (
	bucketHost   = regexp.MustCompile(`^(.+)\.s3(?:[.-](?:dualstack\.)?([a-z]{2}-[a-z]+-[0-9]{1,2}))?\.amazonaws\.com$`)
	functionHost = regexp.MustCompile(`^[a-z0-9]+\.lambda-url\.([a-z]{2}-[a-z]+-[0-9]{1,2})\.on\.aws$`)
	skerryOrigin = regexp.MustCompile(`^([a-z0-9-]+)-([0-9a-f]{8})(-2)?$`)
)

// origin reads one.
func (e *entry) origin(o *origin, id string) {
	n := o.node
	domain := n.Get("DomainName")
	host := strings.ToLower(domain.String())
	o.name = nameOf(host)
	if m := skerryOrigin.FindStringSubmatch(id); m != nil {
		if sum := sha256.Sum256([]byte(m[1])); hex.EncodeToString(sum[:])[:8] == m[2] {
			o.name = m[1]
		}
	}
	s3 := n.Get("S3OriginConfig")
	switch m := bucketHost.FindStringSubmatch(host); {
	case m != nil && (s3 != nil || n.Get("CustomOriginConfig") == nil) && isBucketName(m[1]):
		e.bucketOrigin(o, m[1], m[2])
	case domain.Open() && s3 != nil && e.bucketOf(domain) != "":
		e.bucketOrigin(o, e.bucketOf(domain), "")
	case host == "" || !isHost(host) || strings.HasPrefix(host, "*."):
		text := "the name of the origin is known only to the deployment"
		if host != "" {
			text = host + " is no name of an origin that a spec takes"
		}
		e.nowhere(o, id, ruleUnknownValue, text)
	case isInside(host) && n.Get("VpcOriginConfig") == nil:
		e.nowhere(o, id, ruleOrigin, host+" is an address or a name of the machine itself or its network, which no distribution has as an origin; "+
			"the edge would ask there")
	default:
		e.customOrigin(o, host)
	}
	e.originPath(o)
	e.originHeaders(o)
	shield := n.Get("OriginShield")
	if isFalse(shield.Get("Enabled")) || shield != nil && isEmpty(shield) {
		e.means(shield, "it is off")
	} else if shield != nil {
		e.nearService(shield, o, "", ruleShield, "misses of all regions go through one that stores too; the edge asks the service itself")
	}
	if attempts, ok := n.Get("ConnectionAttempts").AsNumber(); ok && attempts >= 1 && attempts <= attemptsUsual {
		o.attempts = int(attempts)
	}
}

// nowhere gives an origin a name that cannot exist (RFC 6761 section 6.4), and says why.
func (e *entry) nowhere(o *origin, id string, rule *finding.Rule, text string) {
	o.name = cmp.Or(nameOf(id), "origin")
	host := o.name[:min(len(o.name), hostLabelMax)] + ".invalid"
	e.refuse(o.node.Get("DomainName"), rule, text+"; "+host+" stands in its place")
	e.customOrigin(o, host)
}

// isInside reports whether a host is an address, in whatever form, or a name that stands for the machine that asks, or for one in
// its network.
func isInside(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last[0] >= '0' && last[0] <= '9' || slices.Contains(insideDomains, last)
}

var insideDomains = []string{"home", "internal", "lan", "local", "localdomain", "localhost"}

// nearService and exactService say what has become of a part of an origin.
func (e *entry) nearService(n *schema.Node, o *origin, field string, rule *finding.Rule, text string) {
	e.say(verdict{node: n, is: Approximated, at: spot{origin: o, field: field}, rule: rule, text: text})
}

func (e *entry) exactService(n *schema.Node, o *origin, field, text string) {
	e.say(verdict{node: n, is: Exact, at: spot{origin: o, field: field}, text: text})
}

// bucketOf is the name of a bucket that the template itself makes; empty: there is none.
func (e *entry) bucketOf(domain *schema.Node) string {
	if b := e.made(domain, "AWS::S3::Bucket"); b != nil {
		if name := b.Properties.Get("BucketName").String(); isBucketName(name) {
			return name
		}
	}
	return ""
}

// made is the resource of a type that a value of a template refers to, whether it belongs to an edge or not; nil: none.
func (m *mapping) made(n *schema.Node, resourceType string) *cfn.Resource {
	id, _, _ := n.Refers()
	for _, t := range m.templates {
		if r := t.Resource(id); r != nil && t.Name == n.At.File && r.Type == resourceType {
			return r
		}
	}
	return nil
}

// isBucketName reports whether a spec takes the name of a bucket.
func isBucketName(s string) bool {
	return len(s) >= 3 && len(s) <= 63 && strings.Trim(s, hostBytes+".") == "" && strings.Trim(s, "-.") == s && !strings.Contains(s, "..") &&
		!slices.ContainsFunc([]string{"xn--", "sthree-", "amzn-s3-demo-"}, func(p string) bool { return strings.HasPrefix(s, p) }) &&
		!slices.ContainsFunc([]string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}, func(p string) bool { return strings.HasSuffix(s, p) }) &&
		strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz-")
}

const defaultRegion = "us-east-1"

// bucketOrigin is a bucket: the files of a directory.
func (e *entry) bucketOrigin(o *origin, bucket, region string) {
	n := o.node
	o.bucket, o.region = bucket, region
	if o.name == nameOf(n.Get("DomainName").String()) || o.name == "" {
		o.name = nameOf(bucket)
	}
	if region == "" {
		o.region = defaultRegion
		e.nearService(n.Get("DomainName"), o, "aws.region", ruleBucket,
			"the name does not say the region of the bucket; "+defaultRegion+" is taken, look it up")
	} else {
		e.exactService(n.Get("DomainName"), o, "aws.bucket", "")
	}
	control, identity := n.Get("OriginAccessControlId"), n.Path("S3OriginConfig", "OriginAccessIdentity")
	controlled := e.accessControl(o, control, "s3")
	switch text, known := identity.AsText(); {
	case identity == nil:
		if !controlled {
			e.nearService(n.Get("S3OriginConfig"), o, "aws.bucket", ruleBucket, publicBucket)
		}
	case known && text == "" && controlled:
		e.means(identity, "there is none")
	case known && text == "":
		e.nearService(identity, o, "aws.bucket", ruleBucket, publicBucket)
	default:
		e.nearService(identity, o, "aws.bucket", ruleBucket,
			"the origin access identity becomes an origin access control; the policy of the bucket has to let that in")
		if id := e.target(identity, "AWS::CloudFront::CloudFrontOriginAccessIdentity"); id != nil {
			e.used[id] = true
			e.means(id.Props, "it becomes an origin access control")
		}
	}
	for name, usual := range map[string]string{"ConnectionAttempts": "3", "ConnectionTimeout": "10"} {
		e.usual(n.Get(name), o, usual)
	}
	e.usual(n.Path("S3OriginConfig", "OriginReadTimeout"), o, "30")
	if c := n.Get("ResponseCompletionTimeout"); c != nil {
		e.nearService(c, o, "", ruleWaits, "a directory has no waits")
	}
}

const publicBucket = "nothing signs the requests, so that the bucket is public; compiled again, they are signed"

// usual says of a wait on a bucket whether it is the usual one.
func (e *entry) usual(n *schema.Node, o *origin, usual string) {
	switch {
	case n == nil:
	case n.String() == usual:
		e.exactService(n, o, "directory", "AWS's default")
	default:
		e.nearService(n, o, "directory", ruleWaits, "a directory has no waits; compiled again, it is "+usual)
	}
}

// accessControl reads what signs the requests to an origin; false: nothing does.
func (e *entry) accessControl(o *origin, n *schema.Node, kind string) bool {
	text, known := n.AsText()
	if n == nil || known && text == "" {
		e.means(n, "there is none")
		return false
	}
	r := e.target(n, typeAccessControl)
	if r == nil {
		e.nearService(n, o, "aws", ruleBucket, "the input does not have the origin access control; it is taken for one that signs every request")
		return true
	}
	e.used[r] = true
	c := r.Props.Get("OriginAccessControlConfig")
	e.exactService(n, o, "aws", "")
	for name, usual := range map[string]string{"OriginAccessControlOriginType": kind, "SigningBehavior": "always", "SigningProtocol": "sigv4"} {
		if f := c.Get(name); f.String() == usual {
			e.exactService(f, o, "aws", "")
		} else {
			e.nearService(f, o, "aws", ruleBucket, "compiled again, it is "+usual)
		}
	}
	for _, name := range []string{"Name", "Description"} {
		e.means(c.Get(name), "it has a name of its own for each content")
	}
	return c.Get("SigningBehavior").String() != "never"
}

// originPath is a folder that all requests go to: a rewrite of each route.
func (e *entry) originPath(o *origin) {
	n := o.node.Get("OriginPath")
	text, ok := e.known(n)
	switch {
	case !ok:
	case text == "" || text == "/":
		e.means(n, "there is none")
	case !isNormal(text) || strings.HasSuffix(text, "/"):
		e.refuse(n, ruleOrigin, text+" is no path that a rewrite takes")
	default:
		o.path = text
		e.exactService(n, o, "", "")
	}
}

// destined is what a route says for its origin: tries, the folder, the fields that CloudFront adds.
func (e *entry) destined(r *route, o *origin) {
	if o.attempts < attemptsUsual && o.bucket == "" {
		value := any("off")
		if o.attempts > 1 {
			value = []said{{"tries", o.attempts}, {"statuses", []string{}}}
		}
		r.policy = put(r.policy, value, "retry")
	}
	if o.bucket == "" {
		e.say(verdict{node: o.node.Get("ConnectionAttempts"), is: Exact, at: e.place(r, "retry")})
	}
	for _, f := range o.request {
		r.policy = put(r.policy, f.value, "headers", "request", "set", f.name)
	}
	if o.path == "" {
		return
	}
	field := "rewrite.prefix"
	if r.pattern.kind == patternExact {
		field = "rewrite.path"
		r.rewrite = []said{{"path", o.path + r.match.Path}}
	} else {
		r.rewrite = []said{{"prefix", o.path + r.match.Path}}
	}
	e.say(verdict{node: o.node.Get("OriginPath"), is: Approximated, at: e.place(r, field), rule: ruleOriginPath,
		text: fmt.Sprintf("each route puts %s before the path, which compiled again is a function", o.path)})
}
