package spec

import (
	"fmt"
	"regexp"
	"strings"
)

// This file is about what of a Service stands in AWS.

type awsOriginDoc struct{ bucket, region, loadBalancer, function, secret val[string] }

var awsOrigin = object[awsOriginDoc]{
	name: "aws origin", doc: "What of a Service stands in AWS, so that nobody but CloudFront reaches it. The edge itself makes no use of it.",
	fields: []field[*awsOriginDoc]{
		row("bucket", func(o *awsOriginDoc) *val[string] { return &o.bucket }, words(bucketName, map[string]any{"pattern": "^" + bucketPattern + "$"}),
			"The name of the bucket that has the files of the directory; with region."),
		row("region", func(o *awsOriginDoc) *val[string] { return &o.region }, words(awsRegion, map[string]any{"pattern": "^" + regionPattern + "$"}),
			"The region of the bucket."),
		row("loadBalancer", func(o *awsOriginDoc) *val[string] { return &o.loadBalancer }, arnOf(arnLoadBalancer),
			"The ARN of the load balancer inside a VPC that the endpoints name."),
		row("function", func(o *awsOriginDoc) *val[string] { return &o.function }, arnOf(arnFunction),
			"The ARN of the Lambda function whose URL is the endpoint; with the alias, if the URL is that of one."),
		row("secret", func(o *awsOriginDoc) *val[string] { return &o.secret }, secretARN,
			"The ARN of the secret that CloudFront sends in X-Origin-Secret, for endpoints that nothing else closes: one is made, if left out."),
	},
	check: checkAWSOrigin,
}

var awsOriginShape = awsOrigin.shape()

// checkAWSOrigin refuses what contradicts itself, whatever the Service is.
func checkAWSOrigin(l *log, at Pos, o *awsOriginDoc) {
	var kinds []string
	var last Pos
	for _, k := range []struct {
		name string
		at   Pos
		is   bool
	}{
		{"bucket", o.bucket.At, o.bucket.given()}, {"loadBalancer", o.loadBalancer.At, o.loadBalancer.given()},
		{"function", o.function.At, o.function.given()},
	} {
		if k.is {
			kinds, last = append(kinds, k.name), k.at
		}
	}
	switch {
	case len(kinds) > 1:
		l.refuse(last, "keep one of them", "%s stand together, and a Service is one of them in AWS", strings.Join(kinds, " and "))
	case len(kinds) == 0 && !o.secret.given() && !o.region.given():
		l.refuse(at, "add bucket, loadBalancer, function or secret, or remove it", "nothing is said of what stands in AWS")
	case o.region.given() && !o.bucket.given():
		l.refuse(o.region.At, "remove it, or add `bucket: NAME`", "the region is that of a bucket, and there is none; ARNs have their own")
	case o.bucket.given() && !o.region.given():
		l.refuse(o.bucket.At, "add `region: eu-central-1`, the one it is in", "the bucket has no region")
	}
}

// checkServiceAWS holds what stands in AWS against the rest of a Service: a bucket has the files of a directory, everything else
// is behind endpoints.
func checkServiceAWS(l *log, s *serviceDoc) {
	o := s.aws.V
	if s.endpoints.given() && o.bucket.given() {
		l.refuse(o.bucket.At, "make the Service a `directory`, whose files the bucket has too", "a bucket goes with a directory, and this Service has endpoints")
	}
	for _, f := range []struct {
		name  string
		at    Pos
		given bool
	}{
		{"loadBalancer", o.loadBalancer.At, o.loadBalancer.given()}, {"function", o.function.At, o.function.given()},
		{"secret", o.secret.At, o.secret.given()},
	} {
		if f.given && s.directory.given() && !s.endpoints.given() {
			l.refuse(f.at, "remove it", "%q is about endpoints, and this Service is a directory", f.name)
		}
	}
	if o.function.Set && s.endpoints.Set && s.endpoints.Clean {
		checkFunctionURL(l, o.function, values(s.endpoints.V))
	}
}

// functionHost is the host of a Lambda function's URL; its first group is the region.
var functionHost = regexp.MustCompile(`^[a-z0-9]+\.lambda-url\.(` + regionPattern + `)\.on\.aws$`)

// checkFunctionURL refuses endpoints that are not the one URL of a function.
func checkFunctionURL(l *log, function val[string], endpoints []Endpoint) {
	if len(endpoints) != 1 {
		l.refuse(function.At, "keep the URL of the function", "a function has one URL, and this Service has %d endpoints", len(endpoints))
		return
	}
	e, region := endpoints[0], regionOf(function.V)
	is := fmt.Sprintf("write the URL of the function: https://….lambda-url.%s.on.aws", region)
	switch host := functionHost.FindStringSubmatch(e.Host); {
	case host == nil:
		l.refuse(e.At, is, "%s is not the URL of a Lambda function", clip(e.URL()))
	case !e.TLS || e.Port != 443:
		l.refuse(e.At, is, "the URL of a function is https on port 443, this is %s", clip(e.URL()))
	case host[1] != region:
		l.refuse(e.At, is, "the URL is in %s, and the function in %s", host[1], region)
	}
}

func awsOriginOf(d val[awsOriginDoc]) *AWSOrigin {
	if !d.Set {
		return nil
	}
	o := d.V
	return &AWSOrigin{At: d.At, Bucket: o.bucket.V, Region: o.region.V, LoadBalancer: o.loadBalancer.V, Function: o.function.V, Secret: o.secret.V}
}

func awsOriginDocOf(o *AWSOrigin) val[awsOriginDoc] {
	if o == nil {
		return val[awsOriginDoc]{}
	}
	return said(awsOriginDoc{saidText(o.Bucket), saidText(o.Region), saidText(o.LoadBalancer), saidText(o.Function), saidText(o.Secret)})
}
