// Package upstream is the way to a service: pools of connections, round robin, health checks and the one retry.
//
// It owns Keeper, which holds the pools that outlive a plan, keyed by what their service is; Pool and its endpoints;
// and Stage, the last of every path that ends at a service.
//
// It promises that a request is sent twice only if nothing of it had left, or its method is idempotent and its body is
// still at hand; that a connection is kept only if request and response were whole; and that no address the Guard
// refuses is ever dialled, also not after DNS.
package upstream
