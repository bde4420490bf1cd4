package spec

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// This file is the table of the kind AWS: what the compiler for CloudFront and AWS WAF has to know of an account. See
// awsorigin.go for what a Service says of it, awsnames.go for the forms of ids and ARNs.

type awsDoc struct {
	meta         metaDoc
	at           Pos
	account      val[string]
	packing      val[AWSPacking]
	zones        val[[]val[Pair]]
	certificates val[[]val[awsCertificateDoc]]
	priceClass   val[AWSPriceClass]
	http3, ipv6  val[Switch]
	canary       val[AWSCanary]
	logs         val[awsLogsDoc]
	firewall     val[awsFirewallDoc]
	quotas       val[[]val[awsQuota]]
	allow        val[[]val[string]]
}

type awsCertificateDoc struct {
	arn   val[string]
	hosts val[[]string]
}

type awsLogsDoc struct{ bucket, waf val[string] }

type awsFirewallDoc struct {
	bodyKB val[int]
	bots   val[AWSBots]
}

type awsQuota struct {
	name  string
	value int
}

var awsSpec = object[awsDoc]{
	name: "AWS", doc: "What the compiler for CloudFront and AWS WAF has to know of an account. One document at most; the edge itself makes no use of it.",
	fields: []field[*awsDoc]{
		row("account", func(a *awsDoc) *val[string] { return &a.account },
			words(awsAccount, map[string]any{"pattern": "^" + accountPattern + "$"}), `The number of the account, 12 digits in quotes: not known, if left out.`),
		rowOr("packing", func(a *awsDoc) *val[AWSPacking] { return &a.packing },
			oneOf(PackingAuto, PackingDedicated, PackingTenants, PackingShared), PackingAuto,
			"How hosts are spread over distributions: auto (what fits the quotas), dedicated (one for each Entrypoint), tenants of a multi-tenant one, or shared."),
		row("zones", func(a *awsDoc) *val[[]val[Pair]] { return &a.zones }, awsZones,
			"Hosted zones of Route 53: the domain and the id of each. Hosts below them get records, and new certificates are proven there."),
		row("certificates", func(a *awsDoc) *val[[]val[awsCertificateDoc]] { return &a.certificates }, awsCertificates,
			"Certificates that are there already; for other hosts new ones are asked for."),
		rowOr("priceClass", func(a *awsDoc) *val[AWSPriceClass] { return &a.priceClass },
			oneOf(PriceClassAll, PriceClass200, PriceClass100), PriceClassAll, "From where CloudFront answers: all, 200 or 100, the cheapest regions alone."),
		rowOr("http3", func(a *awsDoc) *val[Switch] { return &a.http3 }, onOff, true, "Whether distributions speak HTTP/3 too."),
		rowOr("ipv6", func(a *awsDoc) *val[Switch] { return &a.ipv6 }, onOff, true, "Whether distributions have IPv6 addresses too."),
		rowOr("canary", func(a *awsDoc) *val[AWSCanary] { return &a.canary }, oneOf(CanaryFunction, CanaryContinuousDeployment), CanaryFunction,
			"What weighted services become: function (any weights), or continuousDeployment (a staging distribution with 15 % at most, and no HTTP/3)."),
		row("logs", func(a *awsDoc) *val[awsLogsDoc] { return &a.logs }, awsLogs.shape(), "Where logs go: nowhere, if left out."),
		rowOr("firewall", func(a *awsDoc) *val[awsFirewallDoc] { return &a.firewall }, awsFirewall.shape(), awsFirewallDoc{},
			"What has a price at AWS WAF, and no field in waf."),
		row("quotas", func(a *awsDoc) *val[[]val[awsQuota]] { return &a.quotas }, awsQuotas,
			"Quotas that the account has been granted, by their names: cachePolicies: 50. What is left out is as AWS gives it to everybody."),
		row("allow", func(a *awsDoc) *val[[]val[string]] { return &a.allow }, differenceIDs,
			"Ids of differences that are accepted for every Entrypoint, as `skerry aws lint` prints them."),
	},
	check: checkAWS,
}

var awsCertificate = object[awsCertificateDoc]{
	name: "aws certificate", doc: "A certificate of AWS Certificate Manager in us-east-1, and what it covers.",
	fields: []field[*awsCertificateDoc]{
		row("arn", func(c *awsCertificateDoc) *val[string] { return &c.arn }, arnOf(arnCertificate), "Its ARN.").needed(),
		row("hosts", func(c *awsCertificateDoc) *val[[]string] { return &c.hosts }, coveredHosts,
			"The hosts that it covers; *.example.com for the names one level below example.com.").needed(),
	},
	check: func(l *log, _ Pos, c *awsCertificateDoc) {
		if c.hosts.Clean && len(c.hosts.V) == 0 {
			l.refuse(c.hosts.At, "name at least one", "the list of hosts is empty")
		}
	},
}

// awsCertificates notes each certificate at its place.
var awsCertificates = listOf(awsCertificate.shape(), awsCertificatesMax).filled(func(cs *[]val[awsCertificateDoc], path string, f *filler) {
	for _, c := range *cs {
		f.note(path, c.V.arn.V, c.At)
	}
})

// coveredHosts is a set of hosts in normal form.
var coveredHosts = folded(certifiedHost, map[string]any{"maxLength": hostBytesMax + 2}, awsHostsMax)

var awsLogs = object[awsLogsDoc]{
	name: "aws logs", doc: "Where logs go.",
	fields: []field[*awsLogsDoc]{
		row("bucket", func(d *awsLogsDoc) *val[string] { return &d.bucket }, arnOf(arnBucket),
			"The ARN of the bucket that gets the access logs of Entrypoints whose log is on: none are kept, if left out."),
		row("waf", func(d *awsLogsDoc) *val[string] { return &d.waf }, arnOf(arnLogBucket, arnLogStream, arnLogGroup),
			"The ARN of the bucket, the Firehose stream or the log group that gets the logs of AWS WAF; its name begins with aws-waf-logs-. None are kept, if left out."),
	},
}

var awsFirewall = object[awsFirewallDoc]{
	name: "aws firewall", doc: "What has a price at AWS WAF.",
	fields: []field[*awsFirewallDoc]{
		rowOr("bodyKB", func(d *awsFirewallDoc) *val[int] { return &d.bodyKB }, numberOf(16, 32, 48, 64), 16, "How much of a body is looked at, in KB."),
		rowOr("bots", func(d *awsFirewallDoc) *val[AWSBots] { return &d.bots }, oneOf(BotsOff, BotsCommon, BotsTargeted), BotsOff,
			"The managed group of bot control: off, common, or targeted."),
	},
}

// awsZones is a mapping from a domain to the id of its zone; each is noted at its place.
var awsZones = func() shape[[]val[Pair]] {
	name, id := words(zoneName, map[string]any{"maxLength": hostBytesMax}), words(zoneID, map[string]any{"pattern": zoneIDPattern})
	return pairsOf("zones", name, id, true, awsZonesMax).filled(func(zs *[]val[Pair], path string, f *filler) {
		for _, z := range *zs {
			f.note(path+"."+strings.ToLower(z.V.Name), z.V.Value, z.At)
		}
	})
}()

// awsQuotas is a mapping from names to numbers; each is noted at its place. Which names there are is for the compiler to say,
// which has a list of them.
var awsQuotas = func() shape[[]val[awsQuota]] {
	name, number := words(quotaName, map[string]any{"pattern": quotaNamePattern, "maxLength": nameBytesMax}), whole(1, awsQuotaMost)
	return leaf[[]val[awsQuota]]{
		read: func(l *log, n *node) (out []val[awsQuota], ok bool) {
			if !mapping(l, n, "quotas") {
				return nil, false
			}
			if len(n.entries) > awsQuotasMax {
				l.refuse(n.at, "", "quotas has %d entries, the limit is %d", len(n.entries), awsQuotasMax)
				return nil, false
			}
			for _, e := range n.entries {
				k, okName := name.read(l, e.key)
				v, okValue := number.read(l, e.value)
				out = append(out, val[awsQuota]{V: awsQuota{k, v}, mark: mark{At: e.key.at, Set: okName && okValue}})
			}
			return out, true
		},
		write: func(qs []val[awsQuota]) any {
			out := ordered{}
			for _, q := range qs {
				out = append(out, member{q.V.name, q.V.value})
			}
			return out
		},
		describe: func(d *describer) map[string]any {
			return map[string]any{
				"type": "object", "maxProperties": awsQuotasMax, "propertyNames": name.describe(d), "additionalProperties": number.describe(d),
			}
		},
	}.shape().filled(func(qs *[]val[awsQuota], path string, f *filler) {
		for _, q := range *qs {
			f.note(path+"."+q.V.name, q.V.value, q.At)
		}
	})
}()

// checkAWS refuses what stands twice, and what belongs to another account, where CloudFront and AWS WAF cannot use it.
func checkAWS(l *log, _ Pos, a *awsDoc) {
	zones := map[string]string{} // names, by id
	for _, z := range a.zones.V {
		if first, again := zones[z.V.Value]; again && z.Set {
			l.refuse(z.At, "look the id up again", "the zones %q and %q have the same id", first, z.V.Name)
		} else if z.Set {
			zones[z.V.Value] = z.V.Name
		}
	}
	certificates := map[string]Pos{}
	for _, c := range a.certificates.V {
		arn := c.V.arn
		if !arn.Set {
			continue
		}
		if first, again := certificates[arn.V]; again {
			l.refuse(arn.At, "put its hosts into one list", "the certificate stands twice, first at line %d", first.Line)
			continue
		}
		certificates[arn.V] = arn.At
		ofAccount(l, "certificate", arn, a.account)
	}
	ofAccount(l, "destination of logs", a.logs.V.waf, a.account)
}

// ofAccount refuses the ARN of something in another account, where both are known: the ARN of a bucket names none.
func ofAccount(l *log, what string, arn, account val[string]) {
	if of := accountOf(arn.V); arn.Set && account.Set && of != "" && of != account.V {
		l.refuse(arn.At, "name one of the same account", "the %s is of the account %s, and `account` is %s", what, of, account.V)
	}
}

// addAWS takes the one document of the kind. A spec is compiled for one account.
func (r *resolver) addAWS(docs []awsDoc) {
	for i, d := range docs {
		if i > 0 {
			first := docs[0]
			r.log.refuse(d.at, "keep one of them, with what both say", "there are two AWS documents; the other one is %q at %s", first.meta.name.V, first.at)
			continue
		}
		r.spec.AWS = d.model()
	}
}

// DefaultAWS is what is in force where no document says anything of AWS.
func DefaultAWS() *AWS { return awsDoc{}.model() }

// model is the document with defaults filled in.
func (d awsDoc) model() *AWS {
	var f filler
	awsShape.fill(&d, "spec", &f)
	a := &AWS{
		Meta: d.meta.model(), At: d.at, Account: d.account.V, Packing: d.packing.V, PriceClass: d.priceClass.V,
		HTTP3: bool(d.http3.V), IPv6: bool(d.ipv6.V), Canary: d.canary.V,
		Logs:     AWSLogs{Bucket: d.logs.V.bucket.V, WAF: d.logs.V.waf.V},
		Firewall: AWSFirewall{BodyKB: d.firewall.V.bodyKB.V, Bots: d.firewall.V.bots.V},
		Quotas:   map[string]int{}, Allow: setOf(d.allow.V), Sources: f.sources,
	}
	for _, z := range values(d.zones.V) {
		a.Zones = append(a.Zones, AWSZone{Name: strings.ToLower(z.Name), ID: z.Value})
	}
	sort.Slice(a.Zones, func(i, j int) bool { return a.Zones[i].Name < a.Zones[j].Name })
	for _, c := range values(d.certificates.V) {
		a.Certificates = append(a.Certificates, AWSCertificate{ARN: c.arn.V, Hosts: c.hosts.V})
	}
	sort.Slice(a.Certificates, func(i, j int) bool { return a.Certificates[i].ARN < a.Certificates[j].ARN })
	for _, q := range values(d.quotas.V) {
		a.Quotas[q.name] = q.value
	}
	return a
}

// awsDocOf is the account as a document that says everything.
func awsDocOf(a *AWS) awsDoc {
	d := awsDoc{
		account: saidText(a.Account), packing: said(a.Packing), priceClass: said(a.PriceClass),
		http3: said(Switch(a.HTTP3)), ipv6: said(Switch(a.IPv6)), canary: said(a.Canary),
		logs:     said(awsLogsDoc{saidText(a.Logs.Bucket), saidText(a.Logs.WAF)}),
		firewall: said(awsFirewallDoc{said(a.Firewall.BodyKB), said(a.Firewall.Bots)}),
		allow:    setDocOf(a.Allow),
	}
	for _, z := range a.Zones {
		d.zones.Set = true
		d.zones.V = append(d.zones.V, said(Pair{z.Name, z.ID}))
	}
	for _, c := range a.Certificates {
		d.certificates.Set = true
		d.certificates.V = append(d.certificates.V, said(awsCertificateDoc{said(c.ARN), said(c.Hosts)}))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Quotas)) {
		d.quotas.Set = true
		d.quotas.V = append(d.quotas.V, said(awsQuota{name, a.Quotas[name]}))
	}
	return d
}

func canonicalAWS(a *AWS) []byte {
	return canonicalDocument("AWS", metaDocOf(a.Meta), awsShape.write(awsDocOf(a)))
}
