package compile

import (
	"regexp"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsLambda = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html"

// closedRules are what closing an origin to everybody else comes to.
var closedRules = struct{ open, secretRegion, bucket, index, apiHost, body, authorization finding.Rule }{
	open: finding.Rule{
		ID: "origin-open", Severity: finding.Warning,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html",
		Meaning: "Whoever knows the address of the service reaches it without CloudFront and without the firewall: only X-Origin-Secret, which CloudFront sends, tells the two apart. CloudFront holds the value that the secret had when the distribution was last changed: a rotation of the secret alone does not reach it.",
		Remedy:  "let the service refuse requests without the value of the secret, or put it behind a load balancer in a VPC (`aws.loadBalancer`). To rotate: make a second secret, let the service take both values, name it in `aws.secret`, deploy, and then take the first one away",
		Witness: "a request straight to the endpoint, without X-Origin-Secret",
	},
	secretRegion: finding.Rule{
		ID: "origin-secret-region", Severity: finding.Error,
		Source:  "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html",
		Meaning: "A template reads secrets of its own region, and distributions are made in us-east-1.",
		Remedy:  "replicate the secret to us-east-1, and name the replica",
	},
	bucket: finding.Rule{
		ID: "directory-bucket", Severity: finding.Error,
		Meaning: "CloudFront has no files of its own: those of a directory are objects in a bucket of S3.",
		Remedy:  "put the files into a bucket and write `aws: {bucket: NAME, region: REGION}` in the Service",
		Witness: "any request of the route",
	},
	index: finding.Rule{
		ID: "directory-status", Severity: finding.Note,
		Source:  "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
		Meaning: "A bucket that does not let itself be listed answers 403 where there is no object, since nobody is to learn which there are.",
		Remedy:  "give the directory a fallback, or expect 403",
		Witness: "GET /missing.html: 403, not 404",
	},
	apiHost: finding.Rule{
		ID: "origin-own-host", Severity: finding.Warning,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html",
		Meaning: "An API Gateway and the URL of a Lambda function answer to their own name only: they get it as the Host, not the one of the client.",
		Remedy:  "read X-Forwarded-Host, and write `host: endpoint` in the Service",
		Witness: "a request that the service answers with a link made of Host",
	},
	body: finding.Rule{
		ID: "function-body-hash", Severity: finding.Warning, Source: docsLambda,
		Meaning: "A signed request to the URL of a Lambda function has the hash of its body, and CloudFront does not make it: clients that send a body must send x-amz-content-sha256.",
		Remedy:  "allow GET, HEAD and OPTIONS alone (`methods`), let the clients send the hash, or put the function behind an API Gateway or a load balancer",
		Witness: "POST with a body and without x-amz-content-sha256: 403",
	},
	authorization: finding.Rule{
		ID: "function-authorization", Severity: finding.Warning, Source: docsLambda,
		Meaning: "CloudFront signs requests to the URL of a Lambda function in Authorization: what the client sent there does not reach it.",
		Remedy:  "send credentials in another field, or put the function behind an API Gateway or a load balancer",
		Witness: "GET with Authorization: Bearer …",
	},
}

// secretField is the request field whose value only CloudFront and the service know.
const secretField = "X-Origin-Secret"

// bucketOrigin is the origin of a directory: a bucket that nobody but CloudFront reads.
func (b *builder) bucketOrigin(s *site, u *usage, o *origin) *origin {
	svc := u.service
	if svc.AWS == nil || svc.AWS.Bucket == "" {
		b.find(&closedRules.bucket, s, svc.At, "Service "+svc.Meta.Name+" spec.directory", "the directory %s has no bucket", svc.Directory.Path)
		return nil
	}
	if svc.Directory.Fallback == "" {
		b.find(&closedRules.index, s, svc.At, "Service "+svc.Meta.Name+" spec.directory", "what is not in the bucket %s gets 403", svc.AWS.Bucket)
	}
	o.origins = []*model.DistributionOrigin{{
		Id: model.Text(o.id), DomainName: model.Text(svc.AWS.Bucket + ".s3." + svc.AWS.Region + ".amazonaws.com"),
		ConnectionAttempts: model.Int(connectionAttemptsMax), ConnectionTimeout: model.Int(connectionTimeoutMax),
		S3OriginConfig:        &model.DistributionS3OriginConfig{OriginAccessIdentity: model.Text("")},
		OriginAccessControlId: b.accessControl("s3"),
	}}
	return o
}

// accessControl is the one origin access control for a type of origins. It signs every request, so that what a client says of itself
// is worth nothing.
func (b *builder) accessControl(kind string) model.Value {
	c := &model.OriginAccessControlConfig{
		OriginAccessControlOriginType: model.Text(kind), SigningBehavior: model.Text("always"), SigningProtocol: model.Text("sigv4"),
	}
	r := b.share("OriginAccessControl", spec.Pos{}, &model.OriginAccessControl{OriginAccessControlConfig: c},
		func(name string) { c.Name = model.Text(name) })
	return model.Ref{Resource: r, Attr: "Id"}
}

// close sees to it that nobody but CloudFront reaches the service, as far as AWS can.
func (b *builder) close(s *site, u *usage, o *origin) {
	svc := u.service
	if ownHostOnly(svc) && svc.Host == spec.HostPreserve {
		b.find(&closedRules.apiHost, s, svc.At, "Service "+svc.Meta.Name+" spec.host", "the service gets %s as its Host", svc.Endpoints[0].Host)
	}
	switch {
	case svc.AWS != nil && svc.AWS.LoadBalancer != "":
		b.vpcOrigin(s, u, o)
	case svc.AWS != nil && svc.AWS.Function != "":
		o.origins[0].OriginAccessControlId = b.accessControl("lambda")
		path := "Service " + svc.Meta.Name + " spec.aws.function"
		for _, r := range u.routes {
			if !readsOnly(routeMethods(r)) {
				b.find(&closedRules.body, s, r.At, path, "the route %s takes requests with bodies", r.Name)
				break
			}
		}
		b.find(&closedRules.authorization, s, svc.AWS.At, path, "the function gets no Authorization of clients")
	default:
		field := &model.DistributionOriginCustomHeader{HeaderName: model.Text(secretField), HeaderValue: b.secret(s, svc)}
		for _, one := range o.origins {
			one.OriginCustomHeaders = append(one.OriginCustomHeaders, field)
		}
		over := ""
		if !svc.Endpoints[0].TLS {
			over = ", and over plain HTTP everybody on the way reads it"
		}
		b.find(&closedRules.open, s, svc.At, "Service "+svc.Meta.Name, "nothing closes %s to others but the value of %s%s", svc.Meta.Name, secretField, over)
	}
}

// vpcOrigin reaches a load balancer inside a VPC. Services with the same one share it.
func (b *builder) vpcOrigin(s *site, u *usage, o *origin) {
	svc, w := u.service, b.waits(s, u)
	e := weighty(svc.Endpoints)[0]
	c := &model.VpcOriginEndpointConfig{
		Arn: model.Text(svc.AWS.LoadBalancer), HTTPPort: model.Int(80), HTTPSPort: model.Int(443),
		OriginProtocolPolicy: model.Text("http-only"), OriginSSLProtocols: model.Texts([]string{"TLSv1.2"}),
	}
	if e.TLS {
		c.OriginProtocolPolicy, c.HTTPSPort = model.Text("https-only"), model.Int(e.Port)
	} else {
		c.HTTPPort = model.Int(e.Port)
	}
	r := b.share("VpcOrigin", svc.AWS.At, &model.VpcOrigin{VpcOriginEndpointConfig: c}, func(name string) { c.Name = model.Text(name) })
	o.origins[0].VpcOriginConfig = &model.DistributionVpcOriginConfig{
		VpcOriginId: model.Ref{Resource: r, Attr: "Id"}, OriginReadTimeout: model.Int(w.read), OriginKeepaliveTimeout: model.Int(w.idle),
	}
}

// secret is the value of X-Origin-Secret as a template says it: read from AWS Secrets Manager when the distribution changes, so that no
// template has it.
func (b *builder) secret(s *site, svc *spec.Service) model.Value {
	if svc.AWS != nil && svc.AWS.Secret != "" {
		if of := regionOf(svc.AWS.Secret); of != region {
			b.find(&closedRules.secretRegion, s, svc.AWS.At, "Service "+svc.Meta.Name+" spec.aws.secret", "the secret is in %s", of)
		}
		return model.Text("{{resolve:secretsmanager:" + svc.AWS.Secret + ":SecretString}}")
	}
	key := "Secret\x00" + svc.Meta.Name + "\x00" + originID(svc)
	r := b.pooled(key, func() *model.Resource {
		r := own("OriginSecret", svc.Meta.Name, svc.At, &model.Secret{
			Name:        model.Text("skerry/origin/" + originID(svc)),
			Description: model.Text("What CloudFront sends in " + secretField + "; the service refuses requests without it"),
			GenerateSecretString: &model.SecretGenerateSecretString{
				PasswordLength: model.Int(secretLength), ExcludePunctuation: model.Bool(true), IncludeSpace: model.Bool(false),
			},
		})
		r.Owner = "" // of all entrypoints that ask the service
		return r
	})
	b.use(step{key: key, resource: r, at: svc.At})
	return model.Join{model.Text("{{resolve:secretsmanager:"), model.Ref{Resource: r}, model.Text(":SecretString}}")}
}

// ownHostOnly reports whether a service answers to no Host but its own.
func ownHostOnly(svc *spec.Service) bool {
	return len(svc.Endpoints) > 0 && ownHost.MatchString(svc.Endpoints[0].Host)
}

// ownHost matches the names that AWS gives API Gateways and the URLs of Lambda functions.
var ownHost = regexp.MustCompile(`^[a-z0-9-]+\.(execute-api\.[a-z0-9-]+\.amazonaws\.com|lambda-url\.[a-z0-9-]+\.on\.aws)$`)

// regionOf is the region of an ARN; empty: it names none.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}
