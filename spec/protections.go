package spec

import (
	"net/netip"
	"slices"
	"time"
)

// This file is the table of the protections that are objects: trace, tls, hsts, limit, compress and maintenance. See
// cors.go and pages.go for two more. A nearer document replaces each of them as a whole.

type traceDoc struct{ sample val[float64] }

var trace = switched(modelled(object[traceDoc]{
	name: "trace", doc: "W3C trace context, and how many exchanges become spans.",
	fields: []field[*traceDoc]{
		rowOr("sample", func(t *traceDoc) *val[float64] { return &t.sample }, share, 0.01,
			"The share of exchanges that are exported as spans, from 0 to 1."),
	},
}.shape(),
	func(d traceDoc) Trace { return Trace{On: true, Sample: d.sample.V} },
	func(t Trace) traceDoc { return traceDoc{said(t.Sample)} },
), func(t Trace) bool { return !t.On }, false, true)

type tlsDoc struct {
	minVersion val[string]
	curves     val[[]Curve]
	clients    val[ClientAuth]
	clientCA   val[Ref]
	clientCRL  val[Ref]
	forward    val[ForwardClient]
}

var tlsPolicy = modelled(object[tlsDoc]{
	name: "tls", doc: "What a TLS handshake for a host of the entrypoint must have.",
	fields: []field[*tlsDoc]{
		rowOr("minVersion", func(t *tlsDoc) *val[string] { return &t.minVersion }, oneOf("1.2", "1.3"), "1.2", "The lowest version of TLS."),
		row("curves", func(t *tlsDoc) *val[[]Curve] { return &t.curves }, bare(listOf(oneOf(Curves()...), len(Curves()))),
			"The key exchanges that are taken, whatever their order: all, the hybrid post-quantum ones preferred, if left out."),
		rowOr("clientCertificates", func(t *tlsDoc) *val[ClientAuth] { return &t.clients },
			oneOf(ClientAuthOff, ClientAuthOptional, ClientAuthRequired), ClientAuthOff,
			"Whether a client must show a certificate; optional: it is checked if there is one."),
		row("clientCA", func(t *tlsDoc) *val[Ref] { return &t.clientCA }, secretRef,
			"The certificates (PEM) that client certificates are checked against: file:NAME below --secrets, or env:SKERRY_SECRET_NAME."),
		row("clientCRL", func(t *tlsDoc) *val[Ref] { return &t.clientCRL }, secretRef,
			"The revocation lists (PEM or DER) of all authorities in clientCA, by reference as well; who is on one, or whose list is out of date, is refused."),
		row("forwardClientCertificate", func(t *tlsDoc) *val[ForwardClient] { return &t.forward },
			oneOf(ForwardClientOff, ForwardClientLeaf, ForwardClientChain),
			"What a service learns of the client's certificate (RFC 9440): nothing, if left out; leaf: Client-Cert; chain: Client-Cert-Chain too. What clients say in these fields is removed in any case."),
	},
	check: func(l *log, at Pos, t *tlsDoc) {
		asks := t.clients.Set && t.clients.V != ClientAuthOff
		off := !asks && (t.clients.Set || !t.clients.given())
		checkCurves(l, t)
		if t.clientCRL.Set && off {
			l.refuse(t.clientCRL.At, "add `clientCertificates: required`, or remove it", "there is a clientCRL, and client certificates are off")
		}
		if t.forward.Set && t.forward.V != ForwardClientOff && off {
			l.refuse(t.forward.At, "add `clientCertificates: required`, or remove it", "forwardClientCertificate is %s, and client certificates are off", t.forward.V)
		}
		switch {
		case asks && !t.clientCA.given():
			l.refuse(t.clients.At, "add `clientCA: file:NAME`", "client certificates are %s, and nothing says which authority they must come from", t.clients.V)
		case t.clientCA.Set && off:
			l.refuse(t.clientCA.At, "add `clientCertificates: required`, or remove it", "there is a clientCA, and client certificates are off")
		}
	},
}.shape(),
	func(d tlsDoc) TLS {
		return TLS{d.minVersion.V, d.curves.V, d.clients.V, d.clientCA.V, d.clientCRL.V, d.forward.V}
	},
	func(t TLS) tlsDoc {
		return tlsDoc{
			said(t.MinVersion), saidIf(t.Curves, len(t.Curves) > 0), said(t.ClientCertificates), saidText(t.ClientCA), saidText(t.ClientCRL), saidText(t.Forward),
		}
	},
)

// checkCurves refuses what no client could meet, or none of TLS 1.2.
func checkCurves(l *log, t *tlsDoc) {
	switch {
	case !t.curves.Set:
	case len(t.curves.V) == 0 && t.curves.Clean:
		l.refuse(t.curves.At, "name one, or leave the line out", "without any key exchange there is no handshake")
	case t.minVersion.V != "1.3" && (t.minVersion.Set || !t.minVersion.given()) && t.curves.Clean && !slices.ContainsFunc(t.curves.V, func(c Curve) bool { return !c.Hybrid() }):
		l.refuse(t.curves.At, `add minVersion: "1.3", or one such as X25519`, "all of these key exchanges need TLS 1.3, and TLS 1.2 is taken: none of its clients could connect")
	}
}

// year is the shortest max-age that browsers' preload lists take, and what HSTS has if nothing else is said.
const year = 365 * 24 * time.Hour

type hstsDoc struct {
	maxAge              val[time.Duration]
	subDomains, preload val[Switch]
}

var hsts = switched(modelled(object[hstsDoc]{
	name: "hsts", doc: "Strict-Transport-Security (RFC 6797): browsers come back by HTTPS only.",
	fields: []field[*hstsDoc]{
		rowOr("maxAge", func(h *hstsDoc) *val[time.Duration] { return &h.maxAge }, wholeSeconds(time.Second, 10*year), year,
			"How long a browser remembers it, in whole seconds."),
		rowOr("includeSubDomains", func(h *hstsDoc) *val[Switch] { return &h.subDomains }, onOff, false,
			"Whether it holds for every name below the host as well, also those that this edge does not serve."),
		rowOr("preload", func(h *hstsDoc) *val[Switch] { return &h.preload }, onOff, false,
			"Whether browsers may ship the host in their own list; it takes months to leave it."),
	},
	check: func(l *log, _ Pos, h *hstsDoc) {
		if !bool(h.preload.V) {
			return
		}
		if !bool(h.subDomains.V) && (h.subDomains.Set || !h.subDomains.given()) {
			l.refuse(h.preload.At, "add `includeSubDomains: on`, or remove preload", "preload needs includeSubDomains: browsers' lists take no host without")
		}
		if h.maxAge.Set && h.maxAge.V < year {
			l.refuse(h.preload.At, "write `maxAge: 365d`, or remove preload", "preload needs a maxAge of at least 365d, this is %s", writeDuration(h.maxAge.V))
		}
	},
}.shape(),
	func(d hstsDoc) HSTS { return HSTS{d.maxAge.V, bool(d.subDomains.V), bool(d.preload.V)} },
	func(h HSTS) hstsDoc {
		return hstsDoc{said(h.MaxAge), said(Switch(h.IncludeSubDomains)), said(Switch(h.Preload))}
	},
), func(h HSTS) bool { return h.MaxAge == 0 }, false, true)

type limitDoc struct {
	perAddress val[Rate]
	burst      val[int]
}

var limit = switched(modelled(object[limitDoc]{
	name: "limit", doc: "How many requests a client address may send; an IPv6 address counts by its /64.",
	fields: []field[*limitDoc]{
		row("perAddress", func(d *limitDoc) *val[Rate] { return &d.perAddress }, rate,
			"Requests per second, minute or hour: 300/s; others get 429.").needed(),
		row("burst", func(d *limitDoc) *val[int] { return &d.burst }, whole(1, burstMax),
			"How many may come at once: twice the count of the rate, if left out."),
	},
}.shape(),
	func(d limitDoc) Limit {
		if !d.burst.Set {
			return Limit{d.perAddress.V, 2 * d.perAddress.V.Count}
		}
		return Limit{d.perAddress.V, d.burst.V}
	},
	func(m Limit) limitDoc { return limitDoc{said(m.PerAddress), said(m.Burst)} },
), func(m Limit) bool { return m.PerAddress.Count == 0 }, false)

type compressDoc struct{ identified val[Switch] }

var compress = switched(modelled(object[compressDoc]{
	name: "compress", doc: "What the edge compresses, with br, zstd or gzip.",
	fields: []field[*compressDoc]{
		rowOr("identified", func(c *compressDoc) *val[Switch] { return &c.identified }, onOff, false,
			"Whether answers to requests with a cookie or Authorization are compressed even if they may hold what the client sent: only where nothing in them is secret (BREACH)."),
	},
}.shape(),
	func(d compressDoc) Compress { return Compress{On: true, Identified: bool(d.identified.V)} },
	func(c Compress) compressDoc { return compressDoc{said(Switch(c.Identified))} },
), func(c Compress) bool { return !c.On }, false, true)

type maintenanceDoc struct {
	retryAfter val[time.Duration]
	allow      val[[]netip.Prefix]
}

var maintenance = switched(modelled(object[maintenanceDoc]{
	name: "maintenance", doc: "Answer 503 to everybody but a few.",
	fields: []field[*maintenanceDoc]{
		rowOr("retryAfter", func(m *maintenanceDoc) *val[time.Duration] { return &m.retryAfter }, wholeSeconds(time.Second, 30*24*time.Hour), 5*time.Minute,
			"The Retry-After of the answer, in whole seconds."),
		rowOr("allow", func(m *maintenanceDoc) *val[[]netip.Prefix] { return &m.allow }, bare(listOf(addressRange, allowMax)), []netip.Prefix{},
			"Client addresses and networks (CIDR) that are served all the same."),
	},
}.shape(),
	func(d maintenanceDoc) Maintenance { return Maintenance{true, d.retryAfter.V, d.allow.V} },
	func(m Maintenance) maintenanceDoc { return maintenanceDoc{said(m.RetryAfter), said(m.Allow)} },
), func(m Maintenance) bool { return !m.On }, false, true)
