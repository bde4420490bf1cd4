package spec

// AWS is what the compiler for CloudFront and AWS WAF has to know of the account that it compiles for. The edge itself checks it
// and does nothing with it. See DefaultAWS for a spec that says nothing of it.
type AWS struct {
	Meta         Meta
	At           Pos
	Account      string           // 12 digits; empty: not known
	Packing      AWSPacking       // how hosts are spread over distributions
	Zones        []AWSZone        // hosted zones of Route 53, by name: for records, and to prove new certificates
	Certificates []AWSCertificate // that are there already, in us-east-1; by ARN
	PriceClass   AWSPriceClass    // from where CloudFront answers
	HTTP3        bool             // default on
	IPv6         bool             // default on
	Canary       AWSCanary        // what weighted services become
	Logs         AWSLogs
	Firewall     AWSFirewall
	Quotas       map[string]int // those that the account has been granted, by name: "cachePolicies"; AWS's own for others
	Allow        []string       // ids of differences that are accepted for every entrypoint
	Sources      []Source       // of each value; one for each zone, certificate, quota and id
}

// AWSPacking is how hosts are spread over distributions.
type AWSPacking string

// The packings.
const (
	PackingAuto      AWSPacking = "auto"      // the one that fits the quotas and loses least; it is told which and why
	PackingDedicated AWSPacking = "dedicated" // a distribution for each entrypoint
	PackingTenants   AWSPacking = "tenants"   // a multi-tenant distribution for entrypoints that are alike, a tenant for each
	PackingShared    AWSPacking = "shared"    // one distribution with the hosts of entrypoints that are alike
)

// AWSZone is a hosted zone.
type AWSZone struct {
	Name string // the domain, without a dot at the end
	ID   string // Z…
}

// AWSCertificate is a certificate of AWS Certificate Manager.
type AWSCertificate struct {
	ARN   string
	Hosts []string // that it covers; "*.example.com" as in Entrypoint.Hosts
}

// AWSPriceClass is from which edge locations CloudFront answers.
type AWSPriceClass string

// The price classes.
const (
	PriceClassAll AWSPriceClass = "all"
	PriceClass200 AWSPriceClass = "200"
	PriceClass100 AWSPriceClass = "100"
)

// AWSCanary is what weighted services become.
type AWSCanary string

// The forms of a canary.
const (
	// CanaryFunction: a CloudFront Function chooses by a hash of the client.
	CanaryFunction AWSCanary = "function"
	// CanaryContinuousDeployment: a staging distribution with the share of the second service, 15 % at most, and no HTTP/3.
	CanaryContinuousDeployment AWSCanary = "continuousDeployment"
)

// AWSLogs is where logs go; the zero value: nowhere.
type AWSLogs struct {
	Bucket string // ARN of the bucket for access logs; empty: none
	WAF    string // ARN of a bucket, a Firehose stream or a log group whose name begins with aws-waf-logs-; empty: none
}

// AWSFirewall is what has a price at AWS WAF and no field of its own in a spec.
type AWSFirewall struct {
	BodyKB int     // how much of a body is looked at: 16, 32, 48 or 64; default 16
	Bots   AWSBots // bot control
}

// AWSBots is how much of AWS WAF's bot control is on.
type AWSBots string

// The levels of bot control.
const (
	BotsOff      AWSBots = "off"
	BotsCommon   AWSBots = "common"
	BotsTargeted AWSBots = "targeted"
)

// AWSOrigin is what of a service stands in AWS, so that nobody but CloudFront reaches it; at most one of Bucket, LoadBalancer and
// Function.
type AWSOrigin struct {
	At           Pos
	Bucket       string // name of the bucket that has the files of a directory; with Region
	Region       string
	LoadBalancer string // ARN of a load balancer inside a VPC, which becomes a VPC origin; its name is that of the endpoint
	Function     string // ARN of the Lambda function whose URL is the endpoint, the only one; with the alias, if it is that of one
	// Secret is the ARN of the secret whose value CloudFront sends in X-Origin-Secret, for endpoints that nothing else closes;
	// empty: one is made.
	Secret string
}

// Portability is which differences an entrypoint accepts where it is compiled for another platform.
type Portability struct {
	Allow []string // ids, as `skerry aws lint` prints them
}
