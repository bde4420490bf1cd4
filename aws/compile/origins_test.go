package compile

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

// serviced compiles an entrypoint with one service of the given body.
func serviced(t testing.TB, body, route string) *builder {
	t.Helper()
	return routed(t, "routes: [{name: all, match: {prefix: /}, service: api"+route+"}]", `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec:
`+indented(body)+"\n")
}

func originOf(t *testing.T, b *builder) *model.DistributionOrigin {
	t.Helper()
	for _, o := range b.sites[0].origins {
		if o.service != nil && o.service.Meta.Name == "api" {
			return o.origins[0]
		}
	}
	t.Fatal("the service has no origin")
	return nil
}

const loadBalancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/inner/0123456789abcdef"

func TestCustomOrigin(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		b := serviced(t, body, "")
		o := originOf(t, b)
		is(t, body, o.CustomOriginConfig, want)
	}
	f(`endpoints: ["https://o.example.net"]`, `{"HTTPPort":80,"HTTPSPort":443,"IpAddressType":"ipv4","OriginKeepaliveTimeout":55,"OriginProtocolPolicy":"https-only","OriginReadTimeout":30,"OriginSSLProtocols":["TLSv1.2"]}`)
	f(`endpoints: ["http://o.example.net:8080"]`+"\ndns: {family: both}\nkeepAlive: {max: 0}",
		`{"HTTPPort":8080,"HTTPSPort":443,"IpAddressType":"dualstack","OriginKeepaliveTimeout":1,"OriginProtocolPolicy":"http-only","OriginReadTimeout":30,"OriginSSLProtocols":["TLSv1.2"]}`)
	f(`endpoints: ["https://o.example.net:8443"]`+"\ndns: {family: ipv6}\ntimeouts: {firstByte: 1500ms}\nkeepAlive: {idle: 5m}",
		`{"HTTPPort":80,"HTTPSPort":8443,"IpAddressType":"ipv6","OriginKeepaliveTimeout":120,"OriginProtocolPolicy":"https-only","OriginReadTimeout":2,"OriginSSLProtocols":["TLSv1.2"]}`)
}

func TestWaits(t *testing.T) {
	f := func(timeouts, retry, want string, found ...string) {
		t.Helper()
		b := serviced(t, `endpoints: ["https://o.example.net"]`+"\ntimeouts: "+timeouts, ", retry: "+retry)
		o := originOf(t, b)
		is(t, timeouts, []model.Value{o.ConnectionAttempts, o.ConnectionTimeout, o.CustomOriginConfig.OriginReadTimeout, o.ResponseCompletionTimeout}, want)
		if len(found) == 0 {
			findsNot(t, b, "timeouts", "timeout-body")
		}
		finds(t, b, found...)
	}
	f("{}", "off", "[1,2,30,null]")
	f("{}", "{tries: 2}", "[2,2,30,null]")
	f("{}", "{tries: 5}", "[3,2,30,null]")
	f("{connect: 30s, firstByte: 5m}", "off", "[1,10,120,null]", "note timeouts: timeouts.connect 30s becomes 10 s, timeouts.firstByte 5m0s becomes 120 s")
	f("{connect: 100ms}", "off", "[1,1,30,null]", "note timeouts: timeouts.connect 100ms becomes 1 s")
	f("{whole: 10m}", "off", "[1,2,30,600]")
	f("{whole: 5s}", "off", "[1,2,5,5]", "note timeouts: timeouts.firstByte 30s becomes 5 s")
	f("{idle: 10m}", "off", "[1,2,30,null]", "warning timeout-body: a body may be silent for 30 s, not for 10m0s")
}

func TestRefusedOrigins(t *testing.T) {
	f := func(body, found string) {
		t.Helper()
		b := serviced(t, body, "")
		finds(t, b, found)
		for _, o := range b.sites[0].origins {
			if o.service != nil {
				t.Errorf("%s has become an origin", body)
			}
		}
	}
	f(`endpoints: ["https://192.0.2.1"]`, "error origin-address: the endpoint https://192.0.2.1 is an IP address")
	f(`endpoints: ["http://localhost:8080"]`, "error origin-address: the endpoint http://localhost:8080 is a name of the machine itself")
	f(`endpoints: ["http://backend:8080"]`, "error origin-address: the endpoint http://backend:8080 is a name without a dot")
	f(`endpoints: ["https://o.example.net:444"]`, "error origin-port: the endpoint https://o.example.net:444 has the port 444")
	f(`endpoints: ["http://o.example.net"]`+"\nprotocol: http2", "error origin-h2c")
	f("directory: {path: .}", "error directory-bucket")
}

func TestOriginTLS(t *testing.T) {
	b := serviced(t, `endpoints: ["https://o.example.net"]`+"\ntls: {minVersion: '1.3', serverName: other.example.net}", "")
	finds(t, b, "warning origin-tls-version", "error origin-server-name: the certificate must have the name other.example.net")
	b = serviced(t, `endpoints: ["https://o.example.net"]`+"\ntls: {serverName: o.example.net}", "")
	findsNot(t, b, "origin-tls-version", "origin-server-name")
}

// TestOriginGroup: a second endpoint is asked where behaviours only read; CloudFront refuses others that have a group.
func TestOriginGroup(t *testing.T) {
	const two = `endpoints: ["https://a.example.net", {url: "https://b.example.net", weight: 2}, {url: "https://c.example.net", weight: 0}]`
	b := serviced(t, two, ", methods: [GET, HEAD], retry: {tries: 2, statuses: [429, 500, 502]}")
	o := b.sites[0].origins[0]
	if len(o.origins) != 2 || o.group == nil {
		t.Fatalf("there are %d origins", len(o.origins))
	}
	is(t, "domain names", []model.Value{o.origins[0].DomainName, o.origins[1].DomainName}, `["b.example.net","a.example.net"]`)
	id := string(o.origins[0].Id.(model.Text))
	is(t, "group", o.group, `{"FailoverCriteria":{"StatusCodes":{"Items":[500,502,503,504],"Quantity":4}},"Id":"`+id+`-group","Members":{"Items":[{"OriginId":"`+id+`"},{"OriginId":"`+id+`-2"}],"Quantity":2}}`)
	is(t, "attempts", []model.Value{o.origins[0].ConnectionAttempts, o.origins[1].ConnectionAttempts}, "[1,1]")
	is(t, "target", behaviorOf(t, b, "").props.TargetOriginId, `"`+id+`-group"`)
	finds(t, b, "warning fail-over-statuses: the service api is not asked again for 429")
	findsNot(t, b, "endpoints", "fail-over-methods")

	b = serviced(t, two, "")
	if o := b.sites[0].origins[0]; len(o.origins) != 1 || o.group != nil {
		t.Error("a route that takes POST has an origin group")
	}
	finds(t, b, "warning endpoints: of 2 endpoints 1 are used; nothing goes to https://a.example.net")
	b = serviced(t, two, ", methods: [GET], retry: off")
	finds(t, b, "warning endpoints: of 2 endpoints 1 are used")
	b = serviced(t, `endpoints: ["https://a.example.net", "https://b.example.net", "https://c.example.net"]`, ", methods: [GET]")
	finds(t, b, "warning endpoints: of 3 endpoints 2 are used; nothing goes to https://c.example.net")
}

// TestGroupOfSomeBehaviors: where one behaviour reads and another writes, the one that writes asks the first origin.
func TestGroupOfSomeBehaviors(t *testing.T) {
	b := routed(t, `
routes:
  - {name: read, match: {prefix: /read}, methods: [GET], service: api}
  - {name: rest, match: {prefix: /}, service: api}
`, `
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec: {endpoints: ["https://a.example.net", "https://b.example.net"]}
`)
	o := b.sites[0].origins[0]
	if o.group == nil {
		t.Fatal("there is no group")
	}
	is(t, "target of what reads", behaviorOf(t, b, "/read/*").props.TargetOriginId, `"`+o.id+`"`)
	is(t, "target of the rest", behaviorOf(t, b, "").props.TargetOriginId, asJSON(t, o.origins[0].Id))
	finds(t, b, "warning fail-over-methods: the default behaviour takes other methods")
}

func TestOpenOrigin(t *testing.T) {
	b := serviced(t, `endpoints: ["https://o.example.net"]`, "")
	is(t, "fields", originOf(t, b).OriginCustomHeaders, `[{"HeaderName":"X-Forwarded-Proto","HeaderValue":"https"},{"HeaderName":"X-Forwarded-Port","HeaderValue":"443"},`+
		`{"HeaderName":"X-Origin-Secret","HeaderValue":"{{resolve:secretsmanager:@Secret.:SecretString}}"}]`)
	finds(t, b, "warning origin-open: nothing closes api to others but the value of X-Origin-Secret")
	finds(t, serviced(t, `endpoints: ["http://o.example.net"]`, ""), "warning origin-open: nothing closes api to others but the value of X-Origin-Secret, and over plain HTTP")

	const mine = "arn:aws:secretsmanager:us-east-1:123456789012:secret:edge-AbCdEf"
	b = serviced(t, `endpoints: ["https://o.example.net"]`+"\naws: {secret: '"+mine+"'}", ", forwarded: remove")
	is(t, "fields", originOf(t, b).OriginCustomHeaders, `[{"HeaderName":"X-Origin-Secret","HeaderValue":"{{resolve:secretsmanager:`+mine+`:SecretString}}"}]`)
	for _, r := range b.shared.Resources {
		if r.Type() == "AWS::SecretsManager::Secret" {
			t.Error("a secret is made beside the one that was named")
		}
	}
	svc := *b.sites[0].origins[0].service
	far := *svc.AWS
	far.Secret, svc.AWS = strings.Replace(mine, "us-east-1", "eu-central-1", 1), &far
	b.secret(b.sites[0], &svc)
	finds(t, b, "error origin-secret-region: the secret is in eu-central-1")
}

// TestSecretIsShared: a service that several entrypoints ask looks for one value.
func TestSecretIsShared(t *testing.T) {
	b := built(t, `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: a, owner: team}
spec: {hosts: [a.example.com], service: api}
---
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: b, owner: team}
spec: {hosts: [b.example.com], service: api}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: team}
spec: {endpoints: ["https://o.example.net"]}
`)
	n := 0
	for _, r := range b.shared.Resources {
		if r.Type() == "AWS::SecretsManager::Secret" {
			n++
			is(t, "secret", r.Props.(*model.Secret).GenerateSecretString, `{"ExcludePunctuation":true,"IncludeSpace":false,"PasswordLength":48}`)
		}
	}
	if n != 1 {
		t.Errorf("one service has %d secrets", n)
	}
}

func TestForwardedProto(t *testing.T) {
	b := routed(t, "redirect: off\nroutes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	finds(t, b, "warning forwarded-proto: the service https://o.example.net gets no X-Forwarded-Proto")
	for _, h := range b.sites[0].origins[0].origins[0].OriginCustomHeaders {
		if h.HeaderName == model.Text("X-Forwarded-Proto") {
			t.Error("plain HTTP is called https")
		}
	}
}

func TestVPCOrigin(t *testing.T) {
	b := serviced(t, `endpoints: ["https://inner.example.net:8443"]`+"\naws: {loadBalancer: '"+loadBalancer+"'}", "")
	o := originOf(t, b)
	is(t, "origin", o.VpcOriginConfig, `{"OriginKeepaliveTimeout":55,"OriginReadTimeout":30,"VpcOriginId":"@VpcOrigin.Id"}`)
	if o.CustomOriginConfig != nil {
		t.Error("an origin is either custom or in a VPC")
	}
	made := referred[*model.VpcOrigin](t, o.VpcOriginConfig.VpcOriginId).VpcOriginEndpointConfig
	made.Name = nil
	is(t, "VPC origin", made, `{"Arn":"`+loadBalancer+`","HTTPPort":80,"HTTPSPort":8443,"OriginProtocolPolicy":"https-only","OriginSSLProtocols":["TLSv1.2"]}`)
	findsNot(t, b, "origin-open")
}

func TestLambdaOrigin(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:123456789012:function:render"
	body := `endpoints: ["https://abcdefghijklmnop.lambda-url.us-east-1.on.aws"]` + "\naws: {function: '" + function + "'}"
	b := serviced(t, body, "")
	o := originOf(t, b)
	made := referred[*model.OriginAccessControl](t, o.OriginAccessControlId).OriginAccessControlConfig
	made.Name = nil
	is(t, "access control", made, `{"OriginAccessControlOriginType":"lambda","SigningBehavior":"always","SigningProtocol":"sigv4"}`)
	finds(t, b, "warning function-body-hash: the route all takes requests with bodies", "warning function-authorization", "warning origin-own-host")
	findsNot(t, b, "origin-open")
	var actions []string
	for _, r := range b.edges[0].with {
		if p, ok := r.Props.(*model.Permission); ok {
			actions = append(actions, asJSON(t, p))
		}
	}
	const arn = `"Principal":"cloudfront.amazonaws.com","SourceArn":"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/@Distribution."`
	want := []string{
		`{"Action":"lambda:InvokeFunctionUrl","FunctionName":"` + function + `","FunctionUrlAuthType":"AWS_IAM",` + arn + `}`,
		`{"Action":"lambda:InvokeFunction","FunctionName":"` + function + `","InvokedViaFunctionUrl":true,` + arn + `}`,
	}
	if strings.Join(actions, "\n") != strings.Join(want, "\n") {
		t.Errorf("permissions are\n%s", strings.Join(actions, "\n"))
	}
	b = serviced(t, body, ", methods: [GET]")
	findsNot(t, b, "function-body-hash")
	is(t, "what reaches it", behaviorOf(t, b, "").props.CachePolicyId, `"@CachePolicy.Id"`)
	if headers := cachePolicyOf(t, b).ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers; asJSON(t, headers) != `["Origin","X-Forwarded-Host"]` {
		t.Errorf("towards a function that is asked with a signature %s count", asJSON(t, headers))
	}
	b = serviced(t, strings.ReplaceAll(body, "us-east-1", "eu-west-1"), "")
	finds(t, b, "error grant-region: the function arn:aws:lambda:eu-west-1:")
}

func TestAPIGateway(t *testing.T) {
	b := serviced(t, `endpoints: ["https://a1b2c3.execute-api.eu-central-1.amazonaws.com"]`, "")
	is(t, "policy", behaviorOf(t, b, "").props.OriginRequestPolicyId, `"`+allButHost+`"`)
	finds(t, b, "warning origin-own-host: the service gets a1b2c3.execute-api.eu-central-1.amazonaws.com as its Host", "warning origin-open")
	b = serviced(t, `endpoints: ["https://a1b2c3.execute-api.eu-central-1.amazonaws.com"]`+"\nhost: endpoint", "")
	findsNot(t, b, "origin-own-host")
}

func TestBucketOrigin(t *testing.T) {
	b := serviced(t, "directory: {path: .}\naws: {bucket: shop-files, region: eu-central-1}", "")
	o := originOf(t, b)
	is(t, "name", o.DomainName, `"shop-files.s3.eu-central-1.amazonaws.com"`)
	is(t, "origin", o.S3OriginConfig, `{"OriginAccessIdentity":""}`)
	if o.CustomOriginConfig != nil || len(o.OriginCustomHeaders) != 0 {
		t.Error("the origin of a bucket is asked like a server")
	}
	v := behaviorOf(t, b, "").props
	is(t, "methods", v.AllowedMethods, `["GET","HEAD","OPTIONS"]`)
	if v.OriginRequestPolicyId != nil {
		t.Error("a bucket gets what the client sent, its Host too, and the signature does not fit")
	}
	key := cachePolicyOf(t, b).ParametersInCacheKeyAndForwardedToOrigin
	is(t, "key", []any{key.CookiesConfig, key.HeadersConfig, key.QueryStringsConfig}, `[{"CookieBehavior":"none"},{"HeaderBehavior":"none"},{"QueryStringBehavior":"none"}]`)
	finds(t, b, "error grant-region: the bucket shop-files is in eu-central-1", "note directory-status")
	b = serviced(t, "directory: {path: .}\naws: {bucket: shop-files, region: us-east-1}", ", cache: off")
	v = behaviorOf(t, b, "").props
	if v.CachePolicyId != model.Text(cachingDisabled) || v.OriginRequestPolicyId != nil {
		t.Errorf("without a cache a bucket gets %v", v.OriginRequestPolicyId)
	}
}

// TestOriginIDs: an id depends on the service alone, and names that look alike have different ones.
func TestOriginIDs(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"api", "API", "api-", "https://api", strings.Repeat("a", 200), strings.Repeat("a", 201), "über"} {
		svc := *serviced(t, `endpoints: ["https://o.example.net"]`, "").sites[0].origins[0].service
		svc.Meta.Name = name
		id := originID(&svc)
		if other, again := seen[id]; again || len(id) > 128-len("-group") || id != originID(&svc) {
			t.Errorf("%q has the id %q, as %q has", name, id, other)
		}
		seen[id] = name
	}
}
