package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

type serviceDoc struct {
	meta      metaDoc
	at        Pos
	endpoints val[[]val[Endpoint]]
	directory val[directoryDoc]
	host      val[string]
	health    val[healthDoc]
	timeouts  val[timeoutsDoc]
	keepAlive val[keepAliveDoc]
}

type healthDoc struct {
	path                         val[string]
	interval, timeout            val[time.Duration]
	healthyAfter, unhealthyAfter val[int]
	status                       val[statusRange]
	host                         val[string]
}

type timeoutsDoc struct{ connect, firstByte, idle val[time.Duration] }

type keepAliveDoc struct {
	max  val[int]
	idle val[time.Duration]
}

var serviceSpec = object[serviceDoc]{
	name: "Service", doc: "What stands behind the edge: endpoints with their health and waits, or a directory.",
	fields: []field[serviceDoc]{
		row("endpoints", func(s *serviceDoc) *val[[]val[Endpoint]] { return &s.endpoints }, listOf(endpoint, endpointsMax),
			"The addresses, each as scheme://host:port."),
		row("directory", func(s *serviceDoc) *val[directoryDoc] { return &s.directory }, directory.shape(),
			"Files that the edge serves itself, instead of endpoints."),
		rowOr("host", func(s *serviceDoc) *val[string] { return &s.host },
			words(hostForm, map[string]any{"maxLength": hostBytesMax + 2}), string(HostPreserve),
			"The Host that the service gets: preserve (the client's), endpoint (the address), or a name."),
		row("health", func(s *serviceDoc) *val[healthDoc] { return &s.health }, health.shape(),
			"Active health checks: none, if left out."),
		rowOr("timeouts", func(s *serviceDoc) *val[timeoutsDoc] { return &s.timeouts }, timeouts.shape(), timeoutsDoc{},
			"The longest waits."),
		rowOr("keepAlive", func(s *serviceDoc) *val[keepAliveDoc] { return &s.keepAlive }, keepAlive.shape(), keepAliveDoc{},
			"The connections kept to each endpoint."),
	},
	check: checkService,
}

func checkService(l *log, at Pos, s *serviceDoc) {
	switch {
	case !s.endpoints.given() && !s.directory.given():
		l.refuse(at, "add `endpoints: [URL]`, or a directory", "the Service has neither endpoints nor a directory")
	case s.endpoints.given() && s.directory.given():
		l.refuse(s.directory.At, "keep one of them", "a Service has either endpoints or a directory")
	case s.directory.given():
		s.refuseOfEndpoints(l)
	}
	if s.endpoints.Set && len(s.endpoints.V) == 0 {
		l.refuse(s.endpoints.At, "name at least one", "the list of endpoints is empty")
	}
	seen := map[string]bool{}
	for _, e := range s.endpoints.V {
		if e.Set && seen[e.V.URL()] {
			l.refuse(e.At, "remove one of them", "the endpoint %s stands twice", e.V.URL())
		}
		seen[e.V.URL()] = true
	}
}

// refuseOfEndpoints refuses what makes sense for endpoints only.
func (d *serviceDoc) refuseOfEndpoints(l *log) {
	for _, f := range []struct {
		name  string
		at    Pos
		given bool
	}{
		{"host", d.host.At, d.host.given()}, {"health", d.health.At, d.health.given()},
		{"timeouts", d.timeouts.At, d.timeouts.given()}, {"keepAlive", d.keepAlive.At, d.keepAlive.given()},
	} {
		if f.given {
			l.refuse(f.at, "remove it", "%q is about endpoints, and this Service is a directory", f.name)
		}
	}
}

var endpoint = shape[Endpoint]{
	read: func(l *log, n *node) (Endpoint, bool) {
		if !isText(l, n) {
			return Endpoint{}, false
		}
		e, bad, fix := parseEndpoint(n.text)
		if bad != "" {
			l.refuse(n.at, fix, "%s", bad)
		}
		e.At = n.at
		return e, bad == ""
	},
	write: func(e Endpoint) any { return e.URL() },
	describe: func(*describer) map[string]any {
		return map[string]any{"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$"}
	},
}

// hostForm checks the Host of a service. A single word that looks like one of the two forms is more likely mistyped.
func hostForm(s string) (bad, fix string) {
	forms := []string{string(HostPreserve), string(HostEndpoint)}
	if s == forms[0] || s == forms[1] {
		return "", ""
	}
	if k := nearest(s, forms); k != "" {
		return fmt.Sprintf("%q is not a form of the host", s), fmt.Sprintf("did you mean %q?", k)
	}
	return hostName(s)
}

var health = object[healthDoc]{
	name: "health", doc: "Active health checks of every endpoint.",
	fields: []field[healthDoc]{
		rowOr("path", func(h *healthDoc) *val[string] { return &h.path },
			words(checkPath, map[string]any{"pattern": "^/", "maxLength": textBytesMax}), "/", "The path to ask for."),
		rowOr("interval", func(h *healthDoc) *val[time.Duration] { return &h.interval }, duration(100*time.Millisecond, time.Hour), 5*time.Second,
			"The time between two checks of an endpoint."),
		rowOr("timeout", func(h *healthDoc) *val[time.Duration] { return &h.timeout }, duration(10*time.Millisecond, time.Minute), 2*time.Second,
			"The longest wait for an answer."),
		rowOr("healthyAfter", func(h *healthDoc) *val[int] { return &h.healthyAfter }, whole(1, 100), 2,
			"How many good answers in a row bring an endpoint back."),
		rowOr("unhealthyAfter", func(h *healthDoc) *val[int] { return &h.unhealthyAfter }, whole(1, 100), 3,
			"How many bad answers in a row take an endpoint out."),
		rowOr("status", func(h *healthDoc) *val[statusRange] { return &h.status }, statuses, statusRange{200, 399},
			"The status codes that are good, as one or as a range."),
		row("host", func(h *healthDoc) *val[string] { return &h.host }, hostText, "The Host of the check: the endpoint's, if left out."),
	},
}

func checkPath(s string) (bad, fix string) {
	if bad, fix = anyText(s); bad != "" {
		return bad, fix
	}
	if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, " #") {
		return fmt.Sprintf("%q is not a path to ask for", clip(s)), "begin with /, and write white space as %20"
	}
	return "", ""
}

type statusRange struct{ from, to int }

var statuses = shape[statusRange]{
	read: func(l *log, n *node) (statusRange, bool) {
		a, b, isRange := strings.Cut(n.text, "-")
		if !isRange {
			b = a
		}
		from, err1 := strconv.Atoi(a)
		to, err2 := strconv.Atoi(b)
		if n.kind != textNode && n.kind != numberNode || err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			l.refuse(n.at, `write "200-399", or one code such as 200`, "a range of status codes from 100 to 599 is needed, this is %s", n.what())
			return statusRange{}, false
		}
		return statusRange{from, to}, true
	},
	write: func(r statusRange) any {
		if r.from == r.to {
			return strconv.Itoa(r.from)
		}
		return fmt.Sprintf("%d-%d", r.from, r.to)
	},
	describe: func(*describer) map[string]any {
		return map[string]any{"type": []string{"string", "integer"}, "pattern": "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$"}
	},
}

// waitMax is the longest wait that any setting may name; a connection held longer is a leak.
const waitMax = 24 * time.Hour

var timeouts = object[timeoutsDoc]{
	name: "timeouts", doc: "The longest waits on a service.",
	fields: []field[timeoutsDoc]{
		rowOr("connect", func(t *timeoutsDoc) *val[time.Duration] { return &t.connect }, duration(time.Millisecond, time.Minute), 2*time.Second,
			"For a connection, its TLS handshake included."),
		rowOr("firstByte", func(t *timeoutsDoc) *val[time.Duration] { return &t.firstByte }, duration(time.Millisecond, waitMax), 30*time.Second,
			"From the end of the request to the first byte of the response."),
		rowOr("idle", func(t *timeoutsDoc) *val[time.Duration] { return &t.idle }, duration(time.Millisecond, waitMax), time.Minute,
			"Between two reads or writes of a body."),
	},
}

var keepAlive = object[keepAliveDoc]{
	name: "keepAlive", doc: "Idle connections kept to each endpoint.",
	fields: []field[keepAliveDoc]{
		rowOr("max", func(k *keepAliveDoc) *val[int] { return &k.max }, whole(0, 100_000), 256, "How many; 0: none."),
		rowOr("idle", func(k *keepAliveDoc) *val[time.Duration] { return &k.idle }, duration(time.Second, time.Hour), 55*time.Second,
			"How long; keep it below that of the service, so that the edge closes first."),
	},
}

// model is the service as the edge uses it, defaults filled in.
func (d serviceDoc) model() *Service {
	if d.directory.Set {
		return d.directoryModel()
	}
	var f filler
	serviceShape.fill(&d, "spec", &f)
	s := &Service{
		Meta: d.meta.model(), At: d.at, Endpoints: values(d.endpoints.V), Sources: f.sources,
		Timeouts:  Timeouts{Connect: d.timeouts.V.connect.V, FirstByte: d.timeouts.V.firstByte.V, Idle: d.timeouts.V.idle.V},
		KeepAlive: KeepAlive{Max: d.keepAlive.V.max.V, Idle: d.keepAlive.V.idle.V},
	}
	switch HostForm(d.host.V) {
	case HostPreserve, HostEndpoint:
		s.Host = HostForm(d.host.V)
	default:
		s.Host, s.HostName = HostName, foldHost(d.host.V)
	}
	if h := d.health.V; d.health.Set {
		s.Health = &Health{
			Path: h.path.V, Interval: h.interval.V, Timeout: h.timeout.V,
			HealthyAfter: h.healthyAfter.V, UnhealthyAfter: h.unhealthyAfter.V,
			StatusFrom: h.status.V.from, StatusTo: h.status.V.to, Host: h.host.V,
		}
		if h.host.Set {
			s.Health.Host = foldHost(h.host.V)
		}
	}
	return s
}

// docOf is the service as a document that says everything, for the canonical form.
func docOf(s *Service) serviceDoc {
	if m := s.Directory; m != nil {
		return serviceDoc{meta: metaDocOf(s.Meta), directory: said(directoryDocOf(m))}
	}
	d := serviceDoc{
		meta: metaDocOf(s.Meta), endpoints: val[[]val[Endpoint]]{Set: true}, host: said(string(s.Host)),
		timeouts:  said(timeoutsDoc{said(s.Timeouts.Connect), said(s.Timeouts.FirstByte), said(s.Timeouts.Idle)}),
		keepAlive: said(keepAliveDoc{said(s.KeepAlive.Max), said(s.KeepAlive.Idle)}),
	}
	for _, e := range s.Endpoints {
		d.endpoints.V = append(d.endpoints.V, said(e))
	}
	if s.Host == HostName {
		d.host = said(s.HostName)
	}
	if h := s.Health; h != nil {
		d.health = said(healthDoc{
			path: said(h.Path), interval: said(h.Interval), timeout: said(h.Timeout),
			healthyAfter: said(h.HealthyAfter), unhealthyAfter: said(h.UnhealthyAfter),
			status: said(statusRange{h.StatusFrom, h.StatusTo}), host: val[string]{V: h.Host, Set: h.Host != ""},
		})
	}
	return d
}
