package compile

import (
	"cmp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsCertificates = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html"

// certificateRules are what certificates and TLS come to.
var certificateRules = struct{ missing, long, versions finding.Rule }{
	missing: finding.Rule{
		ID: "certificate-missing", Severity: finding.Error, Source: docsCertificates,
		Meaning: "A distribution has one certificate for all its hosts: one of the account that covers them, or a new one that is proven by records in a known zone. While somebody has yet to make those records by hand, the deployment waits.",
		Remedy:  "name the zone in `zones` or a certificate in `certificates` of the AWS document; or make the records that AWS Certificate Manager asks for during the deployment, and allow `certificate-missing`",
	},
	long: finding.Rule{
		ID: "certificate-name", Severity: finding.Error, Source: "https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html",
		Meaning: "The first name of a new certificate has 64 bytes at most.",
		Remedy:  "add a shorter host, or name a certificate in `certificates`",
	},
	versions: finding.Rule{
		ID: "tls-versions-shared", Severity: finding.Warning,
		Source:  "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html",
		Meaning: "The lowest version of TLS is that of a whole distribution: the strictest of its entrypoints holds for all of them.",
		Remedy:  "give the entrypoints the same tls.minVersion, or write `packing: dedicated`",
		Witness: "a client without TLS 1.3 at a host whose minVersion is 1.2",
	},
}

// certificates gives a distribution, or each of its tenants, its certificate, and the lowest version of TLS.
func (b *builder) certificates(e *edge) {
	var hosts []string
	for _, s := range e.sites {
		hosts = append(hosts, s.hosts...)
	}
	config := e.distribution.Props.(*model.Distribution).DistributionConfig
	if len(hosts) == 0 {
		config.ViewerCertificate = &model.DistributionViewerCertificate{CloudFrontDefaultCertificate: model.Bool(true)}
		return
	}
	config.ViewerCertificate = &model.DistributionViewerCertificate{
		SslSupportMethod: model.Text("sni-only"), MinimumProtocolVersion: model.Text(b.securityPolicy(e)),
	}
	if e.packing == spec.PackingTenants {
		config.ViewerCertificate.AcmCertificateArn = b.tenantCertificates(e, hosts)
	} else {
		config.ViewerCertificate.AcmCertificateArn = b.certificate(e, "Certificate", e.name, e.sites[0], hosts)
	}
}

// securityPolicy is the lowest version of TLS of the strictest site.
func (b *builder) securityPolicy(e *edge) string {
	strictest, differ := e.sites[0], false
	for _, s := range e.sites[1:] {
		if version := cmp.Compare(s.entry.Policy.TLS.MinVersion, strictest.entry.Policy.TLS.MinVersion); version != 0 {
			differ = true
			if version > 0 {
				strictest = s
			}
		}
	}
	version := strictest.entry.Policy.TLS.MinVersion
	if differ {
		b.find(&certificateRules.versions, strictest, strictest.entry.At, "spec.tls.minVersion",
			"TLS %s holds for all %d entrypoints of the distribution of %s", version, len(e.sites), e.name)
	}
	if version == "1.3" {
		return "TLSv1.3_2025"
	}
	return "TLSv1.2_2021"
}

// tenantCertificates gives each tenant whose hosts the certificate of the distribution does not cover one of its own. The one of the
// distribution, which tenants have if they have none, is for all of them if there is such a one, or that of the first.
func (b *builder) tenantCertificates(e *edge, hosts []string) model.Value {
	if arn := b.known(hosts); arn != nil {
		return arn
	}
	first := b.certificate(e, "Certificate", e.name, e.sites[0], e.sites[0].hosts)
	for i, s := range e.sites {
		if i == 0 || coversAll(e.sites[0].hosts, s.hosts) {
			continue
		}
		t := e.tenants[i].Props.(*model.DistributionTenant)
		if t.Customizations == nil {
			t.Customizations = &model.DistributionTenantCustomizations{}
		}
		t.Customizations.Certificate = &model.DistributionTenantCertificate{Arn: b.certificate(e, "TenantCertificate", s.entry.Meta.Name, s, s.hosts)}
	}
	return first
}

// known is a certificate of the account that covers all hosts; nil: there is none.
func (b *builder) known(hosts []string) model.Value {
	for _, c := range b.account.Certificates {
		if coversAll(c.Hosts, hosts) {
			return model.Text(c.ARN)
		}
	}
	return nil
}

// certificate is the certificate for hosts: one that is there already, or a new one that records in their zones prove.
func (b *builder) certificate(e *edge, what, name string, s *site, hosts []string) model.Value {
	if len(hosts) == 0 {
		return nil
	}
	if arn := b.known(hosts); arn != nil {
		return arn
	}
	names := fewest(hosts)
	i := slices.IndexFunc(names, func(n string) bool { return len(n) <= commonNameMax })
	if i < 0 {
		i = 0
		b.find(&certificateRules.long, s, s.entry.At, "spec.hosts", "%s has %d bytes", names[0], len(names[0]))
	}
	c := &model.Certificate{DomainName: model.Text(names[i]), ValidationMethod: model.Text("DNS")}
	if len(names) > 1 {
		c.SubjectAlternativeNames = model.Texts(slices.Concat(names[:i], names[i+1:]))
	}
	var missing []string
	for _, n := range names {
		zone := b.zone(n)
		if zone == nil {
			missing = append(missing, n)
			continue
		}
		c.DomainValidationOptions = append(c.DomainValidationOptions,
			&model.CertificateDomainValidationOption{DomainName: model.Text(n), HostedZoneId: model.Text(zone.ID)})
	}
	if len(missing) > 0 {
		b.find(&certificateRules.missing, s, s.entry.At, "spec.hosts", "no known certificate covers %s, and %s is in no known zone",
			strings.Join(hosts, ", "), strings.Join(missing, ", "))
	}
	r := own(what, name, s.entry.At, c)
	if e.packing == spec.PackingTenants && what == "Certificate" {
		r.Owner = "" // it goes with the distribution, not with the tenant
	}
	e.with = append(e.with, r)
	return model.Ref{Resource: r}
}

// fewest are hosts without those that a wildcard among them covers, in their order, each once.
func fewest(hosts []string) []string {
	var out []string
	for _, h := range hosts {
		if slices.Contains(out, h) || slices.ContainsFunc(hosts, func(other string) bool { return other != h && coveredBy(h, other) }) {
			continue
		}
		out = append(out, h)
	}
	return out
}
