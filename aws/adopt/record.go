package adopt

import (
	"regexp"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// aliasZone is the hosted zone that every distribution of CloudFront is in, as alias records name it.
const aliasZone = "Z2FDTNDATAQYW2"

var zoneID = regexp.MustCompile(`^Z[0-9A-Z]{1,31}$`)

// records are those of hosts, which follow from zones; other ones are no part of an edge.
func (m *mapping) records() {
	for _, r := range m.of("AWS::Route53::HostedZone") {
		m.ledger.exact(r.Props, "", "the zone is no part of the edge, and stays as it is")
	}
	type recordSet struct {
		props *schema.Node
		whose *resource
	}
	var list []recordSet
	for _, r := range m.of(typeRecordSet) {
		list = append(list, recordSet{r.Props, r})
	}
	for _, r := range m.of(typeRecordSets) {
		for _, n := range r.Props.Get("RecordSets").List() {
			list = append(list, recordSet{n, r})
		}
	}
	for _, r := range list {
		host := recordName(r.props)
		i := slices.IndexFunc(m.entries, func(e *entry) bool { return slices.Contains(e.hosts, host) })
		target := r.props.Path("AliasTarget", "HostedZoneId").String()
		switch {
		case i >= 0 && (target == aliasZone || r.props.Get("AliasTarget") != nil && target == ""):
			m.record(m.entries[i], r.props, r.whose, host)
		case i >= 0 && r.props.Get("Type").String() == "CNAME":
			m.entries[i].near(r.props, "hosts", ruleRecord, "the CNAME of "+host+" is no record that follows from the spec; it stays as it is")
		default:
			m.ledger.exact(r.props, "", "the record is no part of the edge, and stays as it is")
		}
	}
}

// recordName is the name of a record as hosts are written.
func recordName(n *schema.Node) string {
	name := strings.ToLower(strings.TrimSuffix(n.Get("Name").String(), "."))
	return strings.ReplaceAll(name, `\052`, "*")
}

// record is one that points a host to its distribution.
func (m *mapping) record(e *entry, n *schema.Node, whose *resource, host string) {
	for _, name := range []string{"Weight", "Failover", "Region", "GeoLocation", "CidrRoutingConfig", "HealthCheckId", "MultiValueAnswer",
		"GeoProximityLocation", "SetIdentifier"} {
		if p := n.Get(name); p != nil && !isEmpty(p) {
			e.refuse(n, ruleRecordLost, "the record of "+host+" is one of several between which Route 53 chooses; a spec has none of that")
			return
		}
	}
	e.exact(n.Get("Type"), "hosts", "")
	e.exact(n.Path("AliasTarget", "DNSName"), "hosts", "the distribution of the host")
	e.exact(n.Path("AliasTarget", "HostedZoneId"), "hosts", "")
	if health := n.Path("AliasTarget", "EvaluateTargetHealth"); isTrue(health) {
		e.near(health, "hosts", ruleRecord, "CloudFront has no health that Route 53 could look at")
	} else {
		e.exact(health, "hosts", "")
	}
	id := n.Get("HostedZoneId")
	if id == nil {
		id = whose.Props.Get("HostedZoneId")
	}
	if id == nil {
		for _, f := range []*schema.Node{n.Get("Name"), n.Get("HostedZoneName")} {
			e.near(f, "hosts", ruleZone, "the input does not say the id of the zone; write it in zones of the AWS document, and the records follow")
		}
		return
	}
	e.exact(n.Get("Name"), "hosts", "")
	m.zoneOf(id, host, e)
}

// zoneOf notes the zone of a host. Its name stands in another record of the zone, or nowhere; then it is the longest domain that
// all hosts of the zone have in common.
func (m *mapping) zoneOf(n *schema.Node, host string, e *entry) {
	id := strings.TrimPrefix(n.String(), "/hostedzone/")
	where := spot{document: "AWS account", field: "zones"}
	host = strings.TrimPrefix(host, "*.")
	if r := m.target(n, "AWS::Route53::HostedZone"); n.Open() || r != nil && !zoneID.MatchString(id) {
		e.say(verdict{node: n, is: Refused, rule: ruleUnknownValue,
			text: "the id of the zone is known only to the deployment; write it in zones of the AWS document"})
		return
	}
	if !zoneID.MatchString(id) || id == aliasZone {
		e.refuse(n, ruleZone, id+" is not the id of a hosted zone")
		return
	}
	name, told := m.zoneName(id)
	i := slices.IndexFunc(m.account.zones, func(z said) bool { return z.value == id })
	switch {
	case told && i < 0 && slices.ContainsFunc(m.account.zones, func(z said) bool { return z.name == name }):
		e.near(n, "", ruleZone, "two zones are called "+name+"; the AWS document names the first")
		return
	case told && i < 0:
		m.account.zones = append(m.account.zones, said{name, id})
	case told:
	case i < 0:
		m.account.zones = append(m.account.zones, said{host, id})
	default:
		m.account.zones[i].name = commonDomain(m.account.zones[i].name, host)
	}
	if told {
		e.say(verdict{node: n, is: Exact, at: where})
		return
	}
	e.say(verdict{node: n, is: Approximated, at: where, rule: ruleZone,
		text: "the input does not say the name of the zone " + id + "; it is taken from its hosts, look it up"})
}

// zoneName is the name of a zone as its own resource, or the records that every zone has, say it.
func (m *mapping) zoneName(id string) (string, bool) {
	for _, r := range m.of("AWS::Route53::HostedZone") {
		if name := strings.TrimSuffix(r.Props.Get("Name").String(), "."); slices.Contains(r.names, id) && isHost(name) {
			return name, true
		}
	}
	for _, r := range m.of(typeRecordSet) {
		if r.Props.Get("Type").String() == "SOA" && strings.TrimPrefix(r.Props.Get("HostedZoneId").String(), "/hostedzone/") == id {
			return recordName(r.Props), isHost(recordName(r.Props))
		}
	}
	return "", false
}

// commonDomain is the longest domain that two names are in.
func commonDomain(a, b string) string {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	if n < 2 { // nothing in common but a top-level domain: one zone is not both
		return a
	}
	return strings.Join(x[len(x)-n:], ".")
}
