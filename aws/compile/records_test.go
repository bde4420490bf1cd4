package compile

import (
	"slices"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// known are the certificates of an account with one for everything below example.com.
func known(t *testing.T) []spec.AWSCertificate {
	return hosted(t, "www.example.com", "", "certificates: [{arn: '"+arn+"', hosts: ['*.example.com']}]").account.Certificates
}

func recordsOf(t *testing.T, b *builder) (out []string) {
	for _, r := range b.edges[0].with {
		if p, ok := r.Props.(*model.RecordSet); ok {
			out = append(out, asJSON(t, p))
		}
	}
	return out
}

func TestRecords(t *testing.T) {
	b := hosted(t, "www.example.com, a.sub.example.com", "", zones)
	record := func(host, kind, zone string) string {
		return `{"AliasTarget":{"DNSName":"@Distribution.DomainName","EvaluateTargetHealth":false,"HostedZoneId":"Z2FDTNDATAQYW2"},"HostedZoneId":"` + zone + `","Name":"` + host + `","Type":"` + kind + `"}`
	}
	want := []string{
		record("a.sub.example.com", "A", "Z9876543210ABCDEFGHIJ"), record("a.sub.example.com", "AAAA", "Z9876543210ABCDEFGHIJ"),
		record("www.example.com", "A", "Z0123456789ABCDEFGHIJ"), record("www.example.com", "AAAA", "Z0123456789ABCDEFGHIJ"),
	}
	if got := recordsOf(t, b); !slices.Equal(got, want) {
		t.Errorf("records are\n%s", strings.Join(got, "\n"))
	}
	findsNot(t, b, "record-by-hand")

	b = hosted(t, "www.example.com", "", "ipv6: off\n"+zones)
	if got := recordsOf(t, b); len(got) != 1 || !strings.Contains(got[0], `"Type":"A"`) {
		t.Errorf("without IPv6 records are %v", got)
	}
	b = hosted(t, "www.example.org, notexample.com", "", zones)
	if got := recordsOf(t, b); len(got) != 0 {
		t.Errorf("records in other zones: %v", got)
	}
	finds(t, b, "note record-by-hand: notexample.com, www.example.org: each needs a CNAME")
}

// TestTenantRecords: hosts of tenants point to the connection group.
func TestTenantRecords(t *testing.T) {
	b := hosted(t, "www.example.com", "", zones)
	e := b.edges[0]
	e.with, e.group = nil, &model.Resource{Props: &model.ConnectionGroup{}}
	b.records(e)
	for _, r := range recordsOf(t, b) {
		if !strings.Contains(r, `"DNSName":"@ConnectionGroup.RoutingEndpoint"`) {
			t.Errorf("the record is %s", r)
		}
	}
	if e.with[0].Owner != "shop" {
		t.Errorf("the record belongs to %q", e.with[0].Owner)
	}
}
