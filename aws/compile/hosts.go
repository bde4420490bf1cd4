package compile

import (
	"net/netip"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
)

const docsHosts = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"

// hostRules are what hosts can come to.
var hostRules = struct{ refused, none, wildcard, canonical finding.Rule }{
	refused: finding.Rule{
		ID: "host-refused", Severity: finding.Error, Source: docsHosts,
		Meaning: "An alternate domain name is a public DNS name: CloudFront has no distribution for an IP address, for localhost, or for a name without a dot.",
		Remedy:  "remove the host, or serve it elsewhere and allow `host-refused`",
		Witness: "a request to the address, which never reaches CloudFront",
	},
	none: finding.Rule{
		ID: "host-none", Severity: finding.Error,
		Meaning: "CloudFront can serve none of the hosts, so that the distribution would answer to no name but its own.",
		Remedy:  "give the entrypoint a DNS name",
	},
	wildcard: finding.Rule{
		ID: "hosts", Severity: finding.Warning, Source: docsHosts,
		Meaning: "An alternate domain name takes names at any depth, but a certificate covers one level: the TLS handshake for a deeper name fails.",
		Remedy:  "name the deeper hosts too, each with its own wildcard: *.a.example.com",
		Witness: "GET https://a.b.example.com/ where the host is *.example.com",
	},
	canonical: finding.Rule{
		ID: "host-canonical", Severity: finding.Error,
		Meaning: "The other hosts are redirected to a host that CloudFront cannot serve.",
		Remedy:  "name a DNS name as canonicalHost",
		Witness: "GET https://www.example.com/ where canonicalHost is an address",
	},
}

// hosts finds the hosts that CloudFront can serve.
func (b *builder) hosts(s *site) {
	var wild []string
	for _, h := range s.entry.Hosts {
		why := notPublic(h)
		if why != "" {
			b.find(&hostRules.refused, s, s.entry.At, "spec.hosts", "%s is %s", h, why)
			continue
		}
		s.hosts = append(s.hosts, h)
		if strings.HasPrefix(h, "*.") {
			wild = append(wild, h)
		}
	}
	if len(wild) > 0 {
		b.find(&hostRules.wildcard, s, s.entry.At, "spec.hosts", "%s covers one level of names only", strings.Join(wild, ", "))
	}
	if len(s.hosts) == 0 {
		b.find(&hostRules.none, s, s.entry.At, "spec.hosts", "of %d hosts CloudFront can serve none", len(s.entry.Hosts))
	}
	if to := s.entry.CanonicalHost; to != "" && !slices.Contains(s.hosts, to) {
		b.find(&hostRules.canonical, s, s.entry.At, "spec.canonicalHost", "the canonical host %s is %s", to, notPublic(to))
	}
}

// notPublic is why a name cannot stand in public DNS; empty: it can.
func notPublic(host string) string {
	below, wild := strings.CutPrefix(host, "*.")
	bare := strings.Trim(below, "[]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return "an IP address"
	}
	switch {
	case below == "localhost" || strings.HasSuffix(below, ".localhost"):
		return "a name of the machine itself"
	case !strings.Contains(below, ".") && wild:
		return "a whole top-level domain"
	case !strings.Contains(below, "."):
		return "a name without a dot"
	}
	return ""
}

// coveredBy reports whether a name, or a wildcard, of a certificate or an alias takes a host; a wildcard takes one level.
func coveredBy(host, name string) bool {
	if host == name {
		return true
	}
	below, wild := strings.CutPrefix(name, "*.")
	label, rest, dotted := strings.Cut(host, ".")
	return wild && dotted && rest == below && label != "*"
}

// coversAll reports whether each host is covered by one of the names.
func coversAll(names, hosts []string) bool {
	return !slices.ContainsFunc(hosts, func(host string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return coveredBy(host, name) })
	})
}
