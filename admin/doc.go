// Package admin is the page an operator and a monitoring system look at: livez, readyz, metrics, pprof, the plan in
// force and the background events, over net/http, on addresses of its own.
//
// It owns the exporter from meter.Set to the Prometheus text format, and the server with its deadlines. What it shows
// of a plan it gets through callbacks: it knows neither edge nor plan. /api/v1/events has 256 events; beyond it the oldest of
// the commonest kind gives way, so seq may have gaps anywhere. The log has all.
//
// It promises that only a POST changes anything: of the cache, what is stored. A foreign page can make no browser send
// one: it must be application/json, and of no other origin. A request whose Host is a name other than localhost or a
// listen host is refused, so that a web page cannot reach the admin address through a DNS name of its own, and no answer
// carries CORS permissions.
//
// It refuses to authenticate: whoever reaches the address may read everything on it, and purge the cache. Bind it to
// loopback or to a network that only operators and monitoring reach.
package admin
