package adopt

import (
	"fmt"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
	"skerry.dev/skerry/aws/schema"
)

// account is what the AWS document says once for all distributions.
type account struct {
	fields       []said
	asked        []certificateAsked
	zones        []said
	certificates [][]said
}

// certificateAsked is the certificate that a distribution names.
type certificateAsked struct {
	by   *entry
	node *schema.Node
}

// document is the AWS document; nil: there is nothing to say.
func (a *account) document() *document {
	list := slices.DeleteFunc(slices.Clone(a.fields), func(f said) bool { return f.value == nil })
	usual := map[string]string{"http3": "on", "ipv6": "on", "priceClass": "all"}
	list = slices.DeleteFunc(list, func(f said) bool { return usual[f.name] != "" && f.value == usual[f.name] })
	var zones []said
	for _, z := range a.zones { // two that only hosts gave a name may have come to the same
		if at(zones, z.name) == nil {
			zones = append(zones, z)
		}
	}
	if len(zones) > 0 {
		list = append(list, said{"zones", zones})
	}
	if len(a.certificates) > 0 {
		list = append(list, said{"certificates", a.certificates})
	}
	if len(list) == 0 {
		return nil
	}
	return &document{kind: "AWS", meta: []said{{"name", "account"}}, spec: list,
		comment: []string{"What the distributions have of their account, and what a spec says once for all of them."}}
}

// set takes a setting of one distribution. The first one decides; usual is the value that needs not be written.
func (a *account) set(e *entry, n *schema.Node, field, value, usual string) {
	have := textOf(a.fields, field)
	if have == "" {
		a.fields = put(a.fields, value, field)
		have = value
	}
	where := spot{document: "AWS account", field: field}
	if have != value {
		e.say(verdict{node: n, is: Approximated, at: where, rule: ruleAccount,
			text: fmt.Sprintf("%s is said once for all distributions, and another one has %s", field, have)})
		if n == nil {
			e.problem(ruleAccount, "DistributionConfig", fmt.Sprintf("%s is said once for all distributions, and another one has %s", field, have))
		}
		return
	}
	text := ""
	if value == usual {
		text = usual + " is the default"
	}
	e.say(verdict{node: n, is: Exact, at: where, text: text})
}

// logTo sends the access logs of a distribution to a bucket; rule and text say what is not the same, a nil rule that nothing is.
func (a *account) logTo(e *entry, n *schema.Node, bucket string, rule *finding.Rule, text string) {
	have := textOf(a.fields, "logs", "bucket")
	where := spot{document: "AWS account", field: "logs.bucket"}
	switch {
	case have != "" && have != bucket:
		e.say(verdict{node: n, is: Approximated, at: where, rule: ruleAccount, text: "all logs go to one bucket, which is " + have})
		return
	case have == "":
		a.fields = put(a.fields, bucket, "logs", "bucket")
	}
	if rule != nil {
		e.say(verdict{node: n, is: Approximated, at: where, rule: rule, text: text})
		return
	}
	e.say(verdict{node: n, is: Exact, at: where})
}

// ask notes the certificate of a distribution.
func (a *account) ask(e *entry, n *schema.Node) {
	a.asked = append(a.asked, certificateAsked{by: e, node: n})
}

// certificates are those that distributions name: one that is there is named again, one that a template makes is made again.
func (m *mapping) certificates() {
	for _, c := range m.account.asked {
		r := m.target(c.node, typeCertificate)
		switch arn := c.node.String(); {
		case c.node.Open() && r != nil:
			m.madeAgain(c, r)
		case c.node.Open():
			c.by.refuse(c.node, ruleUnknownValue, "the certificate is known only to the deployment; name its ARN in certificates of the AWS document")
		case !certificateARN.MatchString(arn):
			c.by.refuse(c.node, ruleCertificate, "it is not the ARN of a certificate of AWS Certificate Manager in us-east-1")
		default:
			m.certificate(c, arn, r)
		}
	}
}

// certificate names a certificate that is there.
func (m *mapping) certificate(c certificateAsked, arn string, r *resource) {
	where := spot{document: "AWS account", field: "certificates"}
	var hosts []string
	if r != nil {
		m.used[r] = true
		hosts = certified(r.Props)
		c.by.say(verdict{node: r.Props, is: Exact, at: where, text: "AWS Certificate Manager has it already"})
	}
	i := slices.IndexFunc(m.account.certificates, func(known []said) bool { return textOf(known, "arn") == arn })
	if len(hosts) > 0 {
		c.by.say(verdict{node: c.node, is: Exact, at: where})
	} else {
		hosts = slices.DeleteFunc(slices.Clone(c.by.hosts), func(h string) bool { return strings.HasSuffix(h, ".invalid") })
		if len(hosts) == 0 {
			c.by.say(verdict{node: c.node, is: Approximated, rule: ruleCertificateHosts,
				text: "the distribution has no host, and the input does not say which the certificate covers"})
			return
		}
		c.by.say(verdict{node: c.node, is: Approximated, at: where, rule: ruleCertificateHosts,
			text: "the input does not say what the certificate covers; the hosts of the distribution are taken"})
	}
	if i >= 0 {
		have, _ := at(m.account.certificates[i], "hosts").([]string)
		m.account.certificates[i] = put(m.account.certificates[i], sorted(append(slices.Clone(have), hosts...)), "hosts")
		return
	}
	m.account.certificates = append(m.account.certificates, []said{{"arn", arn}, {"hosts", sorted(hosts)}})
}

// madeAgain is a certificate of a template: the compiler asks for one for the same hosts.
func (m *mapping) madeAgain(c certificateAsked, r *resource) {
	m.used[r] = true
	c.by.exact(c.node, "hosts", "a certificate is made for the hosts")
	names := certified(r.Props)
	more := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(c.by.hosts, n) })
	for _, n := range append([]*schema.Node{r.Props.Get("DomainName")}, r.Props.Get("SubjectAlternativeNames").List()...) {
		switch {
		case n.Open():
			c.by.refuse(n, ruleUnknownValue, unknownText)
		case slices.Contains(more, strings.ToLower(n.String())):
			c.by.near(n, "hosts", ruleCertificateHosts, "no host of the distribution has this name, so the new certificate does not either")
		default:
			c.by.exact(n, "hosts", "")
		}
	}
	if n := r.Props.Get("ValidationMethod"); n.String() == "DNS" {
		c.by.exact(n, "hosts", "")
	} else {
		c.by.near(n, "hosts", ruleCertificateHosts, "the new certificate is proven by DNS")
	}
	c.by.near(r.Props.Get("Tags"), "metadata.labels", ruleCertificateHosts, "the new certificate has the labels of the Entrypoint for tags")
	for _, o := range r.Props.Get("DomainValidationOptions").List() {
		c.by.exact(o.Get("DomainName"), "hosts", "")
		if zone := o.Get("HostedZoneId"); zone != nil {
			m.zoneOf(zone, o.Get("DomainName").String(), c.by)
		}
	}
}

// certified are the names of a certificate that a spec takes.
func certified(props *schema.Node) []string {
	var out []string
	for _, n := range append([]*schema.Node{props.Get("DomainName")}, props.Get("SubjectAlternativeNames").List()...) {
		if host := strings.ToLower(n.String()); isHost(host) {
			out = append(out, host)
		}
	}
	return sorted(out)
}
