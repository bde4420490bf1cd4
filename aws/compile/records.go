package compile

import (
	"cmp"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/spec"
)

// distributionsZone is the hosted zone that every distribution of CloudFront is in, as alias records name it.
const distributionsZone = "Z2FDTNDATAQYW2"

// recordRules are what DNS comes to.
var recordRules = struct{ byHand finding.Rule }{
	byHand: finding.Rule{
		ID: "record-by-hand", Severity: finding.Note, Source: docsHosts,
		Meaning: "The host is in no zone that the AWS document names: somebody has to point it to the distribution.",
		Remedy:  "name the zone in `zones`, or make the record once the distribution is there",
		Witness: "a look-up of the host",
	},
}

// records points the hosts in known zones to their distribution, or to the connection group of its tenants.
func (b *builder) records(e *edge) {
	to := model.Value(model.Ref{Resource: e.distribution, Attr: "DomainName"})
	if e.group != nil {
		to = model.Ref{Resource: e.group, Attr: "RoutingEndpoint"}
	}
	for _, s := range e.sites {
		var byHand []string
		for _, host := range s.hosts {
			zone := b.zone(host)
			if zone == nil {
				byHand = append(byHand, host)
				continue
			}
			b.alias(e, s, host, zone, to)
		}
		if len(byHand) > 0 {
			b.find(&recordRules.byHand, s, s.entry.At, "spec.hosts", "%s: each needs a CNAME to the name of the distribution of %s, or at the top of a zone what its DNS service has in place of one (ALIAS, ANAME)",
				strings.Join(byHand, ", "), e.name)
		}
	}
}

// alias makes the records of a host.
func (b *builder) alias(e *edge, s *site, host string, zone *spec.AWSZone, to model.Value) {
	kinds := []string{"A"}
	if b.account.IPv6 {
		kinds = append(kinds, "AAAA")
	}
	for _, kind := range kinds {
		r := own("Record"+kind, host, s.entry.At, &model.RecordSet{
			Name: model.Text(host), Type: model.Text(kind), HostedZoneId: model.Text(zone.ID),
			AliasTarget: &model.RecordSetAliasTarget{
				DNSName: to, HostedZoneId: model.Text(distributionsZone), EvaluateTargetHealth: model.Bool(false),
			},
		})
		r.Owner = s.entry.Meta.Name
		e.with = append(e.with, r)
	}
}

// zone is the known zone that a host is in, the smallest one; nil: none.
func (b *builder) zone(host string) *spec.AWSZone {
	var found *spec.AWSZone
	for i := range b.account.Zones {
		z := &b.account.Zones[i]
		if host != z.Name && !strings.HasSuffix(host, "."+z.Name) {
			continue
		}
		if found == nil || cmp.Compare(len(z.Name), len(found.Name)) > 0 {
			found = z
		}
	}
	return found
}
