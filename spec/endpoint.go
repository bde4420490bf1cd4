package spec

import "fmt"

type endpointDoc struct {
	url          val[Endpoint]
	weight       val[int]
	region, zone val[string]
}

// endpointURL is the address of an endpoint.
var endpointURL = leaf[Endpoint]{
	read: func(l *log, n *node) (Endpoint, bool) {
		if !isText(l, n) {
			return Endpoint{}, false
		}
		e, bad, fix := parseEndpoint(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		return e, bad == ""
	},
	write: func(e Endpoint) any { return e.URL() },
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$"}
	},
}.shape()

// endpoint is a URL, or a mapping that says more of it. Nothing that has its default is written.
var endpoint = placed(worded(modelled(object[endpointDoc]{
	name: "endpoint", doc: "One address of a service, its share of the requests, and where it is.",
	fields: []field[*endpointDoc]{
		row("url", func(e *endpointDoc) *val[Endpoint] { return &e.url }, endpointURL, "The address as scheme://host:port.").needed(),
		rowOr("weight", func(e *endpointDoc) *val[int] { return &e.weight }, whole(0, endpointWeightMax), 1,
			"Its share of the requests, relative to the other weights; 0 gets none."),
		row("region", func(e *endpointDoc) *val[string] { return &e.region }, locality,
			"The region it is in: a node in the same one asks it before those of other regions."),
		row("zone", func(e *endpointDoc) *val[string] { return &e.zone }, locality,
			"The zone of the region it is in: a node in the same one asks it first of all."),
	},
	check: func(l *log, _ Pos, e *endpointDoc) {
		if e.zone.Set && !e.region.given() {
			l.refuse(e.zone.At, "add `region: NAME`", "the zone %q has no region: zones of several regions may have the same name", e.zone.V)
		}
	},
}.shape(), endpointModel, endpointDocOf), "url", endpointURL))

func endpointModel(d endpointDoc) Endpoint {
	e := d.url.V
	e.Weight, e.Region, e.Zone = d.weight.V, d.region.V, d.zone.V
	return e
}

func endpointDocOf(e Endpoint) endpointDoc {
	return endpointDoc{url: said(e), weight: saidIf(e.Weight, e.Weight != 1), region: saidText(e.Region), zone: saidText(e.Zone)}
}

// placed gives endpoints their places.
func placed(is shape[Endpoint]) shape[Endpoint] {
	return is.then(func(_ *log, n *node, e *Endpoint) bool {
		e.At = n.at
		return true
	})
}

// locality is the name of a region or a zone. Nodes are told theirs by flags, so it is compared as it stands.
var locality = words(func(s string) (bad, fix string) {
	ok := s != "" && len(s) <= nameBytesMax
	for i := range len(s) {
		c := s[i]
		ok = ok && (isLower(c) || c >= 'A' && c <= 'Z' || (c == '-' || c == '_' || c == '.') && i > 0)
	}
	if !ok {
		return fmt.Sprintf("%q is not the name of a region or a zone", clip(s)),
			fmt.Sprintf("it has 1 to %d letters, digits and, behind the first, - _ and .: eu-central-1", nameBytesMax)
	}
	return "", ""
}, map[string]any{"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": nameBytesMax})

// checkEndpoints refuses a list that names an address twice, or none that gets a request.
func checkEndpoints(l *log, list val[[]val[Endpoint]]) {
	if list.Set && len(list.V) == 0 {
		l.refuse(list.At, "name at least one", "the list of endpoints is empty")
		return
	}
	sum, seen := 0, map[string]bool{}
	for _, e := range list.V {
		if e.Set && seen[e.V.URL()] {
			l.refuse(e.At, "remove one of them", "the endpoint %s stands twice", e.V.URL())
		}
		seen[e.V.URL()] = true
		sum += e.V.Weight
	}
	if list.Set && list.Clean && sum == 0 {
		l.refuse(list.At, "give at least one endpoint a weight above 0", "the weights add up to 0: no endpoint gets a request")
	}
}
