package schema

import (
	"net/url"
	"regexp"
	"testing"
	"time"
)

func TestQuotas(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+([A-Z][a-z]+)*$`)
	for _, q := range Quotas() {
		if !name.MatchString(q.Name) {
			t.Errorf("%q is no name of a quota", q.Name)
		}
		if _, err := time.Parse(time.DateOnly, q.Date); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		if u, err := url.Parse(q.Source); q.Source != "" && (err != nil || u.Scheme != "https" || u.Host != "docs.aws.amazon.com") {
			t.Errorf("%s: %q is no page of AWS", q.Name, q.Source)
		}
		if got, ok := QuotaNamed(q.Name); !ok || got != q {
			t.Errorf("QuotaNamed(%q) = %v, %v", q.Name, got, ok)
		}
		if q.Type != "" && (ResourceType(q.Type) == nil || AccountQuota(q.Type) != q.Name && UsersQuota(q.Type) != q.Name) {
			t.Errorf("%s: %s is no type of a resource, or stands twice", q.Name, q.Type)
		}
	}
	if _, ok := QuotaNamed("cachepolicies"); ok {
		t.Error("names are compared without their case")
	}
	f := func(name string, want int) {
		t.Helper()
		if q, _ := QuotaNamed(name); q.Limit != want {
			t.Errorf("%s is %d, want %d", name, q.Limit, want)
		}
	}
	f("distributions", 500)
	f("cachePolicies", 20)
	f("stackResources", 500)
	f("stackDynamicReferences", 60)
}

func TestQuotaID(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := (Quota{Name: name}).ID(); got != want {
			t.Errorf("ID of %s is %s, want %s", name, got, want)
		}
	}
	f("distributions", "quota-distributions")
	f("cachePolicies", "quota-cache-policies")
	f("webAcls", "quota-web-acls")
	f("functionsPerKeyValueStore", "quota-functions-per-key-value-store")
}

func TestQuotasMustBeWhole(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if _, err := parseQuotas([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	f("quotas: {a: {limit: 1, of: x, per: y, source: nowhere}}")
	f("sources: {s: ''}\nquotas: {a: {of: x, per: y, source: s}}")
	f("sources: {s: ''}\nquotas: {a: {limit: 1, per: y, source: s}}")
	f("sources: {s: ''}\nquotas: {a: {limit: 1, of: x, per: y, source: s, limt: 2}}")
}
