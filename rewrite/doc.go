// Package rewrite is what the edge changes and answers by itself.
//
// It owns four things. Stage, the first of every path: it refuses methods and upgrades that the route does not allow,
// replaces what a client claims about itself by what the edge knows (X-Forwarded-*), gives the exchange its request id
// and edits header fields in both directions. Redirect and Respond, the stages of routes without a service. Render, which
// turns a fault into problem details (RFC 9457) or small HTML with Proxy-Status (RFC 9209).
//
// It promises that a Location never leaves the host its template names, that nothing it makes has a line break in a
// field, and that clients read no internals: the text of a fault goes to the log only. No stage of it allocates.
//
// Of exchange.Facts it writes RequestID and nothing else.
package rewrite
