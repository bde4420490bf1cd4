// Package rewrite is what the edge changes and answers by itself.
//
// It owns Client, the first stage of every path: who asks, seen through trusted proxies; Stage, the second: what the edge
// answers before a service is asked (HTTPS, preflights, maintenance, methods), and what it changes in both directions;
// Moved, canonical host and bulk redirects; Redirect and Respond, routes without a service; Out, host and path for a service
// and its Location back; Render, which turns a fault into problem details (RFC 9457) or HTML with Proxy-Status (RFC 9209), and into
// gRPC's own form for a call.
//
// It promises that no field of a stranger moves Facts.Client, that a Location never leaves the host its template names,
// that nothing it makes has a line break in a field, and that clients read no internals: the text of a fault goes to the
// log only. No stage of it allocates; an own error page larger than Scratch does.
//
// Of exchange.Facts it writes Client, RequestID and Trace and nothing else.
package rewrite
