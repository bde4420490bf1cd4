package lint

import (
	"net/netip"
	"slices"
	"strings"
)

// aliases are the alternate domain names, those of the old property too.
func (d *distribution) aliases() (list []entry, open bool) {
	list, open = entries(d.config.Get("Aliases"))
	old, oldOpen := entries(d.config.Get("CNAMEs"))
	return append(list, old...), open || oldOpen
}

func aliasCertificate(l *linter, d *distribution) {
	names, _ := d.aliases()
	if !slices.ContainsFunc(names, func(e entry) bool { return e.sure }) || d.config.Open() {
		return
	}
	c := d.config.Get("ViewerCertificate")
	switch {
	case c == nil:
		l.find(d.config.Get("Aliases"), "there are alternate domain names and no ViewerCertificate")
	case c.Known() && (isTrue(c.Get("CloudFrontDefaultCertificate")) || lacks(c, "AcmCertificateArn") && lacks(c, "IamCertificateId")):
		l.find(c, "there are alternate domain names, and the certificate is the one of CloudFront")
	}
}

func aliasNotCovered(l *linter, d *distribution) {
	c := l.refersTo(d.config.Path("ViewerCertificate", "AcmCertificateArn"), typeCertificate)
	if c == nil {
		return
	}
	covered, open := texts(c.Properties.Get("SubjectAlternativeNames"))
	name, ok := c.Properties.Get("DomainName").AsText()
	if open || !ok {
		return
	}
	covered = append(covered, name)
	names, _ := d.aliases()
	for _, e := range names {
		alias, ok := e.AsText()
		if ok && e.sure && !slices.ContainsFunc(covered, func(c string) bool { return certifies(c, alias) }) {
			l.find(e.Node, "the certificate %s does not cover %q", c.ID, short(alias))
		}
	}
}

// certifies is whether a name of a certificate covers a host: a * stands for one label.
func certifies(name, host string) bool {
	name, host = strings.ToLower(name), strings.ToLower(host)
	if name == host {
		return true
	}
	suffix, wildcard := strings.CutPrefix(name, "*.")
	_, rest, _ := strings.Cut(host, ".")
	return wildcard && rest == suffix && !strings.HasPrefix(host, "*.")
}

func aliasForm(l *linter, d *distribution) {
	names, _ := d.aliases()
	for _, e := range names {
		name, ok := e.AsText()
		if !ok {
			continue
		}
		host := strings.TrimPrefix(name, "*.")
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if !isHost(host) || err == nil || !strings.Contains(host, ".") {
			l.find(e.Node, "%q is no alternate domain name that CloudFront takes", short(name))
		}
	}
}

// isHost is whether a text is a name of DNS with letters, digits, hyphens and underscores.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, hostBytes) != "" {
			return false
		}
	}
	return true
}

const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

func certificateRegion(l *linter, d *distribution) {
	arn := d.config.Path("ViewerCertificate", "AcmCertificateArn")
	parts := strings.Split(prefix(arn), ":")
	if len(parts) > 4 && parts[2] == "acm" && parts[3] != "us-east-1" {
		l.find(arn, "the certificate is in %s", parts[3])
	}
	if c := l.refersTo(arn, typeCertificate); c != nil && l.t.Region != "" && l.t.Region != "us-east-1" {
		l.find(arn, "the certificate %s is made in %s, where this stack goes", c.ID, l.t.Region)
	}
}

func certificateOne(l *linter, d *distribution) {
	c := d.config.Get("ViewerCertificate")
	kinds, _ := only(c, "AcmCertificateArn", "IamCertificateId")
	if isTrue(c.Get("CloudFrontDefaultCertificate")) {
		kinds = append(kinds, "CloudFrontDefaultCertificate")
	}
	if len(kinds) > 1 {
		l.find(c, "%s stand together", strings.Join(kinds, " and "))
	}
}

func certificateSNI(l *linter, d *distribution) {
	c := d.config.Get("ViewerCertificate")
	if (has(c, "AcmCertificateArn") || has(c, "IamCertificateId")) && lacks(c, "SslSupportMethod") {
		l.find(c, "SslSupportMethod is missing")
	}
}

func tlsDefault(l *linter, d *distribution) {
	c := d.config.Get("ViewerCertificate")
	if v, ok := c.Get("MinimumProtocolVersion").AsText(); ok && v != "TLSv1" && isTrue(c.Get("CloudFrontDefaultCertificate")) {
		l.find(c.Get("MinimumProtocolVersion"), "%s is not in force with the certificate of CloudFront", short(v))
	}
}

func tlsOld(l *linter, d *distribution) {
	c := d.config.Get("ViewerCertificate")
	own := has(c, "AcmCertificateArn") || has(c, "IamCertificateId")
	switch v, ok := c.Get("MinimumProtocolVersion").AsText(); {
	case ok && own && slices.Contains([]string{"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016"}, v):
		l.find(c.Get("MinimumProtocolVersion"), "viewers may use %s", v)
	case own && lacks(c, "MinimumProtocolVersion"):
		l.find(c, "MinimumProtocolVersion is missing, so that viewers may use TLSv1")
	}
}
