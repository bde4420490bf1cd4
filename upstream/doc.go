// Package upstream is the way to a service: which endpoint is asked, whether the service may be asked at all, over which
// connection, and what happens when it does not go well.
//
// It owns Keeper, which holds the services that outlive a plan, keyed by what they are; their endpoints, literal or looked up; and
// Stage, the last of every path that ends at a service. What it decides with are four folders that do not know each other:
// balance (which endpoint), admission (whether at all: open requests, breaker, budget of tries), resolve (names), peer
// (connections).
//
// It promises that a request is sent to a second endpoint only if nothing of it had left, or its method and the state of its body
// allow it, within the tries of the route and the budget of the service, and never to an endpoint that was tried; that a
// connection is kept only if request and response were whole; that no address the Guard refuses is ever dialled, also not after
// DNS; and that what it decided stands in Facts.Origin.
package upstream
