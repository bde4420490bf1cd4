// Package balance chooses the endpoint of a service that a request goes to.
//
// It owns Member, one endpoint as balancing sees it, and Balancer, which knows them all: their weights and localities, what
// the health checks say, who was ejected for failing, and who comes back little by little.
//
// It promises that Pick takes no lock and allocates nothing: it reads one pointer to an immutable view, and of the endpoints only the
// counts of open requests that its algorithm compares. Views are made when membership, health, an ejection or a step of
// a slow start changes something, never by a request that went well. Pick never names an endpoint twice for one request,
// and never goes beyond an endpoint's limit. Maglev and IDs depend on names and weights alone: all nodes of a fleet agree.
//
// It refuses to know addresses, connections, cookies and time limits: those are upstream's and its other folders'.
package balance
