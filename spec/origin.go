package spec

import (
	"strings"
	"time"
)

// This file is the table of the way to the endpoints of a service: protocol, dns and tls.

// protocol is oneOf that knows what other proxies call the two.
var protocol = func() shape[Protocol] {
	is := oneOf(ProtocolHTTP1, ProtocolHTTP2)
	return leaf[Protocol]{
		read: func(l *log, n *node) (Protocol, bool) {
			if known := protocolCalled(n.text); known != "" && n.kind == textNode {
				l.refuse(n.at, "write "+string(known), "one of %s, %s is needed, this is %s", ProtocolHTTP1, ProtocolHTTP2, n.what())
				return "", false
			}
			return is.read(l, n)
		},
		write: is.write, describe: is.describe,
	}.shape()
}()

// protocolCalled is the protocol that goes by another name elsewhere, or "".
func protocolCalled(name string) Protocol {
	switch strings.ToLower(name) {
	case "http", "http/1", "http/1.1", "http1.1", "h1":
		return ProtocolHTTP1
	case "http/2", "http/2.0", "h2", "h2c", "grpc":
		return ProtocolHTTP2
	}
	return ""
}

type dnsDoc struct {
	family         val[Family]
	ttlMin, ttlMax val[time.Duration]
}

var defaultDNS = DNS{Family: FamilyAuto, TTLMin: time.Second, TTLMax: 5 * time.Minute}

var dns = modelled(object[dnsDoc]{
	name: "dns", doc: "How names of endpoints become addresses; each address is an endpoint of its own.",
	fields: []field[*dnsDoc]{
		rowOr("family", func(d *dnsDoc) *val[Family] { return &d.family }, oneOf(FamilyAuto, FamilyIPv4, FamilyIPv6, FamilyBoth), defaultDNS.Family,
			"Which addresses are used: ipv4, ipv6, both, or auto (IPv4 if there is any, otherwise IPv6)."),
		rowOr("ttlMin", func(d *dnsDoc) *val[time.Duration] { return &d.ttlMin }, duration(100*time.Millisecond, 24*time.Hour), defaultDNS.TTLMin,
			"How long an answer holds at least, whatever its TTL."),
		rowOr("ttlMax", func(d *dnsDoc) *val[time.Duration] { return &d.ttlMax }, duration(time.Second, 24*time.Hour), defaultDNS.TTLMax,
			"How long it holds at most; names are asked for earlier when connections fail."),
	},
	check: func(l *log, _ Pos, d *dnsDoc) {
		switch least := d.ttlMin.V; {
		case d.ttlMax.Set && least > d.ttlMax.V:
			l.refuse(d.ttlMin.At, "", "ttlMin is %s, longer than ttlMax, which is %s", writeDuration(least), writeDuration(d.ttlMax.V))
		case !d.ttlMax.given() && least > defaultDNS.TTLMax:
			l.refuse(d.ttlMin.At, "add a `ttlMax`", "ttlMin is %s, longer than ttlMax, which is %s if left out",
				writeDuration(least), writeDuration(defaultDNS.TTLMax))
		}
	},
}.shape(),
	func(d dnsDoc) DNS { return DNS{d.family.V, d.ttlMin.V, d.ttlMax.V} },
	func(d DNS) dnsDoc { return dnsDoc{said(d.Family), said(d.TTLMin), said(d.TTLMax)} },
)

type originTLSDoc struct {
	serverName           val[string]
	ca, certificate, key val[Ref]
	minVersion           val[string]
}

// defaultOriginTLS is in force for services with an https endpoint.
var defaultOriginTLS = OriginTLS{MinVersion: "1.2"}

var originTLS = modelled(object[originTLSDoc]{
	name: "origin tls", doc: "How https endpoints are spoken to; their certificates are always verified.",
	fields: []field[*originTLSDoc]{
		row("serverName", func(t *originTLSDoc) *val[string] { return &t.serverName }, hostText,
			"The name that is asked for (SNI) and that the certificate must have: that of `host`, or else the endpoint's, if left out."),
		row("ca", func(t *originTLSDoc) *val[Ref] { return &t.ca }, secretRef,
			"The authorities (PEM) that the certificate must come from, file:NAME below --secrets or env:SKERRY_SECRET_NAME: those of the system, if left out."),
		row("certificate", func(t *originTLSDoc) *val[Ref] { return &t.certificate }, secretRef,
			"The certificate that the edge shows (PEM), leaf first, by reference: none, if left out."),
		row("key", func(t *originTLSDoc) *val[Ref] { return &t.key }, secretRef, "Its private key (PEM), by reference as well."),
		rowOr("minVersion", func(t *originTLSDoc) *val[string] { return &t.minVersion }, oneOf("1.2", "1.3"), defaultOriginTLS.MinVersion,
			"The lowest version of TLS."),
	},
	check: func(l *log, _ Pos, t *originTLSDoc) {
		switch {
		case t.certificate.given() && !t.key.given():
			l.refuse(t.certificate.At, "add `key: file:NAME`", "there is a certificate without its key")
		case t.key.given() && !t.certificate.given():
			l.refuse(t.key.At, "add `certificate: file:NAME`, or remove it", "there is a key without its certificate")
		}
	},
}.shape(), originTLSModel, originTLSDocOf)

func originTLSModel(d originTLSDoc) OriginTLS {
	t := OriginTLS{CA: d.ca.V, Certificate: d.certificate.V, Key: d.key.V, MinVersion: d.minVersion.V}
	if d.serverName.Set {
		t.ServerName = foldHost(d.serverName.V)
	}
	return t
}

func originTLSDocOf(t OriginTLS) originTLSDoc {
	return originTLSDoc{
		serverName: saidText(t.ServerName), ca: saidText(t.CA),
		certificate: saidText(t.Certificate), key: saidText(t.Key), minVersion: said(t.MinVersion),
	}
}

// anyTLS says whether one of the endpoints is https.
func anyTLS(list []val[Endpoint]) bool {
	for _, e := range list {
		if e.V.TLS {
			return true
		}
	}
	return false
}
