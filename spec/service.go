package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type serviceDoc struct {
	meta      metaDoc
	at        Pos
	endpoints val[[]val[Endpoint]]
	directory val[directoryDoc]
	host      val[string]
	protocol  val[Protocol]
	proxy     val[ProxyProtocol]
	health    val[healthDoc]
	tls       val[OriginTLS]
	dns       val[DNS]
	balance   val[Balance]
	ejection  val[Ejection]
	timeouts  val[timeoutsDoc]
	keepAlive val[keepAliveDoc]
	budget    val[RetryBudget]
	limit     val[Concurrency]
	breaker   val[Breaker]
	aws       val[awsOriginDoc]
}

type healthDoc struct {
	path                         val[string]
	interval, timeout            val[time.Duration]
	healthyAfter, unhealthyAfter val[int]
	status                       val[statusRange]
	host                         val[string]
}

type timeoutsDoc struct{ connect, firstByte, idle, try, whole val[time.Duration] }

type keepAliveDoc struct {
	max                   val[int]
	idle, age             val[time.Duration]
	requests, connections val[int]
}

var serviceSpec = object[serviceDoc]{
	name: "Service", doc: "What stands behind the edge: endpoints with their health and waits, or a directory.",
	fields: []field[*serviceDoc]{
		row("endpoints", func(s *serviceDoc) *val[[]val[Endpoint]] { return &s.endpoints }, listOf(endpoint, endpointsMax),
			"The addresses, each as scheme://host:port, or as a mapping with its weight and where it is."),
		row("directory", func(s *serviceDoc) *val[directoryDoc] { return &s.directory }, directory.shape(),
			"Files that the edge serves itself, instead of endpoints."),
		rowOr("host", func(s *serviceDoc) *val[string] { return &s.host },
			words(hostForm, map[string]any{"maxLength": hostBytesMax + 2}), string(HostPreserve),
			"The Host that the service gets: preserve (the client's), endpoint (the address), or a name."),
		rowOr("protocol", func(s *serviceDoc) *val[Protocol] { return &s.protocol }, protocol, ProtocolHTTP1,
			"How the endpoints are spoken to: http1, or http2 as gRPC needs it, which https endpoints must choose by ALPN, and http endpoints know beforehand (h2c)."),
		rowOr("proxyProtocol", func(s *serviceDoc) *val[ProxyProtocol] { return &s.proxy }, oneOf(ProxyOff, ProxyV1, ProxyV2), ProxyOff,
			"The PROXY header in front of each connection, which says who the client is: off, v1 or v2. The endpoints must expect it; a connection is then kept for its client alone."),
		row("tls", func(s *serviceDoc) *val[OriginTLS] { return &s.tls }, originTLS,
			"How https endpoints are spoken to: verified against the system's authorities, if left out."),
		rowOr("dns", func(s *serviceDoc) *val[DNS] { return &s.dns }, dns, defaultDNS, "How names of endpoints become addresses."),
		rowOr("balance", func(s *serviceDoc) *val[Balance] { return &s.balance }, balance, defaultBalance,
			"How endpoints are chosen: roundRobin, leastRequests, powerOfTwo or maglev, or a mapping that says more."),
		row("health", func(s *serviceDoc) *val[healthDoc] { return &s.health }, health.shape(),
			"Active health checks: none, if left out."),
		rowOr("ejection", func(s *serviceDoc) *val[Ejection] { return &s.ejection }, ejection, defaultEjection,
			"Whether an endpoint is left out for a while when exchanges with it fail."),
		rowOr("timeouts", func(s *serviceDoc) *val[timeoutsDoc] { return &s.timeouts }, timeouts.shape(), timeoutsDoc{},
			"The longest waits."),
		rowOr("keepAlive", func(s *serviceDoc) *val[keepAliveDoc] { return &s.keepAlive }, keepAlive.shape(), keepAliveDoc{},
			"The connections to each endpoint."),
		rowOr("retryBudget", func(s *serviceDoc) *val[RetryBudget] { return &s.budget }, retryBudget, defaultRetryBudget,
			"What bounds the tries beyond the first, so that an outage does not multiply the load."),
		rowOr("concurrency", func(s *serviceDoc) *val[Concurrency] { return &s.limit }, concurrency, Concurrency{},
			"How many requests may be open at the service on each node."),
		rowOr("breaker", func(s *serviceDoc) *val[Breaker] { return &s.breaker }, breaker, Breaker{},
			"Whether requests get 503 at once while the service fails as a whole."),
		row("aws", func(s *serviceDoc) *val[awsOriginDoc] { return &s.aws }, awsOriginShape,
			"What of it stands in AWS: its addresses are reached over the internet, if left out."),
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
	checkEndpoints(l, s.endpoints)
	checkServiceAWS(l, s)
	if (s.proxy.V == ProxyV1 || s.proxy.V == ProxyV2) && s.protocol.V == ProtocolHTTP2 {
		l.refuse(s.proxy.At, "remove it, or write `protocol: http1`",
			"a PROXY header names one client, and a connection of HTTP/2 carries the requests of many: proxyProtocol is for http1 only")
	}
	if s.tls.given() && s.endpoints.Set && s.endpoints.Clean && !anyTLS(s.endpoints.V) {
		l.refuse(s.tls.At, "write the endpoints as https://…, or remove it", "no endpoint is https: nothing of this would have an effect")
	}
}

// refuseOfEndpoints refuses what makes sense for endpoints only.
func (d *serviceDoc) refuseOfEndpoints(l *log) {
	for _, f := range []struct {
		name  string
		at    Pos
		given bool
	}{
		{"host", d.host.At, d.host.given()}, {"protocol", d.protocol.At, d.protocol.given()}, {"proxyProtocol", d.proxy.At, d.proxy.given()}, {"tls", d.tls.At, d.tls.given()}, {"dns", d.dns.At, d.dns.given()},
		{"balance", d.balance.At, d.balance.given()}, {"health", d.health.At, d.health.given()}, {"ejection", d.ejection.At, d.ejection.given()},
		{"timeouts", d.timeouts.At, d.timeouts.given()}, {"keepAlive", d.keepAlive.At, d.keepAlive.given()},
		{"retryBudget", d.budget.At, d.budget.given()}, {"concurrency", d.limit.At, d.limit.given()}, {"breaker", d.breaker.At, d.breaker.given()},
	} {
		if f.given {
			l.refuse(f.at, "remove it", "%q is about endpoints, and this Service is a directory", f.name)
		}
	}
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
	fields: []field[*healthDoc]{
		rowOr("path", func(h *healthDoc) *val[string] { return &h.path },
			words(checkPath, map[string]any{"pattern": "^/", "maxLength": textBytesMax}), "/", "The path to ask for."),
		rowOr("interval", func(h *healthDoc) *val[time.Duration] { return &h.interval }, duration(100*time.Millisecond, time.Hour), checkInterval,
			"The time between two checks of an endpoint."),
		rowOr("timeout", func(h *healthDoc) *val[time.Duration] { return &h.timeout }, duration(10*time.Millisecond, time.Minute), checkTimeout,
			"The longest wait for an answer: no longer than the interval, if left out."),
		rowOr("healthyAfter", func(h *healthDoc) *val[int] { return &h.healthyAfter }, whole(1, 100), 2,
			"How many good answers in a row bring an endpoint back."),
		rowOr("unhealthyAfter", func(h *healthDoc) *val[int] { return &h.unhealthyAfter }, whole(1, 100), 3,
			"How many bad answers in a row take an endpoint out."),
		rowOr("status", func(h *healthDoc) *val[statusRange] { return &h.status }, statuses, statusRange{200, 399},
			"The status codes that are good, as one or as a range."),
		row("host", func(h *healthDoc) *val[string] { return &h.host }, hostText, "The Host of the check: the endpoint's, if left out."),
	},
	check: checkHealth,
}

// What a health check waits if nothing is said: between two checks, and for an answer.
const (
	checkInterval = 5 * time.Second
	checkTimeout  = 2 * time.Second
)

// checkHealth refuses a check that would still wait when the next one is due.
func checkHealth(l *log, _ Pos, h *healthDoc) {
	timeout, interval := h.timeout.V, h.interval.V
	switch {
	case h.interval.Set && timeout > interval:
		l.refuse(h.timeout.At, "", "timeout is %s, longer than interval, which is %s", writeDuration(timeout), writeDuration(interval))
	case !h.interval.given() && timeout > checkInterval:
		l.refuse(h.timeout.At, "add an `interval`", "timeout is %s, longer than interval, which is %s if left out",
			writeDuration(timeout), writeDuration(checkInterval))
	case !h.timeout.given() && h.interval.Set && interval < checkTimeout:
		h.timeout = said(interval)
	}
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

var statuses = leaf[statusRange]{
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
}.shape()

// waitMax is the longest wait that any setting may name; a connection held longer is a leak.
const waitMax = 24 * time.Hour

// connectTimeout is the longest wait for a connection if nothing is said.
const connectTimeout = 2 * time.Second

var timeouts = object[timeoutsDoc]{
	name: "timeouts", doc: "The longest waits on a service.",
	fields: []field[*timeoutsDoc]{
		rowOr("connect", func(t *timeoutsDoc) *val[time.Duration] { return &t.connect }, duration(time.Millisecond, time.Minute), connectTimeout,
			"For a connection, its TLS handshake included: no longer than try and whole, if left out."),
		rowOr("firstByte", func(t *timeoutsDoc) *val[time.Duration] { return &t.firstByte }, duration(time.Millisecond, waitMax), 30*time.Second,
			"From the end of the request to the first byte of the response."),
		rowOr("idle", func(t *timeoutsDoc) *val[time.Duration] { return &t.idle }, duration(time.Millisecond, waitMax), time.Minute,
			"Between two reads or writes of a body."),
		rowOr("try", func(t *timeoutsDoc) *val[time.Duration] { return &t.try }, orOff(duration(time.Millisecond, waitMax)), 0,
			"For one try, from its beginning to the head of the response; then another endpoint may be asked, see retry."),
		rowOr("whole", func(t *timeoutsDoc) *val[time.Duration] { return &t.whole }, orOff(duration(time.Millisecond, waitMax)), 0,
			"From the arrival of a request to the last byte of its response, all tries and waits included; not for WebSockets."),
	},
	check: checkTimeouts,
}

// checkTimeouts refuses a wait that another one would always end first.
func checkTimeouts(l *log, _ Pos, t *timeoutsDoc) {
	try, whole := t.try.V, t.whole.V
	if try > 0 && whole > 0 && try > whole {
		l.refuse(t.try.At, "", "try is %s, longer than whole, which is %s", writeDuration(try), writeDuration(whole))
		return
	}
	name, most := "try", try
	if try == 0 {
		name, most = "whole", whole
	}
	switch connect := t.connect.V; {
	case most == 0:
	case connect > most:
		l.refuse(t.connect.At, "", "connect is %s, longer than %s, which is %s", writeDuration(connect), name, writeDuration(most))
	case !t.connect.given() && most < connectTimeout:
		t.connect = said(most)
	}
}

var keepAlive = object[keepAliveDoc]{
	name: "keepAlive", doc: "The connections to each endpoint, and how long they are kept.",
	fields: []field[*keepAliveDoc]{
		rowOr("max", func(k *keepAliveDoc) *val[int] { return &k.max }, whole(0, 100_000), 256, "How many are kept idle; 0: none."),
		rowOr("idle", func(k *keepAliveDoc) *val[time.Duration] { return &k.idle }, duration(time.Second, time.Hour), 55*time.Second,
			"How long an idle one is kept; below what the service does, so that the edge closes first."),
		rowOr("age", func(k *keepAliveDoc) *val[time.Duration] { return &k.age }, duration(time.Second, waitMax), time.Hour,
			"How old one may be to carry a new request: what has changed in the network or in DNS is noticed after it."),
		rowOr("requests", func(k *keepAliveDoc) *val[int] { return &k.requests }, orOff(whole(1, requestsMax)), 0,
			"How many requests one may carry."),
		rowOr("connections", func(k *keepAliveDoc) *val[int] { return &k.connections }, orOff(whole(1, 100_000)), 0,
			"How many may be open at once, idle or not, on each node."),
	},
}

// model is the service as the edge uses it, defaults filled in.
func (d serviceDoc) model() *Service {
	if d.directory.Set {
		return d.directoryModel()
	}
	if !d.tls.given() && anyTLS(d.endpoints.V) {
		d.tls = said(defaultOriginTLS)
	}
	var f filler
	serviceShape.fill(&d, "spec", &f)
	s := &Service{
		Meta: d.meta.model(), At: d.at, Endpoints: values(d.endpoints.V), Sources: f.sources,
		Timeouts: d.timeouts.V.model(), KeepAlive: d.keepAlive.V.model(),
		Balance: d.balance.V, Ejection: d.ejection.V, RetryBudget: d.budget.V, Concurrency: d.limit.V, Breaker: d.breaker.V,
		DNS: d.dns.V, TLS: d.tls.V, Protocol: d.protocol.V, Proxy: d.proxy.V, AWS: awsOriginOf(d.aws),
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

func (d timeoutsDoc) model() Timeouts {
	return Timeouts{Connect: d.connect.V, FirstByte: d.firstByte.V, Idle: d.idle.V, Try: d.try.V, Whole: d.whole.V}
}

func timeoutsDocOf(t Timeouts) timeoutsDoc {
	return timeoutsDoc{said(t.Connect), said(t.FirstByte), said(t.Idle), said(t.Try), said(t.Whole)}
}

func (d keepAliveDoc) model() KeepAlive {
	return KeepAlive{Max: d.max.V, Idle: d.idle.V, Age: d.age.V, Requests: d.requests.V, Connections: d.connections.V}
}

func keepAliveDocOf(k KeepAlive) keepAliveDoc {
	return keepAliveDoc{max: said(k.Max), idle: said(k.Idle), age: said(k.Age), requests: said(k.Requests), connections: said(k.Connections)}
}

// inlineService is the service of `service: URL`, all defaults but for its endpoint.
func inlineService(e Endpoint, at Pos) *Service {
	s := *inlineDefaults()[e.TLS]
	s.Meta.Name, s.At, s.Inline, s.Endpoints = e.URL(), at, true, []Endpoint{e}
	s.Sources = slices.Clone(s.Sources)
	s.Sources[0].Value, s.Sources[0].From, s.Sources[0].at = oneLine([]any{e.URL()}), whence(at), at
	return &s
}

// inlineDefaults are inline services without and with TLS. A spec may have thousands that differ in their endpoint alone.
var inlineDefaults = sync.OnceValue(func() map[bool]*Service {
	of := func(e Endpoint) *Service {
		return serviceDoc{endpoints: said([]val[Endpoint]{said(e)})}.model() // the endpoints are its first source
	}
	return map[bool]*Service{false: of(Endpoint{Weight: 1}), true: of(Endpoint{Weight: 1, TLS: true})}
})

// docOf is the service as a document that says everything, for the canonical form.
func docOf(s *Service) serviceDoc {
	if m := s.Directory; m != nil {
		return serviceDoc{meta: metaDocOf(s.Meta), directory: said(directoryDocOf(m)), aws: awsOriginDocOf(s.AWS)}
	}
	d := serviceDoc{
		meta: metaDocOf(s.Meta), endpoints: said([]val[Endpoint](nil)), host: said(string(s.Host)), protocol: said(s.Protocol), proxy: said(s.Proxy),
		dns: said(s.DNS), balance: said(s.Balance), ejection: said(s.Ejection),
		timeouts: said(timeoutsDocOf(s.Timeouts)), keepAlive: said(keepAliveDocOf(s.KeepAlive)),
		budget: said(s.RetryBudget), limit: said(s.Concurrency), breaker: said(s.Breaker), aws: awsOriginDocOf(s.AWS),
	}
	for _, e := range s.Endpoints {
		d.endpoints.V = append(d.endpoints.V, said(e))
	}
	if anyTLS(d.endpoints.V) {
		d.tls = said(s.TLS)
	}
	if s.Host == HostName {
		d.host = said(s.HostName)
	}
	if h := s.Health; h != nil {
		d.health = said(healthDoc{
			path: said(h.Path), interval: said(h.Interval), timeout: said(h.Timeout),
			healthyAfter: said(h.HealthyAfter), unhealthyAfter: said(h.UnhealthyAfter),
			status: said(statusRange{h.StatusFrom, h.StatusTo}), host: saidText(h.Host),
		})
	}
	return d
}
