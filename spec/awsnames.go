package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// This file has the forms of AWS's own names. A wrong one would be found when a stack is deployed, after minutes, and be rolled
// back.

const (
	accountPattern = "[0-9]{12}"
	// regionPattern is of the regions of the partition aws: those of others have more parts (us-gov-west-1) or begin with cn.
	regionPattern = "[a-z]{2}-[a-z]+-[0-9]{1,2}"
	// bucketPattern leaves out what bucketName refuses beside it.
	bucketPattern    = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
	zoneIDPattern    = "^Z[0-9A-Z]{1,31}$"
	quotaNamePattern = "^[a-z][A-Za-z0-9]*$"
)

var (
	isAccount   = regexp.MustCompile("^" + accountPattern + "$").MatchString
	isRegion    = regexp.MustCompile("^" + regionPattern + "$").MatchString
	isBucket    = regexp.MustCompile("^" + bucketPattern + "$").MatchString
	isZoneID    = regexp.MustCompile(zoneIDPattern).MatchString
	isQuotaName = regexp.MustCompile(quotaNamePattern).MatchString
)

func awsAccount(s string) (bad, fix string) {
	if !isAccount(s) {
		return fmt.Sprintf("%q is not the number of an account", clip(s)), `it has 12 digits: "123456789012"`
	}
	return "", ""
}

func awsRegion(s string) (bad, fix string) {
	if !isRegion(s) || strings.HasPrefix(s, "cn-") {
		return fmt.Sprintf("%q is not a region of the partition aws", clip(s)), "write it as eu-central-1"
	}
	return "", ""
}

// bucketName checks the name of a general purpose bucket.
func bucketName(s string) (bad, fix string) {
	if _, rest, is := strings.Cut(s, "arn:aws:s3:::"); is {
		return fmt.Sprintf("%q is an ARN, the name of a bucket is needed", clip(s)), "write " + clip(rest)
	}
	if strings.Contains(s, ".amazonaws.com") {
		return fmt.Sprintf("%q is the address of a bucket, its name is needed", clip(s)), "write what stands before .s3"
	}
	if !isBucket(s) || strings.Contains(s, "..") {
		return fmt.Sprintf("%q is not the name of a bucket", clip(s)), "it has 3 to 63 of a-z, 0-9, - and single dots, and begins and ends with a letter or digit"
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return fmt.Sprintf("the name of a bucket cannot be an address, as %q is", s), ""
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(s, p) {
			return fmt.Sprintf("no bucket has a name that begins with %s, as %q does", p, s), ""
		}
	}
	for _, p := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(s, p) {
			return fmt.Sprintf("%q ends with %s: it is no general purpose bucket, or the alias of one", s, p), "name the bucket itself"
		}
	}
	return "", ""
}

// aliasZone is the zone of every name below cloudfront.net, which stands in records that point there.
const aliasZone = "Z2FDTNDATAQYW2"

func zoneID(s string) (bad, fix string) {
	switch id := strings.TrimPrefix(s, "/hostedzone/"); {
	case s == aliasZone:
		return "this is the zone of CloudFront's own names", "write the id of your zone: aws route53 list-hosted-zones"
	case !isZoneID(s) && isZoneID(strings.ToUpper(id)):
		return fmt.Sprintf("%q is not the id of a hosted zone", clip(s)), "write " + strings.ToUpper(id)
	case !isZoneID(s):
		return fmt.Sprintf("%q is not the id of a hosted zone", clip(s)), "it has a Z and up to 31 capitals and digits: Z0123456789ABCDEFGHIJ"
	}
	return "", ""
}

// zoneName checks the domain of a hosted zone.
func zoneName(s string) (bad, fix string) {
	if bad, fix = hostName(s); bad != "" {
		return bad, fix
	}
	if _, isAddr := addrOf(s); isAddr || !strings.Contains(s, ".") {
		return fmt.Sprintf("%q is not the domain of a hosted zone", clip(s)), "write it as example.com"
	}
	return "", ""
}

// certifiedHost checks a host that a certificate of AWS Certificate Manager covers.
func certifiedHost(s string) (bad, fix string) {
	if bad, fix = publicHost(s); bad != "" {
		return bad, fix
	}
	if _, isAddr := addrOf(s); isAddr {
		return fmt.Sprintf("no certificate of AWS Certificate Manager covers an address, as %q is", clip(s)), "remove it"
	}
	return "", ""
}

func quotaName(s string) (bad, fix string) {
	if len(s) > nameBytesMax || !isQuotaName(s) {
		return fmt.Sprintf("%q is not the name of a quota", clip(s)), "it has letters and digits and begins with a small letter: cachePolicies"
	}
	return "", ""
}

// An arnForm is what the ARN of something looks like: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE.
type arnForm struct {
	what     string
	service  string
	region   string                         // a pattern; empty: none stands there, and no account either
	resource string                         // a pattern
	name     func(string) (bad, fix string) // of the resource; nil: its pattern says all
	example  string                         // of the resource
}

const usEast1 = "us-east-1"

// exampleARN begins the examples of ARNs with an account in them.
const exampleARN = "arn:aws:%s:%s:123456789012:%s"

var (
	arnCertificate = arnForm{
		what: "a certificate of AWS Certificate Manager", service: "acm", region: usEast1,
		resource: "certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", example: "certificate/12345678-90ab-cdef-1234-567890abcdef",
	}
	arnBucket    = arnForm{what: "a bucket", service: "s3", resource: bucketPattern, name: bucketName, example: "example-logs"}
	arnLogBucket = arnForm{
		what: "a bucket whose name begins with aws-waf-logs-", service: "s3",
		resource: "aws-waf-logs-[a-z0-9.-]{0,49}[a-z0-9]", name: bucketName, example: "aws-waf-logs-example",
	}
	arnLogStream = arnForm{
		what: "a Firehose stream whose name begins with aws-waf-logs-", service: "firehose", region: usEast1,
		resource: "deliverystream/aws-waf-logs-[0-9A-Za-z_.-]{1,51}", example: "deliverystream/aws-waf-logs-example",
	}
	arnLogGroup = arnForm{
		what: "a log group whose name begins with aws-waf-logs-", service: "logs", region: usEast1,
		resource: "log-group:aws-waf-logs-[0-9A-Za-z_./#-]{1,499}", example: "log-group:aws-waf-logs-example",
	}
	arnLoadBalancer = arnForm{
		what: "an application or network load balancer", service: "elasticloadbalancing", region: regionPattern,
		resource: "loadbalancer/(app|net)/[0-9A-Za-z-]{1,32}/[0-9a-f]{16}", example: "loadbalancer/app/shop/0123456789abcdef",
	}
	arnFunction = arnForm{
		what: "a Lambda function or an alias of one", service: "lambda", region: regionPattern,
		// An alias is no number: that would be a version, which has no URL.
		resource: "function:[0-9A-Za-z_-]{1,64}(:[0-9A-Za-z_-]*[A-Za-z_-][0-9A-Za-z_-]*)?", example: "function:shop",
	}
	arnSecret = arnForm{
		what: "a secret of AWS Secrets Manager", service: "secretsmanager", region: regionPattern,
		resource: "secret:[0-9A-Za-z/_+=.@-]{1,512}-[0-9A-Za-z]{6}", example: "secret:shop-origin-a1B2c3",
	}
)

// pattern is the whole form.
func (f arnForm) pattern() string {
	account := accountPattern
	if f.region == "" {
		account = ""
	}
	return "^arn:aws:" + f.service + ":" + f.region + ":" + account + ":" + f.resource + "$"
}

// write is an example as a fix.
func (f arnForm) write() string {
	if f.region == "" {
		return "write arn:aws:" + f.service + ":::" + f.example
	}
	return "write " + fmt.Sprintf(exampleARN, f.service, usEast1, f.example)
}

// arnOf is an ARN of one of some forms.
func arnOf(forms ...arnForm) shape[string] {
	check, pattern := arnCheck(forms)
	return words(check, map[string]any{"pattern": pattern, "maxLength": textBytesMax})
}

// secretARN is arnOf for secrets: what is no ARN at all may be the secret itself, and is not shown.
var secretARN = func() shape[string] {
	check, pattern := arnCheck([]arnForm{arnSecret})
	return words(func(s string) (bad, fix string) {
		if !strings.HasPrefix(s, "arn:") {
			return "this is not the ARN of a secret", arnSecret.write()
		}
		return check(s)
	}, map[string]any{"pattern": pattern, "maxLength": textBytesMax})
}()

func arnCheck(forms []arnForm) (check func(string) (bad, fix string), pattern string) {
	var whats, services, patterns []string
	is := map[string]*regexp.Regexp{}
	for _, f := range forms {
		whats, services, patterns = append(whats, f.what), append(services, f.service), append(patterns, f.pattern())
		is[f.service] = regexp.MustCompile(f.pattern())
	}
	check = func(s string) (bad, fix string) {
		parts := strings.SplitN(s, ":", 6)
		if len(parts) < 6 || parts[0] != "arn" {
			return fmt.Sprintf("%q is not an ARN", clip(s)), forms[0].write()
		}
		i := slices.Index(services, parts[2])
		switch {
		case parts[1] != "aws":
			return fmt.Sprintf("the ARN %q is of the partition %q, and this is compiled for the partition aws", clip(s), clip(parts[1])), ""
		case i < 0:
			return fmt.Sprintf("the ARN %q is one of the service %q, that of %s is needed", clip(s), clip(parts[2]), strings.Join(whats, ", or of ")), forms[0].write()
		}
		return forms[i].check(s, parts[3], parts[4], parts[5], is[parts[2]])
	}
	return check, strings.Join(patterns, "|")
}

// check says what is wrong with an ARN of the form's service.
func (f arnForm) check(s, region, account, resource string, is *regexp.Regexp) (bad, fix string) {
	if f.region != "" {
		if bad, fix = awsRegion(region); bad != "" {
			return fmt.Sprintf("in the ARN %q: %s", clip(s), bad), fix
		}
		if f.region == usEast1 && region != usEast1 {
			return fmt.Sprintf("the ARN is of %s in %s, and CloudFront takes one in us-east-1 only", f.what, region), "make one there, whatever region the rest is in"
		}
		if bad, fix = awsAccount(account); bad != "" {
			return fmt.Sprintf("in the ARN %q: %s", clip(s), bad), fix
		}
	} else if region+account != "" {
		return fmt.Sprintf("the ARN %q has a region or an account, and that of %s has none", clip(s), f.what), f.write()
	}
	if f.name != nil {
		if bad, fix = f.name(resource); bad != "" {
			return fmt.Sprintf("in the ARN %q: %s", clip(s), bad), fix
		}
	}
	switch {
	case is.MatchString(s):
		return "", ""
	case strings.HasSuffix(s, ":*"): // as log groups say it
		return fmt.Sprintf("the ARN %q ends with :*", clip(s)), "remove :* at its end"
	}
	return fmt.Sprintf("in the ARN %q: %q is not %s", clip(s), clip(resource), f.what), f.write()
}

// regionOf and accountOf are parts of a checked ARN; empty: it has none.
func regionOf(arn string) string { return arnPart(arn, 3) }

func accountOf(arn string) string { return arnPart(arn, 4) }

func arnPart(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[i]
}
