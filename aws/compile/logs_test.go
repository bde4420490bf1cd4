package compile

import (
	"regexp"
	"strings"
	"testing"

	"skerry.dev/skerry/aws/model"
)

func TestLogs(t *testing.T) {
	b := routed(t, "routes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	var source *model.DeliverySource
	var delivery *model.Delivery
	for _, r := range b.edges[0].with {
		switch p := r.Props.(type) {
		case *model.DeliverySource:
			source = p
		case *model.Delivery:
			delivery = p
		}
	}
	if source == nil || delivery == nil {
		t.Fatal("nothing is delivered")
	}
	is(t, "source", []model.Value{source.LogType, source.ResourceArn}, `["ACCESS_LOGS","arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/@Distribution."]`)
	is(t, "delivery", []model.Value{delivery.DeliverySourceName, delivery.DeliveryDestinationArn}, `["@DeliverySource.","@DeliveryDestination.Arn"]`)
	for _, secret := range []string{"cs(Cookie)", "cs-uri-query", "cs(Referer)"} {
		if strings.Contains(asJSON(t, delivery.RecordFields), secret) {
			t.Errorf("%s is logged", secret)
		}
	}
	to := referred[*model.DeliveryDestination](t, delivery.DeliveryDestinationArn)
	is(t, "destination", []model.Value{to.DestinationResourceArn, to.DeliveryDestinationType, to.OutputFormat}, `["arn:aws:s3:::logs","S3","json"]`)
	findsNot(t, b, "logs-nowhere", "logs-whole")
}

func TestLogsOff(t *testing.T) {
	delivers := func(b *builder) (n int) {
		for _, r := range b.edges[0].with {
			if strings.HasPrefix(r.Type(), "AWS::Logs::") {
				n++
			}
		}
		return n
	}
	b := routed(t, "log: off\nroutes: [{name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	if n := delivers(b); n != 0 {
		t.Errorf("log: off makes %d resources", n)
	}
	b = routed(t, "routes: [{name: quiet, match: {prefix: /q}, log: off, service: https://o.example.net}, {name: all, match: {prefix: /}, service: https://o.example.net}]", "")
	finds(t, b, "warning logs-whole: 1 routes of the distribution of shop say log: off, and are logged")
	b = hosted(t, "www.example.com", "", zones)
	finds(t, b, "warning logs-nowhere: the distribution of shop has no access logs")
	if n := delivers(b); n != 0 {
		t.Errorf("without a bucket there are %d resources", n)
	}
}

func TestLogSource(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"a", "A", strings.Repeat("long-", 30), strings.Repeat("long-", 30) + "b", "0"} {
		id := logSource(&edge{name: name})
		if seen[id] || !regexp.MustCompile(`^[\w-]{1,60}$`).MatchString(id) {
			t.Errorf("the source of %q is called %q", name, id)
		}
		seen[id] = true
	}
}
