package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

const (
	typeDelivery            = "AWS::Logs::Delivery"
	typeDeliverySource      = "AWS::Logs::DeliverySource"
	typeDeliveryDestination = "AWS::Logs::DeliveryDestination"
)

// logs are deliveries of access logs.
func (m *mapping) logs() {
	for _, source := range m.of(typeDeliverySource) {
		e := m.logged(source.Props.Get("ResourceArn"))
		if e == nil || source.Props.Get("LogType").String() != "ACCESS_LOGS" {
			continue
		}
		for _, d := range m.of(typeDelivery) {
			if m.delivers(d, source) {
				m.delivery(e, source, d)
			}
		}
	}
}

// delivers reports whether a delivery is one of a source: by its name, or by reference.
func (m *mapping) delivers(d, source *resource) bool {
	n := d.Props.Get("DeliverySourceName")
	return m.target(n, typeDeliverySource) == source || n.String() != "" && n.String() == source.Props.Get("Name").String()
}

// logged is the distribution that an ARN names, which may be put together of parts.
func (m *mapping) logged(n *schema.Node) *entry {
	nodes := []*schema.Node{n}
	if n != nil && n.Call != nil {
		nodes = append(nodes, n.Call.Parts...)
	}
	for _, n := range nodes {
		r := m.target(n, typeDistribution)
		_, id, cut := strings.Cut(n.String(), ":distribution/")
		for _, e := range m.entries {
			if e.resource == r || cut && slices.Contains(e.resource.names, id) {
				return e
			}
		}
	}
	return nil
}

// logFields are what the compiler has logged of each exchange.
var logFields = []string{
	"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(User-Agent)",
	"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol",
	"ssl-cipher", "x-edge-response-result-type", "cs-protocol-version", "c-port", "time-to-first-byte", "x-edge-detailed-result-type",
	"sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
}

func (m *mapping) delivery(e *entry, source, d *resource) {
	to := m.target(d.Props.Get("DeliveryDestinationArn"), typeDeliveryDestination)
	if to == nil {
		e.refuse(d.Props, ruleLogsLost, "the input does not have the destination of the logs; write its bucket in logs.bucket of the AWS document")
		e.refuse(source.Props, ruleLogsLost, "the input does not have the destination of the logs")
		return
	}
	bucket := to.Props.Get("DestinationResourceArn")
	name, isBucket := strings.CutPrefix(bucket.String(), "arn:aws:s3:::")
	name, folder, _ := strings.Cut(name, "/")
	if !isBucket || !isBucketName(name) {
		for _, n := range []*schema.Node{source.Props, d.Props, to.Props} {
			e.refuse(n, ruleLogsLost, "the logs go to something that is no bucket; the AWS document names one")
		}
		return
	}
	m.used[source], m.used[d], m.used[to] = true, true, true
	e.logged = true
	if folder == "" {
		m.account.logTo(e, bucket, "arn:aws:s3:::"+name, nil, "")
	} else {
		m.account.logTo(e, bucket, "arn:aws:s3:::"+name, ruleLogs, "the folder "+folder+" is left out")
	}
	e.exact(source.Props, "log", "")
	for _, f := range []string{"DeliverySourceName", "DeliveryDestinationArn"} {
		e.exact(d.Props.Get(f), "log", "")
	}
	fields := d.Props.Get("RecordFields")
	e.delivered(fields, fields.Known() && slices.Equal(texts(fields), logFields),
		"compiled again, other fields are logged: no cookies and no queries, since they may hold secrets")
	e.delivered(d.Props.Get("S3SuffixPath"), d.Props.Get("S3SuffixPath").String() == "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}",
		"compiled again, the objects have other names")
	e.delivered(d.Props.Get("S3EnableHiveCompatiblePath"), isFalse(d.Props.Get("S3EnableHiveCompatiblePath")),
		"compiled again, the objects have other names")
	e.delivered(to.Props.Get("OutputFormat"), to.Props.Get("OutputFormat").String() == "json", "compiled again, the logs are JSON")
	for _, f := range []string{"Name", "DeliveryDestinationType"} {
		e.exact(to.Props.Get(f), "log", "")
	}
}

func (e *entry) delivered(n *schema.Node, same bool, text string) {
	if same {
		e.exact(n, "log", "")
		return
	}
	e.near(n, "log", ruleLogs, text)
}
