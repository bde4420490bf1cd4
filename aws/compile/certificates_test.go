package compile

import (
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

// hosted compiles an entrypoint with hosts, and an account.
func hosted(t testing.TB, hosts, entry, account string) *builder {
	t.Helper()
	return built(t, `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: team}
spec:
  hosts: [`+hosts+`]
  service: https://o.example.net
`+entry+`
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: account, owner: team}
spec:
`+indented(account)+"\n")
}

func viewerCertificate(b *builder) *model.DistributionViewerCertificate {
	return b.edges[0].distribution.Props.(*model.Distribution).DistributionConfig.ViewerCertificate
}

func certificateOf(b *builder) *model.Certificate {
	for _, r := range b.edges[0].with {
		if c, ok := r.Props.(*model.Certificate); ok {
			return c
		}
	}
	return nil
}

const (
	zones = "zones: {example.com: Z0123456789ABCDEFGHIJ, sub.example.com: Z9876543210ABCDEFGHIJ}"
	arn   = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
)

func TestCertificate(t *testing.T) {
	f := func(hosts, account, want string) *builder {
		t.Helper()
		b := hosted(t, hosts, "", account)
		if c := certificateOf(b); c != nil {
			is(t, hosts, c, want)
			is(t, hosts, viewerCertificate(b).AcmCertificateArn, `"@Certificate."`)
		} else {
			is(t, hosts, viewerCertificate(b).AcmCertificateArn, want)
		}
		return b
	}
	known := "certificates: [{arn: '" + arn + "', hosts: ['*.example.com']}]\n" + zones
	f("www.example.com, shop.example.com", known, `"`+arn+`"`)
	f("www.example.com", zones, `{"DomainName":"www.example.com","DomainValidationOptions":[{"DomainName":"www.example.com","HostedZoneId":"Z0123456789ABCDEFGHIJ"}],"ValidationMethod":"DNS"}`)
	f("www.example.com, example.com", known, `{"DomainName":"example.com","DomainValidationOptions":[{"DomainName":"example.com","HostedZoneId":"Z0123456789ABCDEFGHIJ"},`+
		`{"DomainName":"www.example.com","HostedZoneId":"Z0123456789ABCDEFGHIJ"}],"SubjectAlternativeNames":["www.example.com"],"ValidationMethod":"DNS"}`)
	f(`www.example.com, "*.example.com", a.sub.example.com`, zones, `{"DomainName":"*.example.com","DomainValidationOptions":[{"DomainName":"*.example.com","HostedZoneId":"Z0123456789ABCDEFGHIJ"},`+
		`{"DomainName":"a.sub.example.com","HostedZoneId":"Z9876543210ABCDEFGHIJ"}],"SubjectAlternativeNames":["a.sub.example.com"],"ValidationMethod":"DNS"}`)
	b := f("www.example.com, www.example.org", zones, `{"DomainName":"www.example.com","DomainValidationOptions":[{"DomainName":"www.example.com","HostedZoneId":"Z0123456789ABCDEFGHIJ"}],`+
		`"SubjectAlternativeNames":["www.example.org"],"ValidationMethod":"DNS"}`)
	finds(t, b, "error certificate-missing: no known certificate covers www.example.com, www.example.org, and www.example.org is in no known zone")
	findsNot(t, f("www.example.com", zones, certificateText("www.example.com")), "certificate-missing")
}

func certificateText(host string) string {
	return `{"DomainName":"` + host + `","DomainValidationOptions":[{"DomainName":"` + host + `","HostedZoneId":"Z0123456789ABCDEFGHIJ"}],"ValidationMethod":"DNS"}`
}

func TestCertificateName(t *testing.T) {
	long := strings.Repeat("a", 60) + ".example.com"
	b := hosted(t, long, "", zones)
	finds(t, b, "error certificate-name: "+long)
	b = hosted(t, long+", www.example.com", "", zones)
	is(t, "first name", certificateOf(b).DomainName, `"www.example.com"`)
	is(t, "others", certificateOf(b).SubjectAlternativeNames, `["`+long+`"]`)
	findsNot(t, b, "certificate-name")
}

func TestSecurityPolicy(t *testing.T) {
	f := func(entry, want string) {
		t.Helper()
		b := hosted(t, "www.example.com", entry, zones)
		is(t, entry, []model.Value{viewerCertificate(b).MinimumProtocolVersion, viewerCertificate(b).SslSupportMethod}, want)
	}
	f("", `["TLSv1.2_2021","sni-only"]`)
	f("  tls: {minVersion: '1.3'}", `["TLSv1.3_2025","sni-only"]`)
}

// TestStrictestTLS: entrypoints that share a distribution have the lowest version of the strictest.
func TestStrictestTLS(t *testing.T) {
	a, c := hosted(t, "a.example.com", "", zones), hosted(t, "b.example.com", "  tls: {minVersion: '1.3'}", zones)
	for _, sites := range [][]*site{{a.sites[0], c.sites[0]}, {c.sites[0], a.sites[0]}} {
		if got := a.securityPolicy(&edge{name: "both", sites: sites}); got != "TLSv1.3_2025" {
			t.Errorf("the lowest version is %s", got)
		}
	}
	finds(t, a, "warning tls-versions-shared: TLS 1.3 holds for all 2 entrypoints")
}

// TestTenantCertificates: a tenant has a certificate of its own unless that of the distribution covers its hosts.
func TestTenantCertificates(t *testing.T) {
	b := hosted(t, "a.example.com", "", zones)
	second := hosted(t, "b.example.com", "", zones).sites[0]
	e := &edge{name: "both", packing: "tenants", sites: []*site{b.sites[0], second}, distribution: b.edges[0].distribution}
	for range e.sites {
		e.tenants = append(e.tenants, &model.Resource{Props: &model.DistributionTenant{}})
	}
	second.entry.Meta.Name = "other"
	b.edges = []*edge{e}
	b.certificates(b.edges[0])
	is(t, "distribution", viewerCertificate(b).AcmCertificateArn, `"@Certificate."`)
	is(t, "first tenant", e.tenants[0].Props, `{}`)
	is(t, "second tenant", e.tenants[1].Props, `{"Customizations":{"Certificate":{"Arn":"@Certificate."}}}`)
	var owners []string
	for _, r := range e.with {
		owners = append(owners, r.Owner)
	}
	if strings.Join(owners, ",") != ",other" {
		t.Errorf("the certificates belong to %q", owners)
	}

	e.with, e.tenants[1].Props = nil, &model.DistributionTenant{}
	b.account.Certificates = append(b.account.Certificates, known(t)...)
	b.certificates(b.edges[0])
	is(t, "distribution", viewerCertificate(b).AcmCertificateArn, `"`+arn+`"`)
	is(t, "second tenant", e.tenants[1].Props, `{}`)
	if len(e.with) != 0 {
		t.Error("a certificate is made, although there is one")
	}
}
