package compile

import (
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

const docsLogs = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html"

// logRules are what access logs come to.
var logRules = struct{ nowhere, whole finding.Rule }{
	nowhere: finding.Rule{
		ID: "logs-nowhere", Severity: finding.Warning, Source: docsLogs,
		Meaning: "Exchanges are to be logged, and nothing says where: CloudFront writes no access logs.",
		Remedy:  "name a bucket in `logs.bucket` of the AWS document, or write `log: off`",
		Witness: "any request: no log has it",
	},
	whole: finding.Rule{
		ID: "logs-whole", Severity: finding.Warning, Source: docsLogs,
		Meaning: "A distribution logs all exchanges or none: those of routes with log: off are logged with the others.",
		Remedy:  "give the routes an entrypoint of their own, with `log: off` and a distribution of its own",
		Witness: "a request of the route with log: off, which stands in the log",
	},
}

// logFields are what is logged of an exchange. Cookies, the query and the page before are left out: they may hold secrets, and nothing
// takes those out here as the edge does.
var logFields = []string{
	"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(User-Agent)",
	"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol",
	"ssl-cipher", "x-edge-response-result-type", "cs-protocol-version", "c-port", "time-to-first-byte", "x-edge-detailed-result-type",
	"sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
}

// logs delivers the access logs of a distribution to the bucket of the account.
func (b *builder) logs(e *edge) {
	logged, silent := (*site)(nil), 0
	var off *site
	for _, s := range e.sites {
		on, without := exchangesLogged(s)
		if on && logged == nil {
			logged = s
		}
		if silent += without; without > 0 && off == nil {
			off = s
		}
	}
	switch {
	case logged == nil:
		return
	case b.account.Logs.Bucket == "":
		b.find(&logRules.nowhere, logged, logged.entry.At, "spec.log", "the distribution of %s has no access logs", e.name)
		return
	case silent > 0:
		b.find(&logRules.whole, off, off.entry.At, "spec.log", "%d routes of the distribution of %s say log: off, and are logged", silent, e.name)
	}
	b.deliver(e, logged)
}

// exchangesLogged reports whether anything of a site is to be logged, and how many of its routes are not.
func exchangesLogged(s *site) (any bool, without int) {
	any = bool(*s.entry.Policy.Log)
	for _, r := range s.entry.Routes {
		if *r.Policy.Log {
			any = true
		} else {
			without++
		}
	}
	return any, without
}

// deliver makes the delivery of a distribution's logs. The policy of the bucket that it needs CloudWatch Logs adds itself.
func (b *builder) deliver(e *edge, s *site) {
	d := &model.DeliveryDestination{
		DestinationResourceArn: model.Text(b.account.Logs.Bucket), DeliveryDestinationType: model.Text("S3"), OutputFormat: model.Text("json"),
	}
	at := s.entry.At
	if b.spec.AWS != nil {
		at = b.spec.AWS.At
	}
	to := b.share("LogDestination", at, d, func(name string) { d.Name = model.Text(name) })
	from := own("AccessLog", e.name, s.entry.At, &model.DeliverySource{
		Name: model.Text(logSource(e)), LogType: model.Text("ACCESS_LOGS"), ResourceArn: distributionARN(e),
	})
	delivery := own("AccessLogDelivery", e.name, s.entry.At, &model.Delivery{
		DeliverySourceName: model.Ref{Resource: from}, DeliveryDestinationArn: model.Ref{Resource: to, Attr: "Arn"},
		RecordFields: model.Texts(logFields), S3SuffixPath: model.Text("{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"),
		S3EnableHiveCompatiblePath: model.Bool(false),
	})
	if e.packing == spec.PackingTenants {
		from.Owner, delivery.Owner = "", "" // of the distribution, not of a tenant
	}
	e.with = append(e.with, from, delivery)
}

// logSource is the name of a source of logs, which is unique in the account.
func logSource(e *edge) string {
	id := strings.ToLower(logicalID("", e.name))
	return "skerry-" + id[max(0, len(id)-logSourceMax+len("skerry-")):]
}
