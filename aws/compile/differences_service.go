package compile

import (
	"slices"
	"time"

	"skerry.dev/skerry/spec"
)

// serviceDifferences are those of a service. What balances, ejects and retries means nothing where there is one endpoint, and
// what only bounds the connections of an edge nothing unless somebody wrote it.
var serviceDifferences = []differs{
	{field: "Service.endpoints", effect: outside, when: severalEndpoints(nil)},
	{field: "endpoint.weight", when: severalEndpoints(anyEndpoint(func(e spec.Endpoint) bool { return e.Weight != 1 }))},
	{field: "endpoint.region", when: severalEndpoints(anyEndpoint(func(e spec.Endpoint) bool { return e.Region != "" }))},
	{field: "endpoint.zone", when: severalEndpoints(anyEndpoint(func(e spec.Endpoint) bool { return e.Zone != "" }))},
	{field: "Service.directory", effect: outside, when: func(f *inForce) bool { return f.service.Directory != nil }},
	{field: "Service.host", effect: inside, when: func(f *inForce) bool { return f.service.Host == spec.HostName }},
	{field: "Service.protocol", effect: inside, when: func(f *inForce) bool { return f.service.Protocol == spec.ProtocolHTTP2 }},
	{field: "Service.proxyProtocol", when: func(f *inForce) bool { return f.service.Proxy == spec.ProxyV1 || f.service.Proxy == spec.ProxyV2 }},
	{field: "origin tls.serverName", effect: inside, when: func(f *inForce) bool { return f.service.TLS.ServerName != "" }},
	{field: "origin tls.ca", when: func(f *inForce) bool { return f.service.TLS.CA != "" }},
	{field: "origin tls.certificate", when: func(f *inForce) bool { return f.service.TLS.Certificate != "" }},
	{field: "origin tls.key", when: func(f *inForce) bool { return f.service.TLS.Key != "" }},
	{field: "origin tls.minVersion", effect: protection, when: func(f *inForce) bool { return f.service.TLS.MinVersion == "1.3" }},
	{field: "dns.family", effect: inside, when: func(f *inForce) bool { return f.service.DNS.Family != spec.FamilyAuto && f.service.Directory == nil }},
	{field: "dns.ttlMin", when: whenWritten(func(s *spec.Service) bool { return s.DNS.TTLMin != ttlMinDefault })},
	{field: "dns.ttlMax", when: whenWritten(func(s *spec.Service) bool { return s.DNS.TTLMax != ttlMaxDefault })},
	{field: "Service.balance", when: severalEndpoints(nil)},
	{field: "balance.sticky", when: severalEndpoints(func(s *spec.Service) bool { return s.Balance.Sticky != nil })},
	{field: "health.path", when: func(f *inForce) bool { return f.service.Health != nil }},
	{field: "health.interval", when: checked},
	{field: "health.timeout", when: checked},
	{field: "health.healthyAfter", when: checked},
	{field: "health.unhealthyAfter", when: checked},
	{field: "health.status", when: checked},
	{field: "health.host", when: checked},
	{field: "Service.ejection", when: severalEndpoints(func(s *spec.Service) bool { return s.Ejection.Failures > 0 })},
	{field: "timeouts.connect", effect: outside, when: whenWritten(nil)},
	{field: "timeouts.firstByte", effect: outside, when: whenWritten(nil)},
	{field: "timeouts.idle", effect: outside, when: whenWritten(nil)},
	{field: "timeouts.try", effect: outside, when: func(f *inForce) bool { return f.service.Timeouts.Try > 0 }},
	{field: "timeouts.whole", effect: outside, when: func(f *inForce) bool { return f.service.Timeouts.Whole > 0 }},
	{field: "keepAlive.max", when: whenWritten(nil)},
	{field: "keepAlive.idle", effect: inside, when: whenWritten(nil)},
	{field: "keepAlive.age", when: whenWritten(nil)},
	{field: "keepAlive.requests", when: func(f *inForce) bool { return f.service.KeepAlive.Requests > 0 }},
	{field: "keepAlive.connections", when: func(f *inForce) bool { return f.service.KeepAlive.Connections > 0 }},
	{field: "Service.retryBudget", when: whenWritten(nil)},
	{field: "Service.concurrency", when: func(f *inForce) bool { return f.service.Concurrency.On() || f.service.Concurrency.PerEndpoint > 0 }},
	{field: "Service.breaker", when: func(f *inForce) bool { return f.service.Breaker.Share > 0 }},
}

// The defaults of how long a name resolves, which CloudFront's own do not differ from in what anybody sees.
const (
	ttlMinDefault = time.Second
	ttlMaxDefault = 5 * time.Minute
)

// checked is about what somebody wrote of the health check, beside that there is one.
func checked(f *inForce) bool { return f.service.Health != nil && f.written }

// severalEndpoints is about services with more than one endpoint.
func severalEndpoints(when func(*spec.Service) bool) func(*inForce) bool {
	return func(f *inForce) bool { return len(f.service.Endpoints) > 1 && (when == nil || when(f.service)) }
}

func anyEndpoint(like func(spec.Endpoint) bool) func(*spec.Service) bool {
	return func(s *spec.Service) bool { return slices.ContainsFunc(s.Endpoints, like) }
}

// whenWritten is about what somebody wrote.
func whenWritten(when func(*spec.Service) bool) func(*inForce) bool {
	return func(f *inForce) bool { return f.written && (when == nil || when(f.service)) }
}

// certificateDifferences are those of certificates, which belong to no entrypoint.
var certificateDifferences = []differs{
	{field: "Certificate.certificate", effect: inside},
	{field: "Certificate.default"},
}
